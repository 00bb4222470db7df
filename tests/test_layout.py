"""The rooms of the package: imports point down, and what is private stays inside."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = (
    "experiment", "inspection", "evaluation", "estimators", "training", "datasets", "inference",
    "reports", "records", "nn", "metrics", "statements", "signals",
)  # fmt: skip
MAX_ROOMS = 16


def names_in(text):
    """Dotted names that a module imports, ``from a import b`` as ``a.b``, with their dots."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{a.name}" for a in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.startswith("merit_sk.") and " " not in node.value:
                yield node.value  # the target of a patch


def absolute(name, path):
    """Name of an import in the file at ``path``, from the root of the package."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    package = path.relative_to(ROOT).parts[:-1]
    return ".".join([*package[: len(package) - level + 1], name.lstrip(".")])


def room_of(name):
    parts = name.split(".")
    return parts[1] if parts[0] == "merit_sk" and len(parts) > 1 and parts[1] in ROOMS else None


def private(name):
    parts = name.split(".")
    hidden = [p for p in parts[1:] if p.startswith("_") and not p.startswith("__")]
    return parts[0] == "merit_sk" and bool(hidden)


def imports_of_package():
    for path in sorted((ROOT / "merit_sk").rglob("*.py")):
        for name in names_in(path.read_text()):
            yield path.relative_to(ROOT), absolute(name, path)


def test_rooms_are_the_folders_of_the_package():
    folders = {path.parent.name for path in (ROOT / "merit_sk").glob("*/__init__.py")}
    assert folders == {*ROOMS} and len(folders) <= MAX_ROOMS


def test_imports_point_down():
    upward = [
        f"{path} imports {name}"
        for path, name in imports_of_package()
        if path.parts[1] in ROOMS and room_of(name)
        if ROOMS.index(room_of(name)) < ROOMS.index(path.parts[1])
    ]
    assert not upward, "\n".join(upward)


def test_only_the_command_knows_experiments():
    found = {
        str(path)
        for path, name in imports_of_package()
        if room_of(name) == "experiment" and path.parts[1] != "experiment"
    }
    assert not found - {"merit_sk/__main__.py"}


@pytest.mark.parametrize("folder", ["benchmarks", "docs", "examples", "tests"])
def test_what_is_private_is_not_imported_from_outside(folder):
    found = {
        f"{path.relative_to(ROOT)}": name
        for path in (ROOT / folder).rglob("*.py")
        if "auto_examples" not in path.parts and "_build" not in path.parts
        for name in names_in(path.read_text())
        if private(name)
    }
    assert not found, found


def documented():
    """Modules and names in docs/api.rst: entries of its lists, and names in double backquotes."""
    module = None
    for line in (ROOT / "docs" / "api.rst").read_text().splitlines():
        if line.startswith(".. currentmodule::"):
            module = line.split()[-1]
        elif entry := re.fullmatch(r" +([A-Za-z_][\w.]*)", line):
            yield module, entry[1]
        else:
            yield from ((module, name) for name in re.findall(r"``([A-Za-z_]\w*)``", line))


def found(module, name):
    """What a documented name stands for, None if there is no such thing."""
    *inner, name = name.split(".")
    try:
        return getattr(importlib.import_module(".".join([module, *inner])), name, None)
    except ModuleNotFoundError:
        return None


def test_every_documented_name_exists():
    names = list(documented())
    assert len(names) > 80
    missing = [f"{module}.{name}" for module, name in names if found(module, name) is None]
    assert not missing, missing


@pytest.mark.parametrize("room", ["merit_sk", *(f"merit_sk.{room}" for room in ROOMS)])
def test_every_public_name_is_documented(room):
    there = [found(module, name) for module, name in documented()]
    public = {name: getattr(importlib.import_module(room), name) for name in
              getattr(importlib.import_module(room), "__all__", ())}  # fmt: skip
    missing = [
        name
        for name, value in public.items()
        if name != "__version__" and not any(value is one for one in there)
    ]
    assert not missing, missing
