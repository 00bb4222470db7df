"""What the main job prints and leaves behind: table, csv, configuration, figure."""

import json
from dataclasses import asdict

import numpy as np
from scipy.special import expit

from ._run import MODELS, TASKS, TEST_FOLD, versions, write_text, zero_shot_scores

COLUMNS = [("probe", task) for task in TASKS] + [("zero-shot", task) for task in TASKS]


def result_frames(results):
    """Rows of all runs: macro AUCs, and AUCs per class, as two data frames."""
    import pandas as pd

    rows = pd.DataFrame([row for r in results for row in r["rows"]])
    classes = pd.DataFrame([row for r in results for row in r["classes"]])
    return rows, classes


def format_table(rows):
    """One line a model: macro AUC with its bootstrap interval, mean and spread over seeds.

    Parameters
    ----------
    rows : DataFrame

    Returns
    -------
    table : str
    """
    seeds = rows["seed"].nunique()
    first = rows["seed"].min()
    lines = [["", *(f"{protocol} {task}" for protocol, task in COLUMNS)]]
    for model in MODELS:
        line = [model]
        for protocol, task in COLUMNS:
            cell = rows[(rows.model == model) & (rows.protocol == protocol) & (rows.task == task)]
            if cell.empty:
                line.append("-")
                continue
            if seeds > 1:
                line.append(f"{cell.macro_auc.mean():.4f} ± {cell.macro_auc.std():.4f}")
            else:
                one = cell[cell.seed == first].iloc[0]
                line.append(f"{one.macro_auc:.4f} [{one.low:.4f}, {one.high:.4f}]")
        lines.append(line)
    widths = [max(len(line[j]) for line in lines) for j in range(len(lines[0]))]
    text = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines]
    text.insert(1, "  ".join("-" * w for w in widths))
    meaning = "mean ± standard deviation over seeds" if seeds > 1 else "95 % bootstrap interval"
    counts = ", ".join(
        f"{task} {g.n_classes.iloc[0]} classes, {g.n_test.iloc[0]} records"
        for task, g in rows[rows.protocol == "probe"].groupby("task", sort=False)
    )
    return "\n".join([*text, "", f"Macro AUC on fold 10, {meaning}; {counts}."])


def write_results(config, results, output):
    """Write csv files and the configuration; return the table as text."""
    rows, classes = result_frames(results)
    write_text(output / "results.csv", rows.to_csv(index=False))
    write_text(output / "classes.csv", classes.to_csv(index=False))
    settings = asdict(config) | {"versions": versions()}
    write_text(output / "config.json", json.dumps(settings, indent=1))
    table = format_table(rows)
    write_text(output / "table.txt", table + "\n")
    return table


def draw_figure(config, results, output):
    """One page: a recording with its most likely statements, the bounds, and the table.

    Returns
    -------
    path : Path
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from ..inspection import ECGDisplay

    rows, _ = result_frames(results)
    figure = plt.figure(figsize=(14, 11), layout="constrained")
    paper, panels = figure.subfigures(2, 1, height_ratios=[1.3, 1])
    axes = panels.subplots(1, 3, width_ratios=[1, 1.1, 1.2])
    ecg, index, names, chances, truth = _example(config, output)
    ax = paper.subplots()
    ECGDisplay(
        ecg.data[index], sampling_rate=ecg.data.sampling_rate, lead_names=ecg.data.lead_names,
        title=f"Record {ecg.data.record_names[index]}. Report: {ecg.reports[index]}",
    ).plot(ax=ax)  # fmt: skip
    _bars(axes[0], names, chances, truth)
    _bounds(axes[1], results)
    _comparison(axes[2], rows)
    path = output / "merit.png"
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _example(config, output, n_bars=8):
    """A test recording with several statements, and what the saved model says about it."""
    from .._embedder import MeritEmbedder
    from ..datasets import PTBXL_STATEMENTS

    ecg = config.load("all")
    test = np.flatnonzero(ecg.folds == TEST_FOLD)
    n_statements = ecg.target[test].sum(axis=1)
    place = int(np.argmin(np.abs(n_statements - 3)))
    embedder = MeritEmbedder.from_pretrained(output / "model")
    chances = expit(zero_shot_scores(embedder, ecg.data[test], "all"))[place]
    top = np.argsort(-chances)[:n_bars]
    names = [PTBXL_STATEMENTS[ecg.target_names[k]].description for k in top]
    index = int(test[place])
    return ecg, index, names, chances[top], ecg.target[index, top].astype(bool)


def _bars(ax, names, chances, truth):
    y = np.arange(len(names))[::-1]
    ax.barh(y, chances, color=np.where(truth, "tab:blue", "lightgrey"), height=0.75)
    for height, name in zip(y, names, strict=True):
        ax.text(0.01, height, name, va="center", transform=ax.get_yaxis_transform(), fontsize=9)
    ax.set(xlabel="probability", yticks=[], title="Statements without any label (blue: annotated)")
    ax.title.set_fontsize(11)


def _bounds(ax, results):
    history = next(r["history"] for r in results if r["rows"][0]["model"] == "MERIT")
    epochs = [row["epoch"] for row in history]
    ax.plot(epochs, [row["mi_text"] for row in history], "o-", ms=3, label="I(Z; report)")
    ax.set(xlabel="epoch", ylabel="nats per recording", title="What pretraining has bought")
    twin = ax.twinx()
    twin.plot(epochs, [row["mi_signal"] for row in history], "s-", ms=3, color="tab:orange",
              label="I(visible; masked)")  # fmt: skip
    twin.set_ylabel("nats per hidden sample", color="tab:orange")
    lines = [*ax.lines, *twin.lines]
    ax.legend(lines, [line.get_label() for line in lines], loc="upper left")


def _comparison(ax, rows):
    y = np.arange(len(MODELS))[::-1]
    for shift, task, color in ((0.15, TASKS[0], "tab:blue"), (-0.15, TASKS[1], "tab:green")):
        cells = rows[(rows.protocol == "probe") & (rows.task == task)].groupby("model")
        mean = cells[["macro_auc", "low", "high"]].mean().loc[list(MODELS)]
        error = np.abs(mean[["low", "high"]].to_numpy().T - mean.macro_auc.to_numpy())
        ax.errorbar(mean.macro_auc, y + shift, xerr=error, fmt="o", color=color, label=task)
    ax.set_yticks(y, list(MODELS))
    ax.set(xlabel="macro AUC on fold 10", title="Linear probe of the embedding")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, frameon=False)
