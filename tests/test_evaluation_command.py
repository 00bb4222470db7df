"""Experiments: functions, and the command ``merit-sk compare``."""

import importlib.metadata
import json
import re
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from browser import assert_fetches_nothing, opened
from scipy.io import savemat
from sklearn.utils import Bunch

import merit_sk
from merit_sk import ECGRecords, MeritClassifier, MeritEmbedder, estimators
from merit_sk.__main__ import main
from merit_sk.datasets import make_ecg
from merit_sk.evaluation import SummaryFeatures
from merit_sk.experiment import load_experiment, run_experiment, select_task, write_report
from merit_sk.statements import task_labels

QUICK = [
    "--simulated", "100", "--max-epochs", "1", "--min-positives", "3", "--n-jobs", "1",
    "--models", "merit", "summary", "xresnet", "finetuned",
    "--fractions", "20", "500", "1", "--n-repeats", "2",
]  # fmt: skip
TASKS = ["--tasks", "superclass"]


@pytest.fixture(scope="module")
def csn(tmp_path_factory):
    """Simulated recordings in the files of CSN: three of its classes."""
    folder = tmp_path_factory.mktemp("csn")
    table = "Acronym Name,Full Name,Snomed_CT\nAFIB,Atrial Fibrillation,164889003\n"
    table += "LBBB,left bundle branch block,164909002\nMI,myocardial infarction,164865005\n"
    (folder / "ConditionNames_SNOMED-CT.csv").write_text(table)
    cases = {"CLBBB": "164909002", "IMI": "164865005", "AFIB": "164889003"}
    ecg = make_ecg(24, statements=list(cases), random_state=1, sampling_rate=500)
    records = folder / "WFDBRecords"
    records.mkdir()
    for i, x in enumerate(ecg.data):
        savemat(records / f"J{i}.mat", {"val": (1000 * x).astype(np.int16)}, format="4")
        header = f"J{i} 12 500 5000\n" + "".join(
            f"J{i}.mat 16+24 1000/mV 16 0 0 0 0 {lead}\n" for lead in ecg.data.lead_names
        )
        (records / f"J{i}.hea").write_text(f"{header}#Dx: {list(cases.values())[i % 3]}\n")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, csn):
    output = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XResNetClassifier", "MeritClassifier"):
            quick = partial(getattr(estimators, name), max_epochs=1)
            patch.setattr(f"merit_sk.estimators.{name}", quick)
        call(csn, output)
    return output


def call(csn, output, *more):
    main(["compare", *QUICK, *TASKS, "--csn", str(csn), "--output", str(output), *more])


@pytest.fixture
def no_report(monkeypatch):
    """Figures take most of the time of a repeated call."""
    monkeypatch.setattr("merit_sk.experiment.command.write_report", lambda *a, **kw: "none")


def no_training(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("trained again")

    for kind in (MeritEmbedder, MeritClassifier, estimators.XResNetClassifier, SummaryFeatures):
        monkeypatch.setattr(kind, "fit", fail)


def test_every_model_is_probed_with_all_labels_and_with_draws_of_few(finished):
    rows = pd.read_csv(finished / "results.csv")
    probes = rows[(rows.protocol == "probe") & (rows.set == "main")]
    counts = probes.groupby(["model", "task", "labels"]).size()
    assert set(probes.model) == {"random encoder", "MERIT", "summary features"}
    assert (counts.xs(20, level="labels") == 2).all() and len(counts) == 3 * 2
    assert probes[probes.labels == 20].n_train.between(15, 25).all()
    assert ((rows.low <= rows.macro_auc) & (rows.macro_auc <= rows.high)).all()


def test_the_report_draws_its_figures_and_fetches_nothing(finished, tmp_path):
    page = finished / "report.html"
    assert not re.search(r"https?:|@import|<link|<script|url\(", page.read_text())
    assert_fetches_nothing(page, tmp_path)
    script = """<script>addEventListener("load", () => document.body.append(Object.assign(
      document.createElement("p"), { id: "sizes", textContent: [...document.images].map(
      i => i.complete ? i.naturalWidth : 0).join(" ") })));</script></body>"""
    copy = tmp_path / "copy.html"
    copy.write_text(page.read_text().replace("</body>", script))
    widths = opened(copy, tmp_path).text("sizes").split()
    assert len(widths) >= 6 and min(map(int, widths)) > 300


def test_networks_have_all_labels_and_are_carried_over(finished):
    rows = pd.read_csv(finished / "results.csv")
    rows = rows[rows.model.isin(("MERIT fine-tuned", "supervised xresnet1d18"))]
    assert set(rows.protocol) == {"supervised", "shift"} and (rows.fraction == 1).all()
    assert len(rows) == 2 * (1 + 2)
    assert rows.macro_auc.nunique() > 1


def test_zero_shot_stands_beside_what_needs_no_alignment(finished):
    rows = pd.read_csv(finished / "results.csv").query("protocol == 'zero-shot'")
    nearest = {f"nearest reports, {name}" for name in ("random encoder", "MERIT")}
    assert set(rows[rows.set == "main"].model) == {"MERIT", "majority"} | nearest
    assert (rows[rows.model == "majority"].macro_auc == 0.5).all()


def test_shift_is_judged_on_the_classes_that_are_there(finished):
    rows = pd.read_csv(finished / "results.csv")
    shift = rows[rows.set == "ptbxl to csn"]
    assert set(shift.protocol) == {"shift", "zero-shot shift"}
    assert set(shift.task) == {"published", "corrected"}
    assert (shift.n_classes == 2).all() and (shift.n_test == 24).all()
    assert len(rows[(rows.set == "csn") & (rows.protocol == "zero-shot")]) == 4


def test_means_and_differences_follow_from_the_rows(finished):
    rows, means, gaps = (
        pd.read_csv(finished / f"{name}.csv") for name in ("results", "summary", "comparisons")
    )
    where = "protocol == 'probe' and set == 'main' and task == 'superclass' and labels == 20"
    mean = rows.query(where).groupby("model").macro_auc.mean()
    found = means.query(where).set_index("model").macro_auc
    pd.testing.assert_series_equal(found.sort_index(), mean.sort_index())
    gap = gaps.query(where).set_index("model")
    assert set(gap.index) == {"random encoder", "summary features"}
    assert gap.difference["random encoder"] == pytest.approx(mean["MERIT"] - mean["random encoder"])
    assert ((gaps.low <= gaps.difference) & (gaps.difference <= gaps.high)).all()
    assert gaps.p_value.between(0, 1).all()


def test_configuration_versions_and_what_was_left_out_are_kept(finished):
    kept = json.loads((finished / "results.json").read_text())
    assert kept["config"]["simulated"] == 100 and kept["config"]["seeds"] == [0]
    assert {"MERIT, seed 0", "summary features, seed 0"} <= {*kept["versions"]}
    assert kept["versions"]["MERIT, seed 0"]["merit_sk"] == merit_sk.__version__
    assert kept["recordings"][0]["recordings"] == 100
    assert "min_positives" in kept["left_out"]["probe on CSN"]
    many = kept["left_out"]["probe with 500 labels, task superclass"]
    assert many.endswith("labeled training records")


def test_the_report_needs_nothing_beside_it(finished):
    page = (finished / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 7
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "<h2>Linear probe, 20 labels</h2>" in page and "Linear probe, all training" in page
    titles = "Label efficiency", "ROC of every class", "Zero-shot by class", "Distribution shift"
    for text in (*titles, "Masked modeling", "--simulated 100", "probe on CSN", "MiniRocket"):
        assert text in page
    means = pd.read_csv(finished / "summary.csv").query("protocol == 'probe' and fraction == 1")
    assert all(f"{value:.3f} [" in page for value in means.macro_auc)
    assert page.count("<tr class=own><th>MERIT</th>") == page.count("<h2>Linear probe") + 4
    assert "MERIT minus" in (finished / "tables.txt").read_text()


def test_finished_runs_are_not_repeated(finished, csn, monkeypatch, tmp_path, no_report):
    def runs():
        return {path: path.stat().st_mtime_ns for path in (finished / "runs").iterdir()}

    before, kept = (finished / "results.csv").read_text(), runs()
    no_training(monkeypatch)
    call(csn, finished)
    assert (finished / "results.csv").read_text() == before and runs() == kept
    with pytest.raises(AssertionError, match="trained again"):
        call(csn, tmp_path / "other")


def test_more_protocols_do_not_train_or_embed_again(
    finished, csn, monkeypatch, tmp_path, no_report
):
    no_training(monkeypatch)
    monkeypatch.setattr("merit_sk.MeritEmbedder.transform", None)
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    call(csn, copy, "--tasks", "superclass", "all")
    rows = pd.read_csv(copy / "results.csv")
    assert set(rows.query("protocol == 'probe' and set == 'main'").task) == {"superclass", "all"}


def test_damaged_runs_are_repeated_not_believed(finished, csn, tmp_path, no_report):
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    runs = copy / "runs"
    for run in (next(runs.glob("MERIT*.npz")), next(runs.glob("random*.json"))):
        run.write_bytes(run.read_bytes()[:100])
    call(csn, copy)
    assert (copy / "results.csv").read_text() == (finished / "results.csv").read_text()


@pytest.fixture
def quick(tmp_path, tiny):
    """Run a small experiment, always in the same folder."""
    embedder = MeritEmbedder(**tiny | {"max_epochs": 0})
    options = dict(output=tmp_path, models=["summary"], tasks=["superclass"], fractions=[1],
                   min_positives=3, embedder=embedder)  # fmt: skip
    return partial(run_experiment, **options)


def folders(experiment):
    return {path.name for path in (experiment.output / "models").iterdir()}


@pytest.mark.parametrize("changed", [
    "merit_sk.__version__", "merit_sk.datasets.simulation.SIMULATOR_VERSION",
])  # fmt: skip
def test_what_another_version_has_made_is_not_taken(quick, monkeypatch, changed):
    data = load_experiment(simulated=100)
    before = folders(quick(data))
    assert folders(quick(data)) == before
    monkeypatch.setattr(changed, "another")
    experiment = quick(data)
    assert len(folders(experiment) - before) == len(before) == 2
    stamps = json.loads((experiment.output / "results.json").read_text())["versions"]
    assert all("another" in made.values() for made in stamps.values()) and len(stamps) == 2


def test_tables_name_the_versions_that_models_were_fitted_under(quick, monkeypatch):
    data = load_experiment(simulated=100)
    fitted = quick(data).versions
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "another")
    stamps = json.loads((quick(data).output / "results.json").read_text())["versions"]
    assert stamps == fitted


def test_other_signals_under_the_same_names_are_not_taken_for_the_old_ones(quick):
    data = load_experiment(simulated=100)
    before = quick(data)
    records = ECGRecords.from_array(
        np.asarray(data.main.data)[::-1],
        sampling_rate=100,
        record_names=data.main.data.record_names,
    )
    other = quick(replace(data, main=Bunch(**data.main | {"data": records})))
    assert len(folders(other)) == 4
    auc = [e.rows.query("model == 'summary features'").macro_auc.tolist() for e in (before, other)]
    assert auc[0] != auc[1]


def test_figures_of_the_caller_stay_open(quick):
    import matplotlib
    import matplotlib.pyplot as plt

    figure, backend = plt.figure(), matplotlib.get_backend()
    write_report(quick(load_experiment(simulated=100)))
    assert plt.get_fignums() == [figure.number] and matplotlib.get_backend() == backend
    plt.close(figure)


@pytest.fixture
def refused(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as error:
            main(["compare", *arguments])
        assert error.value.code == 2
        return capsys.readouterr().err

    return call


def test_errors_name_the_remedy(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "give the folder of PTB-XL" in refused("--ptbxl", "nowhere")
    assert "no ptbxl_database.csv" in refused("--ptbxl", str(tmp_path))
    assert "give the folder of CSN" in refused("--simulated", "30", "--csn", "nowhere")
    assert "two folds" in refused("--simulated", "30", "--test-fold", "9")
    assert "name both" in refused("--simulated", "30", "--models", "finetuned")
    assert "(min_positives)" in refused("--simulated", "60", "--min-positives", "50")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options, message", [
    ({"models": ["nothing"]}, "models must be among"), ({"tasks": ["x"]}, "tasks must be among"),
    ({"report_fraction": 0}, "report_fraction"), ({"valid_fold": 11}, "two folds of 1 to 10"),
    ({"embedder": MeritEmbedder(pretrained="merit-tiny")}, "from scratch"),
])  # fmt: skip
def test_arguments_are_checked(quick, options, message):
    with pytest.raises(ValueError, match=message):
        quick(load_experiment(simulated=20), **options)


def test_ptbxl_or_simulated_recordings():
    with pytest.raises(ValueError, match="either ptbxl=, a folder, or simulated="):
        load_experiment()


def test_folds_can_be_rotated(quick):
    experiment = quick(load_experiment(simulated=100), valid_fold=2, test_fold=3)
    folds = experiment.data.main.folds
    counts = experiment.counts()[0]
    assert counts["test"] == (folds == 3).sum() and counts["validation"] == (folds == 2).sum()
    assert counts["training"] == 100 - counts["test"] - counts["validation"]


def test_a_share_of_the_training_patients_keeps_its_reports(quick):
    ecg = quick(load_experiment(simulated=200), report_fraction=0.1).data.main
    there = np.array([isinstance(report, str) for report in ecg.reports])
    train = ecg.folds <= 8
    assert there[~train].all() and 5 <= there[train].sum() <= 25


def test_tasks_come_from_the_statements():
    ecg = make_ecg(100, random_state=0)
    for task in ("superclass", "form"):
        expected = make_ecg(100, task=task, random_state=0)
        found = select_task(ecg, task)
        assert (
            found.target_names == expected.target_names == sorted(set(task_labels(task).values()))
        )
        np.testing.assert_array_equal(found.target, expected.target)


def test_reports_of_several_sources_are_joined(tmp_path):
    (tmp_path / "scp_statements.csv").write_text(
        ",diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass\nNORM,1,,,NORM,NORM\n"
    )
    pd.DataFrame(
        {"patient_id": [1, 2], "strat_fold": [1, 2], "report": ["a", None], "more": ["b", "c"],
         "scp_codes": "{'NORM': 100.0}", "filename_lr": ["a/1", "a/2"],
         "filename_hr": ["a/1", "a/2"]},
        index=pd.Index([1, 2], name="ecg_id"),
    ).to_csv(tmp_path / "ptbxl_database.csv")  # fmt: skip
    data = load_experiment(ptbxl=tmp_path, reports=["report", "more"])
    assert data.main.reports.tolist() == ["a; b", "c"]


@pytest.mark.slow
def test_real_recordings(data_dir, tmp_path):
    main([
        "compare", "--ptbxl", str(data_dir / "ptb-xl"), "--csn", str(data_dir / "csn"),
        "--max-epochs", "2",
        "--models", "masked", "alignment", "merit", "--output", str(tmp_path),
    ])  # fmt: skip
    rows = pd.read_csv(tmp_path / "results.csv")
    full = rows.query("protocol == 'probe' and task == 'superclass' and fraction == 1")
    assert full.macro_auc.min() > 0.6
