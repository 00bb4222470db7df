"""Which statements of PTB-XL a class unites."""

from ._codes import PTBXL_TASKS, task_labels
from ._other_sets import _OTHER, CLASS_MEANINGS


def task_members(task):
    """Return the statements that each class of a PTB-XL task unites.

    Parameters
    ----------
    task : {"all", "diagnostic", "subclass", "superclass", "form", "rhythm"}
        Task of the PTB-XL benchmark.

    Returns
    -------
    members : dict of str to tuple of str
        By class, in the order of the task's classes.

    Examples
    --------
    >>> from merit_sk.statements import task_members
    >>> task_members("subclass")["LAFB/LPFB"]
    ('LAFB', 'LPFB')
    """
    members = {}
    for code, label in task_labels(task).items():
        members.setdefault(label, []).append(code)
    return {label: tuple(members[label]) for label in sorted(members)}


# A name that means several things is a statement first, then a superclass, then a subclass.
_MEMBERS = task_members("subclass") | task_members("superclass") | task_members("all")


def members_of(name):
    """Return the statements that a name stands for; None if it is no name of PTB-XL.

    A statement stands for itself, a superclass or subclass for all of its statements. ``"AMI"``
    and ``"IMI"`` are the statements, ``"STTC"`` is the superclass.

    Parameters
    ----------
    name : object
        A statement, superclass or subclass, or anything else.

    Examples
    --------
    >>> from merit_sk.statements._members import members_of
    >>> members_of("LAFB/LPFB"), members_of("AFIB"), members_of("atrial fibrillation")
    (('LAFB', 'LPFB'), ('AFIB',), None)
    """
    return _MEMBERS.get(name) if isinstance(name, str) else None


def class_statements(name, classes=None, language="en"):
    """Return what each class of a data set means, as `MeritZeroShotClassifier` takes it.

    Parameters
    ----------
    name : str
        ``"cpsc2018"``, ``"csn"``, ``"georgia"``, or a task of PTB-XL.
    classes : sequence of str or None, default=None
        Classes of it; None is all.
    language : {"en", "de"}, default="en"
        Language of phrases.

    Returns
    -------
    meanings : dict of str to list of str
        Codes of PTB-XL statements, any of which makes the class; or phrases, where PTB-XL has no
        such statement.

    Examples
    --------
    >>> from merit_sk.statements import class_statements
    >>> class_statements("csn", ["AVB", "ALS"])
    {'AVB': ['1AVB', '2AVB', '3AVB'], 'ALS': ['left axis deviation', 'leftward axis']}
    """
    if language not in ("en", "de"):
        raise ValueError(f'language must be "en" or "de"; got {language!r}.')
    if name in PTBXL_TASKS:
        found = {label: list(codes) for label, codes in task_members(name).items()}
    elif name in CLASS_MEANINGS:
        found = {}
        for label, meaning in sorted(CLASS_MEANINGS[name].items()):
            if meaning.other:
                found[label] = _OTHER[meaning.other][language == "de"].split("; ")
            else:
                members = (members_of(code) for code in meaning.statements)
                found[label] = [code for codes in members for code in codes]
    else:
        raise ValueError(
            f"name must be one of {', '.join((*PTBXL_TASKS, *CLASS_MEANINGS))}; got {name!r}"
        )
    unknown = [str(label) for label in classes or () if label not in found]
    if unknown:
        raise ValueError(
            f"{name} has no class {', '.join(unknown)}: expected some of {', '.join(found)}"
        )
    return found if classes is None else {label: found[label] for label in classes}
