"""ProbeCurveDisplay: AUC of linear probes against the number of labels."""

import numpy as np

from ._style import COLORS, axes_for, tidy

_MARKERS = "osD^vPX"


class ProbeCurveDisplay:
    """Macro AUC on the test records against the number of training labels, for several models.

    The line is the mean over random subsets of the labels (repeats) and over the splits of a
    cross-validation, the band one standard deviation on either side; a single repeat, such as all
    labels of one split, has no band.

    Parameters
    ----------
    curves : dict
        From the name of each model to a data frame with the columns ``labels``, ``n_train``,
        ``mean`` and ``std``, as :meth:`~merit_sk.evaluation.ProbeResult.summary` gives it.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        One for each model.

    Examples
    --------
    >>> import pandas as pd
    >>> from merit_sk.inspection import ProbeCurveDisplay
    >>> curve = pd.DataFrame({"labels": [20, 171, 1], "n_train": [20.4, 170.8, 713],
    ...                       "mean": [0.7, 0.8, 0.9], "std": [0.03, 0.01, None]})
    >>> display = ProbeCurveDisplay({"MERIT": curve}).plot()
    >>> display.ax_.get_ylabel()
    'macro AUC on test records'
    """

    def __init__(self, curves):
        self.curves = curves

    @classmethod
    def from_results(cls, results, *, ax=None):
        """Plot results of :func:`~merit_sk.evaluation.evaluate_probe`.

        Parameters
        ----------
        results : dict or ProbeResult or CrossValidated
            From the name of each model to its result.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : ProbeCurveDisplay
        """
        if not isinstance(results, dict):
            results = {"": results}
        return cls({name: result.summary() for name, result in results.items()}).plot(ax=ax)

    @classmethod
    def from_estimator(cls, embedder, data, *, name="", ax=None, **options):
        """Probe an embedder and plot the result.

        Parameters
        ----------
        embedder : estimator
            Fitted, with ``transform``.
        data : Bunch
            As for :func:`~merit_sk.evaluation.evaluate_probe`.
        name : str, default=""
            Name of the model in the legend.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.
        **options : dict
            Further arguments of :func:`~merit_sk.evaluation.evaluate_probe`.

        Returns
        -------
        display : ProbeCurveDisplay
        """
        from ..evaluation import evaluate_probe

        return cls.from_results({name: evaluate_probe(embedder, data, **options)}, ax=ax)

    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        self : ProbeCurveDisplay
        """
        self.ax_ = ax = axes_for(ax, (6.0, 4.0))
        self.figure_ = ax.figure
        self.lines_, ticks = [], {}
        for i, (name, curve) in enumerate(self.curves.items()):
            color = COLORS[i % len(COLORS)]
            asked, drawn, mean, std = (
                np.asarray(curve[column], dtype=float)
                for column in ("labels", "n_train", "mean", "std")
            )
            n_labels = np.where(asked > 1, asked, drawn.round())
            marker = _MARKERS[i % len(_MARKERS)]
            self.lines_ += ax.plot(n_labels, mean, color=color, marker=marker, label=name)
            ax.fill_between(n_labels, mean - std, mean + std, color=color, alpha=0.15, lw=0)
            texts = np.where(asked == 1, "all", [f"{n:.0f}" for n in n_labels])
            ticks.update(zip(n_labels.tolist(), texts.tolist(), strict=True))
        ax.set_xscale("log")
        ax.set_xticks(list(ticks), list(ticks.values()))
        ax.xaxis.minorticks_off()
        tidy(ax)
        ax.set(
            xlabel="training labels (band: ± 1 SD over repeats)", ylabel="macro AUC on test records"
        )
        if any(self.curves):
            ax.legend(frameon=False, loc="lower right")
        return self
