"""report.html: all tables and figures in one file that needs nothing beside it."""

import base64
import io
from html import escape
from string import Template

from ..nn.checkpoint import write_text
from . import figures
from .config import MODELS

_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>MERIT on $data</title><style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: left; border-bottom: 1px solid #ddd;
         white-space: nowrap; }
thead th { border-bottom: 2px solid #888; }
tr.own { background: #eef4fa; font-weight: 600; }
.wide { overflow-x: auto; } p.note { color: #555; font-size: .9rem; max-width: 52rem; }
img { max-width: 100%; height: auto; }
pre { background: #f4f4f4; padding: .7rem; white-space: pre-wrap; }
</style></head><body>
<h1>MERIT on $data</h1>
$command
$body
</body></html>
""")
_METHOD = (
    "Models are pretrained on the training folds, a linear probe (ridge, its penalty chosen on "
    "the validation fold) reads their frozen features, and the test fold is only scored. "
    "Supervised networks learn the labels of all tasks at once, on the training folds, and have "
    "all labels. Zero-shot stands beside what the reports of the ten nearest training records "
    "say, and beside one score for all (majority); classes that no report names are asked for all "
    "the same. Classes with too few positive test records are left out of every average. Compare "
    "rows of a table, never with published figures: these are other records."
)


def write_report(experiment, *, command=""):
    """Write all tables and figures of an experiment to one file, ``report.html``.

    Parameters
    ----------
    experiment : Experiment
        See :func:`run_experiment`.
    command : str, default=""
        Command line that made it, to be shown on top.

    Returns
    -------
    path : Path
        The file, in the folder of the experiment.

    Examples
    --------
    >>> from merit_sk.experiment import load_experiment, run_experiment, write_report
    >>> experiment = run_experiment(                                           # doctest: +SKIP
    ...     load_experiment(simulated=800), output="demo"
    ... )
    >>> write_report(experiment)                                               # doctest: +SKIP
    PosixPath('demo/report.html')
    """
    parts = [_what(experiment), f"<p class=note>{_METHOD}</p>"]
    for title, meaning, frame in experiment.blocks:
        parts.append(section(title, _table(frame), meaning))
    parts += [section(*drawn) for drawn in _drawn(experiment)]
    parts += [_left_out(experiment), _made_with(experiment)]
    page = _PAGE.substitute(
        data=escape(experiment.data.title), command=command and f"<pre>{escape(command)}</pre>",
        body="\n".join(parts),
    )  # fmt: skip
    path = experiment.output / "report.html"
    write_text(path, page)
    return path


def section(title, content, note=""):
    """Return a heading, its content and a line that explains it."""
    return f"<h2>{escape(title)}</h2>\n{content}\n<p class=note>{escape(note)}</p>"


def _what(experiment):
    import pandas as pd

    frame = pd.DataFrame(experiment.counts())
    return section("Recordings", _table(frame.set_index("data set")))


def _table(frame):
    """Return a table of strings, MERIT's row marked."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in ("", *frame.columns))
    lines = []
    for name, cells in zip(frame.index, frame.to_numpy(), strict=True):
        own = " class=own" if name == MODELS["merit"] else ""
        cells = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
        lines.append(f"<tr{own}><th>{escape(str(name))}</th>{cells}</tr>")
    body = "\n".join(lines)
    return f"<div class=wide><table><thead><tr>{head}</tr></thead>\n{body}</table></div>"


def _drawn(experiment):
    """(title, image, note) of every figure that the results allow."""
    settings, summary = experiment.settings, experiment.summary
    done = set(summary[summary["set"] == "main"]["task"])
    short = next((t for t in ("superclass", "rhythm", "form", "subclass") if t in done), None)
    wide = next((t for t in ("all", "diagnostic", "subclass", "superclass") if t in done), None)
    makers = [
        ("Label efficiency", lambda: figures.label_curves(experiment, summary),
         "Supervised networks have all labels only and are in the tables."),
        (f"ROC of every class, {short}", short and (lambda: figures.roc_curves(experiment, short)),
         "Probe with all labels, first seed."),
        (f"Zero-shot by class, {wide}",
         wide and (lambda: figures.zero_shot_classes(experiment, wide)),
         "MERIT, first seed, 95 % bootstrap intervals by patient."),
        ("Distribution shift", lambda: figures.shift_matrix(summary),
         "Labels: a probe is carried over; words: zero-shot. Below, how many of the shared classes "
         "have enough records, and the number of test records."),
        ("Embeddings of the test records", lambda: figures.embedding_maps(experiment),
         "Principal components of the standardized embedding."),
        ("What pretraining has bought", lambda: figures.pretraining_bounds(experiment),
         "Lower bounds on mutual information, on training data."),
        ("Masked modeling", lambda: figures.reconstruction(experiment),
         "A test record; each lead in its standard deviations."),
        ("A test record and its most probable statements", lambda: figures.example(experiment),
         figures.example_text(experiment)),
    ]  # fmt: skip
    if not done or len(settings.fractions) < 2:
        makers = makers[1:]
    for title, make, note in makers:
        figure = make() if make else None
        if figure is not None:
            yield title, _image(figure, title), note


def _image(figure, title):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    code = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{escape(title)}" src="data:image/png;base64,{code}">'


def _left_out(experiment):
    reasons = dict(experiment.left_out)
    for key in MODELS:
        if key not in experiment.settings.models:
            reasons[MODELS[key]] = "not asked for (models)"
    if not reasons:
        return section("Left out", "<p>Nothing.</p>")
    items = (f"<li>{escape(what)}: {escape(why)}</li>" for what, why in reasons.items())
    return section("Left out", f"<ul>{''.join(items)}</ul>")


def _made_with(experiment):
    import pandas as pd

    times = {}
    for model in experiment.models:
        times.setdefault(model.name, []).append(model.record["seconds"])
    shown = {name: f"{sum(t) / len(t):.0f}" for name, t in times.items()}
    seconds = pd.DataFrame({"seconds, with embedding": shown})
    values = {key: str(value) for key, value in experiment.config().items()}
    values |= {f"fitted under: {made}": who for made, who in _by_version(experiment).items()}
    values = pd.DataFrame({"value": values})
    return section("Time per model", _table(seconds)) + section("Settings", _table(values))


def _by_version(experiment):
    """Models by the versions they were fitted under."""
    found = {}
    for model, versions in experiment.versions.items():
        made = ", ".join(f"{name} {version}" for name, version in versions.items())
        found.setdefault(made, []).append(model)
    return {made: "; ".join(models) for made, models in found.items()}
