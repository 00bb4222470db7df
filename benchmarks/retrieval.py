"""How often the recordings nearest to an ECG have its labels, on PTB-XL recordings in mV.

    python benchmarks/retrieval.py --data DATA

Recordings of folds 9 and 10, which no pretraining saw, are looked up among those of folds 1 to 8;
folds share no patient. Neighbors are those of ``NearestNeighbors`` by cosine. ``"projected"``
features are unit vectors and taken as they are, all others are standardized with the recordings
that are searched. Superclasses and rhythms with at least ``MIN_POSITIVES`` recordings on both sides
count; each as much as the others. Recall at k: one of k neighbors has the label; precision at k:
the fraction of them that have it. Chance is what neighbors drawn at random would give. Differences
are paired, with 95 % intervals from resampling patients. DATA holds ``ptb-xl/``.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from _data import minirocket_is_there
from _tables import add_output, write
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from merit_sk import MeritEmbedder
from merit_sk.datasets import load_ptbxl
from merit_sk.evaluation import MiniRocketFeatures, SummaryFeatures
from merit_sk.experiment import select_task
from merit_sk.metrics import compare, macro_retrieval

TASKS = ("superclass", "rhythm")
MIN_POSITIVES = 5
LARGEST_K = 5
MEASURES = {
    "recall@1": lambda found: found[:, 0],
    "recall@5": lambda found: found.max(axis=1),
    "precision@5": lambda found: found.mean(axis=1),
}
OURS = ("merit-tiny, all", "merit-tiny, projected")


def features(X, index):
    """Features of all recordings by contender, and whether they are to be standardized."""
    merit, random = MeritEmbedder(), MeritEmbedder(pretrained=None, max_epochs=0, random_state=0)
    random.fit(X[index][:64])
    for name, model in {"merit-tiny": merit, "random encoder": random}.items():
        for readout in ("all", "projected"):
            scaled = readout != "projected"
            yield f"{name}, {readout}", model.set_params(readout=readout).transform(X), scaled
    yield "summary features", SummaryFeatures().fit(X[index]).transform(X), True
    if minirocket_is_there():
        rocket = MiniRocketFeatures(random_state=0).fit(X[index])
        yield "MiniRocket", rocket.transform(X), True


def neighbors(Z, scaled, query, index):
    """Positions among the recordings of the index, nearest first."""
    if scaled:
        Z = StandardScaler().fit(Z[index]).transform(Z)
    search = NearestNeighbors(n_neighbors=LARGEST_K, metric="cosine", algorithm="brute")
    return search.fit(Z[index]).kneighbors(Z[query], return_distance=False)


def chance(y):
    """What neighbors drawn at random give, by measure."""
    p = y.mean(axis=0)
    recall = {f"recall@{k}": (1 - (1 - p) ** k).mean() for k in (1, LARGEST_K)}
    return recall | {"precision@5": p.mean()}


def main(args=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DATA")
    parser.add_argument("--n", type=int, help="recordings; all by default")
    add_output(parser)
    options = parser.parse_args(args)
    every = load_ptbxl(options.data / "ptb-xl", task="all")
    every.update({k: every[k][: options.n] for k in ("data", "target", "groups", "folds")})
    query, index = (np.flatnonzero(part) for part in (every.folds > 8, every.folds <= 8))
    print(f"{len(query)} queries of {len({*every.groups[query]})} patients, {len(index)} searched")

    labels = {}
    for task in TASKS:
        ecg = select_task(every, task)
        enough = [ecg.target[part].sum(axis=0) >= MIN_POSITIVES for part in (query, index)]
        keep = np.logical_and(*enough)
        labels[task] = ecg.target[:, keep]
        counts = zip(np.array(ecg.target_names)[keep], labels[task][query].sum(axis=0), strict=True)
        print(f"{task}: " + ", ".join(f"{name} {count}" for name, count in counts))

    columns = list(product(TASKS, MEASURES))
    found, table = {}, {}
    for name, Z, scaled in features(every.data, index):
        near = neighbors(Z, scaled, query, index)
        for task, measure in columns:
            shown = labels[task][index][near].astype(float)
            found[name, task, measure] = MEASURES[measure](shown)
        table[name] = [
            macro_retrieval(labels[task][query], found[name, task, measure])
            for task, measure in columns
        ]
    by_chance = {task: chance(labels[task][index]) for task in TASKS}
    table["chance"] = [by_chance[task][measure] for task, measure in columns]
    frame = pd.DataFrame(table, index=pd.MultiIndex.from_tuples(columns)).T
    print(f"\nmean over classes\n{frame.round(3).to_string()}")

    gaps = []
    print("\ndifferences (* interval without zero)")
    for own, (task, measure) in product(OURS, columns):
        print(f"{own}, {task} {measure}")
        for name in table:
            if name in (own, "chance"):
                continue
            result = compare(
                macro_retrieval, labels[task][query], found[own, task, measure],
                found[name, task, measure], groups=every.groups[query], n_resamples=2000,
                random_state=0,
            )  # fmt: skip
            mark = "*" if result.low > 0 or result.high < 0 else " "
            print(f"  - {name:24} {mark} {result}")
            row = {"features": own, "other": name, "task": task, "measure": measure}
            row |= {"gain": result.estimate, "low": result.low, "high": result.high}
            gaps.append(row)
    frame.columns = [" ".join(column) for column in columns]
    write(
        options.output, retrieval=frame.rename_axis("features"),
        retrieval__differences=pd.DataFrame(gaps),
    )  # fmt: skip


if __name__ == "__main__":
    main()
