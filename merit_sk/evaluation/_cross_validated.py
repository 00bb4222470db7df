"""Results of a cross-validation: one for each split, their mean and spread."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class CrossValidated:
    """Results of all splits of a cross-validation.

    Attributes
    ----------
    splits : list of ProbeResult or of ScoredTest
        One result for each split, in their order.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import ShuffleSplit
    >>> from sklearn.utils import Bunch
    >>> from merit_sk.evaluation import evaluate_probe
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, size=(300, 2))
    >>> ecg = Bunch(data=np.zeros((300, 1)), target=y, target_names=["AFIB", "NORM"])
    >>> features = y @ rng.normal(size=(2, 20)) + rng.normal(size=(300, 20))
    >>> splits = ShuffleSplit(3, random_state=0)
    >>> result = evaluate_probe(features, ecg, cv=splits, fractions=(50, 1.0), n_repeats=2)
    >>> result.scores.shape, result.mean > 0.8
    ((3,), True)
    >>> result.summary()[["labels", "count"]].to_numpy().tolist()
    [[50.0, 6.0], [1.0, 3.0]]
    """

    splits: list = field(repr=False)

    @property
    def scores(self):
        """Macro AUC of each split, with all labels: an array of shape (n_splits,)."""
        return np.array([split.auc.estimate for split in self.splits])

    @property
    def mean(self):
        """Mean of the macro AUC over splits."""
        return float(self.scores.mean())

    @property
    def std(self):
        """Standard deviation of the macro AUC over splits; NaN for one."""
        return float(self.scores.std(ddof=1)) if len(self.splits) > 1 else float("nan")

    def __str__(self):
        return f"{self.mean:.3f} ± {self.std:.3f} over {len(self.splits)} splits"

    def to_frame(self, **options):
        """Return the frames of all splits as one :class:`pandas.DataFrame`.

        Parameters
        ----------
        **options : dict
            Of the ``to_frame`` of each split's result.

        Returns
        -------
        pandas.DataFrame
            With a column ``split``, from 0.
        """
        import pandas as pd

        frames = [split.to_frame(**options) for split in self.splits]
        return pd.concat(
            [frame.assign(split=k) for k, frame in enumerate(frames)], ignore_index=True
        )

    def summary(self):
        """Return mean and standard deviation over splits, and over the repeats in each.

        Returns
        -------
        pandas.DataFrame
            Of probes, one row for each label count, as :meth:`ProbeResult.summary` gives it.
            Otherwise one row for each class.
        """
        return self.splits[0]._summarize(self.to_frame())
