"""Checks that every estimator makes of its input."""

import numpy as np
from sklearn.utils.validation import validate_data

from ..records import ECGRecords
from ..signals._leads import STANDARD_LEADS

NAME_THEM = (
    "Name the leads of X, ECGRecords.from_array(X, sampling_rate=..., lead_names=...): they are "
    "then put in order, and some may be missing"
)


def check_signals(estimator, X, *, reset, y=None):
    """Validate recordings and count their leads.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` if `reset`.
    X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
        In mV; two dimensions are one lead.
    reset : bool
        Whether this is ``fit``.
    y : array-like or None, default=None

    Returns
    -------
    X : ECGRecords, or ndarray of shape (n_samples, n_leads, n_times)
    """
    if isinstance(X, ECGRecords):
        if len(X) == 0:
            raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
        if reset:
            estimator.n_features_in_ = X.shape[1]
        return X
    shape = np.shape(X) if isinstance(X, np.ndarray) else ()
    try:
        X = validate_data(
            estimator, X, dtype=[np.float32, np.float64], allow_nd=True, ensure_all_finite=False,
            reset=reset,
        )  # fmt: skip
    except ValueError as error:
        if reset or len(shape) != 3 or shape[1] == estimator.n_features_in_:
            raise
        raise ValueError(f"{error} (its leads). {NAME_THEM}") from error
    if X.ndim > 3:
        raise ValueError(
            "X must have shape (n_samples, n_leads, n_times) or (n_samples, n_times), "
            f"got {X.ndim} dimensions"
        )
    if X.size == 0:
        raise ValueError(f"Found array with 0 feature(s) (shape={X.shape}): X holds no samples")
    return X[:, None] if X.ndim == 2 else X


def check_leads(X, leads):
    """Refuse an array of another number of leads than the model has."""
    if isinstance(X, np.ndarray) and X.shape[1] != len(leads):
        raise ValueError(
            f"X has {X.shape[1]} leads, this model expects {len(leads)}: {', '.join(leads)}. "
            + NAME_THEM
        )


def default_leads(X, leads):
    """Lead names of a model fitted on ``X``: as given, as recorded, or the standard order."""
    if isinstance(X, ECGRecords):
        return tuple(leads or X.lead_names)
    n_leads = X.shape[1]
    if leads is None:
        numbered = tuple(f"channel {i + 1}" for i in range(n_leads))
        return STANDARD_LEADS if n_leads == len(STANDARD_LEADS) else numbered
    if len(leads) != n_leads:
        raise ValueError(f"leads names {len(leads)} leads ({', '.join(leads)}) but X has {n_leads}")
    return tuple(leads)
