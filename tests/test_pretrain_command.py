"""The command `merit-sk pretrain`."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from merit_sk import MeritEmbedder, read_ecg
from merit_sk.__main__ import main

CASES = {"a": "AFIB", "b": "NORM", "c": "CLBBB", "d": "IMI"}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A folder of four recordings and a broken one, with two tables of reports beside it."""
    folder = tmp_path_factory.mktemp("source")
    made = {}
    for k, (name, code) in enumerate(CASES.items()):
        main(["simulate", str(folder / "exports" / name), code, "--random-state", str(k), "-q"])
        made[name] = f"report of {code}"
    pd.Series(made, name="report").to_csv(folder / "reports.csv", index_label="record")
    more = pd.Series({"a": "irregular"}, name="report")
    more.to_csv(folder / "more.csv", index_label="record")
    (folder / "numbers.csv").write_text("record,report\na,1\nb,2\n")
    (folder / "exports" / "bad.dcm").write_bytes(b"no ECG")
    return folder


@pytest.fixture
def pretrain(source, tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder; exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def pretrain(*words):
        try:
            code = main(["pretrain", str(source / "exports"), "--output", "model", *words])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return pretrain


def same_weights(a, b):
    a, b = (MeritEmbedder.from_pretrained(x).model_.state_dict() for x in (a, b))
    return a.keys() == b.keys() and all((a[k] == b[k]).all() for k in a)


def test_goes_on_from_the_weights_as_fit_does(pretrain, source):
    reports = ["--reports", str(source / "reports.csv"), str(source / "more.csv")]
    code, out, err = pretrain("--max-epochs", "1", *reports, "--json")
    assert code == 1 and err.count("error:") == 1 and "bad.dcm" in err
    said = json.loads(out)
    assert (said["recordings"], said["reports"], len(said["history"])) == (4, 4, 1)
    ecg = read_ecg([source / "exports" / name for name in CASES])
    texts = [f"report of {code}" for code in CASES.values()]
    texts[0] += "; irregular"
    MeritEmbedder(max_epochs=1, random_state=0).fit(ecg.data, reports=texts).save_pretrained("own")
    assert same_weights("model", "own")


def test_from_scratch_by_masked_modeling(pretrain):
    code, out, _ = pretrain("--from-scratch", "--max-epochs", "1", "--seed", "3")
    assert code == 1 and "mi_signal" in out and "mi_text" not in out
    embedder = MeritEmbedder.from_pretrained("model")
    assert embedder.n_iter_ == 1 and embedder.model_.text_tower is None


def test_checkpoint_goes_on(pretrain, source, monkeypatch):
    words = ["--from-scratch", "--max-epochs", "2", "--reports", str(source / "reports.csv")]
    assert pretrain(*words)[0] == 1
    os.rename("model", "straight")
    save = MeritEmbedder.save_pretrained

    def stopped(self, folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(MeritEmbedder, "save_pretrained", stopped)
    code, _, err = pretrain(*words, "--checkpoint", "run")
    assert code == 130 and "interrupted" in err and not os.path.exists("model")
    monkeypatch.setattr(MeritEmbedder, "save_pretrained", save)
    code, out, err = pretrain(*words, "--checkpoint", "run")
    assert code == 1 and "2 epochs" in out and same_weights("model", "straight")


def test_what_is_there_stays(pretrain, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").write_text("mine")
    code, _, err = pretrain("--from-scratch", "--max-epochs", "0")
    assert code == 2 and "model is not empty: give another name, or --force" in err
    assert pretrain("--from-scratch", "--max-epochs", "0", "--force")[0] == 1
    assert (tmp_path / "model" / "thesis.txt").read_text() == "mine"
    code, _, err = pretrain("--from-scratch", "--max-epochs", "0")
    assert code == 2 and "model holds a model" in err


@pytest.mark.parametrize("words, message", [
    ((), "no recording of"), (("--encoder", "small"), "needs --from-scratch"),
    (("--folds", "1"), "has no folds"), (("--device", "foo"), "--device foo cannot be used"),
    (("--max-epochs", "-1"), "max_epochs"), (("--checkpoint", "model"), "the same folder"),
    (("--reports", "nothing.csv"), "nothing.csv"), (("--pretrained", "nowhere", "--max-epochs",
     "1"), "nowhere"), (("--pretrained", "x", "--from-scratch"), "not allowed with"),
    (("--errors", "raise"), "bad.dcm"),
])  # fmt: skip
def test_errors_are_one_line(pretrain, tmp_path, words, message):
    code, out, err = pretrain(*words)
    assert code == 2 and not out and message in err.splitlines()[-1]
    assert "Traceback" not in err and not list(tmp_path.iterdir())


def test_reports_that_are_no_texts(pretrain, source):
    code, _, err = pretrain("--reports", str(source / "numbers.csv"))
    assert code == 2 and "must be texts, got 1" in err


def test_no_source(tmp_path, capsys):
    with pytest.raises(SystemExit) as error:
        main(["pretrain", str(tmp_path / "nothing"), "--output", str(tmp_path / "model")])
    assert error.value.code == 2 and "no such file or folder" in capsys.readouterr().err


def test_folds_and_reports_of_ptbxl(data_dir, tmp_path, capsys):
    words = ["pretrain", str(data_dir / "ptb-xl"), "--from-scratch", "--max-epochs", "0", "--json"]
    main([*words, "--output", str(tmp_path / "all")])
    everything = json.loads(capsys.readouterr().out)
    assert everything["source"] == "PTB-XL" and everything["reports"] > 0
    main([*words, "--output", str(tmp_path / "some"), "--folds", "9", "10", "--reports", "report"])
    some = json.loads(capsys.readouterr().out)
    assert 0 < some["recordings"] < everything["recordings"]


@pytest.mark.slow
def test_the_same_line_under_torchrun(source, tmp_path):
    words = [
        "-m", "merit_sk", "pretrain", str(source / "exports"), "--output", "model",
        "--reports", str(source / "reports.csv"), "--max-epochs", "1", "--checkpoint", "run",
    ]  # fmt: skip
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [sys.executable, *launcher, *words], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout.count("1 epochs on 4 recordings, 4 with a report") == 1, done.stderr
    assert done.stderr.count("merit-sk pretrain: error:") == 1 and "bad.dcm" in done.stderr
    assert MeritEmbedder.from_pretrained(tmp_path / "model").n_iter_ == 2
    assert np.isfinite(MeritEmbedder.from_pretrained(tmp_path / "model").history_[-1]["mi_text"])
