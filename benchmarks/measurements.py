"""Learn to measure intervals and axis on simulated recordings, and say how well it is done.

    python benchmarks/measurements.py --data PATH [--weights merit_sk/pretrained/merit-tiny]

Ridge regressions on the embedding of simulated recordings, whose intervals are known, are written
into the weights' ``config.json``, where ``MeritMeasurements`` finds them. Three fifths of the
recordings have all leads, a fifth each the limb leads and lead I. Run it after ``calibrate.py``,
which changes the features.

Two tables are printed, and written to ``--output``: errors on simulated recordings that nothing was
learned from, against the mean as predictor; and on real ones how the measurements agree with the
statements of GE's 12SL that imply a limit. No regression saw a real recording; the encoder saw
those of folds 1 to 8 with these statements, so folds 9 and 10 stand beside all. PATH is the folder
that ``_data.py`` describes; without it, the second table is left out.
"""

import argparse
import ast
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _data import load_all, statements_of
from _tables import add_output, write
from calibrate import write as write_weights
from sklearn.metrics import roc_auc_score

from merit_sk import ECGRecords, MeritEmbedder, MeritMeasurements
from merit_sk.datasets import load_ptbxl, stream_ecg
from merit_sk.experiment import versions
from merit_sk.signals import STANDARD_LEADS

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "merit_sk" / "pretrained" / "merit-tiny"
LEARNED = ["pr_interval", "qrs_duration", "qtc_interval", "qrs_axis"]
LEADS = {"12 leads": STANDARD_LEADS, "limb leads": STANDARD_LEADS[:6], "lead I": STANDARD_LEADS[:1]}
SHARES = (0.6, 0.2, 0.2)
UNITS = {"ventricular_rate": "1/min", "qrs_axis": "degrees", "sokolow_lyon": "mV", "cornell": "mV"}
BATCH = 500

SINUS = {"NSR", "SRTH", "SBRAD", "MSBRAD", "STACH"}
BLOCKED = {"CHB", "SAV", "MBZI", "MBZII", "VAVB"}  # the sinus rate is not that of the ventricles
STATEMENTS = [  # what it is called, measurement, limit, codes of 12SL, among which recordings
    ("sinus bradycardia", "ventricular_rate", "<", 60, {"SBRAD", "MSBRAD"}, SINUS),
    ("sinus tachycardia", "ventricular_rate", ">", 100, {"STACH"}, SINUS),
    ("1st degree AV block", "pr_interval", ">", 200, {"FAV"}, None),
    ("short PR", "pr_interval", "<", 120, {"SPR"}, None),
    ("bundle branch block", "qrs_duration", ">", 120, {"LBBB", "RBBB", "IVCB", "BIFB"}, None),
    ("prolonged QT", "qtc_interval", ">", 460, {"LNGQT"}, None),
    ("left axis deviation", "qrs_axis", "<", -30, {"LAD3", "AFB"}, None),
    ("right axis deviation", "qrs_axis", ">", 90, {"RAD", "RAD4", "RAD5"}, None),
    ("LVH, Sokolow-Lyon", "sokolow_lyon", ">", 3.5, {"SOKOLYON"}, None),
    ("LVH, Cornell product", "cornell", ">", 2.8, {"CORNPROD"}, None),
    ("low voltage", "sokolow_lyon", "<", 1.0, {"LOWV"}, None),
]  # fmt: skip
NO_P = {"AFIB", "FLUT"}


def simulate(n, seed):
    """Recordings in mV, and their true parameters; without those of swapped electrodes."""
    X, frames = np.empty((n, 12, 1000), np.float32), []
    for k, ecg in zip(range(0, n, BATCH), stream_ecg(BATCH, random_state=seed), strict=False):
        X[k : k + BATCH] = np.asarray(ecg.data)[: n - k]
        frames.append(ecg.frame[: n - k])
    frame = pd.concat(frames, ignore_index=True)
    right = ~frame.arms_swapped.to_numpy(bool)
    return X[right], frame[right].reset_index(drop=True)


def without_leads(X, seed):
    """Recordings of which some have the limb leads only, some only lead I."""
    kind = np.random.default_rng(seed).choice(len(LEADS), len(X), p=SHARES)
    for k, leads in enumerate(LEADS.values()):
        X[kind == k, len(leads) :] = 0
    return X


def truth(frame):
    """What a clinician would measure; voltages are known of native beats only."""
    y = frame[["ventricular_rate", "pr_interval", "qrs_duration", "qt_interval", "qrs_axis"]].copy()
    y["qtc_interval"] = y.qt_interval / np.sqrt(60 / y.ventricular_rate)
    y["sokolow_lyon"] = frame.s_V1 + np.maximum(frame.r_V5, frame.r_V6)
    y["cornell"] = frame.r_aVL + frame.s_V3
    y.loc[frame.qrs_duration != frame.qrs, ["sokolow_lyon", "cornell"]] = np.nan
    return y


def difference(a, b, name):
    return (a - b + 180) % 360 - 180 if name == "qrs_axis" else a - b


def center(values, name):
    if name != "qrs_axis":
        return values.mean()
    return np.degrees(np.angle(np.exp(1j * np.radians(values)).mean()))


def errors(model, X, y):
    """Rows of the first table."""
    rows = []
    for leads, names in LEADS.items():
        records = ECGRecords.from_array(X[:, : len(names)], sampling_rate=100, lead_names=names)
        found = model.measure(records).reset_index(drop=True)
        for name in found:
            both = found[name].notna() & y[name].notna()
            if not both.any():
                continue
            a, b = found[name][both], y[name][both]
            wrong = difference(a, b, name)
            rows.append({
                "leads": leads, "measurement": name, "unit": UNITS.get(name, "ms"), "n": len(a),
                "MAE": wrong.abs().mean(), "median": wrong.abs().median(), "bias": wrong.mean(),
                "r": np.corrcoef(b + wrong, b)[0, 1],
                "MAE of mean": difference(center(b, name), b, name).abs().mean(),
            })  # fmt: skip
        given, there = found.pr_interval.notna(), y.pr_interval.notna()
        rows[-1]["P waves"] = (given[there].mean(), (~given[~there]).mean())
    return rows


def real(path, n=None):
    """All recordings, in mV where there are such; their 12SL statements, folds, which in mV."""
    ecg, raw = load_all(path, n=n), load_ptbxl(path / "ptb-xl", task="all")
    place = raw.frame.index.get_indexer(ecg.frame.index)
    X = np.array(ecg.data, dtype=np.float32)
    X[place >= 0] = raw.data[place[place >= 0]]
    said = pd.read_csv(statements_of(path), index_col="ecg_id").statements
    said = [set(ast.literal_eval(text)) for text in said.loc[ecg.frame.index]]
    return ECGRecords.from_array(X, sampling_rate=100), said, ecg.folds, place >= 0


def toward(values, name, side):
    """How far a measurement lies on a side, also that of an angle."""
    if name == "qrs_axis":
        values = difference(values, 60 if side == "<" else 30, name)
    return -values if side == "<" else values


def agreement(found, said, folds, in_mv):
    """Rows of the second table."""
    rows = []
    for title, name, side, limit, codes, among in STATEMENTS:
        y = np.array([bool(codes & one) for one in said])
        kept = found[name].notna().to_numpy()
        kept &= in_mv if UNITS.get(name) == "mV" else True
        if among is not None:
            kept &= np.array([bool(among & one) and not BLOCKED & one for one in said])
        score = toward(found[name].to_numpy(), name, side)
        beyond = score > toward(np.float64(limit), name, side)
        new = kept & np.isin(folds, (9, 10))
        rows.append({
            "statement": title, "criterion": f"{name} {side} {limit}", "n": int(kept.sum()),
            "positive": int(y[kept].sum()), "AUC": auc(y[kept], score[kept]),
            "sensitivity": beyond[kept & y].mean(), "specificity": 1 - beyond[kept & ~y].mean(),
            "positive, new": int(y[new].sum()), "AUC, new": auc(y[new], score[new]),
        })  # fmt: skip
    y, missing = np.array([bool(NO_P & one) for one in said]), found.pr_interval.isna().to_numpy()
    rows.append({
        "statement": "AF or flutter", "criterion": "no pr_interval", "n": len(y),
        "positive": int(y.sum()), "AUC": np.nan, "sensitivity": missing[y].mean(),
        "specificity": 1 - missing[~y].mean(), "positive, new": int(y[folds > 8].sum()),
        "AUC, new": np.nan,
    })  # fmt: skip
    return rows


def auc(y, score):
    return roc_auc_score(y, score) if 0 < y.sum() < len(y) else np.nan


def first_table(rows):
    lines = [f"{'':11}{'':18}{'':8}{'n':>6}{'MAE':>8}{'median':>8}{'bias':>8}{'r':>7}"
             f"{'MAE of the mean':>17}"]  # fmt: skip
    for row in rows:
        lines.append(
            f"{row['leads']:11}{row['measurement']:18}{row['unit']:8}{row['n']:6d}{row['MAE']:8.2f}"
            f"{row['median']:8.2f}{row['bias']:8.2f}{row['r']:7.3f}{row['MAE of mean']:17.2f}"
        )
        if "P waves" in row:
            there, gone = row["P waves"]
            lines.append(f"{row['leads']:11}PR given in {there:.1%} where there is one, "
                         f"withheld in {gone:.1%} where there is none")  # fmt: skip
    return lines


def second_table(rows):
    lines = [f"{'12SL says':22}{'measured':24}{'n':>6}{'positive':>9}{'AUC':>7}{'sens.':>7}"
             f"{'spec.':>7}{'folds 9, 10: positive':>23}{'AUC':>7}"]  # fmt: skip
    for row in rows:
        lines.append(
            f"{row['statement']:22}{row['criterion']:24}{row['n']:6d}{row['positive']:9d}"
            f"{row['AUC']:7.3f}{row['sensitivity']:7.2f}{row['specificity']:7.2f}"
            f"{row['positive, new']:23d}{row['AUC, new']:7.3f}"
        )
    return [line.replace("nan", "  -") for line in lines]


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of real recordings")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--only-tables", action="store_true", help="of the weights as they are")
    add_output(parser)
    parser.add_argument("--n-simulated", type=int, default=20_000)
    parser.add_argument("--n-test", type=int, default=2_000)
    parser.add_argument("--n", type=int, help="about as many real recordings; by default all")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--n-jobs", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments=None):
    args = parse(arguments)
    warnings.filterwarnings("ignore", message="the recordings lack")
    embedder = MeritEmbedder.from_pretrained(args.weights, readout="stages", n_jobs=args.n_jobs)
    if not args.only_tables:
        X, frame = simulate(args.n_simulated, args.seed)
        X = without_leads(X, args.seed)
        learned = MeritMeasurements(embedder).fit(X, truth(frame)[LEARNED]).learned_
        embedder.measurements_ = learned
        recipe = {
            "command": "python benchmarks/measurements.py", "simulated": args.n_simulated,
            "seed": args.seed, "leads": dict(zip(LEADS, SHARES, strict=True)),
            "versions": versions(),
        }  # fmt: skip
        write_weights(args.weights, {"measurements": learned}, {"measurements": recipe})
    model = MeritMeasurements(embedder)
    X, frame = simulate(args.n_test, args.seed + 1)
    rows = errors(model, X, truth(frame))
    print(f"simulated recordings, {len(X)} that nothing was learned from")
    print("\n".join(first_table(rows)), flush=True)
    p_waves = [{"leads": row["leads"], "PR given where there is one": row["P waves"][0],
                "PR withheld where there is none": row.pop("P waves")[1]}
               for row in rows if "P waves" in row]  # fmt: skip
    write(
        args.output, measurements__errors=pd.DataFrame(rows),
        measurements__p_waves=pd.DataFrame(p_waves),
    )  # fmt: skip
    if args.data:
        records, said, folds, in_mv = real(args.data, args.n)
        rows = agreement(model.measure(records), said, folds, in_mv)
        print(f"\nPTB-XL, {len(said)} recordings, of which {in_mv.sum()} in mV")
        print("\n".join(second_table(rows)), flush=True)
        write(args.output, measurements__statements=pd.DataFrame(rows))


if __name__ == "__main__":
    main()
