"""Tables of what happened."""

import pandas as pd


def summed(rows, columns):
    """Lay out rows as a table, with their sum as the last.

    Parameters
    ----------
    rows : dict of str to dict
        Numbers by column, by kind.
    columns : sequence of str
        Numbers are added up, except peaks, of which the sum has the largest.

    Returns
    -------
    DataFrame
    """
    table = pd.DataFrame.from_dict(rows, orient="index")
    table = table.reindex(index=list(rows), columns=list(columns)).fillna(0)
    table.loc["all"] = {name: table[name].agg("max" if "peak" in name else "sum") for name in table}
    return table.rename_axis("what")


def as_text(table):
    """Return a table as text, numbers without decimals."""
    return table.to_string(float_format="{:,.0f}".format, index_names=False)
