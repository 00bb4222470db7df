"""The figures of the report, each from a finished experiment.

Figures are made without pyplot, so that those of the caller and the choice of a backend stay as
they are.
"""

import warnings

import numpy as np
from matplotlib.figure import Figure

from ..evaluation._scored import score_test
from ..evaluation._subsets import records_to_score
from ..inspection import (
    ECGDisplay,
    EmbeddingDisplay,
    PretrainingDisplay,
    ProbeCurveDisplay,
    ReconstructionDisplay,
    ZeroShotDisplay,
)
from ..inspection._style import COLORS, tidy
from ..statements import PTBXL_STATEMENTS
from .config import MODELS
from .data import select_task
from .models import VARIANTS
from .tables import REFERENCE, model_rank, title

_COMPARED = ("merit", "random", "minirocket", "xresnet", "summary")


def label_curves(experiment, summary):
    """Draw label efficiency: one panel a task, one line a model."""
    probes = summary[(summary["protocol"] == "probe") & (summary["set"] == "main")]
    tasks = list(dict.fromkeys(probes["task"]))
    columns = min(3, len(tasks))
    rows = -(-len(tasks) // columns)
    figure = Figure(figsize=(4.4 * columns, 3.4 * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for ax, task in zip(axes.flat, tasks, strict=False):
        part = probes[probes["task"] == task].sort_values("fraction")
        models = sorted(part["model"].unique(), key=lambda m: (m != REFERENCE, model_rank(m)))
        curves = {
            name: part[part["model"] == name].rename(
                columns={"macro_auc": "mean", "sd_repeats": "std"}
            )
            for name in models
        }
        ProbeCurveDisplay(curves).plot(ax=ax)
        handles, labels = ax.get_legend_handles_labels()
        ax.get_legend().remove()
        ax.set(title=task, xlabel="", ylabel="")
    for ax in axes.flat[len(tasks) :]:
        ax.set_visible(False)
    figure.supxlabel("training labels (band: ± 1 SD over repeats)", fontsize=10)
    figure.supylabel("macro AUC on test records", fontsize=10)
    figure.legend(handles, labels, loc="outside upper center", ncols=min(4, len(labels)),
                  frameon=False)  # fmt: skip
    return figure


def roc_curves(experiment, task):
    """Draw the ROC of every class of a task: MERIT and what stands beside it, with all labels."""
    from sklearn.metrics import RocCurveDisplay

    ecg = select_task(experiment.data.main, task)
    y = ecg.target[records_to_score(ecg, experiment.settings.test_fold)]
    kept = [k for k in range(y.shape[1]) if 0 < y[:, k].sum() < len(y)]
    columns = min(3, len(kept))
    rows = -(-len(kept) // columns)
    figure = Figure(figsize=(4.2 * columns, 4.2 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax, k in zip(axes.flat, kept, strict=False):
        ax.axline((0, 0), slope=1, color="#B8B8B8", linestyle=":")
        for color, key in zip(COLORS, _COMPARED, strict=False):
            protocol = "supervised" if key == "xresnet" else "probe"
            scores = experiment.scores(MODELS[key], protocol, task)
            if scores is not None:
                RocCurveDisplay.from_predictions(y[:, k], scores[:, k], ax=ax, name=MODELS[key])
                ax.lines[-1].set_color(color)
        tidy(ax)
        ax.set(title=f"{ecg.target_names[k]} ({y[:, k].sum()} of {len(y)} records)",
               xlabel="false positive rate", ylabel="true positive rate")  # fmt: skip
        ax.legend(frameon=False, loc="lower right", fontsize=8)
    for ax in axes.flat[len(kept) :]:
        ax.set_visible(False)
    return figure


def zero_shot_classes(experiment, task):
    """Draw the AUC of every class that MERIT was asked for in words; None without such scores."""
    scores = experiment.scores(REFERENCE, "zero-shot", task)
    if scores is None:
        return None
    settings, ecg = experiment.settings, select_task(experiment.data.main, task)
    index = records_to_score(ecg, settings.test_fold)
    enough = ecg.target[index].sum(axis=0) >= settings.min_positives
    columns = np.flatnonzero(enough & (ecg.target[index].sum(axis=0) < len(index))).tolist()
    result = score_test(ecg, index, columns, scores[:, columns], random_state=0, n_resamples=300,
                        min_positives=settings.min_positives)  # fmt: skip
    figure, ax = _one(5.6, 1.2 + 0.27 * len(columns))
    ZeroShotDisplay.from_result(result, ax=ax)
    return figure


def shift_matrix(summary):
    """Draw macro AUC by model and direction; None without a shift."""
    part = summary[summary["protocol"].isin(("shift", "zero-shot shift"))]
    if part.empty:
        return None
    how = {"shift": "labels", "zero-shot shift": "words"}
    columns = [
        f"{title(r.set)}\n{r.task} map, {how[r.protocol]}\n"
        f"{r.n_classes} classes, {r.n_test} records"
        for r in part.itertuples()
    ]
    wide = part.assign(column=columns).pivot(index="model", columns="column", values="macro_auc")
    wide = wide.loc[sorted(wide.index, key=model_rank), list(dict.fromkeys(columns))]
    size = 2.6 + 1.9 * wide.shape[1], 1.6 + 0.45 * len(wide)
    figure, ax = _one(*size)
    image = ax.imshow(wide, vmin=0.5, vmax=1, cmap="viridis", aspect="auto")
    for (i, j), value in np.ndenumerate(wide.to_numpy()):
        text = "-" if np.isnan(value) else f"{value:.3f}"
        dark = value < 0.8
        ax.text(j, i, text, ha="center", va="center", color="white" if dark else "black")
    ax.set_xticks(range(wide.shape[1]), wide.columns, fontsize=9)
    ax.set_yticks(range(len(wide)), wide.index)
    ax.spines[:].set_visible(False)
    figure.colorbar(image, label="macro AUC over shared classes")
    return figure


def embedding_maps(experiment):
    """Draw test records in the plane: the random encoder's embedding and MERIT's."""
    models = [m for m in map(experiment.model, ("random", "merit")) if m is not None]
    ecg = select_task(experiment.data.main, "superclass")
    test = np.flatnonzero(ecg.folds == experiment.settings.test_fold)
    figure = Figure(figsize=(1.8 + 4.8 * len(models), 4.6), layout="constrained")
    axes = figure.subplots(1, len(models), squeeze=False)
    for ax, model in zip(axes.flat, models, strict=True):
        Z = model.features("main", experiment.data.main, experiment.data.main)[test]
        EmbeddingDisplay.from_embedding(Z, ecg.target[test], target_names=ecg.target_names, ax=ax)
        ax.set_title(model.name)
    for ax in axes.flat[:-1]:
        ax.get_legend().remove()
    return figure


def pretraining_bounds(experiment):
    """Draw both bounds by epoch, of the model with most branches; None if none was trained."""
    model = _pretrained(experiment, "merit", "alignment", "masked")
    if model is None or not model.record["history"]:
        return None
    history, ceiling = model.record["history"], np.log(model.embedder().batch_size)
    n_bounds = sum(any(bound in row for row in history) for bound in ("mi_signal", "mi_text"))
    figure = Figure(figsize=(4.6 * n_bounds, 3.4), layout="constrained")
    axes = figure.subplots(1, n_bounds, squeeze=False)[0]
    PretrainingDisplay(history, ceiling=ceiling).plot(ax=axes)
    return figure


def reconstruction(experiment):
    """Draw a test record with hidden spans filled in; None without a structure branch."""
    model = _pretrained(experiment, "merit", "masked")
    if model is None:
        return None
    index = _example(experiment)
    data = experiment.data.main.data[[index]]
    figure, ax = _one(11, 1.2 + 0.55 * data.shape[1])
    ReconstructionDisplay.from_estimator(model.embedder(), data, random_state=0, ax=ax)
    return figure


def example(experiment):
    """Draw a test record on paper, and the most probable statements; None without alignment."""
    from ..estimators import MeritZeroShotClassifier

    model = _pretrained(experiment, "merit", "alignment")
    if model is None:
        return None
    main, index, embedder = experiment.data.main, _example(experiment), model.embedder()
    classes = {PTBXL_STATEMENTS[code].description: [code] for code in main.target_names}
    truth = [PTBXL_STATEMENTS[main.target_names[k]].description
             for k in np.flatnonzero(main.target[index])]  # fmt: skip
    zero = MeritZeroShotClassifier(embedder, classes=classes, multi_label=True)
    figure = Figure(figsize=(12, 9.4), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[1.7, 1])
    title = f"Record {main.data.record_names[index]}"
    ECGDisplay.from_records(main.data[[index]], title=title, ax=above.subplots())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="no word of the phrases")
        zero.fit(main.data[[index]])
    ax = below.subplots()
    ZeroShotDisplay.from_estimator(zero, main.data[[index]], truth=truth, max_classes=8, ax=ax)
    return figure


def example_text(experiment):
    """Say what is known of the record in the example."""
    main, index = experiment.data.main, _example(experiment)
    codes = [main.target_names[k] for k in np.flatnonzero(main.target[index])]
    return f"Labels: {', '.join(codes) or 'none'}. Report: {main.reports[index] or 'none'}"


def _example(experiment):
    """Find a test record with about three statements."""
    main = experiment.data.main
    test = np.flatnonzero(main.folds == experiment.settings.test_fold)
    return int(test[np.argmin(np.abs(main.target[test].sum(axis=1) - 3))])


def _one(width, height):
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _pretrained(experiment, *keys):
    found = (experiment.model(key) for key in keys if key in VARIANTS)
    return next((m for m in found if m is not None), None)
