"""What lead I alone knows, beside all twelve: AUC of statements on held-out real recordings.

    python benchmarks/single_lead.py --data DATA [--leads I]

DATA is described in ``_data.py``. The weights are those that come with the package, which were
pretrained on folds 1-8; nothing of folds 9 and 10, which are the test here, was seen. Zero-shot
asks for the statement in words; the probe is a logistic regression on folds 1-8, on embeddings of
the same leads. Statements with ten positive test records, and the superclasses, with 95 % intervals
by resampling patients.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from _data import load_all
from _tables import add_output, write
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.experiment import select_task
from merit_sk.metrics import bootstrap_interval, macro_auc

MIN_POSITIVES = 10


def scores_of(records, Y, classes, train, test):
    """Probabilities of both methods for the test records."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the recordings lack")
        zero = MeritZeroShotClassifier(classes=classes, multi_label=True).fit(records)
        Z = MeritEmbedder(readout="stages").transform(records)
        asked = zero.predict_proba(records[test])
    probe = OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(Z[train], Y[train])
    return {"zero-shot": asked, "probe": probe.predict_proba(Z[test])}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of real recordings")
    parser.add_argument("--leads", nargs="+", default=["I"])
    parser.add_argument("--n", type=int, help="few recordings: tests the script")
    add_output(parser)
    options = parser.parse_args(arguments)
    ecg = load_all(options.data, n=options.n)
    superclass = select_task(ecg, "superclass")
    Y = np.column_stack([ecg.target, superclass.target])
    classes = np.array([*ecg.target_names, *superclass.target_names])
    test = np.flatnonzero(ecg.folds > 8)
    train = np.flatnonzero(ecg.folds <= 8)
    enough = Y[test].sum(axis=0) >= MIN_POSITIVES
    enough[: len(ecg.target_names)] &= ~np.isin(ecg.target_names, superclass.target_names)
    Y, classes = Y[:, enough], classes[enough].tolist()
    found = {
        name: scores_of(records, Y, classes, train, test)
        for name, records in {
            "twelve leads": ecg.data, " ".join(options.leads):
            ecg.data.with_leads(options.leads),
        }.items()
    }  # fmt: skip
    rows = []
    print(f"{len(test)} recordings of folds 9 and 10, AUC")
    groups = ecg.groups[test]
    for k, name in [*enumerate(classes), (slice(None), "mean")]:
        y = Y[test][:, [k] if isinstance(k, int) else k]
        positives = f"{int(y.sum())} positive" if isinstance(k, int) else ""
        print(f"{name:6s} {positives}")
        for method in ("zero-shot", "probe"):
            for leads, scores in found.items():
                s = scores[method][:, [k] if isinstance(k, int) else k]
                auc = bootstrap_interval(macro_auc, y, s, groups=groups, random_state=0)
                print(f"  {method:10s} {leads:14s} {auc}", flush=True)
                rows.append({"class": name, "method": method, "leads": leads, "AUC": auc.estimate,
                             "low": auc.low, "high": auc.high})  # fmt: skip
    write(options.output, single_lead=pd.DataFrame(rows))


if __name__ == "__main__":
    main()
