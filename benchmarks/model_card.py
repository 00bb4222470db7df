"""Evaluate weights on PTB-XL's fold 10 and write their model card.

    python benchmarks/model_card.py --data PATH [--model merit_sk/pretrained/merit-tiny]

Writes ``MODEL_CARD.md`` beside the weights, which the documentation includes. PATH is the folder
that ``_data.py`` describes; the other data sets in it are evaluated as well. MiniRocket stands
beside the model if aeon is installed.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _data import OTHER_SETS, load_all_experiment, minirocket_is_there
from _tables import add_output, write
from card_text import card, render

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.evaluation import (
    MiniRocketFeatures,
    SummaryFeatures,
    evaluate_probe,
    evaluate_zero_shot,
)
from merit_sk.experiment import MODELS, select_task
from merit_sk.metrics import bootstrap_interval, macro_auc
from merit_sk.statements import class_statements

WEIGHTS = Path(__file__).parents[1] / "merit_sk" / "pretrained" / "merit-tiny"
TASKS = ("superclass", "subclass", "form", "rhythm")
MIN_POSITIVES = 5
TABLE_POSITIVES = 10
BANDS = {"under 50": (0, 50), "50 to 64": (50, 65), "65 to 79": (65, 80), "80 and over": (80, 999)}
LEADS = {
    "I, II (six limb leads)": ("I", "II"),
    "I, II, V2": ("I", "II", "V2"),
    "II": ("II",),
    "I": ("I",),
}


def probe_rows(main, features):
    """Macro AUC of ridge probes: mean over draws, interval, and difference from the model."""
    rows = []
    for task in TASKS:
        ecg = select_task(main, task)
        results = {
            name: evaluate_probe(Z, ecg, min_positives=MIN_POSITIVES)
            for name, Z in features.items()
        }
        for labels in next(iter(results.values())).summary()["labels"]:
            resamples = {}
            for name, result in results.items():
                draws = result.at(labels)
                resamples[name] = np.mean([d.auc.resamples for d in draws], axis=0)
                row = {"task": task, "labels": labels, "name": name,
                       "n_classes": int(result.included.sum()), "n_test": len(result.test_index),
                       "auc": np.mean([d.auc.estimate for d in draws]),
                       "interval": quantiles(resamples[name])}  # fmt: skip
                first = next(iter(resamples.values()))
                if name != next(iter(features)):
                    row["ahead"] = quantiles(first - resamples[name])
                rows.append(row)
    return rows


def quantiles(values):
    return [float(v) for v in np.quantile(values, [0.025, 0.975])]


def zero_shot(embedder, ecg, language, X=None, **options):
    """Scores of the classes of a task by our phrases."""
    names = [str(name) for name in ecg.target_names]
    classifier = MeritZeroShotClassifier(
        embedder, classes=names, language=language, multi_label=True
    ).fit(ecg.data[:1])
    if X is not None:
        ecg = type(ecg)(**ecg | {"data": X})
    return evaluate_zero_shot(classifier, ecg, min_positives=MIN_POSITIVES, **options)


def statement_rows(embedder, main):
    """AUC of every statement with enough positives, in both languages."""
    by_language = {x: zero_shot(embedder, main, x, labeled_only=False) for x in ("en", "de")}
    rows = []
    english = by_language["en"]
    for k, code in enumerate(english.table.target):
        positives = int(english.table.n_positives[k])
        if positives < TABLE_POSITIVES:
            continue
        row = {"code": str(code), "positives": positives}
        for language, result in by_language.items():
            interval = class_interval(result, k)
            row[language] = [interval.estimate, interval.low, interval.high]
        rows.append(row)
    return rows


def class_interval(result, k):
    return bootstrap_interval(
        macro_auc, result.y_test[:, [k]], result.scores[:, [k]], groups=result.groups_test,
        random_state=0,
    )  # fmt: skip


def row_of(result, **more):
    return more | {
        "n": len(result.y_test), "classes": int(result.table.included.sum()),
        "auc": [result.auc.estimate, result.auc.low, result.auc.high],
    }  # fmt: skip


def superclass_rows(embedder, main):
    """Zero-shot on the superclasses in both languages, and all of the English result."""
    ecg = select_task(main, "superclass")
    rows = []
    for language, name in (("de", "German"), ("en", "English")):
        result = zero_shot(embedder, ecg, language)
        each = {str(c): float(a) for c, a in zip(result.table.target, result.table.auc)}  # noqa: B905
        rows.append(row_of(result, language=name, each=each))
    return rows[::-1], result


def subgroup_rows(result, main):
    """Zero-shot macro AUC of the superclasses by sex and age."""
    frame = main.frame.iloc[result.test_index]
    groups = {"male": frame.sex == 0, "female": frame.sex == 1}
    groups |= {name: frame.age.between(low, high - 0.1) for name, (low, high) in BANDS.items()}
    rows = []
    for name, members in groups.items():
        y, scores = result.y_test[members], result.scores[members]
        positives = y.sum(axis=0)
        kept = (positives >= MIN_POSITIVES) & (len(y) - positives >= MIN_POSITIVES)
        if not kept.any():
            continue
        interval = bootstrap_interval(
            macro_auc, y[:, kept], scores[:, kept], groups=result.groups_test[members],
            random_state=0,
        )  # fmt: skip
        names = np.asarray(main.superclasses)[kept].tolist()
        rows.append({"group": name, "n": len(y), "classes": names,
                     "auc": [interval.estimate, interval.low, interval.high]})  # fmt: skip
    return rows


def lead_rows(embedder, main):
    """Zero-shot macro AUC of the superclasses from fewer leads."""
    ecg = select_task(main, "superclass")
    rows = [row_of(zero_shot(embedder, ecg, "en"), leads="all twelve")]
    for name, leads in LEADS.items():
        result = zero_shot(embedder, ecg, "en", ecg.data.with_leads(leads))
        rows.append(row_of(result, leads=name))
    return rows


def other_rows(embedder, others):
    """Zero-shot on other data sets, classes with enough positives."""
    rows = []
    for name, ecg in others.items():
        y = ecg.target.sum(axis=0)
        kept = [str(c) for c, n in zip(ecg.target_names, y, strict=True)
                if MIN_POSITIVES <= n <= len(ecg.target) - MIN_POSITIVES]  # fmt: skip
        row = {"name": OTHER_SETS[name], "n": len(ecg.data), "aucs": {}}
        if kept:
            classifier = MeritZeroShotClassifier(
                embedder, classes=class_statements(name, kept), language="en"
            ).fit(ecg.data[:1])
            result = evaluate_zero_shot(classifier, ecg, labeled_only=False)
            for k, code in enumerate(result.table.target):
                if code in kept:
                    interval = class_interval(result, k)
                    row["aucs"][str(code)] = [interval.estimate, interval.low, interval.high]
        rows.append(row)
    return rows


def evaluate(model, data, n=None):
    """All figures of a card."""
    data = load_all_experiment(data, n=n)
    main, train = data.main, data.main.folds <= 8
    main.superclasses = select_task(main, "superclass").target_names
    embedder = MeritEmbedder.from_pretrained(model).set_params(readout="stages")
    random = MeritEmbedder(
        encoder=embedder.model_.config, pretrained=None, max_epochs=0, readout="stages",
        random_state=0,
    )  # fmt: skip
    features = {"merit-tiny": embedder.transform(main.data)}
    features["random encoder"] = random.fit(main.data[:64]).transform(main.data)
    baselines = {"minirocket": MiniRocketFeatures(random_state=0)} if minirocket_is_there() else {}
    for name, extractor in (baselines | {"summary": SummaryFeatures()}).items():
        features[MODELS[name]] = extractor.fit(main.data[train]).transform(main.data)
    superclasses, result = superclass_rows(embedder, main)
    return {
        "probe": probe_rows(main, features),
        "superclasses": superclasses,
        "statements": statement_rows(embedder, main),
        "subgroups": subgroup_rows(result, main),
        "leads": lead_rows(embedder, main),
        "others": other_rows(embedder, data.others),
        "years": [main.frame.recording_date.min()[:4], main.frame.recording_date.max()[:4]],
        "n_test": int((main.folds == 10).sum()),
        "parameters": sum(p.numel() for p in embedder.model_.encoder.parameters()),
        "n_features": features["merit-tiny"].shape[1],
        "megabytes": sum(path.stat().st_size for path in Path(model).rglob("*") if path.is_file())
        / 1e6,
    }


def flat(row):
    """A row without lists: an interval is three columns."""
    out = {}
    for name, value in row.items():
        if name in ("auc", "en", "de") and isinstance(value, list):
            low, high = f"{name}, low", f"{name}, high"
            out |= dict(zip((name, low, high), value, strict=True))
        elif name in ("interval", "ahead"):
            out |= {f"{name}, low": value[0], f"{name}, high": value[1]}
        elif name == "classes" and isinstance(value, list):
            out[name] = " ".join(value)
        else:
            out |= value if isinstance(value, dict) else {name: value}
    return out


def others_table(rows):
    return pd.DataFrame([
        {"set": row["name"], "recordings": row["n"], "class": code, "AUC": auc, "low": low,
         "high": high}
        for row in rows for code, (auc, low, high) in row["aucs"].items()
    ])  # fmt: skip


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder described in _data.py")
    parser.add_argument("--model", type=Path, default=WEIGHTS)
    parser.add_argument("--card", type=Path, help="by default MODEL_CARD.md beside the weights")
    add_output(parser)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    args = parser.parse_args(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        figures = evaluate(args.model, args.data, 1000 if args.quick else None)
    config = json.loads((args.model / "config.json").read_text())
    recipe = json.loads((args.model / "recipe.json").read_text())
    text = render(card(args.model.name, figures, config, recipe))
    (args.card or args.model / "MODEL_CARD.md").write_text(text)
    print(text)
    names = ("probe", "superclasses", "statements", "subgroups", "leads")
    tables = {f"model_card__{name}": pd.DataFrame(map(flat, figures[name])) for name in names}
    write(args.output, **tables, model_card__others=others_table(figures["others"]))


if __name__ == "__main__":
    main()
