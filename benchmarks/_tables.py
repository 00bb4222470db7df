"""Tables of benchmarks as csv files, of which ``results.py`` makes the documentation's."""

from pathlib import Path


def add_output(parser):
    """Let a command take ``--output``."""
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="folder for csv files")


def write(folder, **tables):
    """Write tables as csv files, their names with hyphens, if there is a folder for them.

    Parameters
    ----------
    folder : Path or None
    **tables : DataFrame
        With a row index to write, if it has a name.
    """
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        named = any(level is not None for level in table.index.names)
        table.to_csv(folder / f"{name.replace('__', '-')}.csv", index=named)
