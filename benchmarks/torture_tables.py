"""Damaged inputs, kills and full disks, as ``make torture``, for the tables of the documentation.

    python benchmarks/torture_tables.py [ARGUMENT ...] [--output FOLDER]

Arguments are those of ``python -m tests.torture``. As that reads in processes of their own, whole
inputs of every kind are made and read in this one first, for ``_trace.py`` to see what it depends
on.
"""

import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.torture.__main__ import KINDS
from tests.torture.__main__ import main as torture


def read_whole():
    for name, kind in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            kind.make(Path(folder), random.Random(name))
            kind.read(Path(folder), random.Random(name))


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    if not {"-h", "--help"} & {*arguments}:
        read_whole()
    return torture(arguments)


if __name__ == "__main__":
    sys.exit(main())
