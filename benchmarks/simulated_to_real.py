"""Pretrain on simulated ECGs, test on real ones.

Prints the macro AUC of a linear probe on the five PTB-XL superclasses (frozen embeddings, all and
400 labels, against a random encoder), zero-shot AUCs of every statement with enough positives, and
how well a classifier separates simulated from real recordings, and by what.

    python benchmarks/simulated_to_real.py --data PATH

PATH is the folder that ``_data.py`` describes. The probe is trained
on folds 1 to 8 and tested on folds 9 and 10.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _data import load_all
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.statements import task_labels

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
JUDGED = ("AFIB", "1AVB", "CRBBB", "CLBBB", "LAFB", "SBRAD", "STACH", "PVC", "LVH", "IMI")


def load_real(path, n=None):
    """Return standardized recordings, their statements (a DataFrame of 0 and 1) and folds."""
    ecg = load_all(path, n=n)
    order = np.argsort(ecg.frame.index)
    target = pd.DataFrame(ecg.target, columns=ecg.target_names, index=ecg.frame.index)
    labels = with_superclasses(target.iloc[order])
    return np.asarray(ecg.data)[order], labels, ecg.folds[order]


def with_superclasses(labels):
    superclass = task_labels("superclass")
    members = {c: [code for code, s in superclass.items() if s == c] for c in SUPERCLASSES}
    return labels.assign(**{name: labels[codes].max(axis=1) for name, codes in members.items()})


def probe(z, labels, folds, n_labels=None, seed=0):
    """Macro AUC over superclasses of a ridge probe on folds 1-8, tested on 9 and 10."""
    y = labels[list(SUPERCLASSES)].to_numpy()
    used = y.any(axis=1)
    train, test = np.flatnonzero(used & (folds <= 8)), np.flatnonzero(used & (folds > 8))
    if n_labels:
        train = np.random.default_rng(seed).choice(train, n_labels, replace=False)
    model = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(0, 6, 16)))
    scores = model.fit(z[train], y[train]).decision_function(z[test])
    return roc_auc_score(y[test], scores, average=None)


def probes(name, z, labels, folds):
    full = probe(z, labels, folds)
    few = np.mean([probe(z, labels, folds, 400, s).mean() for s in range(20)])
    each = " ".join(f"{c} {a:.3f}" for c, a in zip(SUPERCLASSES, full, strict=True))
    print(f"{name:22s} all labels {full.mean():.4f}   400 labels {few:.4f}   ({each})", flush=True)
    return {"all": full.mean(), "400": few}


def zero_shot(embedder, x, labels, min_positives=10):
    """AUC of every superclass and statement by prompts alone."""
    codes = [c for c in labels if labels[c].sum() >= min_positives]
    model = MeritZeroShotClassifier(embedder, classes=codes, language="en").fit(x)
    scores = model.decision_function(x)
    return {
        code: roc_auc_score(labels[code], scores[:, list(model.classes_).index(code)])
        for code in codes
    }


def report_zero_shot(aucs, labels):
    macro = np.mean([aucs[c] for c in SUPERCLASSES])
    judged = {c: round(aucs[c], 3) for c in JUDGED if c in aucs}
    print(f"zero-shot macro over superclasses {macro:.3f}")
    for code, auc in sorted(aucs.items(), key=lambda item: -item[1]):
        print(f"  {code:8s} {auc:.3f}  ({labels[code].sum()} positives)")
    print(f"judged: {judged}; below .70: {[c for c, a in judged.items() if a < 0.7]}", flush=True)
    return {"macro": macro, **aucs}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder described in _data.py")
    parser.add_argument("--n-simulated", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--structure-weight", type=float, default=0.0)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="json file for the figures")
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    args = parser.parse_args(arguments)

    x, labels, folds = load_real(args.data, 600 if args.quick else None)
    print(f"{len(x)} real recordings")
    start = time.perf_counter()
    ecg = make_ecg(args.n_simulated, random_state=args.seed)
    print(f"{args.n_simulated / (time.perf_counter() - start):.0f} simulated records/s", flush=True)

    settings = dict(
        readout="stages",  # the real recordings are standardized and have no voltages
        structure_weight=args.structure_weight,
        batch_size=64,
        random_state=args.seed,
        n_jobs=args.n_jobs,
        pretrained=None,
    )
    random = MeritEmbedder(max_epochs=0, **settings).fit(ecg.data[:256], reports=ecg.reports[:256])
    figures = {"random": probes("random encoder", random.transform(x), labels, folds)}
    start = time.perf_counter()
    embedder = MeritEmbedder(max_epochs=args.epochs, **settings).fit(ecg.data, reports=ecg.reports)
    seconds = time.perf_counter() - start
    print(
        f"pretrained {args.epochs} epochs in {seconds:.0f} s; {embedder.history_[-1]}", flush=True
    )
    figures["simulated"] = probes("simulated", embedder.transform(x), labels, folds)
    figures["zero_shot"] = report_zero_shot(zero_shot(embedder, x, labels), labels)
    held = make_ecg(200 if args.quick else 1000, random_state=args.seed + 1_000_003)
    known = with_superclasses(pd.DataFrame(held.target, columns=held.target_names))
    own = zero_shot(embedder, held.data, known)
    print("zero-shot on new simulated records:", {c: round(a, 2) for c, a in own.items()})
    if args.out:
        figures["config"] = vars(args) | {"seconds": seconds}
        Path(args.out).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
