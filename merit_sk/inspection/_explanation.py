"""ExplanationDisplay: on ECG paper, what in a recording speaks for a class."""

import numpy as np

from ._ecg import ECGDisplay
from ._explain import explain
from ._style import COLORS

_FOR, _AGAINST = COLORS[4], COLORS[5]


class ExplanationDisplay:
    """A recording with what speaks for a class marked in one color, and against it in another.

    Beside the paper stands a table of leads and parts of the beat, and below it what they mean in
    all leads together.

    Parameters
    ----------
    explanation : Explanation
        From :func:`explain`.
    records : ECGRecords
        The recordings that were explained.
    index : int, default=0
        Which one.
    label : str, default=None
        Which class; the one with the highest score by default.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
        The paper.
    table_ax_ : matplotlib Axes or None
        The table, if ``plot`` made the figure and regions are parts of the beat.
    label_ : str

    See Also
    --------
    explain : Computes what is drawn.

    Examples
    --------
    >>> from merit_sk import MeritZeroShotClassifier
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.inspection import ExplanationDisplay
    >>> ecg = make_ecg(1, statements=["CRBBB"], random_state=0).data
    >>> zero = MeritZeroShotClassifier().fit(ecg)
    >>> ExplanationDisplay.from_estimator(zero, ecg, label="CRBBB").label_
    'CRBBB'
    """

    def __init__(self, explanation, records, *, index=0, label=None):
        self.explanation = explanation
        self.records = records
        self.index = index
        self.label = label

    @classmethod
    def from_estimator(cls, estimator, X, index=0, *, label=None, by="part", ax=None):
        """Explain one recording and plot the result.

        Parameters
        ----------
        estimator : classifier
            As :func:`explain` takes it.
        X : ECGRecords
            Recordings in mV.
        index : int, default=0
            Which one.
        label : str, default=None
            Which class; the one with the highest score by default.
        by : {"part", "time"}, default="part"
            Parts of the beat, or stretches of 0.2 s.
        ax : matplotlib Axes, default=None
            Where to plot the paper; a new figure by default.

        Returns
        -------
        display : ExplanationDisplay
        """
        one = X[[index]]
        return cls(explain(estimator, one, by=by), one, label=label).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the recording with its explanation.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot the paper; a new figure with paper and table by default.

        Returns
        -------
        self : ExplanationDisplay
        """
        told = self.explanation
        frame = told.to_frame(self.index, self.label)
        label = self.label
        if label is None:
            label = told.classes[int(told.scores[self.index].argmax())]
        self.label_, k = str(label), told.classes.index(str(label))
        score = told.scores[self.index, k]
        title = (
            f"{self.label_}: score {score:+.1f}, as a normal recording "
            f"{score - told.everything[self.index, k]:+.1f}"
        )
        self.table_ax_ = None
        if ax is None and isinstance(told.regions, list):
            import matplotlib.pyplot as plt

            figure = plt.figure(figsize=(14, 5), layout="constrained")
            ax, self.table_ax_ = figure.subplots(1, 2, width_ratios=(4, 1))
            self._table(frame)
        self._paper(ax, title)
        return self

    def _paper(self, ax, title):
        told = self.explanation
        paper = ECGDisplay.from_records(self.records, self.index, title=title, ax=ax)
        values = told.over_time(self.index, self.label_)
        size = max(np.abs(values).max(), 1e-6)
        for name, samples, (left, right, bottom, top) in paper.traces_:
            row = values[told.lead_names.index(name), samples][None] / size
            paper.ax_.imshow(
                _colored(row), extent=(left, right, bottom, top), aspect="auto", zorder=0.5,
                interpolation="nearest",
            )  # fmt: skip
        paper.ax_.set_aspect("equal")
        self.ax_, self.figure_ = paper.ax_, paper.figure_

    def _table(self, frame):
        ax = self.table_ax_
        size = np.abs(frame.to_numpy()).max(axis=1, keepdims=True)
        leads = np.full_like(size, max(size[:-1].max(), 1e-6))
        leads[-1] = max(size[-1, 0], 1e-6)
        ax.imshow(_colored(frame.to_numpy() / leads), aspect="auto")
        for i, row in enumerate(frame.to_numpy()):
            for j, value in enumerate(row):
                if abs(value) >= 0.05:
                    ax.text(j, i, f"{value:.1f}", ha="center", va="center", fontsize=7)
        ax.set_xticks(range(frame.shape[1]), frame.columns, fontsize=8)
        ax.set_yticks(range(len(frame)), [*frame.index[:-1], "all leads"], fontsize=8)
        ax.axhline(len(frame) - 1.5, color="black", linewidth=0.8)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_title("fall of the score if it were normal", fontsize=8, loc="left")


def _colored(values):
    """Return colors for values from -1 to 1, transparent at zero."""
    from matplotlib.colors import to_rgb

    out = np.zeros((*values.shape, 4))
    out[values >= 0, :3], out[values < 0, :3] = to_rgb(_FOR), to_rgb(_AGAINST)
    out[..., 3] = 0.9 * np.abs(values)
    return out
