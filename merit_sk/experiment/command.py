"""``merit-sk compare``: MERIT, its halves and the alternatives on your recordings."""

import shlex
import time

from ..estimators import MeritEmbedder
from ..evaluation import LABEL_COUNTS
from ..statements import PTBXL_TASKS
from .config import LIGHT_MODELS, MODELS
from .data import load_experiment
from .html import write_report
from .run import run_experiment

DESCRIPTION = """\
Pretrain models on the same recordings, evaluate them by every protocol that the given folders
allow, and write tables, csv, json and report.html. Finished models are not trained again.

  merit-sk compare --simulated 800 --max-epochs 10 --output demo
  merit-sk compare --ptbxl ptb-xl/ --reports statements.csv --csn csn/ --output results
"""


def add_arguments(parser):
    """Add the options of ``compare`` to a parser."""
    add = parser.add_argument
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--ptbxl", metavar="PATH", help="folder of PTB-XL")
    data.add_argument("--simulated", type=int, metavar="N", help="simulate N recordings instead")
    for name in ("cpsc2018", "csn", "georgia"):
        add(f"--{name}", metavar="PATH", help="folder of a data set to transfer to")
    add("--reports", nargs="+", default=("report",), metavar="REPORTS",
        help="columns of ptbxl_database.csv, or csv files with ecg_id and text_en; several are "
        "joined")  # fmt: skip
    add("--report-fraction", type=float, default=1.0, metavar="F",
        help="fraction of the training patients whose reports are used")  # fmt: skip
    add("--models", nargs="+", choices=list(MODELS),
        help=f"by default all for --ptbxl, and for --simulated {', '.join(LIGHT_MODELS)}; the "
        "random encoder is always there")  # fmt: skip
    add("--tasks", nargs="+", choices=PTBXL_TASKS, default=PTBXL_TASKS)
    add("--fractions", type=float, nargs="+", default=LABEL_COUNTS, metavar="F",
        help="numbers of training labels for the probe, or up to 1 fractions of them; by default "
        "20 50 100 171 500 and 1, all")  # fmt: skip
    add("--n-repeats", type=int, default=5, metavar="N", help="subsets of labels of each size")
    add("--seeds", type=int, nargs="+", default=(0,), metavar="SEED")
    add("--max-epochs", type=int, default=25, metavar="N", help="of pretraining")
    add("--encoder", default="tiny", help="tiny, small or base")
    add("--structure-weight", type=_weight, default="auto", metavar="W",
        help="share of masked modeling in MERIT's objective, or auto")  # fmt: skip
    add("--min-positives", type=int, default=5, metavar="N",
        help="positive and negative test records that a class needs")  # fmt: skip
    add("--valid-fold", type=int, default=9, metavar="K", help="to choose on")
    add("--test-fold", type=int, default=10, metavar="K", help="to test on")
    add("--output", default="results", metavar="FOLDER", help="models, results and tables")
    add("--n-jobs", type=int, default=-1, metavar="N", help="models fitted at a time")


def _weight(text):
    return text if text == "auto" else float(text)


def run(args):
    """Run the experiment, print its tables, and write the report."""
    start = time.perf_counter()
    data = load_experiment(
        ptbxl=args.ptbxl, simulated=args.simulated, cpsc2018=args.cpsc2018, csn=args.csn,
        georgia=args.georgia, reports=args.reports,
    )  # fmt: skip
    embedder = MeritEmbedder(
        encoder=args.encoder, pretrained=None, max_epochs=args.max_epochs,
        structure_weight=args.structure_weight,
    )  # fmt: skip
    experiment = run_experiment(
        data, output=args.output, models=args.models, embedder=embedder, tasks=args.tasks,
        fractions=args.fractions, n_repeats=args.n_repeats, seeds=args.seeds,
        report_fraction=args.report_fraction, min_positives=args.min_positives,
        valid_fold=args.valid_fold, test_fold=args.test_fold, n_jobs=args.n_jobs,
        verbose=int(not args.console.quiet),
    )  # fmt: skip
    report = write_report(experiment, command=f"merit-sk {shlex.join(args.words)}")
    seconds = time.perf_counter() - start
    args.console.result(
        f"\n{experiment}\n{report}, tables.txt, csv files, results.json and models are in "
        f"{experiment.output}/ ({seconds:.0f} s)",
        {"report": report, "output": experiment.output, "seconds": seconds,
         "left_out": dict(experiment.left_out),
         "summary": experiment.summary.to_dict("records")},
    )  # fmt: skip
