"""From a folder of files to embeddings: recordings per second, and where the time goes.

    OMP_NUM_THREADS=1 python benchmarks/speed.py --ptbxl PATH [--rate 500] [--format muse]
    OMP_NUM_THREADS=1 python benchmarks/speed.py --ptbxl PATH --tables precision

Table ``folder``: real recordings of PTB-XL are copied round and round to files of their own, no
links, until there are ``--n-files``; as WFDB at 100 or 500 Hz, or as GE MUSE XML of eight leads. A
round opens the folder and embeds all of it, in one thread of the network with another that reads
and filters, in float32 and in bfloat16; then, on every so-manieth file, a loop over
``wfdb.rdrecord`` with the bare network behind it, and MiniRocket of 10,000 kernels (``aeon``),
each with what they need of resampling. Rates are by the clock, and by processor time, which other
work on the machine disturbs least: medians of the rounds, with the range in brackets.

The parts, by themselves: opening the folder, which is reading of all headers; reading the signals;
the network, on windows held ready. The rest of ``transform`` is filtering, which also is
resampling, standardization and voltages.

Table ``precision``: how far embeddings in bfloat16 are from those in float32, of all recordings of
``--ptbxl``, and what becomes of linear probes (five folds by patient).
"""

import argparse
import base64
import itertools
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import wfdb
from _clock import unobserved
from _data import minirocket_is_there
from _tables import add_output, write
from scipy.signal import resample_poly
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier

from merit_sk import MeritEmbedder, read_ecg
from merit_sk.datasets import load_ptbxl, read_wfdb
from merit_sk.evaluation import MiniRocketFeatures
from merit_sk.signals import zscore

BATCH = 64
PARTS = ("open", "read", "embed", "network")
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
MICROVOLTS = 4.88


def paths_of(folder, rate):
    """Recordings whose files are there, without extension."""
    column = "filename_lr" if rate == 100 else "filename_hr"
    names = load_ptbxl(folder, sampling_rate=rate).frame[column]
    paths = [Path(folder) / name for name in names]
    return [path for path in paths if path.with_name(path.name + ".dat").exists()]


def write_wfdb(paths, n_files, folder):
    """Copy recordings to as many files, each with a header of its own name."""
    for i in range(n_files):
        source, name = paths[i % len(paths)], f"{i:05d}"
        (folder / name[:2]).mkdir(exist_ok=True)
        target = folder / name[:2] / name
        header = source.with_name(source.name + ".hea").read_text()
        target.with_suffix(".hea").write_text(header.replace(source.name, name))
        shutil.copyfile(source.with_name(source.name + ".dat"), target.with_suffix(".dat"))


def write_muse(paths, n_files, folder):
    """Write recordings as GE MUSE exports them, in steps of 4.88 microvolts."""
    documents = []
    for path in paths:
        record = wfdb.rdrecord(str(path))
        names = [name.upper() for name in record.sig_name]
        steps = np.round(record.p_signal * 1000 / MICROVOLTS).astype("<i2")
        leads = [_muse_lead(name, steps[:, names.index(name)]) for name in EIGHT]
        documents.append(
            '<?xml version="1.0" encoding="ISO-8859-1"?>\n<RestingECG><Waveform>'
            f"<WaveformType>Rhythm</WaveformType><SampleBase>{record.fs}</SampleBase>"
            f"<SampleExponent>0</SampleExponent>{''.join(leads)}</Waveform></RestingECG>"
        )
    for i in range(n_files):
        (folder / f"{i // 1000:02d}").mkdir(exist_ok=True)
        (folder / f"{i // 1000:02d}" / f"{i:05d}.xml").write_text(documents[i % len(documents)])


def _muse_lead(name, samples):
    data = base64.encodebytes(samples.tobytes()).decode()
    return (
        f"<LeadData><LeadSampleCountTotal>{len(samples)}</LeadSampleCountTotal>"
        f"<LeadAmplitudeUnitsPerBit>{MICROVOLTS}</LeadAmplitudeUnitsPerBit>"
        "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>"
        f"<LeadID>{name}</LeadID><LeadSampleSize>2</LeadSampleSize>"
        f"<WaveFormData>\n{data}</WaveFormData></LeadData>"
    )


def read(records):
    for start in range(0, len(records), BATCH):
        np.asarray(records[start : start + BATCH])


def network(embedder, signals):
    """The network by itself, on windows held ready."""
    torch.set_num_threads(1)  # numba's layer has its own idea
    model, n_valid = embedder.model_, torch.full((BATCH // 2,), signals.shape[2])
    voltages = torch.zeros(BATCH // 2, 10 * signals.shape[1])
    with torch.inference_mode():
        for x in torch.from_numpy(signals).split(BATCH // 2):
            maps = model.encoder(x, n_valid[: len(x)])
            model.read_out(maps, "all", voltages[: len(x)]).numpy()


def wfdb_and_network(embedder, paths):
    """What a user of wfdb and torch would write, without a filter."""
    for start in range(0, len(paths), BATCH // 2):
        batch = []
        for path in paths[start : start + BATCH // 2]:
            record = wfdb.rdrecord(path)
            x = record.p_signal.T.astype(np.float32)
            batch.append(x if record.fs == 100 else resample_poly(x, 100, record.fs, axis=1))
        network(embedder, zscore(np.stack(batch)))


def timed(call):
    """Seconds by the clock, and of processor time."""
    with unobserved():
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        return time.perf_counter() - wall, time.process_time() - cpu


def show(name, values, unit):
    """Print the median and the range of a figure, and return them as a row of a table."""
    low, middle, high = np.quantile(values, [0, 0.5, 1])
    digits = 2 if middle < 20 else 0
    print(
        f"  {name:44s} {middle:8.{digits}f} [{low:.{digits}f}, {high:.{digits}f}] {unit}",
        flush=True,
    )
    return {"what": name, "median": middle, "low": low, "high": high, "unit": unit}


def folder_table(options, folder):
    paths = paths_of(options.ptbxl, options.rate)
    is_wfdb = options.format == "wfdb"
    (write_wfdb if is_wfdb else write_muse)(paths, options.n_files, folder)
    opened = (lambda: read_wfdb(folder)) if is_wfdb else (lambda: read_ecg(folder))
    embedder = MeritEmbedder(n_jobs=1).fit(opened().data[:2])
    fast = MeritEmbedder(n_jobs=1, inference_precision="bfloat16").fit(opened().data[:2])
    records = opened().data
    part = np.arange(0, len(records), max(1, len(records) // options.n_part))
    few = records[part]
    windows = zscore(np.asarray(few[:512].resampled(100)))
    windows = np.resize(windows, (len(few), *windows.shape[1:]))
    calls = {
        "merit_sk": (len(records), lambda: embedder.transform(opened().data)),
        "merit_sk, bfloat16": (len(records), lambda: fast.transform(opened().data)),
    }
    if is_wfdb:
        files = sorted(str(path)[:-4] for path in folder.rglob("*.hea"))
        files = [files[i] for i in part]
        calls["wfdb, bare network"] = len(part), lambda: wfdb_and_network(embedder, files)
    if minirocket_is_there():
        rocket = MiniRocketFeatures(random_state=0).fit(few)
        n = min(len(few), options.n_minirocket)
        calls["MiniRocket"] = n, lambda: rocket.transform(few[:n])
    calls["open"] = len(records), opened
    calls["read"] = len(few), lambda: read(few)
    calls["embed"] = len(few), lambda: embedder.transform(few)
    calls["network"] = len(few), lambda: network(embedder, windows)
    for n, call in calls.values():
        if n < len(records):
            call()
    taken = {name: [] for name in calls}
    for _ in range(options.rounds):
        for name, (n, call) in calls.items():
            taken[name].append(np.array(timed(call)) / n)
    taken = {name: np.array(pairs).T for name, pairs in taken.items()}
    kind = "WFDB" if is_wfdb else "GE MUSE XML"
    print(f"folder: {len(records)} files of {kind} at {options.rate} Hz, of {len(paths)} ECGs")
    whole, rows = [name for name in calls if name not in PARTS], []
    for k, clock in enumerate(("by the clock", "by processor time")):
        for name in whole:
            rows.append(show(f"{name}, {clock}", 1 / taken[name][k], "ECGs/s"))
        pairs = [(whole[1], whole[0]), *itertools.product(whole[:2], whole[2:])]
        for ours, other in pairs:
            ratios = taken[other][k] / taken[ours][k]
            rows.append(show(f"{ours} / {other}, {clock}", ratios, "times its rate"))
    cpu = {name: taken[name][1] for name in PARTS}
    parts = {
        "opening the folder": cpu["open"], "reading": cpu["read"],
        "filtering": cpu["embed"] - cpu["read"] - cpu["network"], "network": cpu["network"],
    }  # fmt: skip
    for name, seconds in parts.items():
        rows.append(show(name, 1e3 * seconds, "ms of processor time per ECG"))
    return pd.DataFrame(rows)


def precision_table(options, _):
    ecg = load_ptbxl(options.ptbxl, task="superclass")
    known = ecg.target.any(axis=1)
    data, y, groups = ecg.data[known], ecg.target[known], ecg.groups[known]
    if options.quick:
        data, y, groups = data[:60], y[:60], groups[:60]
    exact, fast = (
        MeritEmbedder(inference_precision=p).transform(data) for p in ("float32", "bfloat16")
    )
    length = np.linalg.norm(exact, axis=1)
    off = np.linalg.norm(fast - exact, axis=1) / length
    print(f"precision: bfloat16 against float32, {len(data)} ECGs, root mean square length "
          f"{np.sqrt((length**2).mean()):.2f}")  # fmt: skip
    largest = np.abs(fast - exact).max()
    found = {
        "median distance, % of the length": 100 * np.median(off),
        "largest distance, % of the length": 100 * off.max(),
        "largest difference of a feature": largest,
    }
    probe = OneVsRestClassifier(LogisticRegression(max_iter=1000))
    for name, Z in {"float32": exact, "bfloat16": fast}.items():
        scores = cross_val_predict(
            probe, Z, y, groups=groups, cv=GroupKFold(5), method="predict_proba"
        )
        found[f"macro AUC of a probe on {name}"] = roc_auc_score(y, scores)
    mixed = np.empty(y.shape)
    for train, test in GroupKFold(5).split(exact, groups=groups):
        mixed[test] = probe.fit(exact[train], y[train]).predict_proba(fast[test])
    found["macro AUC, trained on float32, used on bfloat16"] = roc_auc_score(y, mixed)
    for what, value in found.items():
        print(f"  {what:50s} {value:.4f}")
    return pd.DataFrame({"what": found.keys(), "value": found.values()})


TABLES = {"folder": folder_table, "precision": precision_table}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ptbxl", required=True, help="folder of PTB-XL")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--rate", type=int, choices=(100, 500), default=100)
    parser.add_argument("--format", choices=("wfdb", "muse"), default="wfdb")
    parser.add_argument("--n-files", type=int, default=10_000)
    parser.add_argument("--n-part", type=int, default=2000, help="files of the other contenders")
    parser.add_argument("--n-minirocket", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    add_output(parser)
    options = parser.parse_args(arguments)
    if options.quick:
        options.n_files, options.n_part, options.n_minirocket, options.rounds = 40, 20, 10, 1
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, load {os.getloadavg()[0]:.1f}")
    files = {"folder": "speed" if options.rate == 100 else f"speed__{options.rate}",
             "precision": "speed__precision"}  # fmt: skip
    for name in options.tables:
        with tempfile.TemporaryDirectory() as folder:
            write(options.output, **{files[name]: TABLES[name](options, Path(folder))})
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
