"""What the classes of a zero-shot classifier are: statements to unite, or phrases to average."""

from typing import NamedTuple

from ..statements import PTBXL_TASKS, class_statements, statement_prompts, task_members
from ..statements._members import members_of
from ..statements._other_sets import CLASS_MEANINGS


class Described(NamedTuple):
    """A class in words: either statements, any of which makes it, or phrases of one concept.

    Attributes
    ----------
    statements : tuple of str
    phrases : list of str
        Of all statements in the languages asked for, or the user's own.
    """

    statements: tuple
    phrases: list


def describe(classes, languages):
    """Return what each class means.

    Parameters
    ----------
    classes : str, dict or sequence
        As :class:`~merit_sk.MeritZeroShotClassifier` takes them.
    languages : sequence of {"en", "de"}
        Of our own phrases.

    Returns
    -------
    described : dict from class to Described
    """
    if isinstance(classes, str):
        described = _data_set(classes, languages)
    elif isinstance(classes, dict):
        described = {label: _of_value(label, v, languages) for label, v in classes.items()}
    else:
        names = list(classes)
        if set(names) == set(task_members("subclass")):
            return {name: _data_set("subclass", languages)[name] for name in names}
        described = {name: _of_name(name, languages) for name in names}
    empty = [label for label, found in described.items() if not found.phrases]
    if empty or not described:
        raise ValueError(f"every class needs at least one phrase, got {classes!r}")
    return described


def _data_set(name, languages):
    if name in PTBXL_TASKS:
        members = task_members(name).items()
        return {label: _united(codes, languages) for label, codes in members}
    if name not in CLASS_MEANINGS:
        raise ValueError(
            f"classes={name!r} is unknown: give a task of PTB-XL ({', '.join(PTBXL_TASKS)}), "
            f"another data set ({', '.join(CLASS_MEANINGS)}), a list of names, or a dict from "
            "class to phrases"
        )
    by_language = [class_statements(name, language=language) for language in languages]
    return {
        label: _of_value(label, [item for found in by_language for item in found[label]], languages)
        for label in by_language[0]
    }


def _of_name(name, languages):
    codes = members_of(name)
    return Described((), [str(name)]) if codes is None else _united(codes, languages)


def _of_value(label, value, languages):
    items = [value] if isinstance(value, str) else list(value)
    members = [members_of(item) for item in items]
    known = [item for item, codes in zip(items, members, strict=True) if codes is not None]
    if not known:
        return Described((), items)
    if len(known) < len(items):
        own = [item for item in items if item not in known]
        raise ValueError(
            f"class {label!r} mixes statements ({', '.join(known)}), any of which would make the "
            f"class, and phrases ({', '.join(map(repr, own))}), which would be averaged: give "
            "codes only, or phrases only (statement_prompts(code) has those of a statement)"
        )
    codes = tuple(dict.fromkeys(code for codes in members for code in codes))
    return _united(codes, languages)


def _united(codes, languages):
    phrases = [p for code in codes for lang in languages for p in statement_prompts(code, lang)]
    return Described(tuple(codes), list(dict.fromkeys(phrases)))
