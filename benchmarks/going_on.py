"""Going on from the weights in the box, beside training from scratch on the same pairs.

    python benchmarks/going_on.py --data DATA --work FOLDER [--output FOLDER]

Three rotations leave out a third each of the PTB-XL recordings in mV of folds 1 to 8; the others
are the pairs, with English machine statements or with the cardiologists' reports. Every encoder is
then probed (readout ``"stages"``, the labels of the same recordings, scikit-learn's default
logistic regression) and asked in words (the 71 statements and the superclasses, one phrase
average each, no calibration) on recordings of folds 9 and 10, which no pretraining saw.
One row a run is appended to ``going_on.csv`` in the folder of ``--work``; rows that are there are
not run again.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _data import load_all, statements_of
from _tables import add_output, write
from sklearn.linear_model import LogisticRegression

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import load_ptbxl
from merit_sk.experiment import select_task
from merit_sk.metrics import macro_auc
from merit_sk.statements import task_prompts

TASKS = ("superclass", "subclass", "form", "rhythm")
METHODS = {
    "untouched": {},
    "from scratch, 25 epochs": dict(pretrained=None, max_epochs=25),
    "going on, 10 epochs": dict(max_epochs=10),
    "going on, 10 epochs, lr 1e-3": dict(max_epochs=10, lr=1e-3),
}


def probe(Z, y, Z_test, y_test, min_positives=10):
    """Return the macro AUC of one logistic regression a class."""
    enough = (y.sum(axis=0) >= 5) & (y_test.sum(axis=0) >= min_positives)
    scores = [
        LogisticRegression(max_iter=1000).fit(Z, y[:, j]).decision_function(Z_test)
        for j in np.flatnonzero(enough)
    ]
    return macro_auc(y_test[:, enough], np.stack(scores, axis=1))


def zero_shot(embedder, X, y, classes, task, language, min_positives=10):
    """Return the macro AUC of cosines with the average phrase of each class."""
    enough = np.flatnonzero(y.sum(axis=0) >= min_positives)
    prompts = task_prompts(task, language)
    Z = embedder.set_params(readout="projected").transform(X)
    text = np.stack([embedder.embed_text(prompts[classes[j]]).mean(axis=0) for j in enough])
    text /= np.linalg.norm(text, axis=1, keepdims=True)
    embedder.set_params(readout="stages")
    return macro_auc(y[:, enough], Z @ text.T)


def run(method, ecg, reports, rows, test, seed):
    """Return one row of results."""
    parameters = dict(readout="stages", random_state=seed) | METHODS[method]
    embedder = MeritEmbedder(**parameters)
    start = time.perf_counter()
    if method == "untouched":
        embedder.fit(ecg.X[rows])
    else:
        embedder.fit(ecg.X[rows], reports=reports[rows])
    row = {"seconds": time.perf_counter() - start}
    Z, Z_test = embedder.transform(ecg.X[rows]), embedder.transform(ecg.X[test])
    for task in TASKS:
        selected = select_task(ecg, task)
        y, classes = selected.target, selected.target_names
        row[task] = probe(Z, y[rows], Z_test, y[test])
        if task == "superclass":
            for language in ("en", "de"):
                row[f"zero-shot {task} {language}"] = zero_shot(
                    embedder, ecg.X[test], y[test], classes, task, language
                )
    return row


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for what is done")
    add_output(parser)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS)[:3])
    parser.add_argument("--n", type=int, help="about as many recordings")
    args = parser.parse_args(arguments)
    args.work.mkdir(parents=True, exist_ok=True)
    path = args.work / "going_on.csv"
    found = pd.read_csv(path) if path.exists() else pd.DataFrame()
    texts = {
        "12SL statements": load_all(args.data, statements_of(args.data), n=args.n),
        "cardiologists' reports": load_all(args.data, "report", n=args.n),
    }
    in_mv = set(load_ptbxl(args.data / "ptb-xl").frame.index)
    for text, bunch in texts.items():
        signals = np.asarray(bunch.data)
        bunch.X = ECGRecords.from_array(signals, sampling_rate=100)
        pairs = np.flatnonzero(
            np.array([i in in_mv for i in bunch.frame.index]) & (bunch.folds <= 8)
        )
        test = np.flatnonzero(bunch.folds >= 9)
        for rotation in range(3):
            rows = pairs[np.arange(len(pairs)) % 3 != rotation]
            for method in args.methods:
                key = {"text": text, "rotation": rotation, "method": method}
                if len(found) and (found[list(key)] == pd.Series(key)).all(axis=1).any():
                    continue
                row = key | {"pairs": len(rows), "test": len(test)}
                row |= run(method, bunch, np.asarray(bunch.reports), rows, test, rotation)
                found = pd.concat([found, pd.DataFrame([row])], ignore_index=True)
                found.to_csv(path, index=False)
                print(pd.DataFrame([row]).round(3).to_string(index=False), flush=True)
    columns = [c for c in found.columns if c not in ("text", "rotation", "method")]
    table = found.groupby(["text", "method"])[columns].mean()
    print(table.round(3).to_string())
    write(args.output, going_on=table, going_on__rotations=found)


if __name__ == "__main__":
    main()
