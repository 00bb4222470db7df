"""Compare models on all recordings at hand: ``merit-sk compare`` on the folder of ``_data.py``.

    python benchmarks/all_recordings.py --data DATA --output FOLDER [--max-epochs 8]

Recordings are standardized, reports are English machine statements, and the data sets in DATA are
transferred to.
"""

import argparse
from pathlib import Path

from _data import load_all_experiment, statements_of

from merit_sk import MeritEmbedder
from merit_sk.experiment import MODELS, run_experiment


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder described in _data.py")
    parser.add_argument("--output", type=Path, required=True, help="folder for results")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--max-epochs", type=int, default=25)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    args = parser.parse_args(arguments)
    n = 300 if args.quick else None
    data = load_all_experiment(args.data, statements_of(args.data), n)
    embedder = MeritEmbedder(pretrained=None, readout="stages", max_epochs=args.max_epochs)
    experiment = run_experiment(
        data, output=args.output, models=args.models, embedder=embedder, seeds=args.seeds,
        n_jobs=args.n_jobs, verbose=1,
    )  # fmt: skip
    print(experiment)


if __name__ == "__main__":
    main()
