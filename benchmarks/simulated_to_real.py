"""Pretrain on simulated ECGs, test on real ones.

Prints the macro AUC of a linear probe on the five PTB-XL superclasses (frozen embeddings, all and
400 labels, against a random encoder), zero-shot AUCs of every statement with enough positives, and
how well a classifier separates simulated from real recordings, and by what.

    python benchmarks/simulated_to_real.py --data PATH

PATH holds ``ptb-xl/`` (a PTB-XL folder), ``ptb-xl-standardized/`` (``ecg_id.npy``,
``signals_int16.npy``: z-scores times 500) and ``metadata/ptbxl_database.csv``. The probe is trained
on folds 1 to 8 and tested on folds 9 and 10.
"""

import argparse
import ast
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import load_ptbxl, make_ecg
from merit_sk.signals import bandpass, zscore
from merit_sk.statements import PTBXL_STATEMENTS, statement_prompts, task_labels

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
JUDGED = ("AFIB", "1AVB", "CRBBB", "CLBBB", "LAFB", "SBRAD", "STACH", "PVC", "LVH", "IMI")


def load_real(path):
    """Standardised real recordings, their statements (a DataFrame of 0 and 1) and folds."""
    path = Path(path)
    raw = load_ptbxl(path / "ptb-xl", task="all")
    x = zscore(bandpass(np.asarray(raw.data), 100, 0.5, 40))
    ids = np.load(path / "ptb-xl-standardized" / "ecg_id.npy")
    z = np.load(path / "ptb-xl-standardized" / "signals_int16.npy").astype(np.float32) / 500
    ids = np.concatenate([raw.frame.index, ids])
    x = np.concatenate([x, z])
    _, first = np.unique(ids, return_index=True)
    x, ids = x[first], ids[first]
    table = pd.read_csv(path / "metadata" / "ptbxl_database.csv", index_col="ecg_id").loc[ids]
    codes = table.scp_codes.map(ast.literal_eval)
    labels = pd.DataFrame(
        {code: [code in row for row in codes] for code in PTBXL_STATEMENTS}, index=ids
    ).astype(int)
    superclass = task_labels("superclass")
    for name in SUPERCLASSES:
        members = [code for code, s in superclass.items() if s == name]
        labels[name] = labels[members].max(axis=1)
    return x, labels, table.strat_fold.to_numpy()


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
    prompts = {code: statement_prompts(code) for code in codes}
    model = MeritZeroShotClassifier(embedder, classes=prompts, multi_label=True).fit(x)
    scores = model.decision_function(x)
    return {
        code: roc_auc_score(labels[code], scores[:, list(model.classes_).index(code)])
        for code in codes
    }


def report_zero_shot(aucs, labels):
    macro = np.mean([aucs[c] for c in SUPERCLASSES])
    judged = {c: round(aucs[c], 3) for c in JUDGED}
    print(f"zero-shot macro over superclasses {macro:.3f}")
    for code, auc in sorted(aucs.items(), key=lambda item: -item[1]):
        print(f"  {code:8s} {auc:.3f}  ({labels[code].sum()} positives)")
    print(f"judged: {judged}; below .70: {[c for c, a in judged.items() if a < 0.7]}", flush=True)
    return {"macro": macro, **aucs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder described above")
    parser.add_argument("--n-simulated", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--structure-weight", type=float, default=0.0)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="json file for the figures")
    args = parser.parse_args()

    x, labels, folds = load_real(args.data)
    print(f"{len(x)} real recordings")
    start = time.perf_counter()
    ecg = make_ecg(args.n_simulated, random_state=args.seed)
    print(f"{args.n_simulated / (time.perf_counter() - start):.0f} simulated records/s", flush=True)

    settings = dict(
        readout="stages",  # the real recordings are standardised and have no voltages
        structure_weight=args.structure_weight,
        batch_size=64,
        random_state=args.seed,
        n_jobs=args.n_jobs,
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
    held = make_ecg(1000, random_state=args.seed + 1_000_003)
    known = pd.DataFrame(held.target, columns=held.target_names)
    for name in SUPERCLASSES:
        members = [c for c, s in task_labels("superclass").items() if s == name]
        known[name] = known[members].max(axis=1)
    own = zero_shot(embedder, held.data, known)
    print("zero-shot on new simulated records:", {c: round(a, 2) for c, a in own.items()})
    if args.out:
        figures["config"] = vars(args) | {"seconds": seconds}
        Path(args.out).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
