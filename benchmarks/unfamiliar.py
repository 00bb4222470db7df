"""Does ``merit-tiny`` know what it does not know? Recordings spoiled on purpose.

    python benchmarks/unfamiliar.py --data DATA

``MeritEmbedder().score_samples`` of recordings of fold 10, which nothing was learned from, and of
the same ones spoiled: AUC of telling the two apart, and the share that ``decision_function`` puts
below zero. Beside it stands the distance to the nearest of 2,046 embeddings of folds 1 to 8. Other
hospitals' recordings are spoiled by nobody; of these, what is said to be unfamiliar is a share of
false alarms, or of true ones. DATA is the folder that ``_data.py`` describes.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _data import OTHER_SETS, load_all
from _tables import add_output, write
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from merit_sk import MeritEmbedder, datasets
from merit_sk.datasets import make_ecg
from merit_sk.signals import resample


def spoiled(X, random):
    """Yield a name and recordings of the same shape, in units of standard deviation."""
    n, n_leads, n_times = X.shape
    t = np.arange(n_times) / 100
    yield "white noise", random.normal(size=X.shape)
    yield "random walk", np.cumsum(random.normal(size=X.shape), axis=-1)
    rate, phase = random.uniform(0.5, 10, (n, n_leads, 1)), random.uniform(size=(n, n_leads, 1))
    yield "sine waves", np.sin(2 * np.pi * (rate * t + phase))
    square = np.sign(np.sin(2 * np.pi * (random.uniform(0.5, 3, (n, 1, 1)) * t)))
    yield "pulses", square + 0.01 * random.normal(size=X.shape)
    arms = X[:, [0, 2, 1, 4, 3, *range(5, 12)]].copy()
    arms[:, 0] *= -1
    yield "arms swapped", arms
    left = X[:, [1, 0, 2, 3, 5, 4, *range(6, 12)]].copy()
    left[:, 2] *= -1
    yield "left arm and leg swapped", left
    yield "V1 and V3 swapped", X[:, [*range(6), 8, 7, 6, *range(9, 12)]]
    yield "V1 to V6 reversed", X[:, [*range(6), *range(11, 5, -1)]]
    yield "leads in any order", np.stack([x[random.permutation(n_leads)] for x in X])
    yield "upside down", -X
    yield "backwards", X[:, :, ::-1]
    yield "250 Hz taken for 100 Hz", resample(X, 100, 250)[:, :, :n_times]
    half = resample(X, 100, 50)
    yield "50 Hz taken for 100 Hz", np.concatenate([half, half], axis=2)[:, :, :n_times]
    yield "noise of half the size", X + 0.5 * random.normal(size=X.shape)
    yield "noise of the same size", X + random.normal(size=X.shape)


def main(args=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DATA")
    parser.add_argument("--n", type=int, help="about as many recordings; all by default")
    add_output(parser)
    options = parser.parse_args(args)
    warnings.simplefilter("ignore", UserWarning)
    ecg = load_all(options.data, n=options.n)
    X, random = np.asarray(ecg.data, dtype=np.float32), np.random.default_rng(0)
    embedder = MeritEmbedder(readout="stages")
    test = X[ecg.folds == 10]
    nearest = NearestNeighbors(n_neighbors=1).fit(embedder.transform(X[ecg.folds <= 8]))

    def judged(X):
        X = np.asarray(X, dtype=np.float32)
        return embedder.decision_function(X), nearest.kneighbors(embedder.transform(X))[0][:, 0]

    as_it_is, near = judged(test)
    rows = {"as they are": {"recordings": len(test), "below zero": (as_it_is < 0).mean()}}
    for name, bad in spoiled(test, random):
        scores, distance = judged(bad)
        y = np.repeat([0, 1], [len(test), len(bad)])
        rows[name] = {
            "recordings": len(bad), "below zero": (scores < 0).mean(),
            "AUC": roc_auc_score(y, -np.concatenate([as_it_is, scores])),
            "AUC, nearest": roc_auc_score(y, np.concatenate([near, distance])),
        }  # fmt: skip
    scores = embedder.decision_function(make_ecg(len(test), random_state=3).data)
    rows["simulated"] = {"recordings": len(test), "below zero": (scores < 0).mean()}
    for folder, name in OTHER_SETS.items():
        if (options.data / folder).is_dir():
            data = getattr(datasets, f"load_{folder}")(options.data / folder).data[: len(test)]
            scores = embedder.decision_function(data.repaired())
            rows[name] = {"recordings": len(data), "below zero": (scores < 0).mean()}
    table = pd.DataFrame(rows).T
    print(table.round(3).to_string(na_rep="-"))
    write(options.output, unfamiliar=table.rename_axis("what"))


if __name__ == "__main__":
    main()
