"""Evaluation of generated reports against the true reports and against baselines."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state

from ..metrics._bootstrap import Interval, _bounds, _resample_weights, comparison
from ..metrics._ranking import check_labels, included_classes
from ..metrics._text import (
    BLEU_ORDERS,
    bert_score,
    bleu_counts,
    bleu_of_counts,
    meteor_exact_stem,
    rouge,
)
from ..reports._context import written_reports
from ..reports._words import word_features
from ._nearest_reports import nearest_records


def report_labeler():
    """Return an untrained classifier of reports, to recover statements from text.

    TF-IDF of words, pairs and triples of words, and one balanced logistic regression per statement.
    Fit it to the true reports and statements of the training set, never to generated text.

    Returns
    -------
    labeler : sklearn Pipeline

    Examples
    --------
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.evaluation import report_labeler
    >>> ecg = make_ecg(200, task="superclass", random_state=0)
    >>> labeler = report_labeler().fit(ecg.reports, ecg.target)
    >>> labeler.predict(["Atrial fibrillation; Left bundle branch block; Abnormal ECG"])
    array([[1, 0, 0, 0, 0]])
    >>> ecg.target_names
    ['CD', 'HYP', 'MI', 'NORM', 'STTC']
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        word_features(n_words=3),
        OneVsRestClassifier(LogisticRegression(C=30, class_weight="balanced", max_iter=1000)),
    )


@dataclass(frozen=True)
class ReportScores:
    """Scores of several systems that generated reports of the same records.

    Attributes
    ----------
    intervals : dict of dict of Interval
        By system, then by metric.
    n_distinct : dict of int
        Number of distinct texts that each system generated.
    n_samples : int
    """

    intervals: dict
    n_distinct: dict
    n_samples: int = field(default=0)

    def to_frame(self):
        """Return estimates and intervals as a :class:`pandas.DataFrame`, long format."""
        import pandas as pd

        rows = [
            dict(system=system, metric=metric, estimate=i.estimate, low=i.low, high=i.high)
            for system, metrics in self.intervals.items()
            for metric, i in metrics.items()
        ]
        return pd.DataFrame(rows).assign(
            n_distinct=lambda frame: frame["system"].map(self.n_distinct)
        )

    def table(self):
        """Return estimates as a :class:`pandas.DataFrame`, systems in rows, metrics in columns."""
        frame = self.to_frame()
        wide = frame.pivot(index="system", columns="metric", values="estimate")
        wide = wide.loc[list(self.intervals), list(dict.fromkeys(frame["metric"]))]
        return wide.assign(n_distinct=list(self.n_distinct.values()))

    def compare(self, system, other, metric="rouge_l"):
        """Compare two systems on the same resamples.

        Parameters
        ----------
        system, other : str
        metric : str, default="rouge_l"

        Returns
        -------
        Comparison
            First minus second.
        """
        a, b = (self.intervals[name][metric] for name in (system, other))
        return comparison(a.estimate - b.estimate, a.resamples - b.resamples, a.confidence_level)


def evaluate_reports(
    reports,
    generated,
    *,
    labeler=None,
    target=None,
    bert=None,
    groups=None,
    min_positives=1,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    """Compute BLEU, ROUGE, METEOR, BERTScore and clinical F1 with bootstrap intervals.

    Every metric is a function of sums over records, so that all of them, and all systems, are
    computed on the same resamples of patients.

    Parameters
    ----------
    reports : array-like of str of shape (n_samples,)
        The true reports.
    generated : dict from str to array-like of str, or array-like of str of shape (n_samples,)
        Reports by system; see :func:`report_baselines`.
    labeler : fitted classifier or None, default=None
        Predicts labels from text, see :func:`report_labeler`. With `target` it gives
        ``clinical_f1``: the macro F1 of the labels recovered from each generated report against
        the true ones.
    target : array-like of shape (n_samples, n_classes) or None, default=None
        True labels. Classes with fewer than `min_positives` are named and left out.
    bert : str, path-like or None, default=None
        Folder or hub id of the model for :func:`bert_score`; None leaves it out.
    groups : array-like of shape (n_samples,) or None, default=None
        Patients.
    min_positives : int, default=1
    n_resamples : int, default=1000
    confidence_level : float, default=0.95
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    scores : ReportScores
        Metrics ``bleu_1`` to ``bleu_4`` (of the corpus), ``rouge_1``, ``rouge_2``, ``rouge_l``,
        ``meteor_exact_stem``, and where asked for ``bert_score`` and ``clinical_f1``.

    Examples
    --------
    >>> from merit_sk.evaluation import evaluate_reports
    >>> true = ["sinus rhythm, normal ecg", "atrial fibrillation, abnormal ecg"]
    >>> written = {"majority": ["sinus rhythm, normal ecg"] * 2, "perfect": true}
    >>> scores = evaluate_reports(true, written, n_resamples=20, random_state=0)
    >>> scores.table()["rouge_l"].round(2).to_dict()
    {'majority': 0.62, 'perfect': 1.0}
    """
    if not isinstance(generated, dict):
        generated = {"generated": generated}
    check_consistent_length(reports, groups, target, *generated.values())
    if (labeler is None) != (target is None):
        raise ValueError("clinical F1 needs both labeler= and target=")
    if target is not None:
        target = check_labels(target)
        keep = included_classes(target, min_positives)
    resamples = _resample_weights(len(reports), groups, n_resamples, random_state)
    weights = np.hstack([np.ones((len(reports), 1)), *resamples])
    intervals = {}
    for system, texts in generated.items():
        parts = _statistics(reports, texts, bert)
        if target is not None:
            found = np.asarray(labeler.predict(list(texts)))
            parts["clinical_f1"] = _f1_statistics(target[:, keep], found[:, keep]), _macro_f1
        intervals[system] = {
            metric: _interval(combine, weights.T @ statistics, confidence_level)
            for metric, (statistics, combine) in parts.items()
        }
    distinct = {system: len(set(texts)) for system, texts in generated.items()}
    return ReportScores(intervals, distinct, len(reports))


def _statistics(reports, texts, bert):
    """Return for each metric the statistics to sum over records, and a function of the sums."""
    counts = bleu_counts(reports, texts)
    parts = {f"bleu_{n}": (counts, lambda s, n=n: bleu_of_counts(s, n)) for n in BLEU_ORDERS}
    means = rouge(reports, texts)
    means["meteor_exact_stem"] = meteor_exact_stem(reports, texts)
    if bert is not None:
        means["bert_score"] = bert_score(reports, texts, bert)
    one = np.ones(len(reports))
    return parts | {name: (np.column_stack([v, one]), _mean) for name, v in means.items()}


def _mean(sums):
    return sums[0] / sums[1]


def _f1_statistics(true, found):
    """Return true positives and the sum of true and found positives, for every class."""
    return np.hstack([true & found, true + found]).astype(float)


def _macro_f1(sums):
    hits, positives = np.split(sums, 2)
    there = positives > 0
    return np.mean(2 * hits[there] / positives[there])


def _interval(combine, sums, confidence_level):
    estimate, *values = (float(combine(row)) for row in sums)
    values = np.array(values)
    return Interval(estimate, *_bounds(values, confidence_level), confidence_level, values)


def report_baselines(generator, X_train, reports_train, X_test, *, context=None, random_state=None):
    """Return generated reports of test records, and those of baselines that use less.

    Reports are repetitive, so that scores can only be read beside those of baselines.

    Parameters
    ----------
    generator : MeritReportGenerator
        Fitted on the training records, or the one that comes with the weights.
    X_train, X_test : ECGRecords or array-like of shape (n_samples, n_leads, n_times)
    reports_train : array-like of str of shape (n_train,)
    context : array-like of str or DataFrame or None, default=None
        Of the test records, if the generator was fitted with one.
    random_state : int, RandomState instance or None, default=None
        Seed for the shuffled embeddings.

    Returns
    -------
    texts : dict of ndarray of shape (n_test,)
        ``"generated"``; ``"nearest report"``, that of the training record whose standardized
        embedding has the largest cosine; ``"majority report"``, the most frequent one;
        ``"shuffled ECG"``, the generator fed the embedding of another test record; and
        ``"no ECG"``, fed the average training embedding.
    """
    import pandas as pd

    generator = generator._ready()
    reports = written_reports(reports_train, len(X_train))
    there = reports != ""
    reports = reports[there]
    index, texts = pd.factorize(reports, sort=True)
    train, test = (generator.embedder_.transform(X) for X in (X_train, X_test))
    nearest = nearest_records(train[there], test, 1)[:, 0]
    order = check_random_state(random_state).permutation(len(X_test))
    other = np.empty(len(order), dtype=int)
    other[order] = np.roll(order, 1)
    written, shuffled, blind = generator._write_ablated(X_test, other, context)
    return {
        "generated": written,
        "nearest report": reports[nearest],
        "majority report": np.full(len(X_test), texts[np.bincount(index).argmax()], dtype=object),
        "shuffled ECG": shuffled,
        "no ECG": blind,
    }
