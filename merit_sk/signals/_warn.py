"""Warnings that point at the line of the user."""

import sys
import warnings


def warn(message):
    """Warn as if from the line outside the package that led here.

    Parameters
    ----------
    message : str
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals["__name__"].split(".")[0] == "merit_sk":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level - 1)
