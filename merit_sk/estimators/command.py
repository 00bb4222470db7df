"""``merit-sk embed``: embeddings of a folder of recordings, in one file."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np

from .. import __version__
from ..datasets import read_ecg
from ..datasets._find_files import is_recording, refuse_missing
from ..nn.checkpoint import whole
from . import MeritEmbedder

AT_ONCE = 512
DESCRIPTION = """\
Embed recordings of any format, and write the features of all of them into one file. What was
interrupted goes on where it was; an existing file is not overwritten. Files that cannot be read are
named and left out; the exit code then is 1.

An npz file holds Z of shape (n_recordings, n_features), record_names, feature_names, and what made
them. A parquet file is a table with a row a recording and a column a feature; it needs pyarrow.

  merit-sk embed exports/ --output features.npz
  python -c "import numpy; f = numpy.load('features.npz'); print(f['Z'].shape, f['record_names'])"

  merit-sk embed exports/ --output features.parquet
  python -c "import pandas; print(pandas.read_parquet('features.parquet'))"
"""


def add_arguments(parser):
    """Add the options of ``embed`` to a parser."""
    add = parser.add_argument
    add("records", metavar="RECORD", nargs="+", help="file, folder or WFDB record")
    add("--output", type=Path, required=True, metavar="FILE",
        help="file to write, .npz or .parquet")  # fmt: skip
    add("--pretrained", default="merit-tiny", metavar="NAME",
        help="name, folder or hub id of the weights; by default those in the package")  # fmt: skip
    add("--readout", default="all", choices=("all", "stages", "last", "projected"))
    add("--errors", default="skip", choices=("skip", "raise"),
        help="whether files that cannot be read are left out (default), or end the command "
        "before anything is embedded")  # fmt: skip
    add("--n-jobs", type=int, metavar="N", help="processes that read, and threads that embed")
    add("--force", action="store_true", help="overwrite FILE")


def run(args):
    """Embed some recordings at a time, keep them, and write all of them."""
    _check_output(args.output, args.force)
    refuse_missing(args.records)
    ecg = read_ecg(args.records, errors=args.errors, n_jobs=args.n_jobs)
    skipped = args.console.skipped(ecg.get("skipped"))
    if not len(ecg.data):
        raise ValueError("no recording can be read: there is nothing to embed")
    args.output.parent.mkdir(parents=True, exist_ok=True)
    done = args.output.with_name(f".{args.output.name}.part")
    embedder = MeritEmbedder.from_pretrained(
        args.pretrained, readout=args.readout, cache=done, n_jobs=args.n_jobs
    )
    names = embedder.get_feature_names_out()
    Z = np.empty((len(ecg.data), len(names)), dtype=np.float32)
    with args.console.progress(len(Z)) as bar:
        for start in range(0, len(Z), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            Z[rows] = embedder.transform(ecg.data[rows])
            bar.update(len(Z[rows]))
    made = {"weights": str(args.pretrained), "readout": args.readout, "merit_sk": __version__}
    _write(args.output, Z, ecg.data.record_names, names, made)
    shutil.rmtree(done, ignore_errors=True)
    n, n_features = Z.shape
    args.console.result(
        f"{args.output}: {n} recordings, {n_features} features each",
        {
            "output": args.output,
            "recordings": n,
            "features": n_features,
            "skipped": skipped,
            **made,
        },
    )
    return int(bool(skipped))


def _check_output(path, force):
    if path.suffix not in (".npz", ".parquet"):
        raise ValueError(f"--output is an npz or a parquet file: give {path}.npz")
    if path.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ImportError(
            f"parquet is written with pyarrow, which is not installed: pip install pyarrow, or "
            f"give {path.with_suffix('.npz')}"
        )
    if path.exists() and (not force or is_recording(path)):
        raise FileExistsError(f"{path} exists: give another name, or --force")


def _write(path, Z, record_names, feature_names, made):
    """Write features and names; the file appears whole or not at all."""
    import pandas as pd

    with whole(path, "wb") as file:
        if path.suffix == ".npz":
            names = {"record_names": record_names, "feature_names": feature_names}
            np.savez(file, Z=Z, **{k: np.asarray(v, dtype=str) for k, v in names.items()}, **made)
        else:
            index = pd.Index(list(record_names), name="record")
            table = pd.DataFrame(Z, index=index, columns=list(feature_names))
            table.attrs = made
            table.to_parquet(file, engine="pyarrow")
