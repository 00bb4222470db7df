"""How often recordings are found to contradict their sampling rate or their leads.

    python benchmarks/plausibility.py --data DATA [--quick]

How often ``check_sampling_rate`` and ``check_lead_order`` warn of recordings as they are, and of
recordings with a mistake, in per cent: of each recording by itself, and of sets of 16 (64 for the
leads) drawn at random with replacement. Simulated recordings have all statements, and one rhythm or
conduction each. The typical values that ``check_sampling_rate`` compares with are from every second
of the PTB-XL recordings at 100 Hz; the others are used here. DATA is the folder that ``_data.py``
describes; sets that are not there are left out.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import add_output, write

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
    "none": range(12),
    "aVF before aVL": (0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11),
    "I and II interchanged": (1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    "Cabrera's order": (4, 0, 3, 1, 5, 2, 6, 7, 8, 9, 10, 11),
    "V1-V6 first": (6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5),
    "I upside down": range(12),
    "V1 and V2 interchanged": (0, 1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11),
    "V5 and V6 interchanged": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 10),
    "V6 to V1": (0, 1, 2, 3, 4, 5, 11, 10, 9, 8, 7, 6),
    "arm electrodes interchanged": (0, 2, 1, 4, 3, 5, 6, 7, 8, 9, 10, 11),
}
STATEMENTS = ("SBRAD", "AFIB", "AFLT", "PSVT", "STACH", "PACE", "3AVB", "BIGU", "CLBBB")


def warned(check, *args):
    """Whether a check warns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(*args)
    return bool(caught)


def shares(check, X, size, n_draws, *args):
    """How many recordings there are, and how often a check warns of each, and of sets of some."""
    random = np.random.default_rng(0)
    single = [warned(check, [x], *args) for x in X]
    draws = (random.integers(len(X), size=size) for _ in range(n_draws))
    several = [warned(check, [X[i] for i in rows], *args) for rows in draws]
    return {"n": len(X), "single": 100 * np.mean(single), f"sets of {size}": 100 * np.mean(several)}


def load(data, quick):
    """Recordings of every data set and their rates."""
    found = {}
    for name, (folder, part) in SETS.items():
        paths = sorted(str(path.with_suffix("")) for path in (data / folder).rglob("*.hea"))[part]
        if paths:
            records = ECGRecords.from_wfdb(paths[:20] if quick else paths)
            found[name] = [records[i] for i in range(len(records))], records.sampling_rate
    X = np.asarray(make_ecg(20 if quick else 400, random_state=11).data)
    return found | {"simulated": (list(X), 100.0)}


def rates(sets, n_draws):
    """Yield rows of warnings about the sampling rate."""
    for name, (X, rate) in sets.items():
        found = shares(check_sampling_rate, X, 16, n_draws, rate)
        yield {"recordings": name, "mistake": "none"} | found
    for statement in STATEMENTS:
        X = list(np.asarray(make_ecg(16, statements=[statement], random_state=3).data))
        found = shares(check_sampling_rate, X, 16, n_draws, 100)
        yield {"recordings": f"simulated, {statement}", "mistake": "none"} | found
    for name in ("PTB-XL, 500 Hz", "CSN"):
        X, rate = sets.get(name, ([], None))
        for true, said in MISTAKES if X else ():
            wrong = [resample(x, rate, true) for x in X]
            found = shares(check_sampling_rate, wrong, 16, n_draws, said)
            yield {"recordings": name, "mistake": f"{true} Hz taken for {said} Hz"} | found


def leads(sets, n_draws):
    """Yield rows of warnings about the order of leads."""
    for name, (X, rate) in sets.items():
        filtered = [bandpass(x, rate, 0.5, 40) for x in X]
        for order, channels in ORDERS.items():
            if order != "none" and name not in ("PTB-XL, 100 Hz", "CSN"):
                continue
            sign = np.ones((12, 1), dtype=np.float32)
            sign[0] = -1 if order in ("I upside down", "arm electrodes interchanged") else 1
            wrong = [sign * x[list(channels)] for x in filtered]
            found = shares(check_lead_order, wrong, 64, n_draws, STANDARD_LEADS)
            yield {"recordings": name, "mistake": order} | found


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DATA")
    parser.add_argument("--quick", action="store_true", help="20 recordings of each set")
    add_output(parser)
    options = parser.parse_args(arguments)
    n_draws, sets = 10 if options.quick else 50, load(options.data, options.quick)
    tables = {
        name: pd.DataFrame(rows(sets, n_draws))
        for name, rows in (("plausibility", rates), ("plausibility__leads", leads))
    }
    for table in tables.values():
        print(table.round(1).to_string(index=False))
    write(options.output, **tables)


if __name__ == "__main__":
    main()
