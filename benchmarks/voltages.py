"""What peak voltages add to embeddings of recordings in mV, next to MiniRocket with and without.

    python benchmarks/voltages.py --data PATH --work FOLDER [--rotations 3] [--regime NAME]

PATH is that of ``ablation.py``, FOLDER what it left: the encoders of its regimes "no text" and
"machine statements", or another one for MERIT. Folds, seeds, probes and intervals are as there, but
probes are fitted to and tested on the 987 recordings of PTB-XL that are there in mV, tested on two
folds together. ``HYP`` is the superclass of hypertrophy alone.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from _data import minirocket_is_there, standardized
from ablation import BOTH, MIN_POSITIVES, REGIMES, ROTATIONS, difference, folder_of, mean_auc
from joblib import Parallel, delayed
from sklearn.utils import Bunch

from merit_sk import MeritEmbedder
from merit_sk.datasets import load_ptbxl
from merit_sk.evaluation import MiniRocketFeatures, SummaryFeatures, evaluate_probe
from merit_sk.experiment import select_task

COLUMNS = {
    "HYP": ("superclass", 1.0), "superclass": ("superclass", 1.0), "subclass": ("subclass", 1.0),
    "form": ("form", 1.0), "rhythm": ("rhythm", 1.0), "HYP, 10 %": ("superclass", 0.1),
    "10 %": ("superclass", 0.1), "subclass, 10 %": ("subclass", 0.1), "form, 10 %": ("form", 0.1),
    "rhythm, 10 %": ("rhythm", 0.1), "1 %": ("superclass", 0.01),
}  # fmt: skip
CONTENDERS = {
    "MERIT, voltages": ("MERIT", "all"),
    "MERIT": ("MERIT", "stages"),
    "random encoder, voltages": ("random", "all"),
    "random encoder": ("random", "stages"),
    "MiniRocket, mV": ("MiniRocket", "mV"),
    "MiniRocket, standardized": ("MiniRocket", "standardized"),
    "summary features": ("summary", "mV"),
}
RIVALS = [
    ("MERIT, voltages", "MERIT"),
    ("random encoder, voltages", "random encoder"),
    ("MiniRocket, mV", "MiniRocket, standardized"),
    ("MERIT, voltages", "MiniRocket, mV"),
    ("MERIT, voltages", "summary features"),
    ("MERIT, voltages", "random encoder, voltages"),
]


def features(ecg, encoders, contender, rotation):
    model, kind = CONTENDERS[contender]
    train = ~np.isin(ecg.folds, ROTATIONS[rotation])
    if model in encoders:
        embedder = MeritEmbedder.from_pretrained(encoders[model][rotation])
        return embedder.set_params(readout=kind).transform(ecg.data)
    X = standardized(ecg.data) if kind == "standardized" else ecg.data
    if model == "MiniRocket":
        return MiniRocketFeatures(random_state=rotation).fit(X[train]).transform(X)
    return SummaryFeatures().fit(X[train]).transform(X)


def score(ecg, encoders, contender, rotation):
    """Labels, decision values and patients by (part, column), a list with one entry a repeat."""
    warnings.simplefilter("ignore")  # classes with too few records
    Z, test, found = features(ecg, encoders, contender, rotation), ROTATIONS[rotation], {}
    for column, (task, fraction) in COLUMNS.items():
        bunch = select_task(ecg, task)
        result = evaluate_probe(
            Z, bunch, fractions=(fraction,), n_repeats=5, valid_folds=(), test_folds=test,
            train_folds=[k for k in range(1, 11) if k not in test], n_resamples=1,
        )  # fmt: skip
        keep = result.y_test.sum(axis=0) >= MIN_POSITIVES
        if column.startswith("HYP"):
            keep = np.array(bunch.target_names) == "HYP"
        found[BOTH, column] = [
            (result.y_test[:, keep], draw.scores[:, keep], result.groups_test)
            for draw in result.repeats
        ]
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder described above")
    parser.add_argument("--work", type=Path, required=True, help="folder of ablation.py")
    parser.add_argument("--rotations", type=int, default=3)
    parser.add_argument("--regime", choices=REGIMES, default="machine statements")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    args = parser.parse_args(arguments)

    ecg = load_ptbxl(args.data / "ptb-xl", task="all")
    if args.quick:
        for name in ("data", "target", "groups", "folds"):
            ecg[name] = ecg[name][::2]
    ecg = Bunch(**ecg | {"data": np.asarray(ecg.data)})
    encoders = {
        model: [folder_of(args.work, regime, model, k) for k in range(args.rotations)]
        for model, regime in {"MERIT": args.regime, "random": "no text"}.items()
    }
    there = minirocket_is_there()
    contenders = [name for name in CONTENDERS if there or "MiniRocket" not in name]
    runs = [(name, rotation) for name in contenders for rotation in range(args.rotations)]
    found = Parallel(args.n_jobs)(delayed(score)(ecg, encoders, *run) for run in runs)
    scored = {
        name: found[i * args.rotations :][: args.rotations] for i, name in enumerate(contenders)
    }
    print(f"macro AUC\n{'':26}" + "".join(f"{column:>15}" for column in COLUMNS))
    for name, runs in scored.items():
        print(f"{name:26}" + "".join(f"{mean_auc(runs, BOTH, c):15.3f}" for c in COLUMNS))
    print("\ndifferences (* interval without zero; every rotation)")
    for a, b in RIVALS:
        if not {a, b} <= {*contenders}:
            continue
        print(f"{a} - {b}")
        for column in COLUMNS:
            print(f"  {column:15}{difference(scored[a], scored[b], column)}", flush=True)


if __name__ == "__main__":
    main()
