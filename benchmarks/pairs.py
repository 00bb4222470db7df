"""The recipe of ``merit-tiny`` with counterfactual pairs.

    python benchmarks/pairs.py --data PATH --work FOLDER --output FOLDER

As ``merit_tiny.py``, whose arguments these are, but simulated recordings come in pairs: the same
patient with the same rhythm, electrodes and noise, with and without one of the findings that are
hard to name. Both are in one batch, so that each report has the other recording as a negative.
"""

import json

import merit_tiny
import numpy as np
from merit_tiny import BATCH

from merit_sk.datasets import make_ecg
from merit_sk.datasets.simulation.cases import check_asked
from merit_sk.nn.checkpoint import write_text
from merit_sk.statements import PTBXL_STATEMENTS
from merit_sk.training import net
from merit_sk.training.batches import Batches

HARD = ("IMI", "AMI", "IVCD", "ABQRS", "NT_", "QWAVE", "LAO/LAE")


def counterpart(codes, first):
    """What else a patient may show: one hard finding less or more, the first that is possible."""
    for code in (*HARD[first:], *HARD[:first]):
        asked = set(codes) - {code} if code in codes else set(codes) - {"NORM"} | {code}
        try:
            return check_asked([asked])[0]
        except ValueError:
            continue
    return set(codes)


def simulate(args, out):
    """Fill ``out`` with pairs of simulated recordings; returns what ``merit_tiny`` does."""
    reports, names = [], None
    shown = np.empty((args.n_simulated, len(PTBXL_STATEMENTS)), dtype=np.int8)
    for block, start in enumerate(range(0, args.n_simulated, BATCH)):
        n = min(BATCH, args.n_simulated - start)
        state = np.random.SeedSequence([args.seed, block]).generate_state(1)
        alike = {"language": ("en", "de")[block % 2], "random_state": int(state[0] >> 1)}
        before = make_ecg(n // 2, **alike)
        cases = before.frame["statements"]
        others = [counterpart(codes, i % len(HARD)) for i, codes in enumerate(cases)]
        pair = before, make_ecg(n // 2, statements=others, **alike)
        names = before.target_names
        for k, ecg in enumerate(pair):
            out[start + k : start + n : 2] = np.asarray(ecg.data)
            shown[start + k : start + n : 2] = ecg.target
        reports += np.stack([ecg.reports for ecg in pair], axis=1).ravel().tolist()
    return reports, shown, names


class PairedBatches(Batches):
    """Batches that keep the rows 2 k and 2 k + 1 together, of the first ``n_paired`` rows."""

    n_paired = 0

    def _order(self, epoch):
        order = super()._order(epoch)
        for rows, _ in self.groups or ():
            if rows[0] < self.n_paired:
                places = np.flatnonzero(np.isin(order, rows))
                first = order[places][order[places] % 2 == 0]
                order[places] = np.stack([first, first + 1], axis=1).ravel()
        return order


def main(arguments=None):
    args = merit_tiny.parse(arguments)
    if args.n_simulated % 2:
        raise SystemExit("--n-simulated must be even")
    PairedBatches.n_paired = args.n_simulated
    kept = merit_tiny.simulate, merit_tiny.digest, net.Batches
    merit_tiny.simulate, net.Batches = simulate, PairedBatches
    merit_tiny.digest = lambda what: kept[1](what | {"pairs": HARD})
    try:
        merit_tiny.main(arguments)
    finally:
        merit_tiny.simulate, merit_tiny.digest, net.Batches = kept
    path = args.output / "recipe.json"
    recipe = json.loads(path.read_text()) | {"command": "python benchmarks/pairs.py", "pairs": HARD}
    write_text(path, json.dumps(recipe, indent=1))


if __name__ == "__main__":
    main()
