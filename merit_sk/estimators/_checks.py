"""Checks that every estimator makes of its input."""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from ..records import ECGRecords
from ..signals import STANDARD_LEADS, canonical_lead_name
from ..signals._lead_order import adds_up
from ..signals._warn import warn

LEAST_TIMES = 100  # samples, of which it is looked at whether they are one recording

NAME_THEM = (
    "Name the leads of the array, leads=[...], or wrap it, ECGRecords.from_array(X, "
    "sampling_rate=..., lead_names=...): they are then put in order, and some may be missing"
)


def check_signals(estimator, X, *, reset):
    """Validate the shape of recordings and count their leads.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` if `reset`.
    X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
        In mV; two dimensions are one lead.
    reset : bool
        Whether this is ``fit``. Only two-dimensional arrays must keep their number of columns, as
        scikit-learn asks for; other recordings may have any length.

    Returns
    -------
    X : ECGRecords, or ndarray of shape (n_samples, n_leads, n_times)

    Raises
    ------
    ValueError
        If there are no recordings or no samples, for another number of dimensions, or if two
        dimensions are the leads and samples of one recording.
    """
    if isinstance(X, ECGRecords):
        if len(X) == 0:
            raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
        if reset:
            estimator.n_features_in_ = X.shape[1]
            estimator._fitted_in_two_dimensions = False
        return X
    in_two_dimensions = not reset and getattr(estimator, "_fitted_in_two_dimensions", False)
    options = dict(dtype=[np.float32, np.float64], allow_nd=True, ensure_all_finite=False)
    if np.asarray(X).ndim != 3 and (reset or in_two_dimensions):
        X = validate_data(estimator, X, reset=reset, **options)
    else:
        X = check_array(X, input_name="X", estimator=estimator, **options)
        if reset:
            estimator.n_features_in_ = X.shape[1]
    if reset:
        estimator._fitted_in_two_dimensions = X.ndim == 2
    if X.ndim > 3:
        raise ValueError(
            "X must have shape (n_samples, n_leads, n_times) or (n_samples, n_times), "
            f"got {X.ndim} dimensions"
        )
    if X.size == 0:
        raise ValueError(f"Found array with 0 feature(s) (shape={X.shape}): X holds no samples")
    named = any(
        getattr(part, "leads", None) is not None
        for part in (estimator, getattr(estimator, "embedder", None))
    )
    if X.ndim == 2 and not in_two_dimensions and not named:
        refuse_one_recording(X)
    return X[:, None] if X.ndim == 2 else X


def refuse_one_recording(X):
    """Refuse an array of two dimensions that is one recording, and warn where it may be one.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_times)

    Raises
    ------
    ValueError
        If its rows, or its columns, add up as the limb leads do.

    Examples
    --------
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.estimators._checks import refuse_one_recording
    >>> refuse_one_recording(make_ecg(1, random_state=0).data[0])
    Traceback (most recent call last):
        ...
    ValueError: X of shape (12, 1000) is one recording: its rows add up as leads do ...
    """
    for x, rows, remedy in ((X, "rows", "X[None]"), (X.T, "columns", "X.T[None]")):
        if len(x) != len(STANDARD_LEADS) or x.shape[1] < LEAST_TIMES:
            continue
        if adds_up(x[:6]):
            raise ValueError(
                f"X of shape {X.shape} is one recording: its {rows} add up as leads do (II = I + "
                f"III). Pass {remedy}, as two dimensions are recordings of lead I."
            )
        if rows == "rows":
            warn(
                "an array of two dimensions is taken for recordings of lead I, and this one has "
                "12 rows: if it is one recording of 12 leads, pass X[None]; if it is 12 "
                "recordings of lead I, pass X[:, None]"
            )


def array_leads(X, leads, model):
    """Return the names of the leads of an array that a model gets.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_leads, n_times)
    leads : sequence of str or None
        As the user names them. None takes those of the model where the number is the same, the
        standard order for twelve, and lead I for one.
    model : sequence of str
        Leads of the model.

    Raises
    ------
    ValueError
        If the names do not fit the array, or it cannot be known what its leads are.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.estimators._checks import array_leads
    >>> array_leads(np.zeros((5, 1, 1000)), None, ("I", "II", "V1"))
    ('I',)
    """
    n_leads = X.shape[1]
    if leads is not None:
        if len(leads) != n_leads:
            raise ValueError(
                f"leads names {len(leads)} leads ({', '.join(leads)}), but X has {n_leads}"
            )
        return tuple(map(canonical_lead_name, leads))
    if n_leads == len(model):
        return tuple(model)
    if n_leads == len(STANDARD_LEADS):
        return STANDARD_LEADS
    if n_leads == 1:
        return ("I",)
    raise ValueError(
        f"X has {n_leads} leads, this model expects {len(model)}: {', '.join(model)}. {NAME_THEM}"
    )


def model_leads(X, leads):
    """Return the leads of a model that learns from ``X``: as given, as recorded, or the standard.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.estimators._checks import model_leads
    >>> model_leads(np.zeros((5, 2, 1000)), None)
    ('channel 1', 'channel 2')
    """
    if leads is not None:
        leads = tuple(map(canonical_lead_name, leads))
        if isinstance(X, np.ndarray):
            return array_leads(X, leads, leads)
        return leads
    if isinstance(X, ECGRecords):
        return tuple(X.lead_names)
    n_leads = X.shape[1]
    if n_leads in (1, len(STANDARD_LEADS)):
        return STANDARD_LEADS[:n_leads]
    return tuple(f"channel {i + 1}" for i in range(n_leads))
