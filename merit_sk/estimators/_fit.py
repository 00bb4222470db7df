"""The state of estimators: all that ``fit`` learns, or what was there before."""

import copy
import functools


def all_or_nothing(fit):
    """Make a ``fit`` method leave the estimator as it was if it fails.

    The method runs on a shallow copy, whose attributes are taken over at the end.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> from merit_sk.estimators._fit import all_or_nothing
    >>> class Estimator(BaseEstimator):
    ...     @all_or_nothing
    ...     def fit(self, X):
    ...         self.sum_ = 0
    ...         self.sum_ = sum(X)
    ...         return self
    >>> estimator = Estimator().fit([1, 2])
    >>> try:
    ...     estimator.fit(["a"])
    ... except TypeError:
    ...     estimator.sum_
    3
    """

    @functools.wraps(fit)
    def wrapper(self, *args, **kwargs):
        trial = copy.copy(self)
        fit(trial, *args, **kwargs)
        parameters = self.get_params(deep=False)
        for name in set(vars(self)) - set(vars(trial)):
            delattr(self, name)
        vars(self).update({k: v for k, v in vars(trial).items() if k not in parameters})
        return self

    return wrapper
