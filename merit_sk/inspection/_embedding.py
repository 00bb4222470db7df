"""EmbeddingDisplay: two-dimensional map of embeddings, colored by class."""

from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from ..nn.checkpoint import write_text
from ._embedding_page import MARK, embedding_page
from ._style import COLORS, MUTED, axes_for, tidy

_MANY = "several or none"


class EmbeddingDisplay:
    """Map of embeddings in two dimensions.

    A recording with exactly one label takes the color of its class; those with several or none
    are gray. Of more than seven classes the most frequent are colored, the others gray.

    Parameters
    ----------
    points : array-like of shape (n_samples, 2)
        Coordinates of each recording.
    labels : array-like of str of shape (n_samples,), default=None
        Class of each recording, which sets its color.
    axis_names : tuple of two str, default=("", "")
        Labels of the two axes.
    descriptions : array-like of str of shape (n_samples,), default=None
        All that :meth:`to_html` says of the labels of each recording; by default `labels`.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    scatters_ : list of matplotlib PathCollection
        The gray points, then one for each colored class.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.inspection import EmbeddingDisplay
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, size=(60, 2))
    >>> Z = y @ rng.normal(size=(2, 8)) + rng.normal(size=(60, 8))
    >>> display = EmbeddingDisplay.from_embedding(Z, y, target_names=["AFIB", "NORM"])
    >>> len(display.scatters_)
    3
    """

    def __init__(self, points, labels=None, *, axis_names=("", ""), descriptions=None):
        self.points = points
        self.labels = labels
        self.axis_names = axis_names
        self.descriptions = descriptions

    @classmethod
    def from_estimator(
        cls, embedder, X, y=None, *, target_names=None, method="pca", random_state=0, ax=None
    ):
        """Embed recordings and plot them.

        Parameters
        ----------
        embedder : estimator
            Fitted, with ``transform``.
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times)
            Recordings.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels or multi-label indicators.
        target_names : sequence of str, default=None
            Names of the columns of ``y``.
        method : {"pca", "tsne"}, default="pca"
            Principal components preserve distances. t-SNE preserves neighborhoods only: size and
            distance of its clusters have no meaning.
        random_state : int, RandomState instance or None, default=0
            Seed for t-SNE.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : EmbeddingDisplay
        """
        return cls.from_embedding(
            embedder.transform(X),
            y,
            target_names=target_names,
            method=method,
            random_state=random_state,
            ax=ax,
        )

    @classmethod
    def from_embedding(cls, Z, y=None, *, target_names=None, method="pca", random_state=0, ax=None):
        """Plot embeddings computed earlier.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_features)
            Embeddings; standardized before they are projected.
        y, target_names, method, random_state, ax
            As in :meth:`from_estimator`.

        Returns
        -------
        display : EmbeddingDisplay
        """
        Z = np.asarray(Z, dtype=float)
        std = Z.std(axis=0)
        Z = (Z - Z.mean(axis=0)) / np.where(std > 0, std, 1)
        if method == "pca":
            pca = PCA(n_components=2, random_state=0)
            points = pca.fit_transform(Z)
            shares = 100 * pca.explained_variance_ratio_
            axis_names = [f"component {i} ({s:.0f} % of variance)" for i, s in enumerate(shares, 1)]
        elif method == "tsne":
            perplexity = min(30, (len(Z) - 1) / 3)
            reduced = PCA(n_components=min(50, *Z.shape), random_state=0).fit_transform(Z)
            tsne = TSNE(init="pca", perplexity=perplexity, random_state=random_state)
            points, axis_names = tsne.fit_transform(reduced), ("t-SNE 1", "t-SNE 2")
        else:
            raise ValueError(f'method must be "pca" or "tsne"; got {method!r}.')
        labels, every = (None, None) if y is None else _named(y, target_names)
        return cls(points, labels, axis_names=axis_names, descriptions=every).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        self : EmbeddingDisplay
        """
        points, labels, shown, gray = self._classes()
        self.ax_ = ax = axes_for(ax, (6.4, 4.8))
        self.figure_ = ax.figure
        size = float(np.clip(6000 / len(points), 6, 36))
        style = {"s": size, "alpha": 0.8, "linewidths": 0}
        rest = ~np.isin(labels, shown)
        self.scatters_ = [
            ax.scatter(*points[rest].T, color=MUTED, label=f"{gray} ({rest.sum()})", **style)
        ]
        for name, color in zip(shown, COLORS, strict=False):
            rows = labels == name
            label = f"{name} ({rows.sum()})"
            self.scatters_.append(ax.scatter(*points[rows].T, color=color, label=label, **style))
        self._finish(ax, legend=self.labels is not None, gray=rest.any())
        return self

    def to_html(self, path, records):
        """Write the map as a page on which pointing at a recording shows its ECG.

        The page is one file that needs nothing beside it and fetches nothing. It shows the name,
        all labels and the report of the recording that is pointed at, and the first five seconds
        of leads II, V1 and V5, or of the first three there are. ``page.html#hover=3`` opens it at
        the fourth recording. It is as private as the recordings.

        Parameters
        ----------
        path : path-like
            File, usually ``.html``. A page that this method has written is replaced, any other
            file is not.
        records : ECGRecords
            The recordings of the points, in the same order;
            :meth:`~merit_sk.ECGRecords.from_array` makes them of an array.

        Returns
        -------
        path : Path

        Raises
        ------
        FileExistsError
            If there is another file.
        ValueError
            If there are more or fewer records than points.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> from merit_sk import MeritEmbedder
        >>> from merit_sk.datasets import make_ecg
        >>> from merit_sk.inspection import EmbeddingDisplay
        >>> ecg = make_ecg(20, task="superclass", random_state=0)
        >>> display = EmbeddingDisplay.from_estimator(
        ...     MeritEmbedder(), ecg.data, ecg.target, target_names=ecg.target_names)
        >>> with TemporaryDirectory() as folder:
        ...     display.to_html(f"{folder}/map.html", ecg.data).name
        'map.html'
        """
        path = Path(path)
        if path.exists() and not _is_page(path):
            raise FileExistsError(
                f"{path} exists and is no page that EmbeddingDisplay has written: give another name"
            )
        points, labels, shown, gray = self._classes()
        if len(records) != len(points):
            raise ValueError(
                f"{len(records)} records for {len(points)} points: give those that were embedded."
            )
        texts = self.descriptions if self.descriptions is not None else labels
        for name, given in {"labels": labels, "descriptions": texts}.items():
            if len(given) != len(points):
                raise ValueError(f"{name} has {len(given)} entries for {len(points)} points.")
        groups = [shown.index(label) if label in shown else None for label in labels]
        legend = [(k, name) for k, name in enumerate(shown)] + [(None, gray)]
        page = embedding_page(
            points, groups, texts, records, axis_names=self.axis_names,
            legend=legend if self.labels is not None else [],
        )  # fmt: skip
        write_text(path, page)
        return path

    def _classes(self):
        """Return points, labels, the labels that have a color, and what the gray ones are."""
        points = np.asarray(self.points, dtype=float)
        labels = np.full(len(points), "") if self.labels is None else np.asarray(self.labels)
        names, counts = np.unique(labels[labels != _MANY], return_counts=True)
        shown = names[np.argsort(-counts, kind="stable")][: len(COLORS)].tolist()
        return points, labels, shown, _MANY if len(names) == len(shown) else f"other, {_MANY}"

    def _finish(self, ax, *, legend, gray):
        tidy(ax)
        ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1], xticks=[], yticks=[])
        if legend:
            handles = self.scatters_[1:] + self.scatters_[: int(gray)]
            # beside the points: they leave no free corner
            for handle in (
                ax.legend(handles=handles, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
            ).legend_handles:
                handle.set_sizes([40])


def _is_page(path):
    with open(path, "rb") as file:
        return MARK.encode() in file.read(200)


def _named(y, target_names):
    """Return the only class of each recording, or "several or none", and all its classes."""
    y = np.asarray(y)
    if y.ndim == 1:
        return y.astype(str), y.astype(str)
    names = np.arange(y.shape[1]) if target_names is None else target_names
    if len(names) != y.shape[1]:
        raise ValueError(f"y has {y.shape[1]} columns but there are {len(names)} target_names.")
    names = np.array([str(name) for name in names], dtype=object)
    one = np.where(y.sum(axis=1) == 1, names[y.argmax(axis=1)], _MANY).astype(str)
    return one, np.array([", ".join(names[row > 0]) for row in y])
