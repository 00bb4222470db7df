"""What a command says, and where: one rule for every command of ``merit-sk``.

Results go to stdout, everything else to stderr. ``--quiet`` leaves errors and JSON, ``--json``
turns results into JSON and keeps stdout for it, ``--verbose`` adds warnings of libraries and the
traceback of an error.
"""

import contextlib
import json
import math
import os
import sys
import traceback
import warnings

# what a user can cause; anything else is a defect, whose traceback is wanted
EXPECTED = (OSError, ValueError, ImportError, FloatingPointError, MemoryError)
OPTIONS = ("quiet", "verbose", "json")


class Console:
    """Where a command writes.

    Parameters
    ----------
    name : str
        Of the command, which its errors begin with.
    quiet, verbose, json : bool, default=False
        As the options of these names.
    """

    def __init__(self, name, *, quiet=False, verbose=False, json=False):
        self.name = name
        self.first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started
        self.quiet = quiet or not self.first
        self.verbose = verbose
        self.json = json and self.first
        self._stdout = sys.stdout
        self._noted = set()

    def result(self, text, content):
        """Print a result: a text, or with ``--json`` a dict, on a line of its own."""
        if self.json:
            print(json.dumps(plain(content), ensure_ascii=False), file=self._stdout, flush=True)
        elif not self.quiet:
            print(text, file=self._stdout, flush=True)

    def note(self, text):
        """Say once what a user should know."""
        if not self.quiet and text not in self._noted:
            self._noted.add(text)
            print(f"note: {text}", file=sys.stderr, flush=True)

    def error(self, text):
        """Say what went wrong, in one line."""
        print(f"{self.name}: error: {' '.join(str(text).split())}", file=sys.stderr, flush=True)

    def skipped(self, table):
        """Name the recordings that a loader has left out, and return them as a list of dict."""
        rows = [] if table is None else table.to_dict("records")
        for row in rows if self.first else ():
            named = row["record"] in row["reason"]
            self.error(row["reason"] if named else f"{row['record']}: {row['reason']}")
        return rows

    def progress(self, total, unit="ECG"):
        """Return a progress bar, which is seen on a terminal only."""
        from tqdm.auto import tqdm

        return tqdm(total=total, unit=unit, disable=self.quiet or not sys.stderr.isatty())

    def run(self, work):
        """Call ``work()`` and return its exit code; end the process where it cannot be done."""
        try:
            with self._guarded():
                return work() or 0
        except BrokenPipeError:  # the reader has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stdout.fileno())
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            self.error("interrupted")
            raise SystemExit(130) from None
        except EXPECTED as error:
            if self.verbose:
                traceback.print_exc()
            self.error(_line(error))
            raise SystemExit(2) from None

    @contextlib.contextmanager
    def _guarded(self):
        """Turn warnings into notes, and what libraries print away from the results."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            if not self.verbose:
                warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = lambda message, *where, **more: self.note(str(message))
            elsewhere = stack.enter_context(open(os.devnull, "w")) if self.quiet else sys.stderr
            stack.enter_context(contextlib.redirect_stdout(elsewhere))
            yield


def _line(error):
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def add_options(parser):
    """Add what every command understands to its parser."""
    add = parser.add_argument_group("what is said").add_argument
    add("-q", "--quiet", action="store_true", help="print errors only")
    add(
        "-v",
        "--verbose",
        action="store_true",
        help="more warnings and progress; the traceback of an error",
    )
    add("--json", action="store_true", help="results as JSON, one object a line, and nothing else "
        "on stdout")  # fmt: skip


def plain(value):
    """Return a value in JSON types: NaN is None, arrays are lists, paths are texts."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)
