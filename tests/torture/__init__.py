"""Damaged files, kills and full disks in large numbers: ``python -m tests.torture --help``.

Whatever is damaged gives what it holds, or a `ValueError` or `OSError` that says so: no other
exception, no crash, no hang, no wrong shape, no file opened outside the folder, no more memory than
a bound. A model, a checkpoint or a cache of embeddings gives what was saved or an error, never
something else. What is killed goes on to what it would have been. A disk that is full is an
`OSError`, and what was there is as it was.

Inputs that are damaged are `records.KINDS` and `models.KINDS`; what is killed is `kills.JOBS`; what
is written to disks that are full is `disks.ACTIONS`. Another kind is one more line there.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # what forks must have no threads
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.append(str(Path(__file__).resolve().parents[1]))  # where ecg_files.py is
