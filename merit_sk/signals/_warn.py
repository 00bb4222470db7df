"""Warnings that point at the line of the user."""

import sys
import warnings

_OURS = ("merit_sk", "sklearn")  # scikit-learn wraps methods and runs pipelines


def warn(message):
    """Warn as if from the line outside the package and scikit-learn that led here.

    Parameters
    ----------
    message : str
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals["__name__"].split(".")[0] in _OURS:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)
