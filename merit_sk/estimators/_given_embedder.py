"""What estimators that are given an embedder do with it."""

import copy

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted


class GivenEmbedderMixin:
    """A fitted embedder stays fitted when the estimator that holds it is cloned."""

    def _bare_embedder(self):
        """The parameter `embedder` without a wrapper that freezes it; None if there is none."""
        embedder = self.embedder
        return embedder.estimator if isinstance(embedder, FrozenEstimator) else embedder

    def __sklearn_clone__(self):
        params = {k: clone(v, safe=False) for k, v in self.get_params(deep=False).items()
                  if k != "embedder"}  # fmt: skip
        embedder = self.embedder
        if embedder is not None:
            embedder = copy.copy(embedder) if is_fitted(embedder) else clone(embedder)
        new = type(self)(embedder=embedder, **params)
        if hasattr(self, "_metadata_request"):
            new._metadata_request = copy.deepcopy(self._metadata_request)
        return new


def is_fitted(estimator):
    """Whether an estimator is fitted."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True
