"""What tells a statement from normal ECGs: the same in simulated recordings as in real ones?

    python benchmarks/informativeness.py --data PATH [--output FOLDER]

For every PTB-XL statement with twenty recordings in folds 1 to 8, and each of 65 measures of the
average beat (Q, R, S, ST and T in every lead) and of the rhythm, eta squared: the share of its
variance that the statement explains among its recordings and normal ones. Simulated recordings
have this statement alone, leads are standardized in both. The table has, by statement, the rank
correlation over measures, the measure that is most underrated by the simulator (real minus
simulated, a blind spot) and the one that is most overrated (spurious), with eta squared of both.
PATH is the folder that ``_data.py`` describes.
"""

import argparse

import numpy as np
import pandas as pd
from _data import standardized
from _tables import add_output, write
from simulated_beats import N_SIMULATED, frequent, load_real
from simulated_or_real import average_beat, beats

from merit_sk.datasets import make_ecg
from merit_sk.signals import STANDARD_LEADS

PEAK = 25  # sample of the average beat at the center of the QRS, 10 ms each
WAVES = ("Q", "R", "S", "ST", "T")
RATES = ("mean RR", "spread of RR", "shortest RR", "longest RR", "irregularity")


def measures(x):
    """Measures (n, 65) of standardized recordings (n, 12, n_times)."""
    out = []
    for record in x:
        peaks = beats(record)
        gaps = np.diff(peaks) / 100 if len(peaks) > 2 else np.zeros(2)
        change = np.abs(np.diff(gaps)).mean() if len(gaps) > 1 else 0.0
        beat = average_beat(record, peaks)
        beat = beat - beat[:, PEAK - 10 : PEAK - 6].mean(axis=1, keepdims=True)  # PR segment
        r = PEAK - 5 + beat[:, PEAK - 5 : PEAK + 6].argmax(axis=1)
        waves = [
            [min(row[PEAK - 6 : k + 1]) for row, k in zip(beat, r, strict=True)],
            beat[np.arange(12), r],
            [min(row[k : PEAK + 9]) for row, k in zip(beat, r, strict=True)],
            beat[:, PEAK + 8 : PEAK + 12].mean(axis=1),
            [row[np.abs(row).argmax()] for row in beat[:, PEAK + 14 : PEAK + 40]],
        ]
        rates = [gaps.mean(), gaps.std(), gaps.min(), gaps.max(), change]
        out.append(np.concatenate([np.ravel(waves), rates]))
    return np.array(out)


NAMES = [f"{wave} in {lead}" for wave in WAVES for lead in STANDARD_LEADS] + list(RATES)


def eta_squared(a, b):
    """Share of the variance of each measure that is between two groups of equal weight."""
    between = (a.mean(axis=0) - b.mean(axis=0)) ** 2 / 4
    within = (a.var(axis=0) + b.var(axis=0)) / 2
    return between / np.maximum(between + within, 1e-12)


def simulated(code, n):
    return measures(standardized(make_ecg(n, statements=[code] * n, random_state=5).data))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder described in _data.py")
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    add_output(parser)
    args = parser.parse_args(arguments)
    n = 10 if args.quick else N_SIMULATED
    x, labels = load_real(args.data, 300 if args.quick else None)
    found = measures(x)
    normal, drawn_normal = found[labels.NORM == 1], simulated("NORM", n)
    rows = []
    for code in frequent(labels):
        real = eta_squared(found[labels[code] == 1], normal)
        drawn = eta_squared(simulated(code, n), drawn_normal)
        blind, spurious = np.argmax(real - drawn), np.argmax(drawn - real)
        rows.append({
            "statement": code, "real": int(labels[code].sum()),
            "rank correlation": pd.Series(real).corr(pd.Series(drawn), method="spearman"),
            "blind spot": NAMES[blind], "blind, real": real[blind],
            "blind, simulated": drawn[blind],
            "spurious": NAMES[spurious], "spurious, real": real[spurious],
            "spurious, simulated": drawn[spurious],
        })  # fmt: skip
    table = pd.DataFrame(rows).sort_values("rank correlation")
    print(table.round(2).to_string(index=False))
    write(args.output, informativeness=table)


if __name__ == "__main__":
    main()
