"""Evaluation of the scores of one model on one set of test records."""

import warnings
from dataclasses import dataclass, field

import numpy as np

from ..metrics._bootstrap import Interval, bootstrap_interval
from ..metrics._ranking import class_table, included_classes, macro_auc


@dataclass(frozen=True)
class ScoredTest:
    """Scores of a model on test records, with their AUCs.

    Attributes
    ----------
    auc : Interval
        Macro AUC over the included classes, with its interval by patients.
    table : Bunch
        One entry per class, see :func:`class_table`.
    scores : ndarray of shape (n_test, n_classes)
        Scores of the test records.
    y_test : ndarray of shape (n_test, n_classes)
        Their labels.
    test_index : ndarray of int
        Their positions in the data.
    groups_test : ndarray or None
        Their patients.
    """

    auc: Interval
    table: dict = field(repr=False)
    scores: np.ndarray = field(repr=False)
    y_test: np.ndarray = field(repr=False)
    test_index: np.ndarray = field(repr=False)
    groups_test: np.ndarray | None = field(repr=False)

    @property
    def target_names(self):
        """Names of the classes (a list)."""
        return list(self.table.target)

    def to_frame(self):
        """Return the table of classes as a :class:`pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame(self.table)

    @staticmethod
    def _summarize(frame):
        parts = frame.groupby("target", sort=False)
        scores = parts["auc"].agg(["mean", "std", "min", "max", "count"])
        return parts["n_positives"].mean().to_frame().join(scores).reset_index()


def score_test(data, index, columns, scores, *, min_positives, n_resamples, random_state):
    """Evaluate scores against some label columns of the records at ``index``.

    Parameters
    ----------
    data : Bunch
        ``target``, ``target_names`` and perhaps ``groups``.
    index : ndarray of int
        Records.
    columns : list of int
        Label columns, in the order of the scores' columns.
    scores : ndarray of shape (len(index), len(columns))
    min_positives, n_resamples, random_state
        As in :func:`evaluate_probe`.

    Returns
    -------
    ScoredTest
    """
    y = np.asarray(data.target)[np.ix_(index, columns)]
    names = [str(data.target_names[k]) for k in columns]
    groups = None if data.get("groups") is None else np.asarray(data.groups)[index]
    keep = included_classes(y, min_positives, names, stacklevel=4)
    auc = bootstrap_interval(
        macro_auc,
        y[:, keep],
        scores[:, keep],
        groups=groups,
        n_resamples=n_resamples,
        random_state=random_state,
    )
    table = class_table(y, scores, target_names=names, min_positives=min_positives)
    return ScoredTest(auc, table, scores, y, index, groups)


def matching_columns(names, target_names, what):
    """Return the positions in ``names`` and in ``target_names`` of the names in both.

    Names of the first that the second lacks are named in a warning.
    """
    target_names = [str(name) for name in target_names]
    both = [(i, target_names.index(str(n))) for i, n in enumerate(names) if str(n) in target_names]
    if not both:
        raise ValueError(
            f"None of the {what} {', '.join(map(str, names))} is among the target names "
            f"{', '.join(target_names)}."
        )
    missing = [str(name) for name in names if str(name) not in target_names]
    if missing:
        warnings.warn(
            f"Not judged, since the data have no such label: {', '.join(missing)}.",
            UserWarning,
            stacklevel=4,
        )
    return [list(column) for column in zip(*both, strict=True)]
