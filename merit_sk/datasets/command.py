"""``merit-sk simulate``: a simulated ECG as a WFDB record."""

import textwrap
from pathlib import Path

from ..statements import PTBXL_STATEMENTS
from . import make_ecg

RATE = 500
DESCRIPTION = """\
Write a simulated twelve-lead ECG of 10 s at 500 Hz, with the PTB-XL statements you name, as a WFDB
record (RECORD.hea and RECORD.dat). An existing file is never overwritten.

  merit-sk simulate mine AFIB CRBBB

Statements:
""" + "\n".join(
    textwrap.fill(f"{code:8s}{statement.description}", 96, subsequent_indent=" " * 10,
                  initial_indent="  ")
    for code, statement in PTBXL_STATEMENTS.items()
)  # fmt: skip


def add_arguments(parser):
    """Add the options of ``simulate`` to a parser."""
    parser.add_argument("record", metavar="RECORD", help="path of the new record")
    parser.add_argument("statements", metavar="STATEMENT", nargs="+", help="such as AFIB")
    parser.add_argument("--random-state", type=int, default=0, metavar="SEED",
        help="another patient (default 0)")  # fmt: skip


def run(args):
    """Write the record."""
    import wfdb

    path = Path(args.record)
    path = path.with_suffix("") if path.suffix in (".hea", ".dat") else path
    files = [Path(f"{path}{suffix}") for suffix in (".hea", ".dat")]
    for file in (path, *files):
        if file.exists():
            raise FileExistsError(f"{file} exists, and is not overwritten: give another RECORD")
    ecg = make_ecg(
        1, statements=[tuple(args.statements)], sampling_rate=RATE, random_state=args.random_state
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        wfdb.wrsamp(
            path.name, fs=RATE, units=["mV"] * 12, sig_name=list(ecg.data.lead_names),
            p_signal=ecg.data[0].T.astype(float), fmt=["16"] * 12, write_dir=str(path.parent),
        )  # fmt: skip
    except BaseException as error:
        for file in files:
            file.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
    args.console.result(
        f"{files[0]} and {files[1].name}: {ecg.reports[0]}",
        {"files": files, "statements": args.statements, "report": ecg.reports[0]},
    )
