"""What each part of pretraining adds, where it should: one run over regimes, folds and seeds.

    python benchmarks/ablation.py --data PATH --work FOLDER [--regimes NAME ...] [--rotations 3]

PATH is the folder that ``_data.py`` describes. A rotation keeps one fold to choose settings on and
one to report, pretrains on the other eight and has its own seed. Encoders are kept in FOLDER, and a
run that is stopped goes on there. Probes are ridge regressions on all labels of the eight folds, a
tenth or a hundredth of them (mean of five repeats), penalty by leave-one-out error. ``I, II`` are
probes for superclasses on these two leads alone, ``noisy`` probes fitted to clean recordings and
tested with noise of half their standard deviation. Recordings are standardized, so embeddings are
without voltages. Differences are means over rotations on both folds, with 95 % intervals from
resampling patients within rotations. Classes need five positive records. MiniRocket needs the extra
``benchmark``.
"""

import argparse
import json
import re
import time
import warnings
from pathlib import Path

import numpy as np
from _data import load_all, minirocket_is_there, standardized, statements_of
from joblib import Parallel, delayed
from sklearn.utils import Bunch

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.evaluation import MiniRocketFeatures, SummaryFeatures, evaluate_probe
from merit_sk.experiment import select_task
from merit_sk.metrics import compare, macro_auc
from merit_sk.signals import bandpass

ROTATIONS = [(9, 10), (7, 8), (5, 6), (3, 4), (1, 2)]
TASKS = ("superclass", "subclass", "form", "rhythm")
LIMB = ("I", "II")
CHOOSE, REPORT, BOTH = "fold to choose on", "fold to report", "both folds"
MIN_POSITIVES = 5
COLUMNS = (*TASKS, "10 %", "1 %", "I, II", "noisy")
ALIGNMENT, MERIT, MASKED = {"structure_weight": 0.0}, {}, {"structure_weight": 1.0}
REGIMES = {
    "no text": {"random": {"max_epochs": 0}, "masked only": MASKED},
    "machine statements": {"alignment only": ALIGNMENT, "MERIT": MERIT},
    "a tenth of the statements": {"alignment only": ALIGNMENT, "MERIT": MERIT},
    "a tenth, other weights": {
        "MERIT, weight .25": {"structure_weight": 0.25},
        "MERIT, weight .75": {"structure_weight": 0.75},
        "MERIT, weight .9": {"structure_weight": 0.9},
    },
    "cardiologists' reports": {"alignment only": ALIGNMENT, "MERIT": MERIT},
    "both texts": {"alignment only": ALIGNMENT, "MERIT": MERIT},
    "no word of rhythm or form": {"alignment only": ALIGNMENT, "MERIT": MERIT},
    "and simulated pairs": {"alignment only": ALIGNMENT, "MERIT": MERIT},
    "reports and simulated pairs": {"alignment only": ALIGNMENT, "MERIT": MERIT},
}  # fmt: skip
WITHOUT = {
    "both texts": "machine statements",
    "and simulated pairs": "machine statements",
    "reports and simulated pairs": "cardiologists' reports",
}
SAYS_RHYTHM_OR_FORM = re.compile(
    r"sinus|rhythm|fibrillation|flutter|tachycardia|bradycardia|arrhythmia|bigeminy|paced|pacemaker"
    r"|premature|ectopic|complexes|junctional|escape|response|conduction|aberran|\bST\b|T wave"
    r"|QT\b|short PR|low voltage|normal variant|borderline",
    re.IGNORECASE,
)


def silent(text):
    """A report without its statements on rhythm and form."""
    return "; ".join(s for s in text.split("; ") if not SAYS_RHYTHM_OR_FORM.search(s)) or None


def load(data, reports, n):
    ecg = load_all(data, reports, n)
    return Bunch(**ecg | {"data": np.asarray(ecg.data)})


def shown(ecg, texts, regime):
    """Reports that a regime shows."""
    if regime.startswith("a tenth"):
        names, patient = np.unique(ecg.groups, return_inverse=True)
        kept = np.random.default_rng(0).permutation(len(names)) < len(names) / 10
        return np.where(kept[patient], texts["machine"], None)
    if regime == "no word of rhythm or form":
        return np.array([silent(t) if t else None for t in texts["machine"]], dtype=object)
    return texts["cardiologist" if "reports" in regime else "machine"]


def folder_of(work, regime, model, rotation):
    name = f"{regime}-{model}-{rotation}".replace(" ", "_")
    return work / "encoders" / re.sub(r"[^\w-]", "", name)


def pretrain(work, ecg, texts, regime, model, rotation, args):
    """Pretrain one encoder, unless it is there."""
    folder = folder_of(work, regime, model, rotation)
    if folder.exists():
        return
    train = np.flatnonzero(~np.isin(ecg.folds, ROTATIONS[rotation]))
    X, sources, epochs = ecg.data[train], None, args.epochs
    reports = None if regime == "no text" else shown(ecg, texts, regime)[train]
    if regime == "both texts":
        X, epochs = np.tile(X, (2, 1, 1)), epochs // 2
        reports = np.concatenate([reports, texts["cardiologist"][train]])
    if "simulated pairs" in regime:
        language = "de" if regime.startswith("reports") else "en"
        more = make_ecg(args.n_simulated, language=language, random_state=rotation)
        signals = standardized(more.data)
        X = np.concatenate([np.tile(X, (epochs, 1, 1)), signals])
        reports = np.concatenate([np.tile(reports, epochs), more.reports])
        sources = np.repeat(["real", "simulated"], [len(X) - len(signals), len(signals)])
        epochs = 1
    changes = {"max_epochs": epochs} | REGIMES[regime][model]
    start, cpu = time.perf_counter(), time.process_time()
    embedder = MeritEmbedder(
        pretrained=None, readout="stages", random_state=rotation, n_jobs=1, **changes
    )
    embedder.fit(X, reports=reports, sources=sources)
    embedder.save_pretrained(folder)
    note = {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    print(f"{folder.name}: {note['wall']:.0f} s, CPU {note['cpu']:.0f} s", flush=True)
    (folder / "time.json").write_text(json.dumps(note))


def noisy(X):
    noise = np.random.default_rng(0).standard_normal(X.shape, dtype=np.float32)
    return X + 0.5 * bandpass(noise, 100, 0.5, 40)


def baseline(name, ecg, rotation, leads=None):
    """Features that need no pretraining, of the recordings given."""
    train = ~np.isin(ecg.folds, ROTATIONS[rotation])
    features = SummaryFeatures(leads=leads)
    if name == "MiniRocket":
        features = MiniRocketFeatures(leads=leads, random_state=rotation)
    return features.fit(take(ecg.data[train], leads)).transform


def take(X, leads):
    if leads is None:
        return X
    return ECGRecords.from_array(X[:, : len(leads)], sampling_rate=100, lead_names=leads)


def features(work, ecg, regime, model, rotation):
    """Embeddings of all recordings: whole, with noise, and with two leads."""
    path = work / "features" / (folder_of(work, regime, model, rotation).name + ".npz")
    if not path.exists():
        if regime == "baseline":
            whole, limb = (baseline(model, ecg, rotation, leads) for leads in (None, LIMB))
        else:
            embedder = MeritEmbedder.from_pretrained(folder_of(work, regime, model, rotation))
            whole = limb = embedder.transform
        found = views(ecg, whole, limb)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, **found)
        part.replace(path)
    with np.load(path) as kept:
        return dict(kept)


def views(ecg, whole, limb):
    """Embeddings of recordings as they are, with noise, and of two leads."""
    return {
        "whole": whole(ecg.data),
        "noisy": whole(noisy(ecg.data)),
        "limb": limb(take(ecg.data, LIMB)),
    }


def score(ecg, Z, rotation):
    """Labels, decision values and patients by (part, column), a list with one entry a repeat.

    Parts are the fold to choose on, the one to report, and both. Z is what `views` gives.
    """
    warnings.simplefilter("ignore")  # classes with too few test records: see --help
    both = ROTATIONS[rotation]
    mixed = np.where(np.isin(ecg.folds, both)[:, None], Z["noisy"], Z["whole"])
    jobs = [(Z["whole"], task, task, 1.0) for task in TASKS] + [
        (Z["whole"], "superclass", "10 %", 0.1), (Z["whole"], "superclass", "1 %", 0.01),
        (Z["limb"], "superclass", "I, II", 1.0), (mixed, "superclass", "noisy", 1.0),
    ]  # fmt: skip
    found = {}
    for values, task, column, fraction in jobs:
        result = evaluate_probe(
            values, select_task(ecg, task), fractions=(fraction,), n_repeats=5, valid_folds=(),
            train_folds=[k for k in range(1, 11) if k not in both], test_folds=both, n_resamples=1,
        )  # fmt: skip
        folds = ecg.folds[result.test_index]
        for part, wanted in ((CHOOSE, both[0]), (REPORT, both[1]), (BOTH, both)):
            rows = np.isin(folds, wanted)
            y = result.y_test[rows]
            keep = (y.sum(axis=0) >= MIN_POSITIVES) & ((1 - y).sum(axis=0) >= MIN_POSITIVES)
            found[part, column] = [
                (y[:, keep], d.scores[rows][:, keep], result.groups_test[rows])
                for d in result.repeats
            ]
    return found


def scores_of(work, ecg, regime, model, rotation):
    return score(ecg, features(work, ecg, regime, model, rotation), rotation)


def mean_auc(scored, part, column):
    """Mean over rotations and repeats; NaN if a rotation has no class with enough positives."""
    draws = [draw for run in scored for draw in run[part, column]]
    return np.mean([macro_auc(y, s) if y.size else np.nan for y, s, _ in draws])


def gain(a, b, column):
    """Mean difference over rotations and repeats on both folds, interval, and every rotation's."""
    by_rotation, resamples = [], []
    for rotation, runs in enumerate(zip(a, b, strict=True)):
        found = [
            compare(macro_auc, y, s, t, groups=patients, random_state=rotation)
            for (y, s, patients), (_, t, _) in zip(*(r[BOTH, column] for r in runs), strict=True)
        ]
        by_rotation.append(np.mean([f.estimate for f in found]))
        resamples.append(np.mean([f.resamples for f in found], axis=0))
    low, high = np.quantile(np.mean(resamples, axis=0), [0.025, 0.975])
    return np.mean(by_rotation), low, high, by_rotation


def difference(a, b, column):
    """The gain of `a` over `b` in words."""
    if np.isnan(mean_auc([*a, *b], BOTH, column)):
        return f"no class with {MIN_POSITIVES} positives"
    mean, low, high, by_rotation = gain(a, b, column)
    mark = "*" if low > 0 or high < 0 else " "
    each = " ".join(f"{value:+.3f}" for value in by_rotation)
    return f"{mean:+.3f}{mark} [{low:+.3f}, {high:+.3f}] ({each})"


def show(scored):
    width = 2 + max(len(f"{regime}: {model}") for regime, model in scored)
    for part in (CHOOSE, REPORT, BOTH):
        print(f"\nmacro AUC, {part}\n{'':{width}}" + "".join(f"{c:>11}" for c in COLUMNS))
        for (regime, model), runs in scored.items():
            aucs = "".join(f"{mean_auc(runs, part, c):11.3f}" for c in COLUMNS)
            print(f"{f'{regime}: {model}':{width}}{aucs}")
    print("\ndifferences on both folds (* interval without zero; every rotation)")
    for (regime, model), runs in scored.items():
        if regime in ("baseline", "no text"):
            continue
        rivals = [("baseline", "MiniRocket")]
        if model.startswith("MERIT"):
            rivals += [("no text", "masked only")]
            same = "a tenth of the statements" if regime.startswith("a tenth") else regime
            rivals += [(same, "alignment only")]
        if regime in WITHOUT:
            rivals += [(WITHOUT[regime], model)]
        for rival in rivals:
            if rival in scored:
                print(f"{regime}: {model} - {rival[1]} ({rival[0]})")
                for column in COLUMNS:
                    print(f"  {column:12}{difference(runs, scored[rival], column)}", flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder described above")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is kept")
    parser.add_argument("--regimes", nargs="+", choices=REGIMES, default=list(REGIMES))
    parser.add_argument("--rotations", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--n-simulated", type=int, default=20_000)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    args = parser.parse_args(arguments)

    n = 500 if args.quick else None
    ecg = load(args.data, statements_of(args.data), n)
    texts = {"machine": ecg.reports, "cardiologist": load(args.data, "report", n).reports}
    kinds = [(regime, model) for regime in args.regimes for model in REGIMES[regime]]
    runs = [(*kind, rotation) for rotation in range(args.rotations) for kind in kinds]
    pool = Parallel(n_jobs=args.n_jobs, batch_size=1)
    pool(delayed(pretrain)(args.work, ecg, texts, *run, args) for run in runs)
    baselines = ["summary features"] + minirocket_is_there() * ["MiniRocket"]
    kinds = [*(("baseline", name) for name in baselines), *kinds]
    runs = [(*kind, rotation) for kind in kinds for rotation in range(args.rotations)]
    found = pool(delayed(scores_of)(args.work, ecg, *run) for run in runs)
    show({kind: found[k * args.rotations :][: args.rotations] for k, kind in enumerate(kinds)})


if __name__ == "__main__":
    main()
