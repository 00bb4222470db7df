"""Pictures of the start page: an ECG as the weights read it, and what in it speaks for a block."""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from merit_sk import MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.inspection import ECGDisplay, ExplanationDisplay, ZeroShotDisplay
from merit_sk.statements import PTBXL_STATEMENTS

FOLDER = Path(__file__).parent / "_static"
STATEMENTS = ("AFIB", "CRBBB")
COLORED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
INK = {"light": "#303030", "dark": "#d8d8d8"}


def draw(kind):
    """Draw both pictures for a light or a dark page."""
    patient = make_ecg(1, statements=[STATEMENTS], sampling_rate=500, random_state=2).data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        zero = MeritZeroShotClassifier().fit(patient)
    ink = INK[kind]
    style = dict.fromkeys(COLORED, ink)
    with plt.rc_context(style):
        _save(_reading(patient, zero), f"reading-{kind}.png", kind)
        why = ExplanationDisplay.from_estimator(zero, patient, label="CRBBB")
        why.figure_.set_size_inches(11.5, 4.1)
        _save(why.figure_, f"explanation-{kind}.png", kind)


def _reading(patient, zero):
    figure = plt.figure(figsize=(11, 7), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[2.6, 1])
    paper, bars = upper.subplots(), lower.subplots()
    ECGDisplay.from_records(patient, title="", ax=paper)
    ZeroShotDisplay.from_estimator(zero, patient, truth=STATEMENTS, max_classes=6, ax=bars)
    names = [label.get_text() for label in bars.get_yticklabels()]
    bars.set_yticks(range(len(names)), [PTBXL_STATEMENTS[name].description for name in names])
    bars.get_legend().get_texts()[-1].set_text("what was simulated")
    return figure


def _save(figure, name, kind):
    """Write a picture; on a dark page black lines become light ones, and areas darker."""
    if kind == "dark":
        for line in figure.findobj(Line2D):
            if line.get_color() == "black":
                line.set_color(INK[kind])
        for grid in figure.findobj(LineCollection):
            grid.set_alpha(0.35)
        for area in figure.findobj(AxesImage):
            area.set_alpha(0.6)
        for ax in figure.axes:
            for line in ax.get_xgridlines():
                line.set_color("#404040")
    FOLDER.mkdir(exist_ok=True)
    for ax in figure.axes:
        ax.set_facecolor("none")
    figure.savefig(FOLDER / name, dpi=160, transparent=True)
    plt.close(figure)


def setup(app):
    app.connect("builder-inited", lambda _: [draw(kind) for kind in INK])
    return {"parallel_read_safe": True}
