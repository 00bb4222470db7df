"""The report writer of ``merit-tiny``, in English and German: its training, and how well it writes.

    python benchmarks/report_writer.py --data PATH --work FOLDER [--only-tables] [--random]

Trains on simulated recordings with machine-like English or German reports, and on those of PTB-XL
folds 1 to 8 with their 12SL statements, in English and translated. No cardiologist's report is
read, and of standardized recordings, which have lost their voltages, none whose statements are of
voltages. Some recordings have the limb leads only, some lead I. The encoder stays as it is. Files
go into the folder of the weights, float16, and settings, counts and versions into ``recipe.json``.

It is tested on PTB-XL folds 9 and 10 and on other simulated recordings, beside the report of the
most similar recording of training, the most frequent one, and what it writes without the right
ECG. Truth are texts as it was taught them; superclasses are the cardiologist's, and statements the
codes of 12SL or of the simulator, read out of texts by a classifier of true texts of training.
Intervals are by patient. ``--random`` tests the same training on an untrained encoder as well.

Signals and texts, and then the trained writer, are kept in FOLDER; the same command goes on after
either. PATH is the folder that ``_data.py`` describes.
"""

import argparse
import ast
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _data import digest, load_all, statements_of
from _report_texts import VOLTAGES, german, machine_report, simulated_german, simulated_report
from _tables import add_output, write
from calibrate import write as write_weights
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.utils import Bunch

from merit_sk import ECGRecords, MeritEmbedder, MeritReportGenerator
from merit_sk.datasets import load_ptbxl, stream_ecg
from merit_sk.evaluation import evaluate_reports, report_baselines, report_labeler
from merit_sk.experiment import versions
from merit_sk.nn.checkpoint import CONFIG_NAME, WEIGHTS_NAME, pack, read_files, write_text
from merit_sk.statements import PTBXL_STATEMENTS, task_members

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "merit_sk" / "pretrained" / "merit-tiny"
LANGUAGES = ("en", "de")
BATCH = 500
LIMB, LEAD_I = 6, 1  # leads that are left
FEWER = 0.3  # share of recordings with fewer leads, half of them with lead I alone
SETTINGS = dict(n_prefix=4, max_new_tokens=80, batch_size=64)
SIGNS = {"LPAREN", "RPAREN", "COMMA"}
METRICS = ("rouge_l", "meteor_exact_stem", "clinical_f1")


def simulated(n, seed, language):
    """Return recordings with machine-like reports, and what they show."""
    signals, reports, shown = [], [], []
    for ecg in stream_ecg(BATCH, language=language, random_state=seed):
        to_style = simulated_report if language == "en" else simulated_german
        texts = [to_style(text) for text in ecg.reports]
        kept = [i for i, text in enumerate(texts) if text]
        signals.append(np.asarray(ecg.data)[kept].astype(np.float16))
        reports += [texts[i] for i in kept]
        shown.append(ecg.target[kept])
        if len(reports) >= n:
            break
    return Bunch(
        X=np.concatenate(signals)[:n], reports=np.array(reports[:n], dtype=object),
        statements=np.concatenate(shown)[:n],
        groups=np.array([f"simulated {seed} {i}" for i in range(n)]),
    )  # fmt: skip


def real(path, n=None):
    """Return recordings of PTB-XL, in mV where there are such, with their 12SL statements."""
    ecg, raw = load_all(path, statements_of(path), n), load_ptbxl(path / "ptb-xl", task="all")
    place = raw.frame.index.get_indexer(ecg.frame.index)
    X = np.array(ecg.data, dtype=np.float32)
    X[place >= 0] = raw.data[place[place >= 0]]
    codes = pd.read_csv(statements_of(path), index_col="ecg_id").statements.loc[ecg.frame.index]
    codes = [{c for c in ast.literal_eval(row) if c.isalnum()} - SIGNS for row in codes]
    binarizer = MultiLabelBinarizer()
    reports = [machine_report(text) for text in ecg.reports]
    return Bunch(
        X=X, statements=binarizer.fit_transform(codes), target=ecg.target, folds=ecg.folds,
        groups=np.array([f"patient {g}" for g in ecg.groups]), in_mv=place >= 0,
        reports={"en": np.array(reports, dtype=object),
                 "de": np.array([german(text) or "" for text in reports], dtype=object)},
    )  # fmt: skip


def superclasses(target):
    """Indicator matrix of the diagnostic superclasses that statements belong to."""
    names = list(PTBXL_STATEMENTS)
    return np.column_stack([target[:, [names.index(code) for code in members]].max(axis=1)
                            for members in task_members("superclass").values()])  # fmt: skip


def fewer_leads(X, seed):
    """Take leads away from a share of the recordings."""
    left = np.random.default_rng(seed).choice(
        [12, LIMB, LEAD_I], len(X), p=[1 - FEWER, FEWER / 2, FEWER / 2]
    )
    for k in (LIMB, LEAD_I):
        X[left == k, k:] = 0
    return X


def collect(args, ptbxl, folder):
    """Write signals and texts of training to a folder, unless they are there.

    Returns
    -------
    records : ECGRecords
    lessons : DataFrame
        Columns ``report``, ``language`` and ``group``.
    """
    signals, table = folder / "signals.npy", folder / "lessons.json"
    if not table.exists():
        folder.mkdir(parents=True, exist_ok=True)
        parts, lessons = [], []

        def add(X, reports, language, groups, seed):
            parts.append(fewer_leads(np.array(X, dtype=np.float16), seed))
            columns = {"report": reports, "language": language, "group": groups}
            lessons.append(pd.DataFrame(columns))

        seen = np.isin(ptbxl.folds, range(1, 9))
        of_voltages = np.array([bool(VOLTAGES.search(text)) for text in ptbxl.reports["en"]])
        for k, language in enumerate(LANGUAGES):
            ecg = simulated(args.n_simulated // 2, args.seed + k, language)
            add(ecg.X, ecg.reports, language, ecg.groups, args.seed + k)
            reports = ptbxl.reports[language]
            rows = np.flatnonzero(seen & (ptbxl.in_mv | ~of_voltages) & (reports != ""))
            for repeat in range(args.repeats):
                seed = args.seed + 2 + k * args.repeats + repeat
                add(ptbxl.X[rows], reports[rows], language, ptbxl.groups[rows], seed)
        np.save(signals, np.concatenate(parts))
        write_text(table, pd.concat(lessons, ignore_index=True).to_json())
    records = ECGRecords.from_array(np.load(signals, mmap_mode="r"), sampling_rate=100)
    return records, pd.read_json(table)


def learn(args, embedder, records, lessons, folder):
    """Return a writer that was trained, or that was kept by an earlier call."""
    if not (folder / CONFIG_NAME).exists():
        writer = MeritReportGenerator(
            embedder, max_epochs=args.epochs, random_state=args.seed, n_jobs=args.n_jobs,
            verbose=1, **SETTINGS,
        )  # fmt: skip
        writer.fit(records, reports=lessons.report, context=lessons.language, groups=lessons.group)
        writer.save_pretrained(folder, dtype="float16")
    return read_files(folder)


def for_the_box(files):
    """Return the files of a saved writer without those of its embedder."""
    config = json.loads(files[CONFIG_NAME])
    for key in ("format", "format_version", "weights_sha256", "config_sha256", "parts"):
        config.pop(key)
    parts = {k: v for k, v in files.items() if k.startswith("language_model/")}
    return pack(config, files[WEIGHTS_NAME], parts)


def exams(args, ptbxl):
    """Yield what the writer is tested with: training recordings, test recordings and truth."""
    folds = {"train": range(1, 9), "test": (9, 10)}
    for language in LANGUAGES:
        reports, there = ptbxl.reports[language], ptbxl.reports[language] != ""
        rows = {k: np.flatnonzero(np.isin(ptbxl.folds, f) & there) for k, f in folds.items()}
        frequent = (ptbxl.statements[rows["train"]].sum(axis=0) >= 10) & (
            ptbxl.statements[rows["test"]].sum(axis=0) >= 5
        )
        labels = {
            "superclass_f1": superclasses(ptbxl.target),
            "statement_f1": ptbxl.statements[:, frequent],
        }
        train, test = (
            Bunch(X=ECGRecords.from_array(ptbxl.X[r], sampling_rate=100), reports=reports[r],
                  groups=ptbxl.groups[r], in_mv=ptbxl.in_mv[r],
                  labels={name: y[r] for name, y in labels.items()})
            for r in rows.values()
        )  # fmt: skip
        yield "PTB-XL", language, train, test
    for k, language in enumerate(LANGUAGES):
        parts = [simulated(n, args.seed + 100 + k + 2 * i, language)
                 for i, n in enumerate((4 * args.n_test, args.n_test))]  # fmt: skip
        frequent = (parts[0].statements.sum(axis=0) >= 10) & (parts[1].statements.sum(axis=0) >= 5)
        train, test = (
            Bunch(X=ECGRecords.from_array(p.X, sampling_rate=100), reports=p.reports,
                  groups=p.groups, in_mv=np.ones(len(p.X), bool),
                  labels={"superclass_f1": superclasses(p.statements),
                          "statement_f1": p.statements[:, frequent]})
            for p in parts
        )  # fmt: skip
        yield "simulated", language, train, test


def judge(title, language, train, test, texts, seed):
    """Rows of the table."""
    rows = []
    subsets = {title: np.ones(len(test.X), bool)}
    if not test.in_mv.all():
        subsets[f"{title}, in mV"] = test.in_mv
    for name, kept in subsets.items():
        for metric in ("text", *test.labels):
            clinical = {}
            if metric != "text":
                labels = train.labels[metric]
                clinical = {"labeler": report_labeler().fit(train.reports, labels),
                            "target": test.labels[metric][kept]}  # fmt: skip
            scores = evaluate_reports(
                test.reports[kept], {system: text[kept] for system, text in texts.items()},
                groups=test.groups[kept], random_state=seed, **clinical,
            ).to_frame()  # fmt: skip
            wanted = scores.metric.isin(("rouge_l", "meteor_exact_stem", "bleu_4"))
            scores = scores[scores.metric == "clinical_f1" if clinical else wanted]
            rows.append(scores.assign(data=name, language=language, n=kept.sum()).replace(
                {"metric": {"clinical_f1": metric, "meteor_exact_stem": "meteor"}}))  # fmt: skip
    return pd.concat(rows)


def examine(args, writers, ptbxl):
    """Test writers, print their scores and some texts, and return all scores."""
    found = []
    for title, language, train, test in exams(args, ptbxl):
        texts = {"true report": test.reports}
        for system, writer in writers.items():
            writer.set_params(language=language)
            more = report_baselines(writer, train.X, train.reports, test.X, random_state=args.seed)
            if system != "generated":
                more = {system: more["generated"]}
            texts |= more
        rows = judge(title, language, train, test, texts, args.seed)
        found.append(rows)
        show(rows)
        for i in range(0, len(test.X), len(test.X) // 6):
            print(f"\n  true     {test.reports[i]}\n  written  {texts['generated'][i]}")
    return pd.concat(found)[["data", "language", "system", "metric", "estimate", "low", "high", "n",
                             "n_distinct"]]  # fmt: skip


def show(rows):
    for (data, language), part in rows.groupby(["data", "language"], sort=False):
        part = part.assign(text=[f"{e:.3f} [{a:.3f}, {b:.3f}]" for e, a, b in
                                 part[["estimate", "low", "high"]].to_numpy()])  # fmt: skip
        wide = part.pivot(index="system", columns="metric", values="text")
        wide = wide.loc[part.system.unique(), part.metric.unique()]
        print(f"\n{data}, {language}, n = {part.n.iloc[0]}\n{wide.to_string()}", flush=True)


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of real recordings")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is kept")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--only-tables", action="store_true", help="of the writer as it is")
    add_output(parser)
    parser.add_argument("--random", action="store_true", help="test an untrained encoder as well")
    parser.add_argument("--n-simulated", type=int, default=16_000)
    parser.add_argument("--n-test", type=int, default=1_000, help="simulated, of each language")
    parser.add_argument("--n", type=int, help="about as many real recordings; by default all")
    parser.add_argument("--repeats", type=int, default=3, help="of real recordings")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=2000)
    parser.add_argument("--n-jobs", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments=None):
    args = parse(arguments)
    warnings.filterwarnings("ignore", message="the recordings lack|.*flat")
    ptbxl = real(args.data, args.n)
    if args.only_tables:
        writer = MeritReportGenerator(args.weights, n_jobs=args.n_jobs, random_state=0)
        writer.fit(ECGRecords.from_array(ptbxl.X[:1], sampling_rate=100))
        write(args.output, report_writer=examine(args, {"generated": writer}, ptbxl))
        return
    what = {"seed": args.seed, "n_simulated": args.n_simulated, "repeats": args.repeats}
    what |= {"n": args.n} if args.n else {}
    folder = args.work / f"data-{digest(what)}"
    records, lessons = collect(args, ptbxl, folder)
    counts = lessons.language.value_counts().to_dict()
    print(f"{records}: {counts}", flush=True)
    weights = json.loads((args.weights / CONFIG_NAME).read_text())["weights_sha256"]
    embedders = {("generated", weights): MeritEmbedder.from_pretrained(args.weights)}
    if args.random:
        embedders["random encoder", None] = MeritEmbedder(
            pretrained=None, max_epochs=0, random_state=args.seed
        ).fit(ptbxl.X[:64])
    writers = {}
    for (system, weights), embedder in embedders.items():
        made = what | {"epochs": args.epochs, "settings": SETTINGS, "weights": weights}
        saved = learn(args, embedder, records, lessons, args.work / f"writer-{digest(made)}")
        embedder.report_writer_ = for_the_box(saved)
        writers[system] = MeritReportGenerator(embedder, n_jobs=args.n_jobs, random_state=0)
        writers[system].fit(records[:1])
    scores = examine(args, writers, ptbxl)
    write(args.output, report_writer=scores)
    recipe = {
        "command": "python benchmarks/report_writer.py",
        "data": what | {"folds": [*range(1, 9)], "fewer leads": FEWER, "texts": "simulated: "
                        "machine-like English and German reports; real: 12SL statements, in "
                        "English and translated"},
        "settings": SETTINGS | {"max_epochs": args.epochs}, "recordings in a pass": counts,
        "history": writers["generated"].history_, "versions": versions(),
    }  # fmt: skip
    files = writers["generated"].embedder_.report_writer_
    box = {f"report_writer/{path}": data for path, data in files.items()}
    write_weights(args.weights, {}, {"report_writer": recipe}, parts=box)
    print(f"the writer has {sum(map(len, box.values())) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
