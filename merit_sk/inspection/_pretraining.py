"""PretrainingDisplay: learning curves of the bounds on mutual information."""

import numpy as np

from ._style import COLORS, MUTED, tidy

_BOUNDS = {
    "mi_text": ("alignment: I(ECG; report)", "nats per recording"),
    "mi_signal": ("masked modeling: I(unmasked; masked)", "nats per masked sample"),
}


class PretrainingDisplay:
    """Learning curves of pretraining: both bounds on mutual information, in nats.

    One panel for each bound: information of the embedding about the report, per recording, and of
    the unmasked part of the signal about the masked part, per masked sample.

    Parameters
    ----------
    history : list of dict
        One entry an epoch, as in ``MeritEmbedder.history_``.
    ceiling : float, default=None
        Largest value that the contrastive bound can take, the logarithm of the batch size.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One for each bound.
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D

    Examples
    --------
    >>> from merit_sk.inspection import PretrainingDisplay
    >>> history = [{"epoch": 1, "mi_text": 0.4, "valid_mi_text": 0.3},
    ...            {"epoch": 2, "mi_text": 0.9, "valid_mi_text": 0.5}]
    >>> len(PretrainingDisplay(history).plot().lines_)
    2
    """

    def __init__(self, history, *, ceiling=None):
        self.history = history
        self.ceiling = ceiling

    @classmethod
    def from_estimator(cls, embedder, *, ax=None):
        """Plot the history of a fitted embedder.

        Parameters
        ----------
        embedder : MeritEmbedder
            Fitted.
        ax : matplotlib Axes or sequence of Axes, default=None
            One for each bound; a new figure by default.

        Returns
        -------
        display : PretrainingDisplay
        """
        if not hasattr(embedder, "history_"):
            raise ValueError("The embedder has no history_: fit it first.")
        return cls(embedder.history_, ceiling=np.log(embedder.batch_size)).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the bounds.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of Axes, default=None
            One for each bound in the history; a new figure by default.

        Returns
        -------
        self : PretrainingDisplay
        """
        bounds = [b for b in _BOUNDS if any(b in row for row in self.history)]
        if not bounds:
            raise ValueError(f"The history has none of the bounds {', '.join(_BOUNDS)}.")
        self.axes_ = self._axes(ax, len(bounds))
        self.figure_ = self.axes_[0].figure
        self.lines_ = []
        for axis, bound in zip(self.axes_, bounds, strict=True):
            self._panel(axis, bound)
        return self

    @staticmethod
    def _axes(ax, n_bounds):
        if ax is None:
            import matplotlib.pyplot as plt

            size = (4.6 * n_bounds, 3.4)
            return plt.subplots(1, n_bounds, figsize=size, layout="constrained", squeeze=False)[1][
                0
            ]
        axes = np.atleast_1d(np.asarray(ax, dtype=object))
        if len(axes) != n_bounds:
            raise ValueError(f"The history has {n_bounds} bounds: give as many axes.")
        return axes

    def _panel(self, ax, bound):
        title, unit = _BOUNDS[bound]
        styles = (
            (bound, "training", dict(color=COLORS[0], marker="o")),
            (f"valid_{bound}", "validation", dict(color=COLORS[1], marker="s", linestyle="--")),
        )
        for key, label, style in styles:
            rows = [row for row in self.history if key in row]
            if rows:
                epochs, values = [r["epoch"] for r in rows], [r[key] for r in rows]
                size = 4 if len(rows) <= 40 else 0
                self.lines_ += ax.plot(epochs, values, label=label, markersize=size, **style)
        if bound == "mi_text" and self.ceiling is not None:
            ax.axhline(self.ceiling, color=MUTED, linestyle=":")
            ax.annotate(
                "log of the batch size",
                (0.02, self.ceiling),
                xycoords=("axes fraction", "data"),
                xytext=(0, -3),
                textcoords="offset points",
                va="top",
                color="#707070",
                fontsize=9,
            )
        ax.axhline(0, color="black", linewidth=0.8)
        tidy(ax)
        ax.set_title(title, fontsize=11)
        ax.set(xlabel="epoch", ylabel=f"lower bound ({unit})")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(frameon=False, loc="best")
