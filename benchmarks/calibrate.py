"""Statistics of the features and zero-shot calibration of saved weights, from real recordings.

    python benchmarks/calibrate.py --data PATH

Writes both into the folder of the weights, and into its ``recipe.json`` how they came about.
Means and standard deviations of the features are those of PTB-XL folds 1 to 8; of the voltages,
those of recordings in mV. Curves and operating points of the statements are learned on folds 1 to
9: pretraining saw folds 1 to 8, so curves of these are applied to fold 9, and one factor for all
slopes makes up for what they promise too much. Fold 10 is used for the table that is printed, and
for nothing else; its rows marked "-" are the weights without calibration.

PATH is the folder that ``_data.py`` describes.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from _data import load_all
from safetensors.torch import load, save

from merit_sk import ECGRecords, MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import load_ptbxl
from merit_sk.estimators import calibrate_zero_shot
from merit_sk.experiment import versions
from merit_sk.metrics import macro_auc
from merit_sk.nn.checkpoint import (
    BUNDLED,
    CONFIG_NAME,
    WEIGHTS_NAME,
    pack,
    read_files,
    write_files,
    write_text,
)
from merit_sk.statements import PTBXL_STATEMENTS, task_members

SEEN, LEARNED, TEST = range(1, 9), range(1, 10), 10
MIN_POSITIVES = 10


def read(path, n=None):
    """Recordings in mV where there are such, else standardized; statements and folds."""
    main, raw = load_all(path, n=n), load_ptbxl(path / "ptb-xl", task="all")
    X = np.array(main.data, dtype=np.float32)
    rows = raw.frame.index.get_indexer(main.frame.index)
    in_mv = rows >= 0
    X[in_mv] = np.asarray(raw.data[rows[in_mv]])
    assert list(main.target_names) == list(PTBXL_STATEMENTS)
    return ECGRecords.from_array(X, sampling_rate=100), main.target, main.folds, in_mv


def statistics(embedder, X, in_mv):
    """Mean and standard deviation of the ``"all"`` features of recordings."""
    embedder.model_.feature_std.zero_()
    Z = embedder.transform(X)
    embedder.model_.learn_statistics(torch.from_numpy(Z))
    mean, std = embedder.model_.feature_mean.clone(), embedder.model_.feature_std.clone()
    embedder.model_.learn_statistics(torch.from_numpy(Z[in_mv]))
    voltages = np.char.find(embedder.get_feature_names_out().astype(str), "stage") < 0
    mean[voltages] = embedder.model_.feature_mean[voltages]
    std[voltages] = embedder.model_.feature_std[voltages]
    return mean, std


def scores(embedder, X, target, classes, language):
    """Mean absolute gap, macro F1 and macro AUC of zero-shot classes."""
    zero = MeritZeroShotClassifier(embedder, classes=classes, language=language).fit(X)
    names = list(PTBXL_STATEMENTS)
    members = task_members(classes)
    y = np.stack([target[:, [names.index(c) for c in members[label]]].max(1)
                  for label in zero.classes_], axis=1)  # fmt: skip
    p, found = zero.predict_proba(X), zero.predict(X)
    judged = y.sum(axis=0) >= MIN_POSITIVES
    hits = (y & found).sum(axis=0)
    f1 = 2 * hits / np.maximum(y.sum(axis=0) + found.sum(axis=0), 1)
    return {
        "classes": int(judged.sum()),
        "gap, all": float(np.abs(p.mean(0) - y.mean(0)).mean()),
        "gap": float(np.abs(p.mean(0) - y.mean(0))[judged].mean()),
        "F1": float(f1[judged].mean()),
        "AUC": float(macro_auc(y[:, judged], p[:, judged])),
    }


def report(embedder, calibrations, X, target, what):
    """Print a table of scores on some recordings, by calibration, task and language."""
    print(f"\n{what}: {len(X)} recordings, classes with {MIN_POSITIVES} positives")
    print(f"{'learned':>9} {'task':>10} {'language':>8} {'n':>3} {'gap, all':>8} {'gap':>6} "
          f"{'F1':>6} {'AUC':>6}")  # fmt: skip
    rows = []
    for name, calibration in calibrations.items():
        embedder.zero_shot_ = calibration
        for task in ("all", "superclass", "subclass"):
            for language in ("en", "de", "auto"):
                row = scores(embedder, X, target, task, language)
                rows.append({"learned": name, "task": task, "language": language} | row)
                print(f"{name:>9} {task:>10} {language:>8} {row['classes']:3d} "
                      f"{row['gap, all']:8.3f} {row['gap']:6.3f} {row['F1']:6.3f} "
                      f"{row['AUC']:6.3f}", flush=True)  # fmt: skip
    return rows


def write(folder, mean, std, calibration, recipe):
    """Put statistics and calibration into a saved model, and leave the rest as it is."""
    files = read_files(folder)
    weights = load(files[WEIGHTS_NAME]) | {"feature_mean": mean, "feature_std": std}
    config = json.loads(files[CONFIG_NAME]) | {"zero_shot": calibration}
    for key in ("format", "format_version", "weights_sha256"):
        config.pop(key)
    write_files(folder, pack(config, save(weights)))
    path = folder / "recipe.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_text(path, json.dumps(found | {"calibration": recipe}, indent=1))


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of real recordings")
    parser.add_argument("--weights", type=Path, default=BUNDLED / "merit-tiny")
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    return parser.parse_args(arguments)


def main(arguments=None):
    args = parse(arguments)
    X, target, folds, in_mv = read(args.data, 800 if args.quick else None)
    embedder = MeritEmbedder.from_pretrained(args.weights, n_jobs=args.n_jobs, cache=True)
    seen, learned, test = (np.flatnonzero(np.isin(folds, f)) for f in (SEEN, LEARNED, TEST))
    mean, std = statistics(embedder, X[seen], in_mv[seen])
    names = list(PTBXL_STATEMENTS)
    new = ~np.isin(folds[learned], SEEN)
    calibration = calibrate_zero_shot(embedder, X[learned], target[learned], names, unseen=new)
    counts = {
        "features": len(seen), "voltages": int(in_mv[seen].sum()),
        "curves": len(learned), "of these unseen in pretraining": int(new.sum()),
    }  # fmt: skip
    print(json.dumps(counts), json.dumps(calibration["learned_on"]), calibration["phrase"])
    rows = report(embedder, {"-": None, "1-9": calibration}, X[test], target[test], "fold 10")
    recipe = {
        "command": "python benchmarks/calibrate.py",
        "data": {"folds": {"features": [*SEEN], "curves": [*LEARNED], "test": TEST},
                 "prevalence": "that of these recordings"},
        "counts": counts, "test": [{k: round(v, 4) if isinstance(v, float) else v
                                    for k, v in row.items()} for row in rows],
        "versions": versions(),
    }  # fmt: skip
    write(args.weights, mean, std, calibration, recipe)


if __name__ == "__main__":
    main()
