"""What to do with 20, 50, 100, 171, 500 or all labels: weights, fine-tuning, from scratch.

    python benchmarks/labels.py --data PATH --work FOLDER [--mv] [--encoders NAME=FOLDER ...]

Methods learn from the same recordings of PTB-XL folds 1 to 8, drawn at random (``--repeats``
draws, all of them once), and answer on folds 9 and 10, which no pretraining saw: a ridge
classifier on features, its penalty by leave-one-out among the drawn recordings (features of equal
scale; those of a ``FeatureUnion`` as blocks of equal size), scikit-learn's default logistic
regression on ``merit-tiny``, fine-tuning of ``merit-tiny``, and a supervised
``XResNetClassifier`` of depth 18 in 15 epochs. Networks learn all 71 statements and all classes
at once, in fewer draws (``--network-repeats``). Without any label stands
zero-shot classification by the words of ``merit-tiny``, as ``editions.py`` asks. 171 are the 1 %
of PTB-XL's 17,084 training records that papers report.

Macro AUC over classes with ten positives in the test; a class of which no positive was drawn
counts as 0.5. Macro F1 at the threshold of each class that is best on the test, as papers have
it. ``labels.csv`` has mean and spread over draws, ``labels-differences.csv`` what ``merit-tiny``
has more than others, with 95 % intervals by patient. ``--mv`` takes the recordings in mV alone,
whose features know voltages, else all are standardized. Further encoders are folders of weights.
Scores that are in FOLDER are not computed again. PATH is the folder that ``_data.py`` describes.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _data import digest, load_all, minirocket_is_there
from _tables import add_output, write
from editions import statements, union
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from merit_sk import MeritClassifier, MeritEmbedder
from merit_sk.datasets import load_ptbxl
from merit_sk.estimators import XResNetClassifier
from merit_sk.evaluation import MiniRocketFeatures, SummaryFeatures
from merit_sk.experiment import select_task, versions
from merit_sk.metrics import compare, macro_auc, macro_f1
from merit_sk.nn.checkpoint import write_arrays

COUNTS = (20, 50, 100, 171, 500)
SCRATCH_EPOCHS = 15
TASKS = ("superclass", "subclass", "form", "rhythm")
MIN_POSITIVES = 10
PENALTIES = np.logspace(-2, 5, 15)
BOX, ROCKET, BOTH = "merit-tiny", "MiniRocket", "merit-tiny and MiniRocket"
DEFAULT, TUNED, SCRATCH = "merit-tiny, default head", "merit-tiny, fine-tuned", "xresnet1d18"
ASKED = "merit-tiny, asked in words"


def load(path, in_mv, n):
    """Recordings with all statements, and the classes of each task in one table."""
    if in_mv:
        ecg = load_ptbxl(path / "ptb-xl", task="all")
        few = slice(None, n)
        ecg = Bunch(**{k: ecg[k][few] for k in ("data", "target", "groups", "folds")},
                    target_names=ecg.target_names)  # fmt: skip
    else:
        ecg = load_all(path, n=n)
    tasks = {task: select_task(ecg, task) for task in TASKS}
    ecg.Y = np.hstack([ecg.target, *(found.target for found in tasks.values())]).astype(float)
    ecg.columns, start = {}, ecg.target.shape[1]
    ecg.train, ecg.test = (np.flatnonzero(part) for part in (ecg.folds <= 8, ecg.folds > 8))
    for task, found in tasks.items():
        columns = np.arange(start, start + found.target.shape[1])
        start = columns[-1] + 1
        ecg.columns[task] = columns[ecg.Y[ecg.test][:, columns].sum(axis=0) >= MIN_POSITIVES]
    return ecg


def extractors(encoders, in_mv, seed):
    """What makes features, by the name of the method; voltages are among them in mV alone."""
    readout = "all" if in_mv else "stages"
    found = {
        BOX: MeritEmbedder(readout=readout),
        **{
            name.replace("_", " "): MeritEmbedder.from_pretrained(folder, readout=readout)
            for name, folder in encoders.items()
        },
        "random encoder": MeritEmbedder(
            pretrained=None, max_epochs=0, readout=readout, random_state=seed
        ),
        "summary features": SummaryFeatures(),
    }
    if in_mv:
        found["merit-tiny, no voltages"] = MeritEmbedder(readout="stages")
    if minirocket_is_there():
        found[ROCKET] = MiniRocketFeatures(random_state=seed)
    return found


def features(extractor, ecg):
    """Features of all recordings."""
    return np.asarray(extractor.fit(ecg.data[ecg.train]).transform(ecg.data), dtype=np.float32)


def ridge(Z, ecg, rows):
    scale = StandardScaler().fit(Z[rows])
    head = RidgeCV(PENALTIES * Z.shape[1] / 1000, scoring=None, gcv_mode="auto")
    head.fit(scale.transform(Z[rows]), 2 * ecg.Y[rows] - 1)
    return head.predict(scale.transform(Z[ecg.test]))


def logistic(Z, ecg, rows):
    """scikit-learn's default head for every class."""
    out = np.zeros((len(ecg.test), ecg.Y.shape[1]))
    for k in np.unique(np.concatenate([*ecg.columns.values()])):
        y = ecg.Y[rows, k]
        if 0 < y.sum() < len(y):
            out[:, k] = LogisticRegression().fit(Z[rows], y).decision_function(Z[ecg.test])
    return out


def network(method, ecg, rows, seed):
    """Train a network on what was drawn, on every class of which there is one and not all are."""
    learned = np.flatnonzero(np.ptp(ecg.Y[rows], axis=0))
    net = MeritClassifier(random_state=seed)
    if method == SCRATCH:
        net = XResNetClassifier(depth=18, max_epochs=SCRATCH_EPOCHS, random_state=seed)
    net.fit(ecg.data[rows], ecg.Y[np.ix_(rows, learned)].astype(int))
    out = np.zeros((len(ecg.test), ecg.Y.shape[1]))
    out[:, learned] = net.predict_proba(ecg.data[ecg.test])
    return out


def asked(ecg):
    """Scores without any label, as far as classes are unions of statements."""
    scores = statements(MeritEmbedder(), ecg.data[ecg.test], "en")
    target, found = ecg.target[ecg.test], [scores]
    for task in TASKS:
        found.append(union(scores, target, task)[1])
    return np.hstack(found)


def draws(ecg, counts, repeats):
    """Recordings to learn from, by their number and draw."""
    for n in counts:
        for repeat in range(repeats):
            rng = np.random.default_rng([repeat, n])
            yield n, repeat, np.sort(rng.permutation(ecg.train)[:n])
    if repeats:
        yield len(ecg.train), 0, ecg.train


def computed(args, ecg):
    """Scores of all methods, by method, number of labels and draw; kept in the folder."""
    counts = [n for n in args.counts if n < len(ecg.train)]
    encoders = dict(word.split("=", 1) for word in args.encoders)
    what = {"mv": args.mv, "n": args.n, "seed": args.seed, "versions": versions()}
    folder = args.work / f"labels-{digest(what)}"
    folder.mkdir(parents=True, exist_ok=True)
    found = {}

    def keep(method, n, repeat, compute):
        path = folder / f"{method}-{n}-{repeat}.npz".replace(" ", "_")
        if not path.exists():
            write_arrays(path, {"scores": np.asarray(compute(), dtype=np.float32)})
            print(path.stem, flush=True)
        with np.load(path) as kept:
            found[method, n, repeat] = kept["scores"]

    kept = {}
    for name, extractor in extractors(encoders, args.mv, args.seed).items():
        path = folder / f"{name}.npy".replace(" ", "_")
        if not path.exists():
            write_arrays(path, features(extractor, ecg))
        kept[name] = np.load(path)
    if ROCKET in kept:
        blocks = [StandardScaler().fit_transform(kept[k]) / kept[k].shape[1] ** 0.5
                  for k in (BOX, ROCKET)]  # fmt: skip
        kept[BOTH] = np.hstack(blocks)
    keep(ASKED, 0, 0, lambda: asked(ecg))
    for n, repeat, rows in draws(ecg, counts, args.repeats):
        for name, Z in kept.items():
            head = blocked if name == BOTH else ridge
            keep(name, n, repeat, lambda head=head, Z=Z, rows=rows: head(Z, ecg, rows))
        keep(DEFAULT, n, repeat, lambda rows=rows: logistic(kept[BOX], ecg, rows))
    for n, repeat, rows in draws(ecg, counts, args.network_repeats):
        for method in (TUNED, SCRATCH):
            keep(method, n, repeat,
                 lambda m=method, rows=rows, r=repeat: network(m, ecg, rows, r))  # fmt: skip
    return found


def blocked(Z, ecg, rows):
    """Ridge regression without scaling, as the blocks are scaled already."""
    head = RidgeCV(PENALTIES / 1000).fit(Z[rows], 2 * ecg.Y[rows] - 1)
    return head.predict(Z[ecg.test])


def gap(y, ours, others, groups, n_resamples):
    """Mean difference over draws, with its interval."""
    several = [
        compare(macro_auc, y, *pair, groups=groups, n_resamples=n_resamples, random_state=0)
        for pair in zip(ours, others, strict=True)
    ]
    low, high = np.quantile(np.mean([c.resamples for c in several], axis=0), [0.025, 0.975])
    return {"gain": np.mean([c.estimate for c in several]), "low": low, "high": high}


def tables(found, ecg, n_resamples):
    """Macro AUC by method, labels and task; what ``merit-tiny`` has more than others.

    Others have learned from the same draws, or are asked in words.
    """
    methods, rows, gaps = {}, [], []
    for method, n, repeat in found:
        methods.setdefault((method, n), []).append(repeat)
    learned = [n for method, n in methods if method == BOX]
    for (method, n), repeats in methods.items():
        for task, columns in ecg.columns.items():
            row, y = {"method": method, "labels": n, "task": task}, ecg.Y[ecg.test][:, columns]
            scores = [found[method, n, r][:, columns] for r in repeats]
            aucs = [macro_auc(y, each) for each in scores]
            f1 = [macro_f1(y, each, threshold="oracle") for each in scores]
            more = {"macro AUC": np.mean(aucs), "spread": np.std(aucs), "draws": len(aucs)}
            rows.append(row | more | {"macro F1, best threshold": np.mean(f1)})
            if method == BOX:
                continue
            for labels in learned if method == ASKED else [n]:
                draws = methods[BOX, labels] if method == ASKED else repeats
                ours = [found[BOX, labels, r][:, columns] for r in draws]
                others = scores * len(draws) if method == ASKED else scores
                more = gap(y, ours, others, ecg.groups[ecg.test], n_resamples)
                gaps.append(row | {"labels": labels} | more)
    return pd.DataFrame(rows), pd.DataFrame(gaps)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="PATH")
    parser.add_argument("--work", type=Path, required=True, help="folder for scores")
    add_output(parser)
    parser.add_argument("--mv", action="store_true", help="only recordings in mV")
    parser.add_argument("--encoders", nargs="+", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--repeats", type=int, default=5, help="draws of labels")
    parser.add_argument("--network-repeats", type=int, default=1, help="0 trains no network")
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n", type=int, help="about as many recordings")
    args = parser.parse_args(arguments)
    warnings.simplefilter("ignore", UserWarning)  # standardized signals, classes without positives
    ecg = load(args.data, args.mv, args.n)
    found = computed(args, ecg)
    scored, gaps = tables(found, ecg, args.resamples)
    name = "labels-mv" if args.mv else "labels"
    print(f"{len(ecg.train)} recordings to learn from, {len(ecg.test)} to test")
    wide = scored.pivot(index=["task", "method"], columns="labels", values="macro AUC")
    print(wide.round(3).to_string(na_rep=""))
    write(args.output, **{name: scored, f"{name}__differences": gaps})


if __name__ == "__main__":
    main()
