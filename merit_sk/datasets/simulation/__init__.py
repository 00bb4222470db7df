"""Simulated 12-lead ECGs with PTB-XL statements and reports.

One module for each part of the way from a statement to a recording: ``findings`` (what a statement
changes), ``patient`` (in whom), ``rhythm`` (when), ``heart`` (where the potentials come from),
``waves`` (their course in time), ``body`` (how electrodes see them), ``noise``, ``reports``; and
``generator``, which joins them.
"""

from .version import SIMULATOR_VERSION

__all__ = ["SIMULATOR_VERSION"]
