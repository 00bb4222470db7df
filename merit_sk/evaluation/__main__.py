"""``python -m merit_sk.evaluation``: the main job on PTB-XL or on simulated ECGs."""

import argparse
import sys
import time
from pathlib import Path

from ._report import draw_figure, write_results
from ._run import RunConfig, run


def parse(arguments=None):
    """Command line to configuration."""
    parser = argparse.ArgumentParser(
        prog="python -m merit_sk.evaluation",
        description="Pretrain on folds 1-8, choose on fold 9, probe and zero-shot on fold 10: a "
        "random encoder, masked modelling alone, alignment alone, and MERIT, on the same records.",
    )
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--ptbxl", metavar="PATH", help="folder of PTB-XL")
    data.add_argument("--simulated", type=int, metavar="N", help="simulate N recordings instead")
    default = RunConfig()
    parser.add_argument("--reports", default=default.reports, metavar="REPORTS",
                        help="column of the table, or csv with ecg_id and text_en")  # fmt: skip
    parser.add_argument("--seeds", type=int, nargs="+", default=list(default.seeds))
    parser.add_argument("--max-epochs", type=int, default=default.max_epochs)
    parser.add_argument("--encoder", default=default.encoder, help="tiny, small or base")
    parser.add_argument("--structure-weight", type=float, default=default.structure_weight)
    parser.add_argument("--min-positives", type=int, default=default.min_positives,
                        help="positive test records that a class needs to be averaged")  # fmt: skip
    parser.add_argument("--output", default="results", metavar="FOLDER")
    parser.add_argument("--n-jobs", type=int, default=-1, help="models trained at a time")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Run, print the table, and write it with its configuration and a figure."""
    args = parse(arguments)
    config = RunConfig(
        ptbxl=args.ptbxl, reports=args.reports, simulated=args.simulated or 0,
        seeds=tuple(args.seeds), max_epochs=args.max_epochs, encoder=args.encoder,
        structure_weight=args.structure_weight, min_positives=args.min_positives,
    )  # fmt: skip
    output = Path(args.output)
    start = time.perf_counter()
    ecg = config.load("superclass")
    print(f"{ecg.data}, folds 1-8 for pretraining: {(ecg.folds <= 8).sum()} records", flush=True)
    results = run(config, output, n_jobs=args.n_jobs, verbose=1)
    print("\n" + write_results(config, results, output))
    figure = draw_figure(config, results, output)
    names = f"results.csv, classes.csv, table.txt, config.json, model/ and {figure.name}"
    print(f"{names} are in {output}/ ({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    sys.exit(main())
