"""``merit-sk pretrain``: weights of your own, from recordings and their reports."""

import math
from pathlib import Path

import numpy as np

from ..datasets._find_files import refuse_missing
from ..datasets._load_any import load_any
from ..nn.checkpoint import CONFIG_NAME
from . import MeritEmbedder

DESCRIPTION = """\
Pretrain an encoder by masked modeling and by alignment with reports, and save it in a folder that
read, embed and every estimator of merit_sk take as weights. Without further options, training goes
on from the weights in the package for ten epochs, as MeritEmbedder().fit(X, reports=...) does.

SOURCE is the folder of PTB-XL, MIMIC-IV-ECG or CPSC2018 as published, or any folder of ECG files.
Reports are those that come with it, or in csv files whose first column is the record name and that
have a column report. Files that cannot be read are named and left out; the exit code then is 1.

  merit-sk pretrain ptb-xl/ --folds 1 2 3 4 5 6 7 8 --output my-model
  merit-sk pretrain exports/ --reports reports.csv --output my-model --checkpoint run
  merit-sk pretrain mimic/ --from-scratch --encoder small --device cuda --output my-model
  merit-sk read mine --pretrained my-model

What was interrupted goes on, by the same line, where a --checkpoint was given. On several GPUs or
machines the line is that of PyTorch's launcher:

  torchrun --nproc_per_node=2 -m merit_sk pretrain ptb-xl/ --output my-model --checkpoint run
"""


def add_arguments(parser):
    """Add the options of ``pretrain`` to a parser."""
    add = parser.add_argument
    add("source", metavar="SOURCE", help="folder of a data set or of ECG files")
    add("--output", type=Path, required=True, metavar="FOLDER", help="where the model is saved")
    add("--reports", nargs="+", metavar="REPORTS",
        help="csv files by record name; of PTB-XL columns of ptbxl_database.csv, or csv files with "
        "ecg_id and text_en; several are joined")  # fmt: skip
    add("--folds", type=int, nargs="+", metavar="K",
        help="folds of PTB-XL or MIMIC-IV-ECG to train on, by default all; leave some to test "
        "on")  # fmt: skip
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--pretrained", default="merit-tiny", metavar="NAME",
        help="name, folder or hub id of the weights to start from; by default those in the "
        "package")  # fmt: skip
    start.add_argument("--from-scratch", action="store_true", help="start from no weights")
    add("--encoder", metavar="NAME",
        help="tiny, small or base, only with --from-scratch (default tiny)")  # fmt: skip
    add("--max-epochs", type=int, metavar="N",
        help="passes over the recordings; by default 10 from weights, 25 from scratch")  # fmt: skip
    add("--checkpoint", type=Path, metavar="FOLDER",
        help="keep the state of training there, to go on after an interruption")  # fmt: skip
    add("--device", default="auto", metavar="NAME", help="cpu, cuda, ...; by default a GPU if any")
    add("--seed", type=int, default=0, metavar="N", help="of all that is drawn (default 0)")
    add("--n-jobs", type=int, metavar="N", help="processes that read, and threads of PyTorch")
    add("--errors", default="skip", choices=("skip", "raise"),
        help="whether files that cannot be read are left out (default), for which all are read "
        "once, or end the training")  # fmt: skip
    add("--force", action="store_true", help="replace the model in FOLDER")


def run(args):
    """Load, train, save, and say what was learned."""
    from ..nn.collective import join, rank

    _check(args)
    title, ecg = load_any(args.source, reports=args.reports, errors=args.errors, n_jobs=args.n_jobs)
    skipped = args.console.skipped(ecg.get("skipped"))
    records, reports = _chosen(ecg, args.folds, title)
    n_reports = _count(reports)
    if not (args.from_scratch or args.max_epochs is not None or n_reports):
        raise ValueError(
            f"no recording of {title} has a report, without which the weights have nothing to go "
            "on learning from: give --reports, or --max-epochs to go on by masked modeling alone"
        )
    args.console.note(f"{title}: {len(records)} recordings, {n_reports} with a report")
    embedder = MeritEmbedder(
        None if args.from_scratch else args.pretrained, encoder=args.encoder,
        max_epochs=args.max_epochs, checkpoint_dir=args.checkpoint, device=args.device,
        random_state=args.seed, n_jobs=args.n_jobs,
        verbose=0 if args.console.quiet else 1 + args.console.verbose,
    )  # fmt: skip
    join(args.device)
    embedder.fit(records, reports=reports if n_reports else None)
    if rank() == 0:
        embedder.save_pretrained(args.output)
    n_epochs = embedder._n_epochs(reports if n_reports else None)
    history = embedder.history_[len(embedder.history_) - n_epochs :]
    args.console.result(
        "\n".join([f"{args.output}: {len(history)} epochs on {len(records)} recordings, "
                   f"{n_reports} with a report", *_learned(history, embedder.batch_size)]),
        {"output": args.output, "source": title, "recordings": len(records), "reports": n_reports,
         "language": embedder.language_, "history": history, "skipped": skipped},
    )  # fmt: skip
    return int(bool(skipped) and rank() == 0)  # the launcher would end the others before they save


def _check(args):
    """Refuse what would fail after hours."""
    import torch

    refuse_missing([args.source])
    if args.encoder is not None and not args.from_scratch:
        raise ValueError(
            f"--encoder {args.encoder} needs --from-scratch: weights have an encoder of their own"
        )
    if args.checkpoint is not None and args.checkpoint.resolve() == args.output.resolve():
        raise ValueError("--checkpoint and --output are the same folder: give two")
    _check_output(args.output, args.force)
    if args.device != "auto":
        try:
            torch.empty(0, device=args.device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"--device {args.device} cannot be used here: {reason}") from None


def _check_output(folder, force):
    if not folder.exists():
        return
    if not folder.is_dir():
        raise NotADirectoryError(f"--output {folder} is a file: give the name of a folder")
    if any(folder.iterdir()) and not force:
        what = "holds a model" if (folder / CONFIG_NAME).exists() else "is not empty"
        raise FileExistsError(f"{folder} {what}: give another name, or --force")


def _chosen(ecg, folds, title):
    """Return the recordings of the given folds, and their reports or None."""
    keep = np.arange(len(ecg.data))
    if folds is not None:
        if ecg.folds is None:
            raise ValueError(f"{title} has no folds: leave out --folds")
        unknown = sorted(set(folds) - set(ecg.folds.tolist()))
        if unknown:
            raise ValueError(f"{title} has no recording in fold {unknown[0]}")
        keep = np.flatnonzero(np.isin(ecg.folds, folds))
    if not len(keep):
        raise ValueError(f"no recording of {title} can be read")
    if ecg.reports is None:
        return ecg.data[keep], None
    reports = np.asarray(ecg.reports, dtype=object)[keep]
    for text in reports:
        if not (isinstance(text, str) or text is None or text != text):
            raise ValueError(f"reports must be texts, got {text!r}: name another column or file")
    return ecg.data[keep], reports


def _count(reports):
    return 0 if reports is None else sum(isinstance(t, str) and bool(t.strip()) for t in reports)


def _learned(history, batch_size):
    """Return lines about the bounds of the first epoch and of the last one."""
    if not history:
        return []
    first, last = history[0], history[-1]
    most = f", at most {math.log(batch_size):.2f} in a batch of {batch_size}"
    said = {
        "mi_text": f"nats about the report of a recording{most}",
        "mi_signal": "nats about a masked sample",
    }
    return [
        f"  {key}: {first[key]:.3f} in the first epoch, {last[key]:.3f} in the last: {text}"
        for key, text in said.items()
        if key in last
    ]
