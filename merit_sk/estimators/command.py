"""``merit-sk embed``: embeddings of a folder of recordings, in one file."""

import shutil
import sys
from pathlib import Path

import numpy as np

from .. import __version__
from ..datasets import read_ecg
from ..nn.checkpoint import whole
from . import MeritEmbedder

AT_ONCE = 512
DESCRIPTION = """\
Embed recordings of any format, and write the features of all of them into one npz file: Z of shape
(n_recordings, n_features), record_names, feature_names, and what made them. What was interrupted
goes on where it was; an existing file is not overwritten.

  merit-sk embed exports/ --output features.npz
  python -c "import numpy; f = numpy.load('features.npz'); print(f['Z'].shape, f['record_names'])"
"""


def add_arguments(parser):
    """Add the options of ``embed`` to a parser."""
    add = parser.add_argument
    add("records", metavar="RECORD", nargs="+", help="file, folder or WFDB record")
    add("--output", type=Path, required=True, metavar="NPZ", help="file to write")
    add("--pretrained", default="merit-tiny", metavar="NAME",
        help="name, folder or hub id of the weights; by default those in the package")  # fmt: skip
    add("--readout", default="all", choices=("all", "stages", "last", "projected"))
    add("--errors", default="raise", choices=("raise", "skip"),
        help="what to do with files that cannot be read (default raise)")  # fmt: skip
    add("--n-jobs", type=int, metavar="N", help="processes that read, and threads that embed")
    add("--force", action="store_true", help="overwrite NPZ")


def run(args):
    """Embed some recordings at a time, keep them, and write all of them."""
    from tqdm.auto import tqdm

    if args.output.suffix != ".npz":
        raise ValueError(f"--output is an npz file: give {args.output}.npz")
    if args.output.exists() and not args.force:
        raise FileExistsError(f"{args.output} exists: give another name, or --force")
    data = read_ecg(args.records, errors=args.errors, n_jobs=args.n_jobs).data
    args.output.parent.mkdir(parents=True, exist_ok=True)
    done = args.output.with_name(f".{args.output.name}.part")
    embedder = MeritEmbedder.from_pretrained(
        args.pretrained, readout=args.readout, cache=done, n_jobs=args.n_jobs
    )
    parts = []
    with tqdm(total=len(data), unit="ECG", disable=not sys.stderr.isatty()) as bar:
        for start in range(0, len(data), AT_ONCE):
            parts.append(embedder.transform(data[start : start + AT_ONCE]))
            bar.update(len(parts[-1]))
    content = {
        "Z": np.concatenate(parts),
        "record_names": np.asarray(data.record_names, dtype=str),
        "feature_names": np.asarray(embedder.get_feature_names_out(), dtype=str),
        "weights": str(args.pretrained), "readout": args.readout, "merit_sk": __version__,
    }  # fmt: skip
    with whole(args.output, "wb") as file:
        np.savez(file, **content)
    shutil.rmtree(done, ignore_errors=True)
    n, n_features = content["Z"].shape
    print(f"{args.output}: {n} recordings, {n_features} features each")
