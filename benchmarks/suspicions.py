"""Three suspicions about pretraining, measured: one change each against the recipe as it is.

    python benchmarks/suspicions.py --data PATH --work FOLDER [--rotations 3]

PATH is the folder that ``_data.py`` describes. Rotations and probes are those of ``ablation.py``:
two folds are tested, the other eight have 12SL statements to pretrain on and labels for the probe.

* Limb leads are hidden together in masked modeling, as any two of them give the other four.
* Recordings are stretched in time by at most 3 %, or not at all, instead of 10 %: a stretch changes
  the rate and the intervals that statements are about.
* The running statistics of the batch norms of ``merit-tiny``, which saw batches of simulated and
  of real recordings in turn, are taken from real recordings of its training folds alone. Only the
  folds 9 and 10, which it never saw, are tested.

Encoders of the first two have half the channels of ``"tiny"``, to be trained in minutes. Zero-shot
columns are macro AUCs of the superclasses and of all statements, asked in English. Differences are
means over rotations, with 95 % intervals from resampling patients within them.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import torch
from _data import load_all, statements_of
from ablation import MIN_POSITIVES, ROTATIONS, TASKS
from torch import nn

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.evaluation import evaluate_probe, evaluate_zero_shot
from merit_sk.experiment import select_task
from merit_sk.metrics import compare, macro_auc
from merit_sk.nn import model as model_module
from merit_sk.nn.masking import hide_blocks
from merit_sk.training import augment

N_LIMB = 6
CHANGES = {
    "as is": {},
    "limb leads together": {"together": True},
    "stretch 3 %": {"stretch": 0.03},
    "no stretch": {"stretch": 0.0},
}
OBJECTIVES = {"MERIT": {}, "masked only": {"structure_weight": 1.0}}
KINDS = [("MERIT", change) for change in CHANGES]
KINDS += [("masked only", change) for change in ("as is", "limb leads together")]
ENCODER = {"widths": [32, 32, 64, 128]}
AS_IS, REAL = ("merit-tiny", "as is"), ("merit-tiny", "statistics of real recordings")
PARTS = ("norms", "training")
ZERO_SHOT = {"superclass 0": "superclass", "all 0": "all"}


def limb_leads_together(n_records, n_leads, n_times, **options):
    """Hidden blocks as the library draws them, but one draw for all limb leads."""
    limb = hide_blocks(n_records, 1, n_times, **options).expand(-1, N_LIMB, -1)
    chest = hide_blocks(n_records, n_leads - N_LIMB, n_times, **options)
    return torch.cat([limb, chest], dim=1)


def pretrained(work, ecg, objective, change, rotation, epochs):
    """An encoder pretrained with one change, kept in a folder."""
    folder = work / "encoders" / f"{objective}-{change}-{rotation}".replace(" ", "_")
    if not folder.exists():
        train = ~np.isin(ecg.folds, ROTATIONS[rotation])
        together = CHANGES[change].get("together", False)
        model_module.hide_blocks = limb_leads_together if together else hide_blocks
        augment.MAX_STRETCH = CHANGES[change].get("stretch", 0.1)
        reports = None if objective == "masked only" else ecg.reports[train]
        embedder = MeritEmbedder(
            encoder=ENCODER,
            pretrained=None,
            max_epochs=epochs,
            random_state=rotation,
            n_jobs=1,
            **OBJECTIVES[objective],
        ).fit(ecg.data[train], reports=reports)
        embedder.save_pretrained(folder)
        print(folder.name, embedder.history_[-1], flush=True)
    return MeritEmbedder.from_pretrained(folder)


def with_real_statistics(embedder, X):
    """The embedder with batch norms that have the average statistics of these recordings."""
    model = embedder.model_
    norms = [m for m in model.encoder.modules() if isinstance(m, nn.BatchNorm1d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    source = embedder._source(X)
    order = np.random.default_rng(0).permutation(len(X))
    with torch.no_grad():
        model.encoder.train()
        for i in range(0, len(order) - 63, 64):
            signal, n_valid, _ = source.windows(order[i : i + 64], lambda n_times: 0)
            model.encoder(torch.from_numpy(signal), torch.from_numpy(n_valid))
    model.eval()
    return embedder


def score(embedder, ecg, rotation):
    """Labels, decision values and patients by column."""
    both = ROTATIONS[rotation]
    Z = embedder.set_params(readout="stages").transform(ecg.data)
    train = [k for k in range(1, 11) if k not in both]
    found = {}
    for task in TASKS:
        result = evaluate_probe(
            Z, select_task(ecg, task), fractions=(1.0,), valid_folds=(), train_folds=train,
            test_folds=both, n_resamples=1,
        )  # fmt: skip
        found[task] = result.y_test, result.best.scores, result.groups_test
    if embedder.text_features_ is not None:
        for column, task in ZERO_SHOT.items():
            bunch = select_task(ecg, task)
            names = [str(name) for name in bunch.target_names]
            zero = MeritZeroShotClassifier(
                embedder, classes=names, language="en", multi_label=True
            ).fit(ecg.data[:1])
            result = evaluate_zero_shot(zero, bunch, test_folds=both, n_resamples=1)
            found[column] = result.y_test, result.scores, result.groups_test
    return {column: frequent(*values) for column, values in found.items()}


def frequent(y, scores, groups):
    keep = (y.sum(axis=0) >= MIN_POSITIVES) & ((1 - y).sum(axis=0) >= MIN_POSITIVES)
    return y[:, keep], scores[:, keep], groups


def difference(runs, others, column):
    """Mean difference over rotations, its interval, and that of every rotation."""
    found = [
        compare(macro_auc, y, s, t, groups=groups, random_state=rotation)
        for rotation, ((y, s, groups), (_, t, _)) in enumerate(
            (a[column], b[column]) for a, b in zip(runs, others, strict=True)
        )
    ]
    low, high = np.quantile(np.mean([f.resamples for f in found], axis=0), [0.025, 0.975])
    mark = "*" if low > 0 or high < 0 else " "
    each = " ".join(f"{f.estimate:+.3f}" for f in found)
    mean = np.mean([f.estimate for f in found])
    return f"{mean:+.4f}{mark} [{low:+.4f}, {high:+.4f}] ({each})"


def show(scored):
    columns = (*TASKS, *ZERO_SHOT)
    print(f"{'':44}" + "".join(f"{c:>13}" for c in columns))
    for (objective, change), runs in scored.items():
        aucs = "".join(
            f"{np.mean([macro_auc(*run[c][:2]) for run in runs]):13.4f}" if c in runs[0] else ""
            for c in columns
        )
        print(f"{f'{objective}: {change}':44}{aucs}")
    for (objective, change), runs in scored.items():
        if change != "as is":
            print(f"\n{objective}: {change} - as is")
            for column in runs[0]:
                print(f"  {column:14}{difference(runs, scored[objective, 'as is'], column)}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder described above")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is kept")
    parser.add_argument("--rotations", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="few recordings")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    args = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # classes with too few test records

    ecg = load_all(args.data, statements_of(args.data), 300 if args.quick else None)
    ecg.data = np.asarray(ecg.data)
    if "norms" in args.parts:
        tiny = MeritEmbedder.from_pretrained("merit-tiny")
        scored = {AS_IS: [score(tiny, ecg, 0)]}
        real = with_real_statistics(tiny, ecg.data[~np.isin(ecg.folds, ROTATIONS[0])])
        scored[REAL] = [score(real, ecg, 0)]
        show(scored)
    if "training" in args.parts:
        scored = {kind: [] for kind in KINDS}
        for rotation in range(args.rotations):
            for kind in KINDS:
                embedder = pretrained(args.work, ecg, *kind, rotation, args.epochs)
                scored[kind].append(score(embedder, ecg, rotation))
            show(scored)


if __name__ == "__main__":
    main()
