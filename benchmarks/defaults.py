"""What the estimators are worth without an argument, on PTB-XL recordings in mV.

    python benchmarks/defaults.py --data DATA

* The sentence: ``Pipeline([("merit", MeritEmbedder()), ("clf", LogisticRegression())])`` tells
  normal ECGs from others, on 500 recordings in three folds by patient; AUC and seconds, the first
  time and again, in a process that has imported everything; and on those of folds 9 and 10 alone.
* Default logistic regressions of the five superclasses on ``MeritEmbedder().transform(X)``, all
  recordings, five folds by patient.
* The size of the features: the same regressions on features times a factor, learned on some
  recordings of folds 1 to 8 (mean of three random subsets) or all, tested on folds 9 and 10, which
  no pretraining saw.

A random encoder, with a scaler before the regression, stands beside them. DATA holds ``ptb-xl/``.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import add_output, write
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from merit_sk import MeritEmbedder
from merit_sk.datasets import load_ptbxl
from merit_sk.experiment import select_task
from merit_sk.metrics import macro_auc

TASKS = ("superclass", "subclass", "form", "rhythm")
FACTORS = (0.5, 0.75, 1, 1.5, 2)


def head():
    return LogisticRegression(max_iter=1000)


def sentence(ecg, few):
    """Return the AUC of every fold of some recordings and the seconds they took together."""
    normal = ecg.target[few, ecg.target_names.index("NORM")]
    clf = Pipeline([("merit", MeritEmbedder()), ("clf", LogisticRegression())])
    start = time.perf_counter()
    aucs = cross_val_score(
        clf, ecg.data[few], normal, groups=ecg.groups[few], cv=GroupKFold(3), scoring="roc_auc"
    )
    return aucs, time.perf_counter() - start


def superclasses(Z, ecg, model):
    """Return the AUC of each superclass, from decision values of the folds left out."""
    scores = [
        cross_val_predict(
            model, Z, y, groups=ecg.groups, cv=GroupKFold(5), method="decision_function"
        )
        for y in ecg.target.T
    ]
    each = [macro_auc(y[:, None], s[:, None]) for y, s in zip(ecg.target.T, scores, strict=True)]
    return pd.Series(each, index=ecg.target_names)


def sizes(Z, ecg, n_labels, n_repeats=3):
    """Return macro AUCs by task and number of labels (rows) and factor (columns)."""
    train, test = (np.flatnonzero(part) for part in (ecg.folds <= 8, ecg.folds > 8))
    rows = {}
    for task in TASKS:
        y = select_task(ecg, task).target
        for n in (*n_labels, len(train)):
            aucs = np.zeros((n_repeats if n < len(train) else 1, len(FACTORS)))
            for repeat, out in enumerate(aucs):
                some = np.random.default_rng(repeat).permutation(train)[:n]
                enough = (y[some].sum(axis=0) >= 2) & (y[test].sum(axis=0) >= 3)
                for k, f in enumerate(FACTORS):
                    scores = [
                        head().fit(f * Z[some], labels[some]).decision_function(f * Z[test])
                        for labels in y[:, enough].T
                    ]
                    out[k] = macro_auc(y[test][:, enough], np.transpose(scores))
            rows[task, n] = aucs.mean(axis=0)
    return pd.DataFrame(rows, index=pd.Index(FACTORS, name="factor")).T


def main(args=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DATA")
    parser.add_argument("--n", type=int, help="recordings; all by default")
    add_output(parser)
    options = parser.parse_args(args)
    few = slice(options.n)
    every = load_ptbxl(options.data / "ptb-xl", task="all")
    every.update({key: every[key][few] for key in ("data", "target", "groups", "folds")})
    ecg = select_task(every, "superclass")

    some = np.random.default_rng(0).permutation(len(ecg.data))[:500]
    unseen = np.flatnonzero(ecg.folds > 8)
    timed = []
    for when, rows in {"first": some, "again": some, "folds 9 and 10": unseen}.items():
        aucs, seconds = sentence(ecg, rows)
        timed.append({"recordings": when, "n": len(rows), "AUC": aucs.mean(), "lowest": aucs.min(),
                      "highest": aucs.max(), "seconds": seconds})  # fmt: skip
        print(f"sentence, {when}: AUC {aucs.mean():.3f} {aucs.round(3)}, {seconds:.1f} s")

    Z = MeritEmbedder().transform(ecg.data)
    random = MeritEmbedder(pretrained=None, max_epochs=0, random_state=0)
    scaled = make_pipeline(StandardScaler(), head())
    table = pd.DataFrame(
        {
            "merit-tiny": superclasses(Z, ecg, LogisticRegression()),
            "random encoder, scaler": superclasses(
                random.fit(ecg.data[:64]).transform(ecg.data), ecg, scaled
            ),
        }
    )
    table.loc["mean"] = table.mean()
    classes = table.rename_axis("class")
    print(f"\nsuperclasses, {len(Z)} recordings, five folds\n{table.round(4).to_string()}")
    n_labels = [n for n in (50, 100, 200) if n < (ecg.folds <= 8).sum()]
    table = sizes(Z, every, n_labels)
    table.loc[("mean", ""), :] = table.mean()
    table.index.names = ["task", "labels"]
    print(f"\nfeatures times a factor, folds 9 and 10\n{table.round(4).to_string()}")
    write(
        options.output, defaults__sentence=pd.DataFrame(timed), defaults__superclasses=classes,
        defaults__sizes=table,
    )  # fmt: skip


if __name__ == "__main__":
    main()
