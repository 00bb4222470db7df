"""``python -m merit_sk RECORD``: what the weights in the package say of an ECG file."""

import argparse
import sys
import warnings
from pathlib import Path


def build_parser():
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m merit_sk",
        description="Print the most likely statements about an ECG, embed it, and draw it. "
        "Research software, no medical device.",
    )
    add = parser.add_argument
    add("record", help="WFDB or EDF record, with or without extension")
    add("--pretrained", default="merit-tiny", help="name, folder or hub id of the weights")
    add("--language", choices=("en", "de"), default="en", help="of the phrases asked for")
    add("--top", type=int, default=10, metavar="N", help="statements to show")
    add("--output", type=Path, metavar="PNG", help="picture; by default beside the record")
    add("--simulate", nargs="+", metavar="STATEMENT",
        help="first write a simulated record with these PTB-XL statements there")  # fmt: skip
    return parser


def main(arguments=None):
    """Read, ask, print and draw."""
    parser = build_parser()
    args = parser.parse_args(arguments)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            print(describe(args))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    for message in dict.fromkeys(str(w.message) for w in caught):
        print(f"note: {message}")


def describe(args):
    """What is printed about a record; the picture is written.

    Parameters
    ----------
    args : Namespace
        See `build_parser`.

    Returns
    -------
    text : str
    """
    from .datasets import read_wfdb
    from .estimators._zero_shot import MeritZeroShotClassifier
    from .statements import PTBXL_STATEMENTS

    if args.simulate:
        simulate(args.record, args.simulate)
    ecg = read_wfdb([args.record]).data
    zero = MeritZeroShotClassifier(args.pretrained, classes="all", language=args.language).fit(ecg)
    chances = zero.predict_proba(ecg)[0]
    Z = zero.embedder_.transform(ecg)
    lines = [f"{ecg.record_names[0]}: {ecg}", ""]
    for k in chances.argsort()[::-1][: args.top]:
        code = zero.classes_[k]
        lines.append(f"  {chances[k]:6.3f}  {code:8s} {PTBXL_STATEMENTS[code].description}")
    output = args.output or Path(args.record).with_suffix(".png")
    draw(zero, ecg, args.top, output)
    return "\n".join(
        [*lines, "", f"Embedding: {Z.shape[1]} numbers, first {Z[0, :4].round(3)}", f"{output}"]
    )


def simulate(path, statements):
    """Write a simulated WFDB record at 500 Hz."""
    import wfdb

    from .datasets import make_ecg

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    ecg = make_ecg(1, statements=[tuple(statements)], sampling_rate=500, random_state=0).data
    wfdb.wrsamp(
        path.name, fs=500, units=["mV"] * 12, sig_name=list(ecg.lead_names),
        p_signal=ecg[0].T.astype(float), fmt=["16"] * 12, write_dir=str(path.parent),
    )  # fmt: skip


def draw(zero, ecg, top, output):
    """Draw the first ten seconds of a record on paper, and the statements."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from .inspection import ECGDisplay, ZeroShotDisplay

    seconds = min(10.0, ecg.lengths[0] / ecg.sampling_rate)
    figure, (paper, bars) = plt.subplots(
        2, 1, figsize=(11, 8.4), height_ratios=[2, 1], layout="constrained"
    )
    title = f"{ecg.record_names[0]}, as merit_sk reads it. No medical device."
    ECGDisplay.from_records(ecg.with_duration(seconds), title=title, ax=paper)
    ZeroShotDisplay.from_estimator(zero, ecg, max_classes=top, ax=bars)
    figure.savefig(output, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
