"""How often recordings are found to contradict their sampling rate or their leads.

    MERIT_SK_DATA=... python benchmarks/plausibility.py [--quick]

False alarms on recordings as they are, and mistakes found, for one recording and for 16 (64 in the
checks of leads) drawn at random, of the data sets in MERIT_SK_DATA and of simulated ones. The
typical values that ``check_sampling_rate`` compares with are from every second of the PTB-XL
recordings; the others are used here. The last table has sets of one statement each.
"""

import argparse
import os
import warnings
from pathlib import Path

import numpy as np

from merit_sk import ECGRecords
from merit_sk.datasets import make_ecg
from merit_sk.signals import (
    STANDARD_LEADS,
    bandpass,
    check_lead_order,
    check_sampling_rate,
    resample,
)

SETS = {
    "PTB-XL, 100 Hz": ("ptb-xl/records100", slice(1, None, 2)),
    "PTB-XL, 500 Hz": ("ptb-xl/records500", slice(None)),
    "CPSC2018": ("cpsc2018", slice(None)),
    "CPSC2018 extra": ("cpsc2018_extra", slice(None)),
    "Georgia": ("georgia", slice(None)),
    "CSN": ("csn", slice(None)),
}
MISTAKES = ((500, 100), (250, 100), (50, 100), (100, 250), (100, 500), (250, 500))
ORDERS = {
    "as named": range(12),
    "aVF before aVL": (0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11),
    "I and II": (1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    "Cabrera": (4, 0, 3, 1, 5, 2, 6, 7, 8, 9, 10, 11),
    "V1-V6 first": (6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5),
    "I upside down": range(12),
    "V1 and V2": (0, 1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11),
    "V5 and V6": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 10),
    "V6 to V1": (0, 1, 2, 3, 4, 5, 11, 10, 9, 8, 7, 6),
    "arms": (0, 2, 1, 4, 3, 5, 6, 7, 8, 9, 10, 11),
}


def warned(check, *args):
    """Whether a check warns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(*args)
    return bool(caught)


def share(check, X, size, n_draws, *args):
    """How often a check warns, in per cent, of each recording or of draws of some."""
    random = np.random.default_rng(0)
    draws = range(len(X)) if size == 1 else range(n_draws)
    rows = [[i] if size == 1 else random.integers(len(X), size=size) for i in draws]
    return 100 * np.mean([warned(check, [X[i] for i in row], *args) for row in rows])


def load(quick):
    """Recordings of every data set and their rates."""
    found = {}
    for name, (folder, part) in SETS.items():
        root = Path(os.environ["MERIT_SK_DATA"]) / folder
        paths = sorted(str(path.with_suffix("")) for path in root.rglob("*.hea"))[part]
        records = ECGRecords.from_wfdb(paths[:20] if quick else paths)
        found[name] = [records[i] for i in range(len(records))], records.sampling_rate
    X = np.asarray(make_ecg(20 if quick else 400, random_state=11).data)
    return found | {"simulated": (list(X), 100.0)}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 recordings of each set")
    quick = parser.parse_args(arguments).quick
    n_draws, sets = 10 if quick else 500, load(quick)
    print(f"{'sampling rate':32s}      1     16   (warnings in %)")
    for name, (X, rate) in sets.items():
        found = [share(check_sampling_rate, X, n, n_draws, rate) for n in (1, 16)]
        print(f"{name:32s} {found[0]:6.1f} {found[1]:6.1f}", flush=True)
    for name in ("PTB-XL, 500 Hz", "CSN"):
        X, rate = sets[name]
        for true, said in MISTAKES:
            wrong = [resample(x, rate, true) for x in X]
            found = [share(check_sampling_rate, wrong, n, n_draws, said) for n in (1, 16)]
            print(f"{f'{name}, {true} as {said}':32s} {found[0]:6.1f} {found[1]:6.1f}", flush=True)
    print(f"\n{'leads':32s}      1     64")
    for name, (X, rate) in sets.items():
        filtered = [bandpass(x, rate, 0.5, 40) for x in X]
        for order, channels in ORDERS.items():
            if order != "as named" and name not in ("PTB-XL, 100 Hz", "CSN"):
                continue
            sign = np.ones((12, 1), dtype=np.float32)
            sign[0] = -1 if order in ("I upside down", "arms") else 1
            wrong = [sign * x[list(channels)] for x in filtered]
            found = [
                share(check_lead_order, wrong, n, min(n_draws, 100), STANDARD_LEADS)
                for n in (1, 64)
            ]
            print(f"{name + ', ' + order:32s} {found[0]:6.1f} {found[1]:6.1f}", flush=True)
    print("\nsimulated sets of 16 of one rhythm or conduction, and the warnings about their rate")
    for statement in ("SBRAD", "AFIB", "AFLT", "PSVT", "STACH", "PACE", "3AVB", "BIGU", "CLBBB"):
        X = list(np.asarray(make_ecg(16, statements=[statement], random_state=3).data))
        print(statement, "yes" if warned(check_sampling_rate, X, 100) else "no")


if __name__ == "__main__":
    main()
