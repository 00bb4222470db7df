"""What one fitted model is worth: probes, zero-shot, and transfer to other data sets."""

import warnings
from functools import cached_property

import numpy as np
import pandas as pd

from ..evaluation import (
    category_map,
    evaluate_probe,
    evaluate_shift,
    evaluate_zero_shot,
    map_scores,
    nearest_report_scores,
)
from ..evaluation._scored import matching_columns, score_test
from ..evaluation._subsets import labeled_records, records_to_score
from ..statements import class_prompts, class_statements, task_prompts
from .config import OTHER_SETS
from .data import select_task, with_folds
from .models import ALIGNED, CLASSIFIERS

SHIFTS = (("ptbxl", "cpsc2018"), ("ptbxl", "csn"), ("cpsc2018", "csn"), ("csn", "cpsc2018"))
SHIFT_TASK = "superclass"
SMALL_SOURCE = 200
N_RESAMPLES = 1000


def plan(settings, main, others):
    """Find out which protocols the given recordings allow.

    Returns
    -------
    protocols : list of tuple
        ``("probe", set, task)``, ``("zero-shot", set, task)`` or
        ``("shift", source, target, version)``.
    left_out : dict
        Reason by protocol.
    """
    protocols, left_out = [], {}

    def judge(what, ecg, index, classes, *entries):
        lacking = shortage(ecg, index, classes, settings.min_positives)
        if lacking is None:
            protocols.extend(entries)
        else:
            left_out[what] = lacking

    for task in settings.tasks:
        ecg = select_task(main, task)
        index = records_to_score(ecg, settings.test_fold)
        both = [(protocol, "main", task) for protocol in ("probe", "zero-shot")]
        judge(f"task {task}", ecg, index, None, *both)
        few = labeled_records(ecg, settings.train_folds)
        note_counts(f"task {task}", len(few), settings.fractions, left_out)
    for name, ecg in others.items():
        title, index = OTHER_SETS[name], np.flatnonzero(ecg.target.any(axis=1))
        judge(f"zero-shot on {title}", ecg, index, None, ("zero-shot", name, ""))
        folds = with_folds(ecg).folds[index]
        judge(f"probe on {title}", ecg, index[folds == 10], None, ("probe", name, ""))
        if ("probe", name, "") in protocols:
            note_counts(title, int((folds <= 8).sum()), settings.fractions, left_out)
    titles = {"ptbxl": "PTB-XL"} | OTHER_SETS
    for source, target in SHIFTS:
        sets = {"ptbxl": main, **others}
        if source not in sets or target not in sets:
            continue
        for version in ("published", "corrected"):
            ecg, shared = sets[target], category_map(source, target, version=version).values()
            index = np.flatnonzero(ecg.target.any(axis=1))
            what = f"shift {titles[source]} to {titles[target]}, {version} map"
            classes = {name for names in shared for name in names}
            judge(what, ecg, index, classes, ("shift", source, target, version))
        n_source = int(sets[source].target.any(axis=1).sum())
        if source != "ptbxl" and n_source < SMALL_SOURCE:
            left_out[f"probe carried over from {titles[source]} to {titles[target]}"] = (
                f"{n_source} labeled records to learn from, fewer than {SMALL_SOURCE}"
            )
    return protocols, left_out


def note_counts(what, n_train, fractions, left_out):
    """Note the numbers of labels that are more than there are."""
    more = [f"{n:g}" for n in sorted(fractions) if n > max(n_train, 1)]
    if more:
        left_out[f"probe with {' and '.join(more)} labels, {what}"] = (
            f"{n_train} labeled training records"
        )


def shortage(ecg, index, classes, min_positives):
    """Why some records are too few to judge any class, or None."""
    columns = [classes is None or name in classes for name in ecg.target_names]
    y = np.asarray(ecg.target)[index][:, columns]
    positives = y.sum(axis=0)
    if ((positives >= min_positives) & (len(y) - positives >= min_positives)).any():
        return None
    return (
        f"{len(y)} labeled test records, and no class with {min_positives} positive and "
        f"{min_positives} negative ones (min_positives)"
    )


class Protocols:
    """Runs the protocols of a plan on one fitted model.

    Parameters
    ----------
    model : Trained
    main : Bunch
        With all 71 statements.
    others : dict of Bunch
    """

    def __init__(self, model, main, others):
        self.model, self.settings = model, model.settings
        self.main, self.others = main, others
        self.rows, self.resamples, self.classes, self.scores = [], [], [], {}

    def run(self, protocols):
        """Run all that the model can do.

        Returns
        -------
        results : dict
            ``rows`` and ``classes``, lists of dict; ``resamples``, an array with one line a row;
            ``scores``, dict of arrays by protocol, data set and task.
        """
        runs = {"probe": self.probe, "zero-shot": self.zero_shot, "shift": self.shift}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Left out of the macro average")
            warnings.filterwarnings("ignore", message="Not judged, since the data")
            warnings.filterwarnings("ignore", message="no word of the phrases")
            warnings.filterwarnings("ignore", message="Left out, since there are")
            for kind, *where in protocols:
                runs[kind](*where)
        return {
            "rows": self.rows, "classes": self.classes, "resamples": np.array(self.resamples),
            "scores": self.scores,
        }  # fmt: skip

    def data(self, name, task=""):
        """A data set, with the classes of a task."""
        if name in ("main", "ptbxl"):
            return select_task(self.main, task)
        return self.others[name]

    def features(self, name):
        """Features of a data set."""
        name = "main" if name == "ptbxl" else name
        ecg = self.main if name == "main" else self.others[name]
        return self.model.features(name, self.main, ecg)

    def judged(self):
        """Options that all judgements share."""
        return {"min_positives": self.settings.min_positives, "n_resamples": N_RESAMPLES,
                "random_state": 0}  # fmt: skip

    def note(self, where, auc, n_test, included, **more):
        """Note one macro AUC with its resamples."""
        counts = {"n_test": n_test, "n_classes": int(np.sum(included))}
        values = {"macro_auc": auc.estimate, "low": auc.low, "high": auc.high}
        place = {"labels": 1.0, "fraction": 1.0, "repeat": 0, "n_train": np.nan}
        self.rows.append(self.who() | where | place | counts | values | more)
        self.resamples.append(auc.resamples.astype(np.float32))

    def who(self):
        """Model and seed."""
        return {"model": self.model.name, "seed": self.model.seed}

    def add(self, protocol, name, task, scored, **more):
        """Note one judgement, with its classes and scores."""
        where = {"protocol": protocol, "set": name, "task": task}
        if "model" in more:
            where["model"] = more.pop("model")
        table = scored.table
        self.note(where, scored.auc, len(scored.y_test), table.included, **more)
        for k in np.flatnonzero(table.n_positives):
            self.classes.append(
                self.who()
                | where
                | {"target": str(table.target[k]), "n_positives": int(table.n_positives[k])}
                | {"auc": float(table.auc[k]), "included": bool(table.included[k])}
            )
        key = "/".join((self.rows[-1]["model"], protocol, name, task))
        self.scores[key] = scored.scores.astype(np.float32)

    def probe(self, name, task):
        """Linear probe, or the network that was trained with these labels."""
        settings, ecg = self.settings, self.data(name, task)
        if self.model.model in CLASSIFIERS:
            if name == "main":
                index = records_to_score(ecg, settings.test_fold)
                found = self.model.scores("main")[task]
                test = np.flatnonzero(self.main.folds == settings.test_fold)
                self.add("supervised", name, task, self.score(ecg, index, found, test))
            return
        folds = dict(train_folds=settings.train_folds, valid_folds=settings.valid_fold,
                     test_folds=settings.test_fold)  # fmt: skip
        if name != "main":
            ecg, folds = with_folds(ecg), {}
        result = evaluate_probe(
            self.features(name), ecg, fractions=(*settings.fractions, 1.0),
            n_repeats=settings.n_repeats, **folds, **self.judged(),
        )  # fmt: skip
        where = {"protocol": "probe", "set": name, "task": task}
        for probe in result.repeats[:-1]:
            place = {"labels": probe.labels, "fraction": probe.fraction, "repeat": probe.repeat,
                     "n_train": probe.n_train}  # fmt: skip
            self.note(where, probe.auc, len(result.y_test), result.included, **place)
        best, index = result.best, result.test_index
        scored = self.score(ecg, index, best.scores, index)
        self.add("probe", name, task, scored, n_train=best.n_train)

    def score(self, ecg, index, scores, rows):
        """Judge scores of the records ``rows`` on the records ``index``, a part of them."""
        scores = scores[np.searchsorted(rows, index)]
        return score_test(ecg, index, list(range(scores.shape[1])), scores, **self.judged())

    def zero_shot(self, name, task):
        """Classes in words; beside them, reports of the nearest training records, and nothing."""
        ecg, kind = self.data(name, task), self.model.model
        if kind not in (*ALIGNED, "random"):
            return
        index = records_to_score(ecg, self.settings.test_fold)
        if kind in ALIGNED:
            self.add("zero-shot", name, task, self.zero_shot_scores(ecg, name, task))
        if kind in ("random", "merit"):
            scores = self.nearest(name, index, self.prompts(name, task))
            label = f"nearest reports, {self.model.name}"
            self.add("zero-shot", name, task, self.score(ecg, index, scores, index), model=label)
        if kind == "random":
            nothing = self.score(ecg, index, np.zeros_like(scores), index)
            self.add("zero-shot", name, task, nothing, model="majority")

    def prompts(self, name, task):
        """Return phrases for every class, in the order of the classes."""
        if name == "main":
            return task_prompts(task, self.language)
        return class_prompts(name, self.others[name].target_names, self.language)

    def meanings(self, name, task):
        """Return what every class means: statements to unite, or phrases."""
        names = None if name == "main" else self.others[name].target_names
        return class_statements(task if name == "main" else name, names, self.language)

    @cached_property
    def language(self):
        """Language of the reports."""
        from ..reports._language import guess_language

        texts = pd.unique(np.array([r.lower() for r in self.main.reports if isinstance(r, str)]))
        return guess_language(texts) or "en"

    def zero_shot_scores(self, ecg, name, task):
        """Evaluate the aligned model on classes in words."""
        from ..estimators import MeritZeroShotClassifier

        zero = MeritZeroShotClassifier(
            self.model.embedder(), classes=self.meanings(name, task), multi_label=True,
            language=self.language,
        )  # fmt: skip
        folds = self.settings.test_fold
        return evaluate_zero_shot(zero.fit(ecg.data), ecg, test_folds=folds, **self.judged())

    def nearest(self, name, index, prompts):
        """Scores by the reports of the nearest training records."""
        train = np.isin(self.main.folds, self.settings.train_folds)
        train &= np.array([isinstance(r, str) and bool(r.strip()) for r in self.main.reports])
        Z = self.features("main")
        return nearest_report_scores(
            Z[train], self.main.reports[train], self.features(name)[index], prompts
        )

    def shift(self, source, target, version):
        """A probe carried over, and the shared classes in words."""
        mapping = category_map(source, target, version=version)
        here, there = self.data(source, SHIFT_TASK), self.data(target)
        where = f"{source} to {target}", version
        if self.model.model in CLASSIFIERS:
            if source == "ptbxl":
                self.add("shift", *where, self.carried_over(here, there, target, mapping))
            return
        folds = dict(train_folds=self.settings.train_folds, valid_folds=self.settings.valid_fold)
        if source == "ptbxl" or here.target.any(axis=1).sum() >= SMALL_SOURCE:
            features = self.features(source), self.features(target)
            scored = evaluate_shift(
                features, here, there, mapping=mapping, **folds, **self.judged()
            )
            self.add("shift", *where, scored)
        if self.model.model in ALIGNED:
            scored = evaluate_shift(
                self.model.embedder(), here, there, mapping=mapping, protocol="zero_shot",
                classes=self.meanings(target, ""), **self.judged(),
            )  # fmt: skip
            self.add("zero-shot shift", *where, scored)

    def carried_over(self, here, there, target, mapping):
        """Judge the superclasses that a network finds in another data set."""
        found = self.model.scores(target)[SHIFT_TASK]
        scores, names = map_scores(found, here.target_names, mapping)
        own, columns = matching_columns(names, there.target_names, "shared classes")
        index = records_to_score(there, None)
        return score_test(there, index, columns, scores[np.ix_(index, own)], **self.judged())
