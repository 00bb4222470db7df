"""Tables of what happened."""


def as_text(rows, columns):
    """Lay out rows as text, with their sum.

    Parameters
    ----------
    rows : dict of str to dict
        Numbers by column, by kind.
    columns : sequence of str
        Numbers are added up, except peaks, of which the sum has the largest.

    Returns
    -------
    str
    """
    both = {"all": {name: _total(name, rows.values()) for name in columns}}
    width, widths = max(map(len, (*rows, "all"))), [max(len(name), 9) for name in columns]
    pairs = list(zip(columns, widths, strict=True))
    lines = [" " * width + "".join(f"  {name:>{w}}" for name, w in pairs)]
    for kind, row in (rows | both).items():
        numbers = "".join(f"  {row.get(name, 0):{w},.0f}" for name, w in pairs)
        lines.append(f"{kind:{width}}{numbers}")
    return "\n".join(lines)


def _total(name, rows):
    values = [row.get(name, 0) for row in rows] or [0]
    return max(values) if "peak" in name else sum(values)
