"""Why a model says what it says: what its scores lose when parts of a recording turn normal."""

import warnings
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ..records import ECGRecords
from ..signals._beats import PARTS, find_beats, parts_of_beats
from ..signals._leads import STANDARD_LEADS, canonical_lead_name
from ._counterpart import NormalWaves, simulated_normal_waves

MAX_COPIES = 512


@dataclass(frozen=True)
class Explanation:
    """Result of :func:`explain`.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_classes, n_leads, n_regions)
        How much the score of a class falls when a region of one lead becomes normal. Positive
        values speak for the class; zero where a recording has no such region.
    together : ndarray of shape (n_samples, n_classes, n_regions)
        The same for the region in all leads at once.
    everything : ndarray of shape (n_samples, n_classes)
        The same for the whole recording.
    scores : ndarray of shape (n_samples, n_classes)
        Scores of the recordings as they are, in log-odds where the model has probabilities.
    classes : list of str
    lead_names : list of str
    regions : list of str or ndarray of float
        Parts of the beat (``"P"``, ``"PR"``, ``"QRS"``, ``"ST"``, ``"T"``, ``"TP"``), or where each
        stretch of time begins, in seconds.
    region_of : list of ndarray of shape (n_times,)
        For each recording, which region every sample belongs to.
    sampling_rate : float
        In Hz.
    """

    values: np.ndarray = field(repr=False)
    together: np.ndarray = field(repr=False)
    everything: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)
    classes: list
    lead_names: list
    regions: object
    region_of: list = field(repr=False)
    sampling_rate: float

    def to_frame(self, index=0, label=None):
        """Return the values of one recording and class as a table, leads by regions.

        Parameters
        ----------
        index : int, default=0
            Which recording.
        label : str, default=None
            Which class; the one with the highest score by default.

        Returns
        -------
        pandas.DataFrame
            With a last row ``"together"``.
        """
        import pandas as pd

        k = self._column(index, label)
        rows = np.vstack([self.values[index, k], self.together[index, k]])
        return pd.DataFrame(rows, index=[*self.lead_names, "together"], columns=list(self.regions))

    def over_time(self, index=0, label=None):
        """Return the values of one recording and class, sample by sample.

        Parameters
        ----------
        index, label
            See `to_frame`.

        Returns
        -------
        ndarray of shape (n_leads, n_times)
            The value of the region that each sample belongs to.
        """
        return self.values[index, self._column(index, label)][:, self.region_of[index]]

    def _column(self, index, label):
        if label is None:
            return int(self.scores[index].argmax())
        if str(label) not in self.classes:
            raise ValueError(f"{label!r} is not explained; there are {', '.join(self.classes)}")
        return self.classes.index(str(label))


def explain(estimator, X, classes=None, *, by="part", step=0.2, reference=None):
    """Explain what a classifier says by what it says when parts of a recording become normal.

    Occlusion [1]_ by counterparts: a region of one lead, in all beats at once, is replaced by what
    normal recordings have there, at the level and at the times of the recording's own beats, and
    the fall of the score is its value. Blanks in place of it would be waves that no ECG has.
    The model is only asked, so that everything with ``decision_function`` or ``predict_proba`` can
    be explained: zero-shot and fine-tuned classifiers, a :class:`~sklearn.pipeline.Pipeline` of
    embedder and classifier, or any other. Nothing is drawn at random. A value says what this model
    attends to, and nothing about causes.

    Parameters
    ----------
    estimator : classifier
        Fitted, taking recordings as `X` are.
    X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
        Recordings in mV. The sampling rate and the leads of an array are those that the estimator
        or a step of it was given as ``sampling_rate`` and ``leads``, 100 Hz and the standard leads
        by default.
    classes : sequence of str, default=None
        Those to explain; all by default, which costs nothing but memory.
    by : {"part", "time"}, default="part"
        Regions: parts of the beat, in beats that :func:`~merit_sk.signals.find_beats` finds, or
        stretches of time.
    step : float, default=0.2
        Length of a stretch in seconds.
    reference : ECGRecords, default=None
        Normal recordings, in the unit of `X`; 64 simulated ones, in mV, by default.

    Returns
    -------
    Explanation

    Raises
    ------
    ValueError
        If a class is unknown, or the estimator is no classifier with one of these methods.

    See Also
    --------
    merit_sk.inspection.ExplanationDisplay : Draws the result on ECG paper.

    References
    ----------
    .. [1] M. Zeiler and R. Fergus, "Visualizing and Understanding Convolutional Networks",
           ECCV 2014.

    Examples
    --------
    >>> from merit_sk import MeritZeroShotClassifier
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.inspection import explain
    >>> ecg = make_ecg(1, statements=["CLBBB"], random_state=0).data
    >>> zero = MeritZeroShotClassifier(classes=["CLBBB", "NORM"]).fit(ecg)
    >>> explain(zero, ecg).to_frame(0, "CLBBB").loc["together"].idxmax()
    'QRS'
    """
    if by not in ("part", "time"):
        raise ValueError(f'by must be "part" or "time", got {by!r}')
    records, wrap = _records(estimator, X)
    if len(records) == 0:
        raise ValueError("there is no recording to explain")
    normal = simulated_normal_waves() if reference is None else NormalWaves(reference)
    rate, leads = records.sampling_rate, list(records.lead_names)
    scores, labels = _scores(estimator, X)
    kept = _columns(labels, classes)
    values, everything, region_of = [], [], []
    for row, x in zip(scores, records, strict=True):
        x = np.asarray(x, dtype=np.float32)
        beats = find_beats(x, rate)
        regions = parts = parts_of_beats(beats, x.shape[1], rate)
        if by == "time":
            regions = (np.arange(x.shape[1]) / (step * rate) + 1e-9).astype(int)
        other = normal.counterpart(x, leads, beats, parts, rate)
        asked = partial(_asked, estimator, wrap, kept)
        changed, normalized = _changed(asked, x, other, regions, rate)
        values.append(row[kept, None, None] - changed)
        everything.append(row[kept] - normalized)
        region_of.append(regions)
    n_regions = len(PARTS) if by == "part" else max(int(r.max()) for r in region_of) + 1
    falls = np.zeros((len(values), len(kept), len(leads) + 1, n_regions), dtype=np.float32)
    for i, (value, regions) in enumerate(zip(values, region_of, strict=True)):
        falls[i][:, :, np.unique(regions)] = value
    return Explanation(
        values=falls[:, :, :-1],
        together=falls[:, :, -1],
        everything=np.stack(everything),
        scores=scores[:, kept],
        classes=[labels[k] for k in kept],
        lead_names=leads,
        regions=list(PARTS) if by == "part" else np.arange(n_regions) * step,
        region_of=region_of,
        sampling_rate=rate,
    )


def _records(estimator, X):
    """Return the recordings, and a function that wraps changed signals as `X` was."""
    if isinstance(X, ECGRecords):
        rate, leads = X.sampling_rate, X.lead_names
        return X, lambda x: ECGRecords.from_array(x, sampling_rate=rate, lead_names=leads)
    X = np.asarray(X)
    if X.ndim not in (2, 3):
        raise ValueError(
            f"X must have the shape (n_samples, n_leads, n_times) or (n_samples, n_times), got "
            f"{X.shape}"
        )
    said = {}
    for name, value in estimator.get_params().items():
        if value is not None:
            said.setdefault(name.rpartition("__")[2], value)
    signals = X[:, None] if X.ndim == 2 else X
    leads = said.get("leads", ["I"] if signals.shape[1] == 1 else STANDARD_LEADS)
    records = ECGRecords.from_array(
        signals, sampling_rate=said.get("sampling_rate", 100), lead_names=leads
    )
    order = [records.lead_names.index(canonical_lead_name(lead)) for lead in leads]
    return records, lambda x: x[:, 0] if X.ndim == 2 else x[:, order]


def _asked(estimator, wrap, kept, copies):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return _scores(estimator, wrap(copies))[0][:, kept]


def _changed(asked, x, other, regions, sampling_rate):
    """Return scores of a recording with parts of another, and those of the other.

    The first are of shape (n_classes, n_leads + 1, n_regions), all leads at once the last of them.
    Regions fade into each other over 20 ms.
    """
    fade = np.ones(2 * round(0.01 * sampling_rate) + 1)
    there, scores, pending = np.unique(regions), [], [other[None].astype(np.float32)]
    for k in there:
        mask = np.convolve(regions == k, fade / len(fade), "same")
        both = (mask * other + (1 - mask) * x).astype(np.float32)
        copies = np.repeat(x[None], len(x) + 1, axis=0)
        copies[np.arange(len(x)), np.arange(len(x))] = both
        copies[-1] = both
        pending.append(copies)
        if len(pending) * len(copies) >= MAX_COPIES or k == there[-1]:
            scores.append(asked(np.concatenate(pending)))
            pending = []
    scores = np.concatenate(scores)
    return scores[1:].reshape(len(there), len(x) + 1, -1).transpose(2, 1, 0), scores[0]


def _scores(estimator, X):
    """Return scores of shape (n, n_classes) and the names of the classes."""
    if hasattr(estimator, "transform") and not hasattr(estimator, "predict"):
        raise ValueError(
            f"{type(estimator).__name__} is no classifier: give one, or a pipeline that ends "
            "with one"
        )
    if hasattr(estimator, "decision_function"):
        scores = np.asarray(estimator.decision_function(X), dtype=float)
    elif hasattr(estimator, "predict_proba"):
        p = estimator.predict_proba(X)
        p = np.stack([q[:, -1] for q in p], axis=1) if isinstance(p, list) else np.asarray(p)
        if p.shape[1] == 2 and np.allclose(p.sum(axis=1), 1):  # of one question
            p = p[:, 1]
        p = np.clip(p, 1e-7, 1 - 1e-7)
        scores = np.log(p) - np.log1p(-p)
    else:
        name = type(estimator).__name__
        raise ValueError(f"{name} has neither decision_function nor predict_proba to explain")
    labels = getattr(estimator, "classes_", np.arange(scores.shape[-1] if scores.ndim > 1 else 2))
    if scores.ndim == 1:
        scores, labels = scores[:, None], labels[-1:]
    if len(labels) != scores.shape[1] or isinstance(labels, list):
        labels = np.arange(scores.shape[1])
    return scores, [str(label) for label in labels]


def _columns(labels, classes):
    if classes is None:
        return list(range(len(labels)))
    wanted = [classes] if isinstance(classes, str) else [str(c) for c in classes]
    unknown = [c for c in wanted if c not in labels]
    if unknown:
        raise ValueError(
            f"the estimator has no class {', '.join(unknown)}; it has {', '.join(labels)}"
        )
    return [labels.index(c) for c in wanted]
