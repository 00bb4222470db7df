"""The recipe of ``merit-tiny``, the weights that come with the package.

    python benchmarks/merit_tiny.py --data PATH --work FOLDER

Pretrains on simulated recordings with English and German reports and with what they show, and on
the real ones of PTB-XL folds 1 to 8, each several times: three times with its 12SL statements, then
once with its cardiologist's report, and so on. Real ones are in mV where there are such, else
standardized. Batches hold one kind of recording and text each. The same command goes on where it
was interrupted. Beside the weights, ``recipe.json`` holds all settings, versions and counts.

PATH is the folder that ``_data.py`` describes. Without it, only simulated recordings are used.

``--without`` leaves out one idea of the recipe, for the table of ablations: known ``statements``,
``lead-sets``, ``whole-view`` (what draws few leads to all), ``crops``, ``vocabularies`` (one for
all sources), ``settled-norms`` (batch norms stay as training leaves them), ``text`` or
``structure`` (one branch of the objective alone). ``--voltages`` adds one: voltages in the space of
texts. ``--half`` trains the small network that ablations are made with.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from _data import digest, load_all, statements_of

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import load_ptbxl, stream_ecg
from merit_sk.experiment import versions
from merit_sk.nn import model
from merit_sk.nn.checkpoint import write_text
from merit_sk.nn.config import resolve_encoder
from merit_sk.statements import PTBXL_STATEMENTS
from merit_sk.training import augment, pretrain, statistics
from merit_sk.training.batches import Reports

WEIGHTS = Path(__file__).parents[1] / "merit_sk" / "pretrained" / "merit-tiny"
TRAIN_FOLDS = tuple(range(1, 9))
BATCH = 500
REPORT_EVERY = 4
HALF = {"widths": [32, 32, 64, 128]}
PARTS = (
    "statements", "lead-sets", "whole-view", "crops", "vocabularies", "settled-norms", "text",
    "structure",
)  # fmt: skip


def real_recordings(path):
    """Return recordings of folds 1 to 8, their 12SL statements and their reports."""
    kinds = [load_all(path, reports) for reports in (statements_of(path), "report")]
    ecg, in_mv = kinds[0], load_ptbxl(path / "ptb-xl", task="all").data
    X = np.array(ecg.data)
    X[: len(in_mv)] = in_mv
    rows = np.flatnonzero(np.isin(ecg.folds, TRAIN_FOLDS))
    return X[rows], [kind.reports[rows].tolist() for kind in kinds]


def collect(args, folder):
    """Write all signals and texts to a folder, unless they are there.

    Returns
    -------
    records : ECGRecords
        Simulated ones, then real ones, these as often as asked for.
    sources : ndarray of str
        Kind of recording and of text.
    statements : DataFrame
        What simulated ones show.
    counts : dict
    """
    signals, texts = folder / "signals.npy", folder / "texts.json"
    if not texts.exists():
        folder.mkdir(parents=True, exist_ok=True)
        X, real = real_recordings(args.data) if args.data else (np.empty((0, 12, 1000)), [[], []])
        shape = (args.n_simulated + len(X), 12, 1000)
        out = np.lib.format.open_memmap(signals, "w+", np.float16, shape)
        out[args.n_simulated :] = X
        simulated, shown, names = simulate(args, out)
        out.flush()
        np.save(folder / "shown.npy", shown)
        write_text(texts, json.dumps({"simulated": simulated, "real": real, "names": names}))
    found, shown = json.loads(texts.read_text()), np.load(folder / "shown.npy")
    n_real = len(found["real"][0])
    index = [np.arange(args.n_simulated)]
    reports = list(found["simulated"])
    language = np.where(np.arange(args.n_simulated) // BATCH % 2, "de", "en")
    sources = [np.char.add("simulated ", language)]
    for k in range(args.repeats):
        index.append(args.n_simulated + np.arange(n_real))
        kind = int(k % REPORT_EVERY == REPORT_EVERY - 1)
        reports += found["real"][kind]
        sources.append(np.full(n_real, ("real 12SL", "real report")[kind]))
    once = ECGRecords.from_array(np.load(signals, mmap_mode="r"), sampling_rate=100)
    index = np.concatenate(index)
    records = once[index]
    records.reports = np.array(reports, dtype=object)
    statements = np.full((len(index), shown.shape[1]), np.nan, dtype=np.float32)
    statements[: args.n_simulated] = shown
    counts = {"simulated": args.n_simulated, "real": n_real, "recordings in a pass": len(index)}
    return (
        records, np.concatenate(sources), pd.DataFrame(statements, columns=found["names"]), counts
    )  # fmt: skip


def simulate(args, out):
    """Fill ``out`` with simulated recordings.

    Returns
    -------
    reports : list of str
        English and German in turn.
    shown : ndarray of shape (n_simulated, n_statements), int8
    names : list of str
    """
    streams = [
        stream_ecg(BATCH, language=language, random_state=args.seed + k)
        for k, language in enumerate(("en", "de"))
    ]
    reports, shown = [], np.empty((args.n_simulated, len(PTBXL_STATEMENTS)), dtype=np.int8)
    while len(reports) < args.n_simulated:
        ecg = next(streams[len(reports) // BATCH % 2])
        n = min(BATCH, args.n_simulated - len(reports))
        rows = slice(len(reports), len(reports) + n)
        out[rows], shown[rows] = np.asarray(ecg.data)[:n], ecg.target[:n]
        reports += ecg.reports[:n].tolist()
    return reports, shown, ecg.target_names


class OneVocabulary(Reports):
    """Reports of all sources, as of one: what a report does not say is absent."""

    def __init__(self, reports, features, rows, sources=None, truth=None):
        super().__init__(reports, features, rows, None, truth)


def leave_out(part, settings):
    """Return settings without a part of the recipe; training is changed where it is no setting."""
    if part == "lead-sets":
        augment.LEAD_SET_SHARE = 0
    elif part == "whole-view":
        model.WHOLE_VIEW_WEIGHT = 0
    elif part == "crops":
        augment.CROP_SHARE = 0
    elif part == "settled-norms":
        statistics.settle_batch_norms = lambda *_: None
    elif part == "vocabularies":
        pretrain.Reports = OneVocabulary
    elif part in ("text", "structure"):
        settings |= {"structure_weight": float(part == "text")}
    return settings


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder described in _data.py")
    parser.add_argument("--work", type=Path, required=True, help="folder for signals and state")
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    parser.add_argument("--half", action="store_true", help="half the channels")
    parser.add_argument("--n-simulated", type=int, default=60_000)
    parser.add_argument("--repeats", type=int, default=20, help="of real recordings in a pass")
    parser.add_argument("--epochs", type=int, help="passes; 2, and 1 with --half")
    parser.add_argument("--structure-weight", type=float, default=0.25)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--voltages", action="store_true", help="in the space of texts")
    parser.add_argument("--without", choices=PARTS, help="leave out this part")
    parser.add_argument("--seed", type=int, default=1, help="that of the package's weights")
    parser.add_argument("--n-jobs", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments=None):
    args = parse(arguments)
    what = {"seed": args.seed, "n_simulated": args.n_simulated, "real": args.data is not None}
    settings = {
        "encoder": HALF if args.half else "tiny", "structure_weight": args.structure_weight,
        "max_epochs": args.epochs or (1 if args.half else 2), "batch_size": args.batch_size,
        "lr": args.lr, "random_state": args.seed,
    }  # fmt: skip
    if args.voltages:
        encoder = resolve_encoder(settings["encoder"])
        settings["encoder"] = replace(encoder, voltages=True).to_dict()
    settings = leave_out(args.without, settings)
    data = args.work / f"data-{digest(what)}"
    made = what | settings | {"repeats": args.repeats}
    run = args.work / f"run-{digest(made | ({'without': args.without} if args.without else {}))}"
    begin = time.perf_counter()
    records, sources, statements, counts = collect(args, data)
    print(f"{records}: {counts}, {time.perf_counter() - begin:.0f} s", flush=True)
    begin = time.perf_counter()
    embedder = MeritEmbedder(
        pretrained=None, checkpoint_dir=run, n_jobs=args.n_jobs, verbose=1, **settings
    )
    if args.without == "statements":
        statements = None
    embedder.fit(records, sources=sources, statements=statements)
    seconds = time.perf_counter() - begin
    embedder.save_pretrained(args.output, dtype="float16")
    recipe = {
        "command": "python benchmarks/merit_tiny.py",
        "data": what | {"repeats": args.repeats, "folds": TRAIN_FOLDS, "texts":
                        "simulated: English and German reports, statements shown; real: 12SL "
                        "statements and reports"},
        "settings": settings, "without": args.without, "counts": counts,
        "device": str(embedder.device_),
        "seconds of the last call": round(seconds), "history": embedder.history_,
        "versions": versions(),
    }  # fmt: skip
    write_text(args.output / "recipe.json", json.dumps(recipe, indent=1))
    size = sum(path.stat().st_size for path in args.output.iterdir()) / 1e6
    print(f"{args.output} holds {size:.1f} MB; {embedder.history_[-1]}; {seconds:.0f} s")


if __name__ == "__main__":
    main()
