"""Does a statement change the simulated heart beat as it changes real ones?

    python benchmarks/simulated_beats.py --data PATH

For every PTB-XL statement with enough recordings in folds 1 to 8: the average beat of its
recordings minus that of normal ones, real and simulated (single statements), in standardised leads.
Printed are, for QRS and for ST-T, the correlation of the two differences, the size of the simulated
one relative to the real one, and the spread between recordings likewise. PATH is the folder that
``simulated_to_real.py`` describes.
"""

import argparse

import numpy as np
from simulated_or_real import beats
from simulated_to_real import load_real

from merit_sk.datasets import make_ecg
from merit_sk.signals import bandpass, zscore

BEFORE, AFTER = 25, 45  # samples around the centre of the QRS
PARTS = {"QRS": slice(17, 36), "ST-T": slice(36, 70)}
RHYTHMS = {"SR", "NORM", "PACE", "AFLT", "SVARR", "SVTAC", "PSVT", "BIGU", "TRIGU"}


def average_beats(x):
    """Median beat of each recording that has one, (n, 12, BEFORE + AFTER)."""
    found = []
    for record in x:
        peaks = beats(record)
        peaks = peaks[(peaks > BEFORE) & (peaks < x.shape[2] - AFTER)]
        if len(peaks):
            found.append(np.median([record[:, p - BEFORE : p + AFTER] for p in peaks], axis=0))
    return np.array(found)


def simulated(code, n):
    ecg = make_ecg(n, statements=[code] * n, random_state=5)
    return average_beats(zscore(bandpass(np.asarray(ecg.data), 100, 0.5, 40)))


def spread(x):
    return np.sqrt(x.var(axis=0).sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder described above")
    parser.add_argument("--n-simulated", type=int, default=300, help="recordings a statement")
    parser.add_argument("--min-real", type=int, default=20)
    args = parser.parse_args()

    x, labels, folds = load_real(args.data)
    x, labels = x[folds <= 8], labels[folds <= 8]
    real, normal = average_beats(x[labels.NORM == 1]), simulated("NORM", 2 * args.n_simulated)
    codes = [c for c in labels if labels[c].sum() >= args.min_real and c not in RHYTHMS]
    print(f"{'':9}{'real':>5}" + f"{'corr.':>11}{'size':>7}{'spread':>8}" * len(PARTS))
    rows = []
    for code in codes:
        try:
            mine = simulated(code, args.n_simulated)
        except ValueError:  # a superclass
            continue
        theirs = average_beats(x[labels[code] == 1])
        row = []
        for part in PARTS.values():
            a = (theirs.mean(axis=0) - real.mean(axis=0))[:, part]
            b = (mine.mean(axis=0) - normal.mean(axis=0))[:, part]
            row += [
                np.corrcoef(a.ravel(), b.ravel())[0, 1],
                np.linalg.norm(b) / np.linalg.norm(a),
                spread(mine[:, :, part]) / spread(theirs[:, :, part]),
            ]
        rows.append(row)
        print(f"{code:9}{len(theirs):5}" + "{:11.2f}{:7.2f}{:8.2f}".format(*row[:3])
              + "{:11.2f}{:7.2f}{:8.2f}".format(*row[3:]), flush=True)  # fmt: skip
    middle = np.median(rows, axis=0)
    print(f"{'median':9}{'':5}" + "".join("{:11.2f}{:7.2f}{:8.2f}".format(*middle[k : k + 3])
                                           for k in (0, 3)))  # fmt: skip


if __name__ == "__main__":
    main()
