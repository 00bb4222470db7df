"""Write embeddings where ECG-FIX looks for those of a model, so that others can score them.

    python benchmarks/ecg_fix.py --data ecg-fix/data [--datasets PTBXL_super ...] [--model NAME]

ECG-FIX (Berger et al., ICML 2026, github.com/zackeberger/ecg-fix) fits linear probes on 1, 10 and
100 % of the labels to embeddings that it finds in ``data/embeddings/DATASET/SPLIT/``. Its own
preprocessing must have been run: it decides which recordings are in, in which order and split, and
what their labels are, all of which is taken as it is in ``data/raw`` and ``data/processed``.

For every data set and each of ``train``, ``val`` and ``test`` three files are written:
``NAME.npy``, float32 of shape (n, n_features), ``NAME_y.npy``, uint8 of shape (n, n_classes), and
last ``NAME_done.json`` with the number of rows. Signals are 500 Hz, twelve leads in the usual
order. Those of EchoNext are not in mV, so voltages are left out there (``readout="stages"``).
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from merit_sk import MeritEmbedder

SAMPLING_RATE = 500
SPLITS = ("train", "val", "test")
DATASETS = {
    "PTBXL_super": ("ptbxl_ecg_500hz", "ptbxl_diagnostic_class"),
    "PTBXL_sub": ("ptbxl_ecg_500hz", "ptbxl_diagnostic_subclass"),
    "PTBXL_form": ("ptbxl_ecg_500hz", "ptbxl_form"),
    "PTBXL_rhythm": ("ptbxl_ecg_500hz", "ptbxl_rhythm"),
    "PTBXL_C_sub": ("ptbxl_c_ecg_500hz", "ptbxl_c_diagnostic_subclass"),
    "PTBXL_C_form": ("ptbxl_c_ecg_500hz", "ptbxl_c_form"),
    "PTBXL_C_rhythm": ("ptbxl_c_ecg_500hz", "ptbxl_c_rhythm"),
    "CPSC": ("cpsc2018_ecg", "cpsc2018"),
    "CSN": ("csn_ecg", "csn"),
    "ECHO_NEXT": ("echonext_ecg", "echonext"),
}
AT_ONCE = 1024


def files_of(data, dataset):
    """Signals, labels and table of a data set, as its preprocessing names them."""
    signals, task = DATASETS[dataset]
    return (
        data / "raw" / f"{signals}.npy",
        data / "raw" / f"{task}_labels.npy",
        data / "processed" / f"{task}_metadata_final.csv",
    )


def write_dataset(data, dataset, embedder, name):
    """Embed the splits of one data set, and print how many recordings they have."""
    signals, labels, table = files_of(data, dataset)
    signals, labels = np.load(signals, mmap_mode="r"), np.load(labels, mmap_mode="r")
    table = pd.read_csv(table, usecols=["ecg_index", "split"])
    split_of = table["split"].replace({"valid": "val"})
    for split in SPLITS:
        rows = table["ecg_index"][split_of == split].to_numpy()
        if len(rows) == 0:
            raise ValueError(f"{dataset} has no recording in the split {split!r}")
        parts = [rows[i : i + AT_ONCE] for i in range(0, len(rows), AT_ONCE)]
        Z = np.concatenate([embedder.transform(signals[part].astype(np.float32)) for part in parts])
        folder = data / "embeddings" / dataset / split
        folder.mkdir(parents=True, exist_ok=True)
        done = folder / f"{name}_done.json"
        done.unlink(missing_ok=True)
        np.save(folder / f"{name}.npy", Z.astype(np.float32))
        np.save(folder / f"{name}_y.npy", labels[rows].astype(np.uint8))
        note = {
            "dataset": dataset, "split": split, "model": name, "N": len(rows),
            "emb_dtype": "float32", "y_shape": list(labels.shape[1:]), "shuffle": False,
            "embeddings": {name: {"shape": list(Z.shape)}}, "done": True,
        }  # fmt: skip
        done.write_text(json.dumps(note, indent=2))
        print(f"{dataset}, {split}: {len(rows)} recordings, {Z.shape[1]} features", flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder data of ECG-FIX")
    parser.add_argument(
        "--datasets", nargs="+", choices=DATASETS, help="default: those that were preprocessed"
    )
    parser.add_argument("--model", default="merit-tiny", help="weights: a name, folder or hub id")
    parser.add_argument("--name", default="merit_sk", help="of the files")
    parser.add_argument("--n-jobs", type=int, help="CPU threads")
    options = parser.parse_args(arguments)
    missing = {
        name: [path for path in files_of(options.data, name) if not path.exists()]
        for name in options.datasets or DATASETS
    }
    if options.datasets and any(missing.values()):
        first = next(path for paths in missing.values() for path in paths)
        sys.exit(f"there is no {first}: run the preprocessing of ECG-FIX on the data set first")
    there = [name for name, paths in missing.items() if not paths]
    if not there:
        sys.exit(f"no data set of {options.data} is preprocessed: run ECG-FIX on it first")
    for dataset in there:
        embedder = MeritEmbedder(
            options.model, sampling_rate=SAMPLING_RATE, n_jobs=options.n_jobs, cache=True,
            readout="stages" if dataset == "ECHO_NEXT" else "all",
        )  # fmt: skip
        write_dataset(options.data, dataset, embedder, options.name)


if __name__ == "__main__":
    main()
