"""The words of a model card, around the figures that ``model_card.py`` measured."""

import math

from merit_sk.statements import PTBXL_STATEMENTS

WEAK = 0.75


def card(name, figures, config, recipe):
    """Blocks of a card: (kind, content).

    Parameters
    ----------
    name : str
    figures : dict
        See ``model_card.evaluate``.
    config : dict
        ``config.json`` of the weights.
    recipe : dict
        ``recipe.json`` of the weights.
    """
    return [
        ("title", f"Model card: {name}"),
        ("text", "**Research software and no medical device.** Not for diagnosis, triage, "
                 "monitoring or any decision about a patient."),
        *_what(name, figures, config),
        *_data(recipe),
        *_objective(recipe, config),
        *_results(figures),
        *_limits(figures),
        ("heading", "How this card was made"),
        ("code", "python benchmarks/merit_tiny.py --data PATH --work FOLDER  # see recipe.json\n"
                 "python benchmarks/model_card.py --data PATH"),
    ]  # fmt: skip


def _what(name, figures, config):
    window = config["window"]
    low, high = window["band"]
    return [
        ("heading", "What it is"),
        ("text", f"An ECG encoder of {figures['parameters'] / 1e6:.2f} million parameters with the "
                 "text tower it was aligned with, pretrained by MERIT: masked modeling of the "
                 f"signal and alignment with reports. It takes {figures['megabytes']:.1f} MB, "
                 "weights in half precision, computing in single precision. An ECG becomes "
                 f"{figures['n_features']} numbers, followed by the peak voltages of its leads. As "
                 "the recordings below are standardized, the probes on them do without these."),
        ("code", "from merit_sk import MeritEmbedder, MeritZeroShotClassifier\n"
                 f'Z = MeritEmbedder(pretrained="{name}").fit_transform(records)\n'
                 f'zero = MeritZeroShotClassifier("{name}", classes="all", '
                 "multi_label=True)\nzero.fit(records).predict_proba(records)"),
        ("text", "A report writer in English and German comes with the weights. It was trained on "
                 "simulated reports and on 12SL statements of PTB-XL folds 1 to 8 (translated for "
                 "German), and has read no cardiologist's report. Its texts are nearer to 12SL's "
                 "than the report of the most similar recording, but it names single statements no "
                 "better than that, and calls hypertrophy too rarely (figures in the "
                 "documentation, under results)."),
        ("heading", "What it takes"),
        ("list", [
            f"Leads: {', '.join(window['leads'])}. ``ECGRecords`` are put in order by name; limb "
            "leads that follow from two others are computed, others may be missing.",
            f"{window['sampling_rate']:g} Hz. ``ECGRecords`` of another rate are resampled; arrays "
            "must have it.",
            f"Windows of {window['duration']:g} s. Longer recordings are the average of their "
            "windows, shorter ones are padded and the padding is left out.",
            f"Millivolts; a band of {low:g} to {high:g} Hz without phase shift; every lead of a "
            "window is standardized; its peak voltages are kept beside.",
        ]),
    ]  # fmt: skip


def _data(recipe):
    counts, data = recipe["counts"], recipe["data"]
    blocks = [
        ("heading", "Data"),
        ("list", [
            f"{counts['simulated']:,} recordings simulated by merit_sk (``stream_ecg``), half with "
            "English reports and half with German ones, and with what they show. No patient is "
            "behind them.",
            *([f"{counts['real']:,} recordings of PTB-XL 1.0.3, folds 1 to 8, each "
               f"{data['repeats']} times in a pass, now with the 12SL machine statements of "
               "PTB-XL+ (English), now with the cardiologist's report (mostly German)."]
              if counts["real"] else []),
        ]),
        ("text", "The mixture of recordings and texts was chosen on folds 7 and 8, left out of "
                 "pretraining for that; the network, the loss, crops, batch norms that are settled "
                 "after training and the number of passes follow comparisons that looked at folds "
                 "9 and 10 as well, so that figures may be a little too good. The seed was not "
                 "chosen. Figures are of fold 10; patients are in one fold only. The simulator was "
                 "adjusted while looking at average beats of folds 1 to 8, and earlier at those of "
                 "987 recordings, some of them in fold 10."),
    ]  # fmt: skip
    if counts["real"]:
        blocks.append((
            "text", "Attribution: P. Wagner et al., \"PTB-XL, a large publicly available "
            "electrocardiography dataset\", Scientific Data 7:154, 2020, "
            "doi:10.1038/s41597-020-0495-6; N. Strodthoff et al., \"PTB-XL+, a comprehensive "
            "electrocardiographic feature dataset\", Scientific Data 10:279, 2023. Both are under "
            "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/); signals were filtered, "
            "standardized and resampled. The weights are under the license of merit_sk, "
            "BSD-3-Clause.",
        ))  # fmt: skip
    return blocks


def _objective(recipe, config):
    settings, last = recipe["settings"], recipe["history"][-1]
    batch = settings["batch_size"]
    reached = []
    if "mi_text" in last:
        reached.append(f"I(Z; report) at least {last['mi_text']:.2f} nats a recording (at most "
                       f"ln {batch} = {math.log(batch):.2f} with batches of {batch})")  # fmt: skip
    if "mi_signal" in last:
        reached.append(f"I(Z visible; X masked) at least {last['mi_signal']:.3f} nats a hidden "
                       "sample over the best constant predictor")  # fmt: skip
    return [
        ("heading", "Objective"),
        ("text", f"(1 - w) I(Z; report) + w I(Z visible; X masked) with w = "
                 f"{settings['structure_weight']:g}, {settings['max_epochs']} passes, seed "
                 f"{settings['random_state']}. Bounds reached on the training data in the last "
                 f"pass: {'; '.join(reached)}."),
    ]  # fmt: skip


def _results(figures):
    return [
        ("heading", "Results"),
        ("text", f"{figures['n_test']} recordings of fold 10 of PTB-XL, those at hand (no random "
                 "sample of the data set: compare rows, not papers). Brackets are 95 % bootstrap "
                 "intervals by patient; classes with fewer than five positive recordings are left "
                 "out of averages."),
        ("subheading", "Linear probe"),
        ("text", "Ridge on frozen features, penalty chosen on fold 9, macro AUC. Where fewer than "
                 "all labels are used: mean of five draws. 171 are 1 % of the training records of "
                 "PTB-XL's superclasses, as papers have it. \"Ahead\" is the paired difference of "
                 "this model from the row."),
        ("table", _probe_table(figures["probe"])),
        ("subheading", "Zero-shot: superclasses"),
        ("table", [
            ["phrases", "macro AUC", *figures["superclasses"][0]["each"]],
            *([r["language"], _interval(r["auc"]), *(f"{a:.3f}" for a in r["each"].values())]
              for r in figures["superclasses"]),
        ]),
        ("subheading", "Zero-shot: every statement with ten positive recordings"),
        ("table", [
            ["statement", "meaning", "positives", "AUC, English", "AUC, German"],
            *([r["code"], PTBXL_STATEMENTS[r["code"]].description, str(r["positives"]),
               _interval(r["en"]), _interval(r["de"])] for r in figures["statements"]),
        ]),
        ("subheading", "Subgroups"),
        ("text", "Zero-shot macro AUC of the superclasses with five positive and negative "
                 "recordings in the group (English phrases). The averages are over different "
                 "classes where these differ."),
        ("table", [
            ["group", "recordings", "classes", "macro AUC"],
            *([r["group"], str(r["n"]), ", ".join(r["classes"]), _interval(r["auc"])]
              for r in figures["subgroups"]),
        ]),
        ("subheading", "Fewer leads"),
        ("text", "Zero-shot macro AUC of the superclasses, English phrases."),
        ("table", [["leads", "macro AUC"],
                   *([r["leads"], _interval(r["auc"])] for r in figures["leads"])]),
        *_other_sets(figures["others"]),
    ]  # fmt: skip


def _probe_table(rows):
    table = [["task", "labels", "features", "macro AUC", "this model ahead by"]]
    for r in rows:
        low, high = r.get("ahead", (None, None))
        ahead = "" if low is None else f"[{low:+.3f}, {high:+.3f}]"
        task = f"{r['task']} ({r['n_classes']} classes, {r['n_test']} recordings)"
        labels = "all" if r["labels"] == 1 else f"{r['labels']:.0f}"
        table.append([task, labels, r["name"],
                      _interval([r["auc"], *r["interval"]]), ahead])  # fmt: skip
    return table


def _other_sets(rows):
    if not rows:
        return []
    table = [["data set", "recordings", "class: AUC"]]
    for r in rows:
        aucs = "; ".join(f"{c}: {_interval(a)}" for c, a in r["aucs"].items())
        table.append([r["name"], str(r["n"]), aucs or "too few of every class"])
    return [
        ("subheading", "Other data sets, zero-shot"),
        ("text", "Samples of a few recordings: they show that these files are read and make sense, "
                 "not how good the model is. Classes with five positive and negative recordings."),
        ("table", table),
    ]  # fmt: skip


def _limits(figures):
    weak = [f"{r['code']} ({r['en'][0]:.2f})" for r in figures["statements"] if r["en"][0] < WEAK]
    return [
        ("heading", "Known failures"),
        ("list", [
            f"Statements below {WEAK:g} in the table above, zero-shot in English: "
            f"{', '.join(weak) or 'none'}. Statements with fewer positives were not tested at all.",
            "Voltage: in words, hypertrophy and low voltage are judged by shape and by what goes "
            "with them. Voltages are in the features and in ``MeritMeasurements``.",
            "Fewer leads: a quarter of the recordings of pretraining showed the texts I, II, both, "
            "the limb leads, I with II and V2, or V1 to V6 only; what fewer leads cost stands "
            "above.",
            "Probabilities are calibrated to PTB-XL folds 1 to 9: in another population statements "
            "are rarer or more frequent, and ``calibrate_zero_shot`` learns it anew.",
            "Real recordings are of one German data set, recorded from {} to {}; children, paced "
            "rhythms and rare statements are few.".format(*figures["years"]),
            "12SL statements are another algorithm's reading of the same recordings.",
        ]),
        ("heading", "Intended use"),
        ("text", "Embeddings of resting ECGs for research: probes with few labels, search, "
                 "clustering, a start for further pretraining and fine-tuning, a baseline to beat. "
                 "Not intended: any use on patients, and any use in which nobody has checked the "
                 "model on recordings of the same kind."),
    ]  # fmt: skip


def _interval(values):
    return "{:.3f} [{:.3f}, {:.3f}]".format(*values)


def render(blocks):
    """Return a Markdown document of blocks, each (kind, content)."""
    return "\n\n".join(_markdown(*block) for block in blocks) + "\n"


def _markdown(kind, content):
    if kind in ("title", "heading", "subheading"):
        return "#" * (1 + ("title", "heading", "subheading").index(kind)) + " " + content
    if kind == "code":
        return f"```\n{content}\n```"
    if kind == "list":
        return "\n".join(f"- {item}" for item in content).replace("``", "`")
    if kind == "table":
        head, *rows = content
        lines = [head, ["---"] * len(head), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return content.replace("``", "`")
