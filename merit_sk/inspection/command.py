"""``merit-sk read``: what pretrained weights find in ECG files."""

import os
import warnings
from pathlib import Path

from ..datasets import read_ecg
from ..datasets._find_files import find_files
from ..estimators import MeritEmbedder, MeritZeroShotClassifier
from ..nn.checkpoint import whole
from ..statements import PTBXL_STATEMENTS
from . import ECGDisplay, ZeroShotDisplay

DESCRIPTION = """\
Print the most probable of PTB-XL's 71 statements about an ECG, embed it, and draw it. Leads are
found by name, any sampling rate and length will do, and missing leads are told to the model.
Research software, no medical device.

WFDB, EDF, GE MUSE XML, Philips XML, Mortara XML, HL7 aECG, DICOM, SCP-ECG and ISHNE are recognized
by what the files hold.

  merit-sk read mine              # mine.hea and mine.dat; draws mine.png
  merit-sk read mine.xml b.dcm exports/ --language de --top 5
"""


def add_arguments(parser):
    """Add the options of ``read`` to a parser."""
    add = parser.add_argument
    add("records", metavar="RECORD", nargs="+",
        help="file, WFDB record with or without extension, or folder")  # fmt: skip
    add("--pretrained", default="merit-tiny", metavar="NAME",
        help="name, folder or hub id of the weights; by default those in the package")  # fmt: skip
    add("--language", choices=("en", "de"), default="en", help="of the phrases asked for")
    add("--top", type=int, default=10, metavar="N", help="statements to show")
    add("--output", type=Path, metavar="PNG",
        help="picture of a single RECORD; by default beside each record")  # fmt: skip
    add("--force", action="store_true", help="overwrite pictures that exist")


def run(args):
    """Read, ask, print and draw, one record after the other."""
    _, found = find_files(args.records)
    records = list(dict.fromkeys(item.path for item in found))
    if args.output and len(records) > 1:
        raise ValueError(f"--output is one picture: give it with one RECORD, not {len(records)}")
    named = {item.path: args.output or picture_of(item) for item in found}
    pictures = list(named.values())
    twice = [str(p) for p in dict.fromkeys(pictures) if pictures.count(p) > 1]
    if twice:
        raise ValueError(f"{twice[0]} would be the picture of several records: read them apart")
    there = [str(picture) for picture in pictures if picture.exists()]
    if there and not args.force:
        raise FileExistsError(
            f"{', '.join(there)} exists: give --output another name, or --force to overwrite it"
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        embedder = None
        for record, picture in zip(records, pictures, strict=True):
            ecg = read_ecg([record]).data
            embedder = embedder or MeritEmbedder.from_pretrained(args.pretrained)
            print(describe(embedder, ecg, picture, language=args.language, top=args.top))
    for message in dict.fromkeys(str(w.message) for w in caught):
        print(f"note: {message}")


def picture_of(found):
    """Return the name of a record's picture: beside it, with its own name."""
    return Path(os.path.relpath(found.path)).with_name(f"{found.name}.png")


def describe(embedder, ecg, picture, *, language, top):
    """Draw a picture of a record, and return what is printed about it."""
    zero = MeritZeroShotClassifier(embedder, classes="all", language=language).fit(ecg)
    chances = zero.predict_proba(ecg)[0]
    Z = embedder.transform(ecg)
    lines = [
        f"{ecg.record_names[0]}: {ecg}",
        "",
        "  probability (* found: above its operating point)",
    ]
    for k in chances.argsort()[::-1][:top]:
        code, found = zero.classes_[k], "*" if chances[k] > zero.thresholds_[k] else " "
        lines.append(f"  {chances[k]:6.3f} {found} {code:8s} {PTBXL_STATEMENTS[code].description}")
    complete = set(embedder.window_.leads) <= set(ecg.lead_names)
    if complete and hasattr(embedder, "score_samples") and embedder.decision_function(ecg)[0] < 0:
        lines += ["", "  Unlike the recordings of pretraining: do not trust these answers. Are the"]
        lines += ["  leads in order, the sampling rate and the unit right, is it an ECG of rest?"]
    draw(zero, ecg, top, picture)
    return "\n".join(
        [*lines, "", f"Embedding: {Z.shape[1]} numbers, first {Z[0, :4].round(3)}", f"{picture}"]
    )


def draw(zero, ecg, top, picture):
    """Draw the first ten seconds of a record on paper, and its most probable statements."""
    from matplotlib.figure import Figure

    seconds = min(10.0, ecg.lengths[0] / ecg.sampling_rate)
    figure = Figure(figsize=(11, 8.4), layout="constrained")
    paper, bars = figure.subplots(2, 1, height_ratios=[2, 1])
    title = f"{ecg.record_names[0]}, as merit_sk reads it. No medical device."
    ECGDisplay.from_records(ecg.with_duration(seconds), title=title, ax=paper)
    ZeroShotDisplay.from_estimator(zero, ecg, max_classes=top, ax=bars)
    with whole(picture, "wb") as file:
        figure.savefig(file, dpi=110, format=Path(picture).suffix[1:] or "png")
