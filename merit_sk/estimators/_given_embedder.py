"""The parameter `embedder` of estimators that build on one."""

import os

from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from ._storage import StorageMixin

EMBEDDER = "embedder"


class GivenEmbedder:
    """Descriptor of the parameter `embedder`: a fitted one is frozen on entry.

    A frozen embedder survives `clone`, as in cross-validation, and refuses new parameters.
    """

    def __get__(self, estimator, owner=None):
        return self if estimator is None else vars(estimator)["embedder"]

    def __set__(self, estimator, embedder):
        if hasattr(embedder, "model_") and not isinstance(embedder, FrozenEstimator):
            embedder = FrozenEstimator(embedder)
        vars(estimator)["embedder"] = embedder


def names_weights(embedder):
    """Return whether a parameter `embedder` means weights that are there before ``fit``.

    Those of an embedder that is not fitted are, unless epochs are to be trained.
    """
    if isinstance(embedder, (str, os.PathLike, FrozenEstimator)):
        return True
    named = getattr(embedder, "pretrained", None) is not None
    return named and not getattr(embedder, "max_epochs", None)


def embedder_files(embedder, dtype):
    """Return the files of an embedder in another estimator, without its report writer."""
    return {f"{EMBEDDER}/{k}": v for k, v in embedder._files(dtype, parts={}).items()}


def resolve_embedder(embedder, X=None, **fit_params):
    """Return the fitted embedder that a parameter `embedder` means.

    Parameters
    ----------
    embedder : str, path-like, MeritEmbedder or FrozenEstimator
        A name, folder or hub id of weights; an embedder, which is fitted to ``X`` if it is not
        fitted; or one that is frozen.
    X : ECGRecords or ndarray, default=None
        None only where `names_weights`: then the weights are loaded, and nothing is looked at.
    **fit_params
        Of the ``fit`` of an embedder that is to be trained.

    Returns
    -------
    embedder : MeritEmbedder
        Not to be changed: it may be another's.

    Raises
    ------
    TypeError
        For anything else.
    """
    from ._embedder import MeritEmbedder

    if isinstance(embedder, (str, os.PathLike)):
        return MeritEmbedder.from_pretrained(embedder)
    if isinstance(embedder, FrozenEstimator):
        embedder = embedder.estimator
    if not isinstance(embedder, MeritEmbedder):
        raise TypeError(
            "embedder must be the name, folder or hub id of weights, a MeritEmbedder or a "
            f"FrozenEstimator of one, got {embedder!r}"
        )
    if hasattr(embedder, "model_"):
        return embedder
    if names_weights(embedder):
        if X is None:
            return clone(embedder)._ready()
        fit_params = {}
    return clone(embedder).fit(X, **fit_params)


class EmbedderStorageMixin(StorageMixin):
    """Storage of estimators whose only weights are those of their `embedder_`."""

    @property
    def window_(self):
        """Sampling rate, leads, duration and pass band of the embedder."""
        return self.embedder_.window_

    @classmethod
    def _from_files(cls, files, folder, name, device="auto", **parameters):
        estimator = super()._from_files(files, folder, name, **parameters)
        estimator.embedder = estimator.embedder_.set_params(device=device)
        return estimator

    def _weights(self):
        return None

    def _parts(self, dtype):
        return embedder_files(self.embedder_, dtype)

    def _restore_embedder(self, parts, folder):
        from ._embedder import MeritEmbedder

        where = f"{folder}/{EMBEDDER}"
        self.embedder_ = MeritEmbedder._from_files(parts[EMBEDDER], where, where)
