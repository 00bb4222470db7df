"""``python -m merit_sk.experiment``: MERIT, its halves and the alternatives on your recordings."""

import argparse
import shlex
import sys
import time

from .config import LIGHT_MODELS, MODELS, RunConfig
from .html import write_report
from .run import prepare, run
from .tables import format_blocks, write_tables

DEFAULT = RunConfig()


def _weight(text):
    return text if text == "auto" else float(text)


def build_parser():
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m merit_sk.experiment",
        description="Pretrain, probe, zero-shot and transfer models on the same recordings; write "
        "tables, csv, json and report.html. Finished models are not trained again.",
    )
    add = parser.add_argument
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--ptbxl", metavar="PATH", help="folder of PTB-XL")
    data.add_argument("--simulated", type=int, metavar="N", help="simulate N recordings instead")
    add(
        "--standardized",
        nargs=2,
        default=(),
        metavar=("PATH", "CSV"),
        help="further PTB-XL recordings as arrays, and ptbxl_database.csv with their rows",
    )
    for name in ("cpsc2018", "csn", "georgia"):
        add(f"--{name}", metavar="PATH", help="folder of a data set to transfer to")
    add(
        "--reports",
        nargs="+",
        default=DEFAULT.reports,
        metavar="REPORTS",
        help="columns of the table, or csv files with ecg_id and text_en; several are joined",
    )
    add(
        "--report-fraction",
        type=float,
        default=1.0,
        metavar="F",
        help="share of the training patients whose reports are used",
    )
    add(
        "--models",
        nargs="+",
        choices=list(MODELS),
        help="by default all for --ptbxl, and without networks and MiniRocket for --simulated; "
        "the random encoder is always there",
    )
    add("--tasks", nargs="+", choices=DEFAULT.tasks, default=DEFAULT.tasks)
    add("--fractions", type=float, nargs="+", default=DEFAULT.fractions, help="shares of labels")
    add("--n-draws", type=int, default=DEFAULT.n_draws, help="draws of each share below 1")
    add("--seeds", type=int, nargs="+", default=DEFAULT.seeds)
    add("--max-epochs", type=int, default=DEFAULT.max_epochs)
    add("--encoder", default=DEFAULT.encoder, help="tiny, small or base")
    add("--structure-weight", type=_weight, default=DEFAULT.structure_weight, help="or auto")
    add(
        "--min-positives",
        type=int,
        default=DEFAULT.min_positives,
        help="positive and negative test records that a class needs",
    )
    add("--valid-fold", type=int, default=DEFAULT.valid_fold, metavar="K")
    add("--test-fold", type=int, default=DEFAULT.test_fold, metavar="K")
    add("--output", default="results", metavar="FOLDER")
    add("--n-jobs", type=int, default=-1, help="models fitted at a time")
    return parser  # fmt: skip


def configure(args):
    """Command line to configuration."""
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in vars(args).items()}
    for name in ("output", "n_jobs"):
        del settings[name]
    models = args.models or (MODELS if args.ptbxl else LIGHT_MODELS)
    settings["models"] = tuple(key for key in MODELS if key == "random" or key in models)
    settings["simulated"] = args.simulated or 0
    return RunConfig(**settings)


def main(arguments=None):
    """Run, print the tables, and write them with a report."""
    parser = build_parser()
    args = parser.parse_args(arguments)
    start = time.perf_counter()
    try:
        config = configure(args)
        prepared = prepare(config)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    evaluation = run(config, prepared, args.output, n_jobs=args.n_jobs, verbose=1)
    tables = write_tables(evaluation)
    print("\n" + format_blocks(tables))
    words = sys.argv[1:] if arguments is None else arguments
    report = write_report(evaluation, tables, f"{parser.prog} {shlex.join(words)}")
    print(f"{report}, tables.txt, csv files, results.json and models are in {evaluation.output}/ "
          f"({time.perf_counter() - start:.0f} s)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
