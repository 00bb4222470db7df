"""Written reports of real ECGs, against what could be written without a model.

    python benchmarks/reports.py --ptbxl PATH --reports CSV [--cache FOLDER]

Trains on folds 1 to 8 of PTB-XL, tests on fold 10. CSV has the columns ``ecg_id``, ``text_en`` and,
as in PTB-XL+, ``statements``: the codes behind each text. One generator each reads the embedding of
MERIT, of a random encoder and of one pretrained by masked modeling alone; nothing else differs.
Beside them stand the baselines and the true reports, whose clinical F1 is the ceiling: the
cardiologist's superclasses, and the codes with at least 10 training and 5 test records, recovered
from the text by a classifier that was trained on training reports. Intervals are by patient.
"""

import argparse
import ast
import json
import time
from pathlib import Path

import numpy as np

from merit_sk import MeritEmbedder, MeritReportGenerator
from merit_sk.datasets import load_ptbxl
from merit_sk.evaluation import evaluate_reports, report_baselines, report_labeler

ENCODERS = {"random": {"max_epochs": 0}, "masked": {"structure_weight": 1}, "merit": {}}
SIGNS = {"LPAREN", "RPAREN", "COMMA"}
METRICS = ["bleu_4", "rouge_1", "rouge_2", "rouge_l", "meteor_exact_stem"]


def pretrained(name, ecg, train, options):
    folder = Path(options.cache) / f"{name}-{options.seed}"
    if not folder.is_dir():
        embedder = MeritEmbedder(
            pretrained=None, random_state=options.seed, n_jobs=options.n_jobs,
            **ENCODERS[name] | options.changes,
        )  # fmt: skip
        embedder.fit(ecg.data[train], reports=ecg.reports[train]).save_pretrained(folder)
    return MeritEmbedder.from_pretrained(folder)


def write(name, ecg, train, test, options):
    """Texts of the generator and of the baselines that depend on the embedding."""
    file = Path(options.cache) / f"texts-{name}-{options.seed}.json"
    if file.is_file():
        return {k: np.array(v, dtype=object) for k, v in json.loads(file.read_text()).items()}
    embedder = pretrained(name, ecg, train, options)
    generator = MeritReportGenerator(
        embedder, random_state=options.seed, n_jobs=options.n_jobs, **options.changes
    )
    cpu, wall = time.process_time(), time.perf_counter()
    generator.fit(ecg.data[train], reports=ecg.reports[train])
    fitted = time.process_time(), time.perf_counter()
    generator.predict(ecg.data[test])
    cpu_predict, wall_predict = time.process_time() - fitted[0], time.perf_counter() - fitted[1]
    print(
        f"{name}: {train.sum()} records trained in {fitted[1] - wall:.0f} s "
        f"({fitted[0] - cpu:.0f} s of processor), {test.sum() / wall_predict:.0f} reports/s "
        f"({test.sum() / cpu_predict:.0f} per second of processor), from the signal",
        flush=True,
    )
    texts = report_baselines(
        generator, ecg.data[train], ecg.reports[train], ecg.data[test], random_state=options.seed
    )
    file.write_text(json.dumps({k: list(v) for k, v in texts.items()}))
    return texts


def statement_labels(csv, ids, train, test):
    """Indicator matrix of the frequent codes behind the texts."""
    import pandas as pd
    from sklearn.preprocessing import MultiLabelBinarizer

    codes = pd.read_csv(csv, index_col="ecg_id")["statements"].loc[ids].map(ast.literal_eval)
    binarizer = MultiLabelBinarizer()
    labels = binarizer.fit_transform([{c for c in row if c.isalnum()} - SIGNS for row in codes])
    kept = (labels[train].sum(axis=0) >= 10) & (labels[test].sum(axis=0) >= 5)
    return labels[:, kept], binarizer.classes_[kept]


def judge(systems, ecg, statements, train, test, options):
    """Scores against superclasses (with all text metrics), and against the statements."""
    return [
        evaluate_reports(
            ecg.reports[test],
            systems,
            target=target[test],
            groups=ecg.groups[test],
            labeler=report_labeler().fit(ecg.reports[train], target[train]),
            random_state=options.seed,
        )
        for target in (ecg.target, statements)
    ]


def show(scores, by_statement, differences):
    columns = [(m, scores, m) for m in METRICS]
    columns += [
        ("superclass_f1", scores, "clinical_f1"),
        ("statement_f1", by_statement, "clinical_f1"),
    ]
    print(f"\n{'':24}" + "".join(f"{name:>24}" for name, *_ in columns) + "   texts")
    for system in scores.intervals:
        cells = [source.intervals[system][metric] for _, source, metric in columns]
        row = "".join(f"{f'{i.estimate:.3f} [{i.low:.3f}, {i.high:.3f}]':>24}" for i in cells)
        print(f"{system:24}{row}{scores.n_distinct[system]:8}")
    print("\nDifferences")
    for a, b in differences:
        for name, source, metric in columns[3:]:
            print(f"{f'{a} - {b}':46}{name:>20}  {source.compare(a, b, metric)}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ptbxl", required=True, help="folder of PTB-XL")
    parser.add_argument("--reports", required=True, help="csv file of English machine statements")
    parser.add_argument("--cache", default="benchmark-reports", help="pretrained models and texts")
    parser.add_argument("--encoders", nargs="+", choices=list(ENCODERS), default=list(ENCODERS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few recordings: tests the script")
    options = parser.parse_args(arguments)
    options.changes = {"max_epochs": 1} if options.quick else {}
    Path(options.cache).mkdir(parents=True, exist_ok=True)
    ecg = load_ptbxl(options.ptbxl, reports=options.reports)
    there = np.array([isinstance(report, str) for report in ecg.reports])
    if options.quick:
        there &= (np.arange(len(there)) % 3 == 0) | (ecg.folds == 10)
    train, test = there & (ecg.folds <= 8), there & (ecg.folds == 10)
    statements, codes = statement_labels(options.reports, ecg.frame.index, train, test)
    written = {name: write(name, ecg, train, test, options) for name in options.encoders}
    last = options.encoders[-1]
    systems = {f"generator, {name}": texts["generated"] for name, texts in written.items()}
    systems |= {f"nearest, {name}": texts["nearest report"] for name, texts in written.items()}
    plain = ("majority report", "shuffled ECG", "no ECG")
    systems |= {kind: written[last][kind] for kind in plain}
    systems["true report"] = ecg.reports[test]
    scores, by_statement = judge(systems, ecg, statements, train, test, options)
    print(f"{train.sum()} training and {test.sum()} test records; codes: {' '.join(codes)}")
    first = f"generator, {last}"
    against = [name for name in systems if name not in (first, "true report")]
    show(scores, by_statement, [(first, name) for name in against])


if __name__ == "__main__":
    main()
