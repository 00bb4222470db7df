"""Statistics of the features and zero-shot calibration of saved weights, from real recordings.

    python benchmarks/calibrate.py --data PATH

Writes both into the folder of the weights, and into its ``recipe.json`` how they came about.
Means and standard deviations of the features are those of PTB-XL folds 1 to 8; of the voltages,
those of recordings in mV. What recordings of pretraining are like is learned from the same folds,
and the threshold from fold 9. Curves and operating points of the statements are learned on folds 1
to 9: pretraining saw folds 1 to 8, so curves of these are applied to fold 9, and one factor for all
slopes makes up for what they promise too much. Fold 10 is used for the table that is printed, and
for nothing else. As it holds few recordings, a second table has all folds, each with curves of four
fifths of the folds; most of these were seen in pretraining. ``--only-tables`` makes the tables of
the weights as they are, and changes nothing.

PATH is the folder that ``_data.py`` describes.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _data import load_all
from _tables import add_output
from _tables import write as write_tables
from safetensors.torch import load, save

from merit_sk import ECGRecords, MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import load_ptbxl
from merit_sk.estimators import calibrate_zero_shot
from merit_sk.experiment import versions
from merit_sk.metrics import macro_auc
from merit_sk.nn.checkpoint import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    pack,
    read_files,
    write_files,
    write_text,
)
from merit_sk.statements import PTBXL_STATEMENTS, task_members

WEIGHTS = Path(__file__).parents[1] / "merit_sk" / "pretrained" / "merit-tiny"
SEEN, LEARNED, TEST = range(1, 9), range(1, 10), 10
MIN_POSITIVES, MIN_SHARE = 10, 0.01
N_ROTATIONS = 5
QUESTIONS = [(task, language) for task in ("all", "superclass", "subclass")
             for language in ("en", "de", "auto")]  # fmt: skip


def read(path, n=None):
    """Recordings in mV where there are such, else standardized; statements, folds, which in mV."""
    ecg, raw = load_all(path, n=n), load_ptbxl(path / "ptb-xl", task="all")
    place = raw.frame.index.get_indexer(ecg.frame.index)
    in_mv = place >= 0
    X = np.array(ecg.data, dtype=np.float32)
    X[in_mv] = raw.data[place[in_mv]]
    return ECGRecords.from_array(X, sampling_rate=100), ecg.target, ecg.folds, in_mv


def statistics(embedder, X, in_mv, new):
    """Statistics of the ``"all"`` features of recordings, as tensors of the saved weights."""
    model = embedder.model_
    model.feature_std.zero_()
    Z = embedder.transform(X)
    model.learn_statistics(torch.from_numpy(Z[~new]))
    mean, std = model.feature_mean.clone(), model.feature_std.clone()
    model.learn_statistics(torch.from_numpy(Z[in_mv & ~new]))
    voltages = np.char.find(embedder.get_feature_names_out().astype(str), "stage") < 0
    mean[voltages], std[voltages] = model.feature_mean[voltages], model.feature_std[voltages]
    z = ((Z - mean.numpy()) / std.numpy())[:, ~voltages]
    model.familiarity.learn(z[~new], z[new])
    found = {f"familiarity.{k}": v.clone() for k, v in model.familiarity.state_dict().items()}
    found["familiarity.directions"] = found["familiarity.directions"].half()
    return found | {"feature_mean": mean, "feature_std": std}


def asked(embedder, X, task, language):
    """Probabilities of the classes of a task, and which are found."""
    zero = MeritZeroShotClassifier(embedder, classes=task, language=language).fit(X)
    return zero.predict_proba(X), zero.predict(X)


def scores(target, task, p, found):
    """Mean absolute gap, macro F1 and macro AUC of the classes of a task."""
    names = list(PTBXL_STATEMENTS)
    y = np.stack([target[:, [names.index(code) for code in members]].max(axis=1)
                  for members in task_members(task).values()], axis=1)  # fmt: skip
    judged = y.sum(axis=0) >= max(MIN_POSITIVES, MIN_SHARE * len(y))
    f1 = 2 * (y & found).sum(axis=0) / np.maximum(y.sum(axis=0) + found.sum(axis=0), 1)
    gap = np.abs(p.mean(axis=0) - y.mean(axis=0))
    return {
        "classes": int(judged.sum()), "gap, all": float(gap.mean()),
        "gap": float(gap[judged].mean()), "F1": float(f1[judged].mean()),
        "AUC": float(macro_auc(y[:, judged], p[:, judged])),
    }  # fmt: skip


def report(title, target, answers):
    """Print and return a table of scores, by what was learned, task and language."""
    print(f"\n{title}: {len(target)} recordings; n classes with {MIN_POSITIVES} positives and "
          f"{MIN_SHARE:.0%} of the recordings")  # fmt: skip
    print(f"{'curves':>9} {'task':>10} {'language':>8} {'n':>3} {'gap, all':>8} {'gap':>6} "
          f"{'F1':>6} {'AUC':>6}")  # fmt: skip
    rows = []
    for (curves, task, language), (p, found) in answers.items():
        row = scores(target, task, p, found)
        rows.append({"curves": curves, "task": task, "language": language} | row)
        print(f"{curves:>9} {task:>10} {language:>8} {row['classes']:3d} {row['gap, all']:8.3f} "
              f"{row['gap']:6.3f} {row['F1']:6.3f} {row['AUC']:6.3f}", flush=True)  # fmt: skip
    return rows


def on_fold_10(embedder, X, calibration):
    """Answers without calibration and with it."""
    answers = {}
    for curves, embedder.zero_shot_ in {"none": None, "1-9": calibration}.items():
        for task, language in QUESTIONS:
            answers[curves, task, language] = asked(embedder, X, task, language)
    return answers


def rotated(embedder, X, target, folds):
    """Answers about every fold, by curves of the folds that are not in its rotation."""
    answers = {}
    for rotation in range(N_ROTATIONS):
        test = np.flatnonzero(folds % N_ROTATIONS == rotation)
        train = np.flatnonzero(folds % N_ROTATIONS != rotation)
        embedder.zero_shot_ = calibrate_zero_shot(
            embedder, X[train], target[train], list(PTBXL_STATEMENTS),
            unseen=~np.isin(folds[train], SEEN),
        )  # fmt: skip
        for task, language in QUESTIONS:
            for k, part in enumerate(asked(embedder, X[test], task, language)):
                whole = answers.setdefault(("rotated", task, language), {})
                whole.setdefault(k, np.zeros((len(X), part.shape[1]), part.dtype))[test] = part
    return {question: (parts[0], parts[1]) for question, parts in answers.items()}


def write(folder, changes, recipe, tensors=None, parts=None):
    """Put something into a saved model and its recipe, and leave the rest as it is.

    Parameters
    ----------
    folder : Path
    changes : dict
        Of ``config.json``.
    recipe : dict
        Of ``recipe.json``.
    tensors : dict or None, default=None
        Of the weights.
    parts : dict of str to bytes or None, default=None
        Files of models that come with the weights, by path.
    """
    files = read_files(folder)
    inner = {path: data for path, data in files.items() if "/" in path}
    weights = load(files[WEIGHTS_NAME]) | (tensors or {})
    config = json.loads(files[CONFIG_NAME]) | changes
    for key in ("format", "format_version", "weights_sha256", "config_sha256", "parts"):
        config.pop(key, None)
    write_files(folder, pack(config, save(weights), inner | (parts or {})))
    path = folder / "recipe.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_text(path, json.dumps(before | recipe, indent=1))


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of real recordings")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--n", type=int, help="about as many recordings; by default all")
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--only-tables", action="store_true", help="of the weights as they are")
    add_output(parser)
    return parser.parse_args(arguments)


def main(arguments=None):
    args = parse(arguments)
    X, target, folds, in_mv = read(args.data, args.n)
    embedder = MeritEmbedder.from_pretrained(args.weights, n_jobs=args.n_jobs, cache=True)
    seen, learned, test = (np.flatnonzero(np.isin(folds, f)) for f in (SEEN, LEARNED, TEST))
    if args.only_tables:
        rows = report("fold 10", target[test], on_fold_10(embedder, X[test], embedder.zero_shot_))
        turned = report("five rotations", target, rotated(embedder, X, target, folds))
        write_tables(
            args.output, calibration=pd.DataFrame(rows), calibration__rotated=pd.DataFrame(turned)
        )
        return
    names = list(PTBXL_STATEMENTS)
    new = ~np.isin(folds[learned], SEEN)
    found = statistics(embedder, X[learned], in_mv[learned], new)
    calibration = calibrate_zero_shot(embedder, X[learned], target[learned], names, unseen=new)
    counts = {
        "features": len(seen), "voltages": int(in_mv[seen].sum()),
        "curves": len(learned), "of these unseen in pretraining": int(new.sum()),
    }  # fmt: skip
    print(json.dumps(counts), json.dumps(calibration["learned_on"]), calibration["phrase"])
    rows = report("fold 10", target[test], on_fold_10(embedder, X[test], calibration))
    report("all folds, in five rotations", target, rotated(embedder, X, target, folds))
    recipe = {
        "command": "python benchmarks/calibrate.py",
        "data": {"folds": {"features": [*SEEN], "curves": [*LEARNED], "test": TEST},
                 "prevalence": "that of these recordings"},
        "counts": counts, "test": [{k: round(v, 4) if isinstance(v, float) else v
                                    for k, v in row.items()} for row in rows],
        "versions": versions(),
    }  # fmt: skip
    # measurements are of other statistics: benchmarks/measurements.py learns them anew
    changes = {"zero_shot": calibration, "measurements": None}
    write(args.weights, changes, {"calibration": recipe}, found)


if __name__ == "__main__":
    main()
