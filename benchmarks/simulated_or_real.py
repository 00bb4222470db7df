"""Can a classifier tell simulated ECGs from real ones, and by what?

Summary features (moments, spectrum below 40 Hz, correlations between leads, beat intervals, shape
of the average beat) of real PTB-XL records in mV and of as many simulated ones, gradient-boosted
trees, 5-fold cross-validated AUC: 0.5 would be indistinguishable.

    python benchmarks/simulated_or_real.py --data PATH_OF_PTB_XL
"""

import argparse

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt, welch
from scipy.stats import kurtosis, skew
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from merit_sk.datasets import load_ptbxl, make_ecg
from merit_sk.signals import STANDARD_LEADS, bandpass

RATE = 100
BANDS = ((0, 0.5), (0.5, 1), (1, 4), (4, 8), (8, 15), (15, 25), (25, 35), (35, 40))


def beats(x):
    """Centres of QRS complexes in samples."""
    sos = butter(2, [5, 25], "band", fs=RATE, output="sos")
    energy = np.sqrt((sosfiltfilt(sos, x, axis=-1) ** 2).sum(axis=0))
    energy = np.convolve(energy, np.hanning(9), "same")
    return find_peaks(energy, height=0.35 * np.percentile(energy, 97), distance=28)[0]


def average_beat(record, peaks):
    """Median beat (12, 70) from 250 ms before the centre of the QRS on; zero if there is none."""
    inside = peaks[(peaks > 30) & (peaks < record.shape[1] - 50)]
    if not len(inside):
        return np.zeros((12, 70))
    return np.median([record[:, p - 25 : p + 45] for p in inside], axis=0)


def features(x):
    """Features of recordings (n, 12, n_times) in mV, by group: dict of (n, k) arrays."""
    upper = np.triu_indices(12, 1)
    frequency, power = welch(x, RATE, nperseg=500, axis=-1)
    spectrum = [
        np.log10(power[..., (frequency >= a) & (frequency < b)].mean(axis=-1) + 1e-9)
        for a, b in BANDS
    ]
    x = bandpass(x, RATE, 0.5, 40)
    intervals, shape = [], []
    for record in x:
        peaks = beats(record)
        gaps = np.diff(peaks) / RATE if len(peaks) > 2 else np.array([0.0, 0.0])
        ratio = gaps[1:] / gaps[:-1] if gaps.min() > 0 else np.zeros(1)
        intervals.append([len(peaks), gaps.mean(), gaps.std(), gaps.min(), gaps.max(), ratio.std()])
        shape.append(average_beat(record, peaks)[[0, 1, 6, 7, 9, 11]][:, ::3].ravel())
    with np.errstate(invalid="ignore"):  # flat leads
        correlation = np.array([np.corrcoef(r)[upper] for r in x])
    found = {
        "moments": np.concatenate([x.std(-1), skew(x, -1), kurtosis(x, -1)], axis=1),
        "spectrum": np.concatenate(spectrum, axis=1),
        "correlation": correlation,
        "intervals": np.array(intervals),
        "average beat": np.array(shape),
    }
    return {name: np.nan_to_num(values) for name, values in found.items()}


def auc(x, y, n_trees):
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = HistGradientBoostingClassifier(max_iter=n_trees, random_state=0)
    return roc_auc_score(y, cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1])


def compare(title, real, simulated, n_trees):
    print(f"{title}: {len(real)} real, {len(simulated)} simulated", flush=True)
    y = np.repeat([0, 1], [len(real), len(simulated)])
    ours, theirs = features(simulated), features(real)
    joined = {name: np.concatenate([theirs[name], ours[name]]) for name in ours}
    print(
        f"  all features   AUC {auc(np.concatenate(list(joined.values()), axis=1), y, n_trees):.3f}"
    )
    for name, x in joined.items():
        single = [roc_auc_score(y, column) for column in x.T]
        order = np.argsort(-np.abs(np.array(single) - 0.5))[:3]
        telling = ", ".join(f"{label(name, k)} {single[k]:.2f}" for k in order)
        print(
            f"  {name:14s} AUC {auc(x, y, n_trees):.3f}   most telling alone: {telling}", flush=True
        )


def label(name, k):
    if name == "moments":
        return f"{('std', 'skewness', 'kurtosis')[k // 12]} {STANDARD_LEADS[k % 12]}"
    if name == "spectrum":
        return "{}-{} Hz {}".format(*BANDS[k // 12], STANDARD_LEADS[k % 12])
    if name == "correlation":
        return "/".join(STANDARD_LEADS[i[k]] for i in np.triu_indices(12, 1))
    if name == "intervals":
        return ("beats", "mean", "spread", "shortest", "longest", "ratio")[k]
    lead = ("I", "II", "V1", "V2", "V4", "V6")[k // 24]
    return f"{lead} at {(k % 24) * 30 - 250} ms"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of PTB-XL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    args = parser.parse_args(arguments)
    real = load_ptbxl(args.data, task="all")
    n_trees = 10 if args.quick else 120
    few = np.arange(len(real.data))[:: len(real.data) // 60 if args.quick else 1]
    x = np.asarray(real.data[few])
    normal = real.target[few, list(real.target_names).index("NORM")] == 1
    shown = make_ecg(len(x), random_state=args.seed)
    compare("all records", x, np.asarray(shown.data), n_trees)
    only = make_ecg(int(normal.sum()), statements=["NORM"], random_state=args.seed)
    compare("normal records", x[normal], np.asarray(only.data), n_trees)


if __name__ == "__main__":
    main()
