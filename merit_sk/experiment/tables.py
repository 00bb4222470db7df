"""What all runs say together: means over seeds and repeats, intervals, and differences to MERIT."""

import json

import numpy as np

from ..metrics._bootstrap import _bounds, comparison
from ..nn.checkpoint import write_text
from .config import MODELS, OTHER_SETS

WHERE = ["protocol", "set", "task", "labels"]
REFERENCE = MODELS["merit"]
_PAIRED = (
    "Difference of macro AUC with its paired 95 % bootstrap interval, by patient. Above 0, MERIT "
    "is ahead."
)


def row_frame(results):
    """Return rows of all runs as a data frame, and their resamples in the same order."""
    import pandas as pd

    frame = pd.DataFrame([row for r in results for row in r["rows"]])
    return frame, np.concatenate([r["resamples"] for r in results])


def summarize(results):
    """Average rows over repeats and seeds: one line a model, protocol, data set, task and count.

    Returns
    -------
    DataFrame
        ``labels`` are the number, or fraction, of training labels that was asked for, 1 all;
        ``n_train`` and ``fraction`` what was drawn, on average; ``macro_auc``, the mean over
        repeats and seeds; ``sd_seeds`` of the seeds' means and ``sd_repeats`` of the repeats of one
        seed; ``low`` and ``high``, the bootstrap interval of the mean.
    """
    import pandas as pd

    frame, resamples = row_frame(results)
    lines = []
    for where, part in frame.groupby([*WHERE, "model"], sort=False):
        by_seed = part.groupby("seed")["macro_auc"]
        low, high = _bounds(resamples[part.index].mean(axis=0), 0.95)
        lines.append(
            dict(zip([*WHERE, "model"], where, strict=True))
            | {key: part[key].mean() for key in ("fraction", "n_train")}
            | {"macro_auc": part["macro_auc"].mean(), "low": low, "high": high}
            | {"sd_seeds": by_seed.mean().std(), "sd_repeats": by_seed.std().mean()}
            | {"n_seeds": by_seed.ngroups, "n_repeats": len(part) // by_seed.ngroups}
            | {key: int(part[key].iloc[0]) for key in ("n_test", "n_classes")}
        )
    return pd.DataFrame(lines)


def compare_all(results):
    """Compare MERIT with every other model, on the same test records and label subsets.

    Returns
    -------
    DataFrame
        Empty if MERIT was not evaluated.
    """
    import pandas as pd

    frame, resamples = row_frame(results)
    frame["protocol"] = frame["protocol"].replace("supervised", "probe")
    lines = []
    for where, part in frame.groupby(WHERE, sort=False):
        ours = part[part["model"] == REFERENCE]
        if ours.empty:
            continue
        for model, theirs in part[part["model"] != REFERENCE].groupby("model", sort=False):
            gap = ours["macro_auc"].mean() - theirs["macro_auc"].mean()
            values = resamples[ours.index].mean(axis=0) - resamples[theirs.index].mean(axis=0)
            found = comparison(float(gap), values)
            lines.append(
                dict(zip(WHERE, where, strict=True))
                | {"fraction": ours["fraction"].mean(), "model": model, "difference": gap}
                | {"low": found.low, "high": found.high, "p_value": found.p_value}
            )
    return pd.DataFrame(lines)


def blocks(summary, comparisons):
    """Lay out the tables of the report.

    Returns
    -------
    list of tuple
        Title, explanation and a data frame of strings, one row a model.
    """
    found = []
    labeled = summary[summary["protocol"].isin(("probe", "supervised"))]
    sizes = labeled.groupby("labels")["fraction"].mean().sort_values(ascending=False)
    for labels in sizes.index:
        part = labeled[labeled["labels"] == labels]
        found.append((f"Linear probe, {_amount(labels)}", _meaning(part), _wide(part)))
    for protocol, name in (
        ("zero-shot", "Zero-shot: classes in words, no label"),
        ("shift", "Shift: learned on one data set, judged on another"),
        ("zero-shot shift", "Shift, zero-shot on the same classes"),
    ):
        part = summary[summary["protocol"] == protocol]
        if len(part):
            found.append((name, _meaning(part), _wide(part)))
    if len(comparisons):
        for protocol, name in (("probe", "with all labels"), ("zero-shot", "zero-shot")):
            part = comparisons[(comparisons["protocol"] == protocol) & (comparisons.labels == 1)]
            if len(part):
                lines = part.itertuples()
                cells = [f"{r.difference:+.3f} [{r.low:+.3f}, {r.high:+.3f}]" for r in lines]
                found.append((f"MERIT minus the others, {name}", _PAIRED, _pivot(part, cells)))
    return found


def _amount(labels):
    """Name a number of labels."""
    if labels == 1:
        return "all training labels"
    return f"{labels:g} labels" if labels > 1 else f"{100 * labels:g} % of the labels"


def _meaning(part):
    sizes = "; ".join(
        f"{column_name(r)}: {r.n_classes} class{'es' * (r.n_classes > 1)}, {r.n_test} records"
        for r in part.drop_duplicates(["set", "task"]).itertuples()
    )
    spread = {
        "seeds": f"mean ± SD over {part['n_seeds'].max()} seeds",
        "repeats": f"mean ± SD over {part['n_repeats'].max()} subsets of labels",
        "interval": "95 % bootstrap interval by patient",
    }
    return f"Macro AUC, {spread[_spread(part)]}. {sizes}."


def _spread(part):
    if part["n_repeats"].max() > 1:
        return "repeats"
    return "seeds" if part["n_seeds"].max() > 1 else "interval"


def _wide(part):
    kind = _spread(part)
    cells = []
    for r in part.itertuples():
        sd = r.sd_seeds if kind == "seeds" else r.sd_repeats
        if kind == "interval":
            cells.append(f"{r.macro_auc:.3f} [{r.low:.3f}, {r.high:.3f}]")
        else:
            cells.append(f"{r.macro_auc:.3f} ± {0.0 if np.isnan(sd) else sd:.3f}")
    return _pivot(part, cells)


def _pivot(part, cells):
    columns = [column_name(r) for r in part.itertuples()]
    wide = part[["model"]].assign(cell=cells, column=columns)
    wide = wide.pivot(index="model", columns="column", values="cell")
    models = sorted(part["model"].unique(), key=model_rank)
    return wide.loc[models, list(dict.fromkeys(columns))].fillna("-")


def column_name(row):
    """Name a column of a table: the task, the data set or the direction of shift."""
    if row.set == "main":
        return row.task
    return f"{title(row.set)} {row.task}".strip()


def title(name):
    """Write a data set, or a direction of shift, as people do."""
    names = {"ptbxl": "PTB-XL"} | OTHER_SETS
    return " to ".join(names[part] for part in name.split(" to "))


def model_rank(name):
    """Return the place of a model in tables."""
    names = list(MODELS.values())
    return names.index(name) if name in names else len(names) + (name == "majority")


def format_blocks(found):
    """Format tables as text for the terminal."""
    text = []
    for name, meaning, frame in found:
        lines = frame.rename_axis(index=None, columns=None).to_string()
        text += [name, "=" * len(name), lines, meaning, ""]
    return "\n".join(text)


def write_tables(experiment):
    """Write csv files, ``tables.txt`` and ``results.json``.

    Parameters
    ----------
    experiment : Experiment
    """
    output = experiment.output
    tables = {
        "results": experiment.rows,
        "summary": experiment.summary,
        "comparisons": experiment.comparisons,
        "classes": experiment.classes,
    }
    for name, frame in tables.items():
        write_text(output / f"{name}.csv", frame.to_csv(index=False))
    write_text(output / "tables.txt", str(experiment))
    whole = {
        "config": experiment.config(),
        "versions": experiment.versions,
        "recordings": experiment.counts(),
        "left_out": experiment.left_out,
        "seconds": {f"{m.name}, seed {m.seed}": m.record["seconds"] for m in experiment.models},
        "summary": json.loads(experiment.summary.to_json(orient="records")),
        "comparisons": json.loads(experiment.comparisons.to_json(orient="records")),
    }
    write_text(output / "results.json", json.dumps(whole, indent=1))
