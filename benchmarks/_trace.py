"""What a run depends on: the code that it ran and the files of the repository that it read.

    python benchmarks/_trace.py OUT.json SCRIPT [ARGUMENT ...]

runs a script as ``python SCRIPT`` would and notes, in OUT.json, the functions of this repository
that were called, with a digest of their code in each file, and digests of data files of the
repository that were opened. Comments, docstrings and layout do not count. Functions called in
other processes are not seen.
"""

import ast
import functools
import hashlib
import json
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = (".csv", ".json", ".npz", ".txt")
BOX = "merit_sk/pretrained/"


def digest(content):
    return hashlib.sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()


def _without_docstrings(tree):
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                node.body = body[1:] or [ast.Pass()]
    return tree


def code_of(path):
    """Return the code of a file by function, ``""`` for what stands outside of all functions."""
    return _parsed(path, path.stat().st_mtime_ns)


@functools.cache
def _parsed(path, _):
    found = {}

    def collect(node, prefix):
        rest = []
        for child in node.body:
            name = f"{prefix}{getattr(child, 'name', '')}"
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                found[name] = found.get(name, "") + json.dumps(_plain(child))
                continue
            if isinstance(child, ast.ClassDef):
                collect(child, f"{name}.")
            rest.append(child)
        node.body = rest or [ast.Pass()]

    tree = _without_docstrings(ast.parse(path.read_text()))
    collect(tree, "")
    tree.body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    return found | {"": json.dumps(_plain(tree))}


def _plain(node):
    """Return a tree as lists that are the same in all versions of Python, as its text is not."""
    if isinstance(node, list):
        return [_plain(child) for child in node]
    if isinstance(node, ast.JoinedStr):  # in which Python 3.12 has empty parts
        return ["f", *(_plain(part) for part in node.values if getattr(part, "value", 1) != "")]
    if isinstance(node, ast.Constant):
        return repr(node.value)
    if not isinstance(node, ast.AST):
        return node
    fields = [[name, _plain(value)] for name, value in ast.iter_fields(node)]
    return [type(node).__name__, *([name, value] for name, value in fields if value or value == 0)]


def code_digest(path, functions):
    """Return a digest of some functions of a file; None if one is not there any more."""
    try:
        code = code_of(path)
        return digest("\n".join(code[name] for name in ["", *functions]))[:16]
    except (OSError, KeyError, SyntaxError):
        return None


def file_digest(name):
    """Return a digest of a file of the repository; None if it is not there.

    The description of weights counts without what it says of models that come with them.
    """
    path = ROOT / name
    if not path.is_file():
        return None
    content = path.read_bytes()
    if path.name == "config.json":
        config = json.loads(content)
        for key in ("parts", "config_sha256", "weights_sha256"):
            config.pop(key, None)
        content = json.dumps(config, sort_keys=True)
    return digest(content)[:16]


def changed(trace):
    """Return the names of files that are not what they were in a trace."""
    code = {
        name: code_digest(ROOT / name, functions) == before
        for name, (before, *functions) in trace["code"].items()
    }
    files = {name: file_digest(name) == before for name, before in trace["files"].items()}
    return sorted(name for name, same in (code | files).items() if not same)


def _functions(seen, start):
    """Functions that were called, by file of this repository; no digest of what changed since."""
    found = {}
    for code in seen:
        path = Path(code.co_filename)
        if path.suffix != ".py" or not path.is_relative_to(ROOT) or ".venv" in str(path):
            continue
        name = code.co_qualname.split(".<locals>")[0]
        found.setdefault(path.relative_to(ROOT).as_posix(), set()).add(name)
    out = {}
    for name, called in sorted(found.items()):
        functions = sorted(called & {*code_of(ROOT / name)} - {""})
        as_it_ran = (ROOT / name).stat().st_mtime < start
        out[name] = [code_digest(ROOT / name, functions) if as_it_ran else "", *functions]
    return out


def _files(opened):
    """Data files of this repository that were opened, weights by folder."""
    found = set()
    for path in map(Path, opened):
        if not path.is_absolute():
            path = Path.cwd() / path
        if not path.is_relative_to(ROOT):
            continue
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(BOX):
            folder = "/".join(name.split("/")[:3])
            found |= {f"{folder}/config.json", f"{folder}/model.safetensors"}
            found |= {name} if name.count("/") > 3 else set()
        elif name.startswith(("merit_sk/", "benchmarks/")) and path.suffix in DATA:
            found.add(name)
    return {name: file_digest(name) for name in sorted(found) if (ROOT / name).is_file()}


def trace(out, script, arguments):
    """Run a script, and write what it depends on, also if it is interrupted."""
    seen, opened, start = set(), set(), time.time()

    def note(frame, event, _):
        if event == "call":
            seen.add(frame.f_code)

    def hook(event, details):
        if event == "open" and isinstance(details[0], str):
            opened.add(details[0])

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.addaudithook(hook)
    sys.path.insert(0, str(Path(script).parent))
    sys.argv = [script, *arguments]
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        found = {"code": _functions(seen, start), "files": _files(opened)}
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found))


if __name__ == "__main__":
    _, out, script, *arguments = sys.argv
    trace(Path(out), str(Path(script).resolve()), arguments)
