"""NeighborsDisplay: a query and the recordings nearest to it."""

import textwrap

import numpy as np

from ._ecg import ECGDisplay
from ._style import COLORS

_SECONDS = 10.0
_COLUMNS = 2
_PANEL = (6.8, 3.2)  # inches
_LINE, _LINES = 108, 2  # of a title


class NeighborsDisplay:
    """A query and the recordings nearest to it, on ECG paper.

    The query, framed, comes first, then the recordings found, nearest first. Of long recordings
    the first ten seconds are drawn.

    Parameters
    ----------
    query : ECGRecords or str
        One recording, or the phrase that was looked up.
    neighbors : ECGRecords
        The recordings found, nearest first.
    distances : array-like of shape (n_neighbors,), default=None
        Of each recording found from the query; written above it.
    labels : sequence of str of shape (n_neighbors,), default=None
        What is written above each recording found; by default its report.
    query_label : str, default=None
        What is written above the query; by default its report.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One for each recording, the query first if it is one.
    displays_ : list of ECGDisplay
        What is drawn on each of them.

    See Also
    --------
    sklearn.neighbors.NearestNeighbors : Finds the neighbors.
    EmbeddingDisplay : All recordings at once.

    Examples
    --------
    >>> from sklearn.neighbors import NearestNeighbors
    >>> from merit_sk import MeritEmbedder
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.inspection import NeighborsDisplay
    >>> ecg = make_ecg(20, statements=["AFIB", "CLBBB"], random_state=0)
    >>> new, known = ecg.data[:2], ecg.data[2:]
    >>> embedder = MeritEmbedder(readout="projected")
    >>> search = NearestNeighbors(n_neighbors=3, metric="cosine", algorithm="brute")
    >>> search = search.fit(embedder.transform(known))
    >>> distances, neighbors = search.kneighbors(embedder.transform(new))
    >>> display = NeighborsDisplay.from_records(new, known, neighbors, distances, index=1)
    >>> len(display.axes_)
    4

    The query may be a phrase:

    >>> phrases = ["atrial fibrillation"]
    >>> distances, neighbors = search.kneighbors(embedder.embed_text(phrases))
    >>> display = NeighborsDisplay.from_records(phrases, known, neighbors, distances)
    >>> len(display.axes_)
    3
    """

    def __init__(self, query, neighbors, *, distances=None, labels=None, query_label=None):
        self.query = query
        self.neighbors = neighbors
        self.distances = distances
        self.labels = labels
        self.query_label = query_label

    @classmethod
    def from_records(
        cls, queries, records, neighbors, distances=None, *, index=0, labels=None,
        query_labels=None,
    ):  # fmt: skip
        """Plot one query and what ``kneighbors`` found for it.

        Parameters
        ----------
        queries : ECGRecords or sequence of str
            What was looked up: recordings or phrases.
        records : ECGRecords
            What was searched, in the order in which ``NearestNeighbors`` was fitted to it.
        neighbors : array-like of int of shape (n_queries, n_neighbors)
            Positions in `records`, the second of what ``kneighbors`` returns.
        distances : array-like of shape (n_queries, n_neighbors), default=None
            The first of what ``kneighbors`` returns.
        index : int, default=0
            Which query.
        labels : sequence of str of shape (n_records,), default=None
            What is written above each of `records`; by default its report.
        query_labels : sequence of str of shape (n_queries,), default=None
            What is written above each of `queries`; by default its report.

        Returns
        -------
        display : NeighborsDisplay

        Raises
        ------
        ValueError
            If there is no row of `neighbors` or `distances` for each query, a position that is
            none of `records`, or another number of labels than of recordings.
        """
        if isinstance(queries, str):
            raise ValueError(f"queries must be a sequence of phrases; got the string {queries!r}.")
        neighbors = _row_for_each(queries, neighbors, "neighbors")
        _check_positions(neighbors, len(records))
        of_each = [("labels", labels, records), ("query_labels", query_labels, queries)]
        for name, given, what in of_each:
            if given is not None and len(given) != len(what):
                raise ValueError(f"{name} has {len(given)} entries, but there are {len(what)}.")
        if distances is not None:
            distances = _row_for_each(queries, distances, "distances")[index]
        query, near = queries[index], neighbors[index]
        return cls(
            query if isinstance(query, str) else queries[[index]],
            records[near],
            distances=distances,
            labels=None if labels is None else [labels[i] for i in near],
            query_label=None if query_labels is None else query_labels[index],
        ).plot()

    def plot(self):
        """Draw the query and its neighbors in a new figure.

        Returns
        -------
        self : NeighborsDisplay

        Raises
        ------
        ValueError
            If there are more or fewer distances or labels than neighbors.
        """
        import matplotlib.pyplot as plt

        found = self._titles()
        by_example = not isinstance(self.query, str)
        records = [self.neighbors[[i]] for i in range(len(found))]
        if by_example:
            records = [self.query, *records]
            found = [_joined("query", _report(self.query, self.query_label)), *found]
        n_rows = -(-len(records) // _COLUMNS)
        self.figure_, grid = plt.subplots(
            n_rows, _COLUMNS, squeeze=False, layout="constrained",
            figsize=(_COLUMNS * _PANEL[0], n_rows * _PANEL[1]),
        )  # fmt: skip
        self.axes_ = list(grid.ravel()[: len(records)])
        for ax in grid.ravel()[len(records) :]:
            ax.remove()
        self.displays_ = [
            ECGDisplay.from_records(record.with_duration(_SECONDS), title=title, ax=ax)
            for record, title, ax in zip(records, found, self.axes_, strict=True)
        ]
        if by_example:
            self.axes_[0].spines[:].set(color=COLORS[0], linewidth=3)
        else:
            self.figure_.suptitle(_joined(self.query, self.query_label or ""), x=0.01, ha="left")
        return self

    def _titles(self):
        """Return what is written above each recording found."""
        n = len(self.neighbors)
        for name in ("distances", "labels"):
            given = getattr(self, name)
            if given is not None and len(given) != n:
                raise ValueError(f"{name} has {len(given)} entries for {n} neighbors.")
        titles = []
        for i in range(n):
            far = "" if self.distances is None else f"distance {self.distances[i]:.3g}"
            label = None if self.labels is None else self.labels[i]
            titles.append(_joined(f"{i + 1}", far, _report(self.neighbors[[i]], label)))
        return titles


def _row_for_each(queries, rows, name):
    rows = np.asarray(rows)
    if rows.ndim != 2 or len(rows) != len(queries) or not rows.size:
        raise ValueError(
            f"{name} must have a row for each of the {len(queries)} queries; got {rows.shape}."
        )
    return rows


def _check_positions(neighbors, n_records):
    if neighbors.dtype.kind not in "iu":
        raise ValueError(
            f"neighbors must be positions in records, got an array of {neighbors.dtype}: "
            "kneighbors returns distances first, then neighbors."
        )
    outside = neighbors[(neighbors < 0) | (neighbors >= n_records)]
    if len(outside):
        raise ValueError(
            f"neighbors holds {outside[0]}, but there are {n_records} records: give those "
            "that were searched."
        )


def _report(record, label):
    """Return the label of one recording, or its report, or its name."""
    if label is not None:
        return str(label)
    report = None if record.reports is None else record.reports[0]
    return report or str(record.record_names[0])


def _joined(*parts):
    text = ", ".join(part for part in parts[:-1] if part) + (f": {parts[-1]}" if parts[-1] else "")
    lines = textwrap.wrap(text, _LINE, max_lines=_LINES, placeholder=" ...")
    return "\n".join(lines)
