"""``python -m merit_sk.experiment`` from the command line."""

import json
import pkgutil
import re
import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from merit_sk.datasets import make_ecg
from merit_sk.experiment.command import main
from merit_sk.experiment.config import RunConfig
from merit_sk.experiment.data import load_main, load_standardized, task_bunch
from merit_sk.statements import task_labels

QUICK = [
    "--simulated", "100", "--max-epochs", "1", "--min-positives", "3", "--n-jobs", "1",
    "--models", "merit", "summary", "xresnet", "finetuned",
    "--fractions", "0.2", "1", "--n-draws", "2",
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
        for network in ("evaluation._xresnet.XResNetClassifier", "_classifier.MeritClassifier"):
            name = f"merit_sk.{network}"
            patch.setattr(name, partial(pkgutil.resolve_name(name), max_epochs=1))
        call(csn, output)
    return output


def call(csn, output, *more):
    main([*QUICK, *TASKS, "--csn", str(csn), "--output", str(output), *more])


@pytest.fixture
def no_report(monkeypatch):
    """Figures take most of the time of a repeated call."""
    monkeypatch.setattr(f"{main.__module__}.write_report", lambda *args: "none")


def no_training(monkeypatch):
    def fail(*args):
        raise AssertionError("trained again")

    for name in ("pretrain", "classify", "fit_features"):
        monkeypatch.setattr(f"merit_sk.experiment.models.{name}", fail)


def test_every_model_is_probed_with_all_labels_and_with_draws_of_few(finished):
    rows = pd.read_csv(finished / "results.csv")
    probes = rows[(rows.protocol == "probe") & (rows.set == "main")]
    counts = probes.groupby(["model", "task", "fraction"]).size()
    assert set(probes.model) == {"random encoder", "MERIT", "summary features"}
    assert (counts.xs(0.2, level="fraction") == 2).all() and len(counts) == 3 * 2
    assert ((rows.low <= rows.macro_auc) & (rows.macro_auc <= rows.high)).all()


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
    where = "protocol == 'probe' and set == 'main' and task == 'superclass' and fraction == 0.2"
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
    assert kept["versions"]["torch"] and kept["recordings"][0]["recordings"] == 100
    assert "--min-positives" in kept["left_out"]["probe on CSN"]


def test_the_report_needs_nothing_beside_it(finished):
    page = (finished / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 7
    assert not re.search(r'(src|href)="(?!data:)', page)
    titles = "Label efficiency", "ROC of every class", "Zero-shot by class", "Distribution shift"
    for text in (*titles, "Masked modelling", "--simulated 100", "probe on CSN", "MiniRocket"):
        assert text in page
    means = pd.read_csv(finished / "summary.csv").query("protocol == 'probe' and fraction == 1")
    assert all(f"{value:.3f} [" in page for value in means.macro_auc)
    assert page.split("<body>")[1] and (finished / "tables.txt").read_text().count("MERIT minus")


def test_finished_runs_are_not_repeated(finished, csn, monkeypatch, tmp_path, no_report):
    before = (finished / "results.csv").read_text()
    no_training(monkeypatch)
    monkeypatch.setattr("merit_sk.experiment.run.Protocols", None)
    call(csn, finished)
    assert (finished / "results.csv").read_text() == before
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
def refused(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit):
            main(list(arguments))
        return capsys.readouterr().err

    return call


def test_errors_name_the_remedy(refused, tmp_path):
    assert "give the folder of PTB-XL" in refused("--ptbxl", "nowhere")
    assert "no ptbxl_database.csv" in refused("--ptbxl", str(tmp_path))
    assert "give the folder of CSN" in refused("--simulated", "30", "--csn", "nowhere")
    assert "give --ptbxl" in refused("--simulated", "30", "--standardized", "a", "b")
    assert "two folds" in refused("--simulated", "30", "--test-fold", "9")
    assert "name both" in refused("--simulated", "30", "--models", "finetuned")
    assert "--min-positives" in refused("--simulated", "20", "--min-positives", "50")


def test_folds_can_be_rotated():
    config = RunConfig(valid_fold=2, test_fold=3)
    assert config.train_folds == (1, 4, 5, 6, 7, 8, 9, 10)


def test_a_share_of_the_training_patients_keeps_its_reports():
    ecg = load_main(RunConfig(simulated=200, report_fraction=0.1))
    there = np.array([isinstance(report, str) for report in ecg.reports])
    train = ecg.folds <= 8
    assert there[~train].all() and 5 <= there[train].sum() <= 25


def test_tasks_come_from_the_statements():
    ecg = make_ecg(100, random_state=0)
    for task in ("superclass", "form"):
        expected = make_ecg(100, task=task, random_state=0)
        found = task_bunch(ecg, task)
        assert (
            found.target_names == expected.target_names == sorted(set(task_labels(task).values()))
        )
        np.testing.assert_array_equal(found.target, expected.target)


def test_standardised_recordings_get_their_rows_by_number(tmp_path):
    table = tmp_path / "ptbxl_database.csv"
    pd.DataFrame(
        {"scp_codes": ["{'NORM': 100.0}", "{'AFIB': 0.0}"], "report": ["a", "b"]},
        index=pd.Index([1, 2], name="ecg_id"),
    ).to_csv(table)
    np.save(tmp_path / "ecg_id.npy", [2, 1])
    np.save(tmp_path / "signals_int16.npy", np.full((2, 12, 1000), 250, dtype=np.int16))
    found = load_standardized(tmp_path, table, ("report", "report"))
    assert found.reports.tolist() == ["b; b", "a; a"] and (found.data == 0.5).all()
    assert list(found.frame.scp_codes) == [{"AFIB": 0.0}, {"NORM": 100.0}]
    np.save(tmp_path / "ecg_id.npy", [2, 7])
    with pytest.raises(ValueError, match="lacks 1"):
        load_standardized(tmp_path, table, ("report",))


@pytest.mark.slow
def test_real_recordings(data_dir, tmp_path):
    main([
        "--ptbxl", str(data_dir / "ptb-xl"), "--csn", str(data_dir / "csn"), "--max-epochs", "2",
        "--models", "masked", "alignment", "merit", "--output", str(tmp_path),
    ])  # fmt: skip
    rows = pd.read_csv(tmp_path / "results.csv")
    full = rows.query("protocol == 'probe' and task == 'superclass' and fraction == 1")
    assert full.macro_auc.min() > 0.6
