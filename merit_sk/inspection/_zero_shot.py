"""ZeroShotDisplay: zero-shot probabilities of one recording, or AUCs by class."""

import numpy as np

from ._style import COLORS, axes_for, tidy

_KINDS = {"probability": "probability", "auc": "AUC on test records"}


class ZeroShotDisplay:
    """Bar plot by class: probabilities of one recording, or AUCs on test records.

    Parameters
    ----------
    values : array-like of shape (n_classes,)
        Probabilities or AUCs.
    names : sequence of str
        Classes.
    kind : {"probability", "auc"}, default="probability"
        What the values are.
    intervals : array-like of shape (n_classes, 2), default=None
        Lower and upper end of the confidence interval of each value.
    truth : sequence of str, default=()
        Classes to mark: for one recording, those that its labels name.
    average : float, default=None
        Value of a dashed line; for AUCs the macro average.
    thresholds : array-like of shape (n_classes,), default=None
        Value from which each class is found, a triangle below its bar.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    bars_ : matplotlib BarContainer
        From the smallest value to the largest.

    Examples
    --------
    >>> from merit_sk.inspection import ZeroShotDisplay
    >>> display = ZeroShotDisplay([0.1, 0.8], ["AFIB", "NORM"], truth=["NORM"]).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['AFIB', 'NORM']
    """

    def __init__(
        self,
        values,
        names,
        *,
        kind="probability",
        intervals=None,
        truth=(),
        average=None,
        thresholds=None,
    ):
        self.values = values
        self.names = names
        self.kind = kind
        self.intervals = intervals
        self.truth = truth
        self.average = average
        self.thresholds = thresholds

    @classmethod
    def from_estimator(cls, classifier, X, index=0, *, truth=(), max_classes=12, ax=None):
        """Plot the most probable classes of one recording.

        Parameters
        ----------
        classifier : MeritZeroShotClassifier
            Fitted, with ``predict_proba`` and ``classes_``.
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times)
            Recordings.
        index : int, default=0
            Which one.
        truth : sequence of str, default=()
            Classes that its labels name.
        max_classes : int, default=12
            Number of classes to show.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : ZeroShotDisplay
        """
        values = np.asarray(classifier.predict_proba(X[index : index + 1]))[0]
        top = np.argsort(-values, kind="stable")[:max_classes]
        points = getattr(classifier, "thresholds_", None)
        if points is not None:
            points = np.asarray(points)[top] if classifier.multi_label_ else None
        names = np.asarray(classifier.classes_)[top]
        return cls(values[top], names, truth=truth, thresholds=points).plot(ax=ax)

    @classmethod
    def from_result(cls, result, *, n_resamples=300, ax=None):
        """Plot the AUC of each class with its 95 % bootstrap interval.

        Parameters
        ----------
        result : ScoredTest or CrossValidated
            From :func:`~merit_sk.evaluation.evaluate_zero_shot` or
            :func:`~merit_sk.evaluation.evaluate_shift`. Of a cross-validation the mean of each
            class over splits is shown, and one standard deviation on either side.
        n_resamples : int, default=300
            Bootstrap resamples for each class.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : ZeroShotDisplay
            Classes that no test record defines are left out.
        """
        from ..evaluation import CrossValidated
        from ..metrics import bootstrap_interval, macro_auc

        if isinstance(result, CrossValidated):
            table = result.summary().dropna(subset="mean")
            return cls(
                table["mean"].to_numpy(),
                [f"{r.target} ({r.n_positives:.0f})" for r in table.itertuples()],
                kind="auc",
                intervals=list(zip(table["mean"] - table["std"], table["mean"] + table["std"],
                                   strict=True)),
                average=result.mean,
            ).plot(ax=ax)  # fmt: skip
        table = result.table
        defined = np.flatnonzero(np.isfinite(table.auc))
        intervals = [
            bootstrap_interval(
                macro_auc,
                result.y_test[:, k],
                result.scores[:, k],
                groups=result.groups_test,
                n_resamples=n_resamples,
                random_state=0,
            )
            for k in defined
        ]
        return cls(
            table.auc[defined],
            [f"{table.target[k]} ({table.n_positives[k]})" for k in defined],
            kind="auc",
            intervals=[(i.low, i.high) for i in intervals],
            average=result.auc.estimate,
        ).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        self : ZeroShotDisplay
        """
        if self.kind not in _KINDS:
            raise ValueError(f"kind must be one of {', '.join(_KINDS)}; got {self.kind!r}.")
        values, names = np.asarray(self.values, dtype=float), np.asarray(self.names).astype(str)
        order = np.argsort(values, kind="stable")
        values, names = values[order], names[order]
        self.ax_ = ax = axes_for(ax, (5.6, 1.2 + 0.27 * len(names)))
        self.figure_ = ax.figure
        marked = np.isin(names, [str(name) for name in self.truth])
        colors = np.where(marked, COLORS[1], COLORS[0])
        left = 0.5 if self.kind == "auc" else 0.0
        self.bars_ = ax.barh(names, values - left, left=left, color=colors.tolist(), height=0.7)
        if self.intervals is not None:
            ends = np.asarray(self.intervals, dtype=float)[order].T
            error = np.abs(ends - values)
            ax.errorbar(values, names, xerr=error, fmt="none", ecolor="black", elinewidth=1)
        if self.thresholds is not None:
            points = np.asarray(self.thresholds, dtype=float)[order]
            edge = np.arange(len(names)) - 0.4
            ax.plot(points, edge, "^", color="black", markersize=5, label="found from here on")
        self._finish(ax, names, marked)
        return self

    def _finish(self, ax, names, marked):
        tidy(ax, grid="x")
        if self.kind == "probability":
            shown = [self.values] if self.thresholds is None else [self.values, self.thresholds]
            highest = float(np.max(shown))
            ax.set_xlim(0, 1.12 if highest > 0.5 else 1.25 * highest)
            ax.bar_label(self.bars_, fmt="%.3f", padding=3, fontsize=9)
        else:
            ax.set_ylabel("class (positive records)")
            lowest = np.min(self.values if self.intervals is None else np.ravel(self.intervals))
            ax.set_xlim(min(0.45, max(0.0, lowest - 0.02)), 1)
            ax.axvline(0.5, color="black", linewidth=0.8)
        if self.average is not None:
            ax.axvline(self.average, color="black", linestyle="--", linewidth=1)
            ax.set_title(f"macro average {self.average:.3f}", fontsize=10, loc="right")
        ax.set_xlabel(_KINDS[self.kind])
        ax.set_ylim(-0.6, len(names) - 0.4)
        handles = ax.get_legend_handles_labels()[0] if self.thresholds is not None else []
        if marked.any():
            from matplotlib.patches import Patch

            handles = [*handles, Patch(color=COLORS[1], label="labeled")]
        if handles:
            ax.legend(handles=handles, frameon=False, loc="lower right")
