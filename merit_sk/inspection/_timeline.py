"""TimelineDisplay: what a classifier says of a long recording, window by window."""

import numpy as np

from ._style import COLORS, axes_for

_COLUMNS = 480
_UNITS = ((7200.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


class TimelineDisplay:
    """One strip a class: its probability from the beginning of a recording to its end.

    Parameters
    ----------
    times : array-like of shape (n_windows,)
        Where each window begins, in seconds.
    probabilities : array-like of shape (n_windows, n_classes)
        Of each class in each window.
    classes : sequence of str
        Names of the classes, from top to bottom.
    threshold : float or array-like of shape (n_classes,), default=0.5
        From which probability on a class counts as present, for the share of time on the right.
    title : str, optional
        Text above the strips.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib QuadMesh
        Of at most 480 columns, each the average of the windows that begin in it.
    shares_ : ndarray of shape (n_classes,)
        Share of the windows in which a class is present.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.inspection import TimelineDisplay
    >>> times = np.arange(0, 600, 10)
    >>> episode = (times >= 200) & (times < 350)
    >>> probabilities = np.column_stack([episode, ~episode]).astype(float)
    >>> display = TimelineDisplay.from_predictions(times, probabilities, ["AFIB", "SR"])
    >>> display.shares_
    array([0.25, 0.75])
    """

    def __init__(self, times, probabilities, classes, *, threshold=0.5, title=None):
        self.times = times
        self.probabilities = probabilities
        self.classes = classes
        self.threshold = threshold
        self.title = title

    @classmethod
    def from_predictions(cls, times, probabilities, classes, *, threshold=0.5, title=None, ax=None):
        """Plot probabilities that were computed before.

        Parameters
        ----------
        times, probabilities, classes, threshold, title
            See the class.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : TimelineDisplay
        """
        return cls(times, probabilities, classes, threshold=threshold, title=title).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls, classifier, X, index=0, *, classes=None, max_classes=6, threshold=0.5, title=None,
        ax=None,
    ):  # fmt: skip
        """Plot what a classifier says of the windows of one recording.

        Parameters
        ----------
        classifier : estimator
            Fitted, with ``predict_proba_windows`` and ``classes_``, as MeritZeroShotClassifier.
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times)
            Recordings.
        index : int, default=0
            Which one.
        classes : sequence of str, default=None
            Classes to show, from top to bottom. By default those that are most probable in their
            most probable twentieth of the windows.
        max_classes : int, default=6
            How many to show by default.
        threshold : float, default=0.5
            From which probability on a class counts as present.
        title : str, optional
            Text above the strips.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : TimelineDisplay

        Raises
        ------
        ValueError
            If the classifier does not know one of the classes.
        """
        ((times, probabilities),) = classifier.predict_proba_windows(X[index : index + 1])
        names = [str(name) for name in classifier.classes_]
        if classes is None:
            highest = np.quantile(probabilities, 0.95, axis=0)
            shown = np.argsort(-highest, kind="stable")[:max_classes]
        else:
            unknown = [name for name in classes if str(name) not in names]
            if unknown:
                raise ValueError(f"unknown classes: {unknown}; expected some of {names}")
            shown = [names.index(str(name)) for name in classes]
        return cls.from_predictions(
            times, np.asarray(probabilities)[:, shown], [names[k] for k in shown],
            threshold=threshold, title=title, ax=ax,
        )  # fmt: skip

    def plot(self, ax=None):
        """Draw the strips.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        self : TimelineDisplay
        """
        times = np.asarray(self.times, dtype=float)
        probabilities = np.asarray(self.probabilities, dtype=float)
        if probabilities.shape != (len(times), len(self.classes)) or len(times) == 0:
            raise ValueError(
                f"expected probabilities of shape ({len(times)}, {len(self.classes)}) for as many "
                f"times and classes, got {probabilities.shape}"
            )
        n = len(self.classes)
        self.shares_ = np.mean(probabilities >= np.asarray(self.threshold), axis=0)
        step = np.median(np.diff(times)) if len(times) > 1 else 1.0
        end = times[-1] + step
        edges = np.linspace(times[0], end, min(len(times), _COLUMNS) + 1)
        unit, name = next((size, name) for least, size, name in _UNITS if end >= least)
        self.ax_ = ax = axes_for(ax, (9.0, 1.1 + 0.42 * n))
        self.figure_ = ax.figure
        self.image_ = ax.pcolormesh(
            edges / unit, np.arange(n + 1), _averaged(times, probabilities, edges).T,
            cmap=_colormap(), vmin=0, vmax=1, rasterized=True,
        )  # fmt: skip
        ax.hlines(np.arange(1, n), *(edges[[0, -1]] / unit), color="white", linewidth=5)
        ax.set_ylim(n, 0)
        ax.set_xlim(*(edges[[0, -1]] / unit))
        ax.set_yticks(np.arange(n) + 0.5, [str(c) for c in self.classes])
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
        if name == "hours" and end > 6 * 3600:
            from matplotlib.ticker import MultipleLocator

            ax.xaxis.set_major_locator(MultipleLocator(3))
        ax.set_xlabel(f"time in {name}")
        for k, share in enumerate(self.shares_):
            ax.annotate(
                _percent(share), (1, k + 0.5), (6, 0), xycoords=ax.get_yaxis_transform(),
                textcoords="offset points", va="center", fontsize=9,
            )  # fmt: skip
        ax.annotate(
            "of time", (1, 1), (6, 3), xycoords="axes fraction", textcoords="offset points",
            fontsize=8, color="#666666",
        )  # fmt: skip
        bar = self.figure_.colorbar(self.image_, ax=ax, pad=0.07, aspect=12, ticks=[0, 0.5, 1])
        bar.set_label("probability")
        bar.outline.set_visible(False)
        if self.title is not None:
            ax.set_title(self.title, loc="left", fontsize=10)
        return self


def _averaged(times, probabilities, edges):
    """Average of the windows that begin between two edges; an empty column takes the one before."""
    column = np.searchsorted(edges, times, side="right") - 1
    n = np.bincount(column, minlength=len(edges) - 1)
    total = np.zeros((len(n), probabilities.shape[1]))
    np.add.at(total, column, probabilities)
    filled = np.maximum.accumulate(np.where(n > 0, np.arange(len(n)), 0))
    return total[filled] / n[filled, None]


def _percent(share):
    return "<1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def _colormap():
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("probability", ["#F3F3F3", COLORS[5], COLORS[0]])
