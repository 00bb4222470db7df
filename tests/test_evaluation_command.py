"""The main job from the command line."""

import json

import pandas as pd
import pytest

from merit_sk.evaluation.__main__ import main
from merit_sk.evaluation._run import MODELS

ARGUMENTS = ["--simulated", "100", "--max-epochs", "1", "--min-positives", "2", "--n-jobs", "1"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    main([*ARGUMENTS, "--output", str(output)])
    return output


def test_one_row_for_every_model_protocol_and_task(finished):
    rows = pd.read_csv(finished / "results.csv")
    probes = rows[rows.protocol == "probe"]
    assert set(probes.model) == set(MODELS) and len(probes) == 2 * len(MODELS)
    assert set(rows[rows.protocol == "zero-shot"].model) == {"alignment only", "MERIT"}
    assert ((rows.low <= rows.macro_auc) & (rows.macro_auc <= rows.high)).all()


def test_the_table_holds_the_figures_of_the_csv(finished):
    table = (finished / "table.txt").read_text()
    rows = pd.read_csv(finished / "results.csv")
    assert all(f"{value:.4f}" in table for value in rows.macro_auc)


def test_configuration_and_versions_are_kept(finished):
    config = json.loads((finished / "config.json").read_text())
    assert config["simulated"] == 100 and config["versions"]["torch"]


def test_a_figure_and_a_model_are_left_behind(finished):
    from merit_sk import MeritEmbedder

    assert (finished / "merit.png").stat().st_size > 20_000
    assert MeritEmbedder.from_pretrained(finished / "model").n_iter_ == 1


def test_finished_runs_are_not_repeated(finished, monkeypatch):
    before = (finished / "results.csv").read_text()

    def fail(*args):
        raise AssertionError("pretrained again")

    monkeypatch.setattr("merit_sk.evaluation._run.evaluate_model", fail)
    main([*ARGUMENTS, "--output", str(finished)])
    assert (finished / "results.csv").read_text() == before
    with pytest.raises(AssertionError, match="pretrained again"):
        main([*ARGUMENTS, "--output", str(finished), "--structure-weight", "0.5"])


def test_damaged_runs_are_repeated_not_believed(finished, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    run = next((copy / "runs").glob("random-encoder*.json"))
    run.write_text(run.read_text()[:100])
    main([*ARGUMENTS, "--output", str(copy)])
    assert (copy / "results.csv").read_text() == (finished / "results.csv").read_text()


@pytest.mark.slow
def test_real_recordings(data_dir, tmp_path):
    main(["--ptbxl", str(data_dir / "ptb-xl"), "--max-epochs", "2", "--output", str(tmp_path)])
    rows = pd.read_csv(tmp_path / "results.csv")
    assert rows[rows.protocol == "probe"].macro_auc.min() > 0.6
