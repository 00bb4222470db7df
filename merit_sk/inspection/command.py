"""``merit-sk read``: what pretrained weights find in ECG files."""

import os
from contextlib import nullcontext
from pathlib import Path

from ..datasets._find_files import find_files, is_recording, refuse_missing
from ..estimators import MeritEmbedder
from ..inference.encode_once import encode_once
from ..nn.checkpoint import whole, write_text
from . import ECGDisplay, ZeroShotDisplay
from ._reading import FLAGS, UNCALIBRATED, UNFAMILIAR, Reading, measures

MARK = "merit_sk read"
DESCRIPTION = """\
Say which of PTB-XL's 71 statements an ECG shows, with their probabilities, how fast the heart beats
and what disturbs the recording, write a report, and draw it. Leads are found by name, any sampling
rate and length will do, and missing leads are told to the model. A file that cannot be read is
named, and the others are read. Research software, no medical device.

WFDB, EDF, GE MUSE XML, Philips XML, Mortara XML, HL7 aECG, DICOM, SCP-ECG and ISHNE are recognized
by what the files hold.

  merit-sk read mine                          # mine.hea and mine.dat; draws mine.png
  merit-sk read exports/ --html page.html     # all ECGs of a folder, on paper, in one page
  merit-sk read exports/ --json | jq -r 'select(.error == null) | [.record, .heart_rate] | @tsv'
  merit-sk read mine.xml b.dcm --language de --top 5 --no-picture
"""


def add_arguments(parser):
    """Add the options of ``read`` to a parser."""
    add = parser.add_argument
    add("records", metavar="RECORD", nargs="+",
        help="file, WFDB record with or without extension, or folder")  # fmt: skip
    add("--pretrained", default="merit-tiny", metavar="NAME",
        help="name, folder or hub id of the weights; by default those in the package")  # fmt: skip
    add("--language", choices=("en", "de"), default="en", help="of the phrases asked for "
        "and of the report that is written")  # fmt: skip
    add("--top", type=int, default=10, metavar="N",
        help="statements to show, of which all are shown that are found")  # fmt: skip
    add("--html", type=Path, metavar="PAGE",
        help="write one page with all recordings, which needs nothing beside it")  # fmt: skip
    add("--no-picture", action="store_true", help="draw no pictures; with --html or --json none "
        "are drawn but for --output")  # fmt: skip
    add("--output", type=Path, metavar="PNG",
        help="picture of a single RECORD; by default beside each record")  # fmt: skip
    add("--force", action="store_true",
        help="overwrite what other programs wrote, but never a recording")  # fmt: skip


def run(args):
    """Read, ask, print and draw, one record after the other."""
    from ._reading_page import MARK as PAGE_MARK
    from ._reading_page import MOST, ReadingPage

    refuse_missing(args.records)
    _, found = find_files(args.records)
    found = list({item.path: item for item in found}.values())
    if args.top < 0:
        raise ValueError(f"--top is a number of statements, got {args.top}")
    pictures = _pictures(args, found)
    for picture in filter(None, pictures):
        _refuse(picture, MARK, args.force)
    if args.html:
        _refuse(args.html, PAGE_MARK, args.force)
        if len(found) > MOST:
            raise ValueError(
                f"a page holds {MOST} recordings at most, these are {len(found)}: make several "
                "pages, or take --json"
            )
    embedder = MeritEmbedder.from_pretrained(args.pretrained)
    if embedder.model_.text_tower is None:
        raise ValueError(f"{args.pretrained} was pretrained without reports: it has no statements")
    calibrated = embedder.zero_shot_ is not None
    if not calibrated:
        args.console.note(UNCALIBRATED)
    page = ReadingPage(args.pretrained, args.top, calibrated) if args.html else None
    n_faulty = 0
    with args.console.progress(len(found)) if args.html else nullcontext() as bar:
        for item, picture in zip(found, pictures, strict=True):
            with encode_once(embedder.model_.encoder):
                reading = Reading(item, embedder, args.language)
                if picture and reading.ecg is not None:
                    _draw(reading, args.top, picture)
            if reading.ecg is None:
                n_faulty += 1
                args.console.error(reading.content["error"])
            reading.content["picture"] = str(picture) if picture and reading.ecg else None
            if page:
                page.add(reading)
                bar.update()
            _print(args, reading)
    if page:
        write_text(args.html, page.html())
        args.console.note(f"{args.html} shows {len(found)} recording{'s' * (len(found) > 1)}")
    if n_faulty and len(found) > 1:
        args.console.note(f"{n_faulty} of {len(found)} recordings could not be read")
    return int(n_faulty > 0)


def _pictures(args, found):
    """Name the picture of each record, None for those that are not drawn."""
    if args.output and len(found) > 1:
        raise ValueError(f"--output is one picture: give it with one RECORD, not {len(found)}")
    if args.output and args.no_picture:
        raise ValueError("--output names a picture, which --no-picture forbids: leave out one")
    if args.output:
        return [args.output]
    if args.no_picture or args.html or args.json:
        return [None] * len(found)
    good = [item for item in found if item.fault is None]
    pictures = [picture_of(item) for item in good]
    twice = [str(p) for p in dict.fromkeys(pictures) if pictures.count(p) > 1]
    if twice:
        raise ValueError(
            f"{twice[0]} would be the picture of several records: read them apart, or give "
            "--no-picture or --html"
        )
    named = dict(zip(good, pictures, strict=True))
    return [named.get(item) for item in found]


def picture_of(found):
    """Return the name of a record's picture: beside it, with its own name."""
    return Path(os.path.relpath(found.path)).with_name(f"{found.name}.png")


def _refuse(path, mark, force):
    """Refuse to overwrite a recording, and without `force` what this command has not written."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file")
    if not path.exists():
        if not path.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {path.parent} for {path.name}: make it")
        return
    if is_recording(path):
        raise FileExistsError(f"{path} is a recording, which is never overwritten")
    if force:
        return
    with open(path, "rb") as file:
        ours = mark.encode() in file.read(4096)
    if not ours:
        raise FileExistsError(f"{path} exists: give another name, or --force to overwrite it")


def _print(args, reading):
    content = reading.content
    if reading.ecg is None:
        text = ""  # said as an error
    elif args.html:
        found = ", ".join(f"{s['code']} {s['probability']:.2f}" for s in reading.found)
        text = f"{content['path']}: {found or 'nothing found'}"
    else:
        text = describe(reading, args.top)
    if args.json or reading.ecg is not None:
        args.console.result(text, content)


def describe(reading, top):
    """Return what is printed about a recording."""
    content = reading.content
    lines = [f"{content['path']}: {headline(content)}", ""]
    lines.append("  probability (* found: above its operating point)")
    for s in reading.shown(top):
        mark = "*" if s["found"] else " "
        lines.append(f"  {s['probability']:6.3f} {mark} {s['code']:8s} {s['description']}")
    measured = ", ".join(f"{name} {text}" for name, text in measures(content).items())
    lines += ["", f"  estimated: {measured}"] if measured else []
    lines += ["", f"  written: {content['written_report']}"] if content["written_report"] else []
    notes = [*content["notes"], *flags(content)] + [UNFAMILIAR] * reading.unfamiliar
    if content["report"]:
        notes.append(f"report in the file: {content['report']}")
    lines += ["", *(f"  {note}" for note in notes)] if notes else []
    return "\n".join([*lines, *([content["picture"]] if content["picture"] else []), ""])


def headline(content):
    """Return length, rate, leads and heart rate in a line."""
    heart = content["heart_rate"]
    return (
        f"{content['format']}, {content['duration']:.4g} s at {content['sampling_rate']:g} Hz, "
        f"{len(content['leads'])} lead{'s' if len(content['leads']) > 1 else ''}"
        + (f", {heart:.0f} beats a minute" if heart == heart else "")
    )


def flags(content):
    """Return lines about what disturbs a recording."""
    return [
        f"{flag.removesuffix('_leads')}: {', '.join(content[flag])}"
        for flag in FLAGS
        if content[flag]
    ]


def _draw(reading, top, picture):
    """Draw the first ten seconds of a record on paper, and its most probable statements."""
    from matplotlib.figure import Figure

    ecg = reading.ecg
    seconds = min(10.0, ecg.lengths[0] / ecg.sampling_rate)
    figure = Figure(figsize=(11, 8.4), layout="constrained")
    paper, bars = figure.subplots(2, 1, height_ratios=[2, 1])
    title = f"{ecg.record_names[0]}, as merit_sk reads it. No medical device."
    ECGDisplay.from_records(ecg.with_duration(seconds), title=title, ax=paper)
    ZeroShotDisplay.from_estimator(reading.zero, ecg, max_classes=max(top, 1), ax=bars)
    format = picture.suffix[1:].lower() or "png"
    mark = {"metadata": {"Software": MARK}} if format == "png" else {}
    with whole(picture, "wb") as file:
        figure.savefig(file, dpi=110, format=format, **mark)
