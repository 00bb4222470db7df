"""The figure of the start page: what to do with how many labels, from ``labels.csv``."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import FixedLocator, NullLocator

TABLE = Path(__file__).parents[1] / "benchmarks" / "results" / "labels.csv"
FOLDER = Path(__file__).parent / "_static"
PANELS = {"superclass": "Diagnostic superclasses", "rhythm": "Rhythms"}
LINES = {
    "merit-tiny": ("merit-tiny and a linear head", "C0", "o-"),
    "merit-tiny, fine-tuned": ("merit-tiny, fine-tuned", "C2", "D-"),
    "merit-tiny and MiniRocket": ("merit-tiny and MiniRocket", "C4", "v--"),
    "MiniRocket": ("MiniRocket", "C1", "s-"),
    "xresnet1d18": ("network from scratch", "C3", "^-"),
}
ASKED = "merit-tiny, asked in words"


def draw(path, dark):
    """Draw the figure for a light or a dark page."""
    found = pd.read_csv(TABLE)
    ink = "#d8d8d8" if dark else "#303030"
    style = {
        "text.color": ink, "axes.labelcolor": ink, "axes.edgecolor": ink, "xtick.color": ink,
        "ytick.color": ink, "axes.spines.top": False, "axes.spines.right": False,
        "svg.hashsalt": "merit_sk", "font.size": 10,
    }  # fmt: skip
    with plt.rc_context(style):
        figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        for ax, (task, title) in zip(axes, PANELS.items(), strict=True):
            rows = found[found.task == task].set_index("method")
            for method, (label, color, form) in LINES.items():
                if method in rows.index:
                    line = rows.loc[[method]].sort_values("labels")
                    ax.plot(line.labels, line["macro AUC"], form, color=color, label=label, ms=5)
            asked = rows.loc[ASKED, "macro AUC"]
            ax.axhline(asked, color=ink, lw=1, ls=":", label="merit-tiny, asked in words: no label")
            counts = sorted({*found.labels} - {0})
            ax.set(xscale="log", xlabel="labeled recordings", title=title)
            ax.xaxis.set_major_locator(FixedLocator(counts))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.set_xticklabels([f"{n:,}" for n in counts])
        axes[0].set_ylabel("macro AUC, other patients")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, transparent=True, metadata={"Date": None})
        plt.close(figure)


def setup(app):
    app.connect("builder-inited", lambda _: [
        draw(FOLDER / f"labels-{name}.svg", name == "dark") for name in ("light", "dark")
    ])  # fmt: skip
    return {"parallel_read_safe": True}
