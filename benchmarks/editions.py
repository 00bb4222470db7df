"""Weights of one recipe beside each other: words, sets of leads, probes, on unseen recordings.

    python benchmarks/editions.py --data PATH [--folds 9 10] [--name NAME] FOLDER [FOLDER ...]

Asked in words, without calibration: all 71 statements by their average phrase; superclasses and
subclasses as unions of standardized statements; and superclasses of recordings of which only some
leads are left. Probes (scikit-learn's ``LogisticRegression``, ``readout="stages"``) are fitted to
folds 1 to 8. Macro AUC of the classes with at least ten positives; differences are to the first
folder, with 95 % intervals by patient.

PATH is the folder that ``_data.py`` describes.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _data import load_all
from _tables import add_output, write
from calibrate import read
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Bunch

from merit_sk import MeritEmbedder
from merit_sk.experiment import select_task
from merit_sk.metrics import compare, macro_auc
from merit_sk.statements import PTBXL_STATEMENTS, statement_prompts, task_members

NAMES = list(PTBXL_STATEMENTS)
LEADS = {"I": [0], "II": [1], "I, II": [0, 1], "limb": range(6), "I, II, V2": [0, 1, 7],
         "V1-V6": range(6, 12)}  # fmt: skip
SEEN = range(1, 9)
MIN_POSITIVES = 10
AUC = "macro AUC"


def statements(embedder, X, language):
    """Cosines of recordings with the average phrase of each statement."""
    Z = embedder.set_params(readout="projected").transform(X)
    text = np.stack([
        embedder.embed_text(statement_prompts(code, language)).mean(axis=0) for code in NAMES
    ])  # fmt: skip
    return Z @ (text / np.linalg.norm(text, axis=1, keepdims=True)).T


def union(scores, target, task):
    """Labels and scores of the classes of a task, from those of their statements."""
    z = 2 * (scores - scores.mean(axis=0)) / scores.std(axis=0)
    prior = np.clip(target.mean(axis=0), 1e-3, 0.5)
    p = 1 / (1 + np.exp(1 - z - np.log(prior / (1 - prior))))
    members = [[NAMES.index(code) for code in codes] for codes in task_members(task).values()]
    y = np.stack([target[:, part].max(axis=1) for part in members], axis=1)
    return y, np.stack([1 - np.prod(1 - p[:, part], axis=1) for part in members], axis=1)


def enough(y, scores):
    keep = y.sum(axis=0) >= MIN_POSITIVES
    return y[:, keep], scores[:, keep]


def answers(folder, data):
    """Labels and scores by column, the labels alike for all folders."""
    embedder = MeritEmbedder.from_pretrained(folder)
    knows_words = embedder.model_.structure_weight < 1
    found = words(embedder, data) if knows_words else {}
    found |= probes(embedder, data)
    return {column: enough(*pair) for column, pair in found.items()}


def words(embedder, data):
    """Labels and scores by column, from words alone."""
    found, test, target = {}, data.test, data.target[data.test]
    hypertrophy = list(task_members("superclass")).index("HYP")
    for language in ("en", "de"):
        scores = statements(embedder, data.X[test], language)
        found[f"all, {language}"] = target, scores
        for task in ("superclass", "subclass"):
            found[f"{task}, {language}"] = union(scores, target, task)
        y, scores = found[f"superclass, {language}"]
        found[f"HYP, {language}"] = y[:, [hypertrophy]], scores[:, [hypertrophy]]
        rhythms = [code in task_members("rhythm") for code in NAMES]
        y, scores = found[f"all, {language}"]
        found[f"rhythm, {language}"] = y[:, rhythms], scores[:, rhythms]
    X = np.asarray(data.X[test])
    for name, kept in LEADS.items():
        few = np.zeros_like(X)
        few[:, list(kept)] = X[:, list(kept)]
        scores = statements(embedder, few, "en")
        found[f"leads {name}"] = union(scores, target, "superclass")
    return found


def probes(embedder, data):
    """Labels and scores by task, from logistic regressions."""
    found, test = {}, data.test
    Z = embedder.set_params(readout="stages").transform(data.X)
    train = np.isin(data.folds, SEEN)
    whole = Bunch(target=data.target, target_names=NAMES)
    for task in ("superclass", "subclass", "form", "rhythm"):
        y = select_task(whole, task).target
        columns = np.flatnonzero(y[test].sum(axis=0) >= MIN_POSITIVES)
        scores = [
            LogisticRegression(max_iter=1000).fit(Z[train], y[train, k]).decision_function(Z[test])
            for k in columns
        ]
        found[f"probe {task}"] = y[test][:, columns], np.stack(scores, axis=1)
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=int, nargs="+", default=[9, 10])
    parser.add_argument("--name", default="editions", help="of the table")
    add_output(parser)
    parser.add_argument("--n", type=int, help="about as many recordings")
    args = parser.parse_args(arguments)
    warnings.simplefilter("ignore", UserWarning)  # leads that are missing on purpose
    X, target, folds, _ = read(args.data, args.n)
    test = np.flatnonzero(np.isin(folds, args.folds))
    data = Bunch(X=X, target=target, folds=folds, test=test)
    groups = load_all(args.data, n=args.n).groups[test]
    rows, first = [], None
    for folder in args.folders:
        found = answers(folder, data)
        first = found if first is None else first
        for column, (y, scores) in found.items():
            row = {"weights": folder.name, "column": column, "classes": y.shape[1]}
            row[AUC] = macro_auc(y, scores)
            if found is not first:
                before = first[column][1]
                gain = compare(macro_auc, y, scores, before, groups=groups, random_state=0)
                row |= {"gain": gain.estimate, "low": gain.low, "high": gain.high}
            rows.append(row)
    table = pd.DataFrame(rows)
    print(f"{len(test)} recordings of folds {args.folds}")
    print(table.round(3).to_string(index=False, na_rep=""))
    write(args.output, **{args.name: table})


if __name__ == "__main__":
    main()
