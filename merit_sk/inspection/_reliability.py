"""ReliabilityDisplay: how often what is given a probability is true."""

import numpy as np

from ._style import COLORS, MUTED, axes_for, tidy

_Z = 1.959964  # two-sided 95 % of the standard normal distribution


class ReliabilityDisplay:
    """Reliability diagram: observed frequency against mean probability, in bins of equal counts.

    Unlike :class:`sklearn.calibration.CalibrationDisplay` it takes several classes that may hold
    at once, has quantile bins, and shows how sure each frequency is by its Wilson interval of 95 %.
    The legend gives the number of probabilities and the expected calibration error (ECE), the mean
    distance of bins from the diagonal.

    Parameters
    ----------
    curves : dict of str to dict of str to ndarray
        By name, ``probability`` (mean of each bin), ``frequency``, ``count`` and ``positives``.
    log : bool, default=True
        Whether the axes are logarithmic, as most statements are rare; bins without a positive are
        then drawn at the lower edge.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        One for each curve.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.inspection import ReliabilityDisplay
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=(500, 2))
    >>> display = ReliabilityDisplay.from_predictions(
    ...     rng.uniform(size=p.shape) < p, p, ["AFIB", "CLBBB"], pooled=False, log=False)
    >>> list(display.curves), display.curves["AFIB"]["count"].tolist()
    (['AFIB', 'CLBBB'], [50, 50, 50, 50, 50, 50, 50, 50, 50, 50])
    """

    def __init__(self, curves, *, log=True):
        self.curves = curves
        self.log = log

    @classmethod
    def from_predictions(
        cls, y_true, y_prob, names=None, *, pooled=True, n_bins=10, log=True, ax=None
    ):
        """Plot probabilities against labels.

        Parameters
        ----------
        y_true : array-like of shape (n_samples, n_classes) or (n_samples,)
            1 where a class holds.
        y_prob : array-like of the same shape
            Probabilities.
        names : sequence of str, default=None
            Classes, for one curve each; or with `pooled` a single name.
        pooled : bool, default=True
            Whether all classes make one curve.
        n_bins : int, default=10
            Bins, each of which holds as many probabilities.
        log : bool, default=True
            Whether the axes are logarithmic.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : ReliabilityDisplay
        """
        y, p = np.asarray(y_true, dtype=float), np.asarray(y_prob, dtype=float)
        if y.shape != p.shape:
            raise ValueError(f"y_true has shape {y.shape} and y_prob {p.shape}: they must agree")
        if not np.isin(y, (0, 1)).all():
            raise ValueError("y_true must be 1 where a class holds and 0 elsewhere")
        if pooled:
            name = names if isinstance(names, str) else "all classes"
            curves = {name: _bins(y.ravel(), p.ravel(), n_bins)}
        else:
            y, p = y.reshape(len(y), -1), p.reshape(len(p), -1)
            names = [f"class {k}" for k in range(y.shape[1])] if names is None else list(names)
            if len(names) != y.shape[1]:
                raise ValueError(f"{len(names)} names for {y.shape[1]} classes")
            curves = {str(name): _bins(y[:, k], p[:, k], n_bins) for k, name in enumerate(names)}
        return cls(curves, log=log).plot(ax=ax)

    @classmethod
    def from_estimator(cls, classifier, X, y, *, classes=None, n_bins=10, log=True, ax=None):
        """Plot the probabilities of a fitted classifier.

        Parameters
        ----------
        classifier : estimator
            Fitted, with ``predict_proba`` and ``classes_``, such as
            :class:`~merit_sk.MeritZeroShotClassifier`.
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times)
            Recordings.
        y : array-like of shape (n_samples, n_classes) or (n_samples,)
            Indicator matrix with a column for each class, or the label of each recording.
        classes : sequence, default=None
            One curve for each of these; by default one for all classes together.
        n_bins : int, default=10
            Bins, each of which holds as many probabilities.
        log : bool, default=True
            Whether the axes are logarithmic.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : ReliabilityDisplay
        """
        names = np.asarray(classifier.classes_).tolist()
        y, p = np.asarray(y), np.asarray(classifier.predict_proba(X))
        if y.ndim == 1:
            y = y[:, None] == np.asarray(classifier.classes_)
        options = dict(n_bins=n_bins, log=log, ax=ax)
        if classes is None:
            return cls.from_predictions(y, p, **options)
        unknown = [name for name in classes if name not in names]
        if unknown:
            raise ValueError(f"the classifier has no class {', '.join(map(repr, unknown))}")
        columns = [names.index(name) for name in classes]
        return cls.from_predictions(y[:, columns], p[:, columns], classes, pooled=False, **options)

    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        self : ReliabilityDisplay
        """
        self.ax_ = ax = axes_for(ax, (5.2, 4.8))
        self.figure_ = ax.figure
        low = self._lowest()
        ends = (low, 1.0)
        ax.plot(ends, ends, color=MUTED, linewidth=1, zorder=1)
        self.lines_ = []
        for i, (name, curve) in enumerate(self.curves.items()):
            color = COLORS[i % len(COLORS)]
            p, f = (np.maximum(curve[key], low) for key in ("probability", "frequency"))
            bounds = np.maximum(wilson_interval(curve["positives"], curve["count"]), low)
            error = np.abs(bounds - f)
            distance = np.abs(curve["probability"] - curve["frequency"])
            ece = np.average(distance, weights=curve["count"])
            label = f"{name}: {curve['count'].sum()} in {len(p)} bins, ECE {ece:.3f}"
            self.lines_ += ax.plot(p, f, "o-", color=color, markersize=5, lw=1.2, label=label)
            ax.errorbar(p, f, yerr=error, fmt="none", ecolor=color, elinewidth=1, alpha=0.6)
        if self.log:
            ax.set_xscale("log")
            ax.set_yscale("log")
        ax.set_xlim(*ends)
        ax.set_ylim(*ends)
        ax.set_box_aspect(1)
        tidy(ax)
        ax.set(xlabel="mean probability", ylabel="observed frequency (95 % interval)")
        ax.legend(frameon=False, loc="upper left")
        return self

    def _lowest(self):
        if not self.log:
            return 0.0
        values = [np.r_[c["probability"], c["frequency"]] for c in self.curves.values()]
        values = np.concatenate(values)
        return max(1e-4, 10.0 ** np.floor(np.log10(values[values > 0].min())))


def wilson_interval(positives, count):
    """Return the 95 % Wilson interval of a share.

    Parameters
    ----------
    positives, count : ndarray

    Returns
    -------
    bounds : ndarray of shape (2, ...)

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.inspection._reliability import wilson_interval
    >>> wilson_interval(np.array([0.0]), np.array([10])).round(3).ravel().tolist()
    [0.0, 0.278]
    """
    share = positives / count
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z * np.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / (1 + _Z**2 / count)
    return np.clip([middle - half, middle + half], 0, 1)


def _bins(y, p, n_bins):
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if len(part)]
    count = np.array([len(part) for part in parts])
    positives = np.array([y[part].sum() for part in parts])
    probability = np.array([p[part].mean() for part in parts])
    return {
        "probability": probability, "frequency": positives / count, "count": count,
        "positives": positives,
    }  # fmt: skip
