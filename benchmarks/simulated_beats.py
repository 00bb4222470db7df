"""Does a statement change the simulated heart beat as it changes real ones?

    python benchmarks/simulated_beats.py --data PATH

For every PTB-XL statement with at least twenty recordings in folds 1 to 8: the average beat of its
recordings minus that of normal ones, real and simulated (single statements), in standardized leads.
Printed are, for QRS and for ST-T, the correlation of the two differences, the size of the simulated
one relative to the real one, and the spread between recordings likewise. PATH is the folder that
``_data.py`` describes.
"""

import argparse

import numpy as np
import pandas as pd
from _data import load_all, standardized
from _tables import add_output, write
from simulated_or_real import average_beat, beats

from merit_sk.datasets import make_ecg
from merit_sk.statements import PTBXL_STATEMENTS

PARTS = {"QRS": slice(17, 36), "ST-T": slice(36, 70)}  # samples of the average beat
RHYTHMS = {"SR", "NORM", "PACE", "AFLT", "SVARR", "SVTAC", "PSVT", "BIGU", "TRIGU"}
N_SIMULATED, MIN_REAL = 300, 20


def load_real(path, n=None):
    """Return standardized recordings of folds 1 to 8, and their statements as a DataFrame."""
    ecg = load_all(path, n=n)
    seen = ecg.folds <= 8
    return np.asarray(ecg.data[seen]), pd.DataFrame(ecg.target[seen], columns=ecg.target_names)


def frequent(labels):
    """Statements other than rhythms with enough recordings."""
    return [c for c in PTBXL_STATEMENTS if c not in RHYTHMS and labels[c].sum() >= MIN_REAL]


def average_beats(x):
    return np.array([average_beat(record, beats(record)) for record in x])


def simulated(code, n):
    ecg = make_ecg(n, statements=[code] * n, random_state=5)
    return average_beats(standardized(ecg.data))


def spread(x):
    return np.sqrt(x.var(axis=0).sum())


def compare(real, normal, fake, fake_normal):
    """Correlation, size and spread of a part of the beat, simulated against real."""
    a = real.mean(axis=0) - normal.mean(axis=0)
    b = fake.mean(axis=0) - fake_normal.mean(axis=0)
    correlation = np.corrcoef(a.ravel(), b.ravel())[0, 1]
    return correlation, np.linalg.norm(b) / np.linalg.norm(a), spread(fake) / spread(real)


def show(name, n, row):
    print(f"{name:9}{n:>5}" + "".join(f"{value:9.2f}" for value in row), flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder described in _data.py")
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    add_output(parser)
    args = parser.parse_args(arguments)

    n_simulated = 10 if args.quick else N_SIMULATED
    x, labels = load_real(args.data, 300 if args.quick else None)
    normal, fake_normal = average_beats(x[labels.NORM == 1]), simulated("NORM", n_simulated)
    print(f"{'':9}{'real':>5}" + f"{'corr.':>9}{'size':>9}{'spread':>9}" * len(PARTS))
    rows = []
    for code in frequent(labels):
        real, fake = average_beats(x[labels[code] == 1]), simulated(code, n_simulated)
        groups = (real, normal, fake, fake_normal)
        row = [v for part in PARTS.values() for v in compare(*(g[:, :, part] for g in groups))]
        show(code, len(real), row)
        rows.append([code, len(real), *row])
    columns = [f"{what}, {part}" for part in PARTS for what in ("correlation", "size", "spread")]
    table = pd.DataFrame(rows, columns=["statement", "real", *columns])
    median = table[columns].median()
    show("median", "", median)
    table.loc[len(table)] = {"statement": "median", "real": table.real.sum(), **median}
    write(args.output, simulated_beats=table)


if __name__ == "__main__":
    main()
