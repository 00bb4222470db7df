"""Sphinx extension: tables and figures of the documentation from ``benchmarks/results``.

``.. measured:: NAME`` shows a csv file with the command that made it, when, on what, and whether
code or weights have changed since. Options choose, turn and name what is shown::

    .. measured:: labels
       :where: task=superclass        only these rows
       :pivot: method, labels, macro AUC      rows, columns and values of the table
       :columns: method, macro AUC    these columns, in this order
       :interval: gain, low, high     one column for a difference and its interval
       :bounds: AUC, low, high        one column for an estimate and its interval
       :format: .3f                   of all numbers that are no counts
       :nocommand:                    where the same command made the table before

``:measured:`NAME[COLUMN=VALUE, ...].COLUMN``` is a single figure in the text.
"""

import functools
import re
import sys
from pathlib import Path

import pandas as pd
from docutils import nodes
from docutils.parsers.rst import Directive, directives

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import results
from results import conditions, made_with, path_of, value

stale = functools.cache(results.stale)  # reads all the code that a table depends on


def _words(text):
    return re.split(r",\s+", text.strip())


def _three(text):
    return [word.strip() for word in text.split(",", 2)]


class Measured(Directive):
    """A table that a benchmark wrote."""

    required_arguments = 1
    option_spec = {
        "where": conditions, "pivot": _three, "columns": _words, "interval": _words,
        "bounds": _words, "format": str, "nocommand": directives.flag,
    }  # fmt: skip

    def run(self):
        name = self.arguments[0]
        environment = self.state.document.settings.env
        environment.note_dependency(str(path_of(name)))
        note, why = made_with(name), stale(name)
        if note is None:
            text = f"The table {name} was not made yet: make results TABLES=..."
            return [nodes.warning("", nodes.paragraph("", text))]
        found = [] if "nocommand" in self.options else [_made(note)]
        if why:
            text = f"Stale: {', '.join(why[:3])} changed since, {len(why)} files in all."
            found.append(nodes.warning("", nodes.paragraph("", text)))
        return [*found, _table(self.shown(pd.read_csv(path_of(name))), self.options.get("format"))]

    def shown(self, table):
        options = self.options
        for column, wanted in options.get("where", {}).items():
            table = table[table[column].astype(str).isin(re.split(r"\|\s*", wanted))]
        if "interval" in options:
            mean, low, high = options["interval"]
            table = table.dropna(subset=[mean])
            table = table.assign(
                **{mean: [_interval(*row) for row in table[[mean, low, high]].values]}
            )
            table = table.drop(columns=[low, high])
        if "bounds" in options:
            names = options["bounds"]
            texts = ["{:.3f} [{:.3f}, {:.3f}]".format(*row) for row in table[names].to_numpy()]
            table = table.assign(**{names[0]: texts}).drop(columns=names[1:])
        if "pivot" in options:
            row, column, values = options["pivot"]
            order = [table[key].unique() for key in (row, column)]
            table = table.pivot(index=row, columns=column, values=values)
            table = table.reindex(index=order[0], columns=order[1]).reset_index()
        table = table[options["columns"]] if "columns" in options else table
        table.columns = [str(column) for column in table.columns]
        return table


def _interval(mean, low, high):
    """An estimate with its interval; a star where zero is outside."""
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]" + (" *" if low > 0 or high < 0 else "")


def _made(note):
    """The line that says how a table was made."""
    minutes = max(round(note["seconds"] / 60), 1)
    version = note["versions"]["merit_sk"]
    rest = f" ({note['date']}, {minutes} min, {note['machine']}, merit_sk {version})"
    return nodes.paragraph("", "", nodes.literal("", note["command"]), nodes.Text(rest))


def _texts(column, form):
    """Numbers of a column as text: counts as they are, others in a format."""
    if not pd.api.types.is_numeric_dtype(column):
        return column.fillna("").astype(str)
    known = column.dropna()
    if (known % 1 == 0).all() and known.max() > 1:
        form = ".0f"
    return column.map(lambda x: "" if pd.isna(x) else format(x, form or ".3f"))


def _table(frame, form):
    group = nodes.tgroup(cols=frame.shape[1])
    group += [nodes.colspec(colwidth=1) for _ in frame.columns]
    texts = frame.apply(_texts, form=form)
    head, body = nodes.thead(), nodes.tbody()
    for part, rows in ((head, [frame.columns]), (body, texts.itertuples(index=False))):
        for cells in rows:
            row = nodes.row()
            row += [nodes.entry("", nodes.paragraph("", cell)) for cell in cells]
            part += row
    group += [head, body]
    return nodes.table("", group, classes=["table"])


def figure(name, rawtext, text, lineno, inliner, options=None, content=None):
    """A single figure."""
    try:
        return [nodes.Text(value(text))], []
    except (ValueError, KeyError, OSError, AttributeError) as error:
        message = inliner.reporter.error(f"no figure {text}: {error}", line=lineno)
        return [inliner.problematic(rawtext, rawtext, message)], [message]


def setup(app):
    app.add_directive("measured", Measured)
    app.add_role("measured", figure)
    return {"parallel_read_safe": True}
