"""Do both branches beat either alone, and with which target of masked modeling?

    python benchmarks/branches.py --data PATH --work FOLDER [--output FOLDER] [--arms NAME ...]

PATH is the folder that ``_data.py`` describes. Every recording has a report, its 12SL statements.
Arms are masked modeling alone, alignment alone and MERIT, with samples, maps of the averaged
encoder (``EncoderConfig(target="latent")``) or both as target, and an encoder that was not trained.
Rotations, probes and columns are those of ``ablation.py``; each arm is trained from three seeds in
each rotation. Encoders have half the channels of ``"tiny"``, to be trained in less than a minute.
What is scored is kept in FOLDER, and a run that is stopped goes on there.

The better half of MERIT is, in every column, the better of alignment alone and masked modeling
alone with the same target. As a step of MERIT takes about twice as long as one of either half, it
is compared with an alignment of twice the epochs, too. Differences are means over rotations and
seeds, with 95 % intervals from resampling patients within rotations, beside the mean of every seed.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from _data import load_all, statements_of
from _tables import add_output, write
from ablation import BOTH, COLUMNS, ROTATIONS, gain, mean_auc, score, views

from merit_sk import MeritEmbedder

TARGETS = ("signal", "latent", "both")
WIDTHS = [32, 32, 64, 128]


@dataclass
class Arm:
    """Weight and target of masked modeling, and how many times the epochs are trained.

    It is measured by the better of `halves`, and by the arm that takes as long.
    """

    weight: float | str = "auto"
    target: str = "signal"
    times: int = 1
    halves: tuple = ()


LONG = "alignment only, twice as long"
ARMS = {"random": Arm(times=0), "alignment only": Arm(0.0), LONG: Arm(0.0, times=2)}
ARMS |= {f"masked only, {target}": Arm(1.0, target) for target in TARGETS}
ARMS |= {
    f"MERIT, {target}": Arm(target=target, halves=("alignment only", f"masked only, {target}"))
    for target in TARGETS
}


def scored(work, ecg, arm, rotation, seed, epochs):
    """Train and score an arm, unless its scores are there."""
    path = work / f"{arm}-{rotation}-{seed}.joblib".replace(" ", "_").replace(",", "")
    if not path.exists():
        start, cpu = time.perf_counter(), time.process_time()
        settings, train = ARMS[arm], ~np.isin(ecg.folds, ROTATIONS[rotation])
        embedder = MeritEmbedder(
            pretrained=None, encoder={"widths": WIDTHS, "target": settings.target},
            max_epochs=settings.times * epochs, readout="stages",
            structure_weight=settings.weight, random_state=10 * seed + rotation, n_jobs=1,
        )  # fmt: skip
        embedder.fit(ecg.data[train], reports=None if settings.weight == 1 else ecg.reports[train])
        trained = time.process_time() - cpu
        found = score(ecg, views(ecg, embedder.transform, embedder.transform), rotation)
        note = {"trained": trained, "cpu": time.process_time() - cpu, "history": embedder.history_}
        joblib.dump((found, note), path)
        last = {k: round(v, 3) for k, v in (embedder.history_ or [{}])[-1].items() if "mi" in k}
        wall = time.perf_counter() - start
        print(f"{path.stem}: CPU {trained:.0f} + {note['cpu'] - trained:.0f} s, wall {wall:.0f} s",
              last, flush=True)  # fmt: skip
    return joblib.load(path)[0]


def joined(runs):
    """Scores of several seeds of one rotation as those of more repeats."""
    return {key: [draw for run in runs for draw in run[key]] for key in runs[0]}


def table(found):
    """One row for each arm and column.

    Parameters
    ----------
    found : dict from arm to list over seeds of lists over rotations
    """
    rows = []
    together = {
        arm: [joined(runs) for runs in zip(*seeds, strict=True)] for arm, seeds in found.items()
    }
    for arm, runs in together.items():
        for column in COLUMNS:
            aucs = [mean_auc(rotations, BOTH, column) for rotations in found[arm]]
            row = {"arm": arm, "column": column, "auc": mean_auc(runs, BOTH, column),
                   "rotations": len(runs), "seeds": len(aucs), "seed sd": np.std(aucs, ddof=1)
                   if len(aucs) > 1 else np.nan}  # fmt: skip
            rivals = []
            halves = {half: together[half] for half in ARMS[arm].halves if half in together}
            if halves and not np.isnan(row["auc"]):
                better = max(halves, key=lambda half: mean_auc(halves[half], BOTH, column))
                rivals = [better, *({LONG} & {*found})]
            for rival in rivals:
                mean, low, high, _ = gain(runs, together[rival], column)
                pairs = zip(found[arm], found[rival], strict=True)
                by_seed = [gain(*pair, column)[0] for pair in pairs]
                gained = {"rival": rival, "gain": mean, "low": low, "high": high,
                          "by seed": " ".join(f"{value:+.4f}" for value in by_seed)}  # fmt: skip
                rows.append(row | gained)
            if not rivals:
                rows.append(row)
    return pd.DataFrame(rows)


def show(frame):
    aucs = frame.pivot_table(index="arm", columns="column", values="auc", sort=False)
    print(aucs[list(COLUMNS)].round(4).to_string())
    if "gain" not in frame:
        return
    frame = frame.assign(rivals=np.where(frame.rival == LONG, LONG, "better half"))
    for (arm, rivals), rows in frame.dropna(subset="gain").groupby(["arm", "rivals"], sort=False):
        ahead = int((rows.low > 0).sum())
        print(f"\n{arm} - {rivals}: ahead in {ahead} of {len(rows)} columns")
        for row in rows.to_dict("records"):
            mark = "*" if row["low"] > 0 or row["high"] < 0 else " "
            print(f"  {row['column']:12}{row['gain']:+.4f}{mark} [{row['low']:+.4f}, "
                  f"{row['high']:+.4f}] ({row['by seed']}) - {row['rival']}")  # fmt: skip
    print(flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder described above")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is kept")
    add_output(parser)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--rotations", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    args = parser.parse_args(arguments)

    ecg = load_all(args.data, statements_of(args.data), 300 if args.quick else None)
    ecg.data = np.asarray(ecg.data)
    args.work.mkdir(parents=True, exist_ok=True)
    found = {arm: [] for arm in args.arms}
    for seed in range(args.seeds):
        for arm in args.arms:
            found[arm].append([])
        for rotation in range(args.rotations):
            for arm in args.arms:
                found[arm][-1].append(scored(args.work, ecg, arm, rotation, seed, args.epochs))
        frame = table(found)
        print(f"\n{args.rotations} rotations, {seed + 1} seeds")
        show(frame)
        arms = frame[["arm", "column", "auc", "rotations", "seeds", "seed sd"]]
        tables = {"branches": arms.drop_duplicates()}
        if "gain" in frame:
            kept = ["arm", "column", "rival", "gain", "low", "high", "by seed"]
            tables["branches__gains"] = frame.dropna(subset="gain")[kept]
        write(args.output, **tables)


if __name__ == "__main__":
    main()
