"""The version of the simulator: one for everything that decides what it draws."""

import hashlib
from pathlib import Path


def _digest_of_sources():
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


SIMULATOR_VERSION = _digest_of_sources()
"""Digest of the simulator's source files.

Two installations with the same value draw the same recordings from the same seed, given the same
NumPy. Figures that come from simulated recordings are kept with it.
"""
