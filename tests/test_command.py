"""The command ``merit-sk``: ``read``, ``embed`` and ``simulate``."""

import json
import subprocess
import sys
from pathlib import Path

import ecg_files
import numpy as np
import pandas as pd
import pytest

from merit_sk import (
    ECGRecords,
    MeritEmbedder,
    MeritMeasurements,
    MeritReportGenerator,
    MeritZeroShotClassifier,
)
from merit_sk.__main__ import main
from merit_sk.datasets import make_ecg
from merit_sk.nn.encoder import ConvEncoder


@pytest.fixture(scope="module")
def weights(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    fitted.save_pretrained(folder)
    return str(folder)


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_a_file_in_statements_embedding_and_picture_out(weights, tmp_path, capsys):
    record = tmp_path / "new" / "ecg"
    main(["simulate", str(record), "AFIB"])
    main(["read", str(record), "--pretrained", weights, "--top", "7"])
    out = capsys.readouterr().out
    assert "Atrial fibrillation" in out
    assert "ecg: WFDB, 10 s at 500 Hz, 12 leads" in out and "beats a minute" in out
    chances = [float(line.split()[0]) for line in out.splitlines() if line.startswith("   ")]
    found = out.count(" * ") - 1
    assert len(chances) == max(7, found) and chances == sorted(chances, reverse=True)
    assert record.with_suffix(".png").stat().st_size > 10_000


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_several_records_each_with_its_picture(weights, tmp_path, capsys):
    records = [str(tmp_path / name) for name in ("a", "b")]
    for record in records:
        main(["simulate", record, "NORM"])
    main(["read", *records, "--pretrained", weights])
    out = capsys.readouterr().out
    assert out.count("probability (*") == 2
    assert (tmp_path / "a.png").exists() and (tmp_path / "b.png").exists()


def test_a_recording_goes_through_the_network_once(tmp_path, monkeypatch, capsys):
    for name, statement in {"a": "AFIB", "b": "NORM"}.items():
        main(["simulate", str(tmp_path / name), statement])
    capsys.readouterr()
    windows, forward = [], ConvEncoder.forward

    def counted(encoder, signal, n_valid):
        windows.append(signal.clone())
        return forward(encoder, signal, n_valid)

    monkeypatch.setattr(ConvEncoder, "forward", counted)
    main(["read", str(tmp_path / "a"), str(tmp_path / "b"), "--json"])
    main(["read", str(tmp_path / "a"), "--output", str(tmp_path / "a.png")])
    assert len(windows) == 3 and windows[0].equal(windows[2]) and not windows[0].equal(windows[1])
    read = json.loads(capsys.readouterr().out.splitlines()[0])

    X = ECGRecords.from_wfdb([tmp_path / "a"])
    measured = MeritMeasurements().measure(X).iloc[0]
    assert read["measured"]["qrs_duration"] == pytest.approx(measured.qrs_duration, abs=0)
    assert read["written_report"] == MeritReportGenerator().predict(X)[0]
    assert read["familiarity"] == MeritEmbedder().decision_function(X)[0]
    zero = MeritZeroShotClassifier(language="en").fit(X)
    chances = dict(zip(zero.classes_, zero.predict_proba(X)[0], strict=True))
    assert {s["code"]: s["probability"] for s in read["statements"]} == chances


def test_no_file_of_the_user_is_overwritten(weights, tmp_path, capsys):
    record, picture = tmp_path / "patient", tmp_path / "patient.png"
    main(["simulate", str(record), "NORM"])
    picture.write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for words in (["simulate", str(record), "AFIB"], ["simulate", f"{record}.dat", "AFIB"],
                  ["read", str(record), "--pretrained", weights]):  # fmt: skip
        with pytest.raises(SystemExit) as error:
            main(words)
        assert error.value.code == 2 and "exists" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_a_picture_is_drawn_again_where_that_is_asked_for(weights, tmp_path):
    main(["simulate", str(tmp_path / "ecg"), "NORM"])
    picture = tmp_path / "ecg.png"
    picture.write_text("old")
    main(["read", str(tmp_path / "ecg.hea"), "--pretrained", weights, "--force"])
    assert picture.stat().st_size > 10_000


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_a_folder_of_other_formats(weights, tmp_path, monkeypatch, capsys):
    signal = np.asarray(make_ecg(1, sampling_rate=500, random_state=0).data)[0]
    (tmp_path / "muse.xml").write_bytes(ecg_files.muse_bytes(signal, ecg_files.TWELVE))
    (tmp_path / "1.2.840.7").write_bytes(ecg_files.scp_bytes(ecg_files.integers(signal, 2.5)))
    monkeypatch.chdir(tmp_path)
    main(["read", ".", "--pretrained", weights])
    out = capsys.readouterr().out
    assert out.count("probability (*") == 2 and "\nmuse.png" in out
    assert {p.name for p in tmp_path.glob("*.png")} == {"muse.png", "1.2.840.7.png"}
    (tmp_path / "muse").write_bytes((tmp_path / "muse.xml").read_bytes())
    with pytest.raises(SystemExit):
        main(["read", ".", "--pretrained", weights, "--force"])
    assert "muse.png would be the picture of several records" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_one_lead(weights, tmp_path, capsys):
    import wfdb

    wfdb.wrsamp(
        "one", fs=250, units=["mV"], sig_name=["I"], fmt=["16"], write_dir=str(tmp_path),
        p_signal=np.sin(np.arange(7500) / 20)[:, None],
    )  # fmt: skip
    picture = tmp_path / "picture.png"
    main(["read", str(tmp_path / "one.hea"), "--pretrained", weights, "--output", str(picture)])
    out = capsys.readouterr().out
    assert out.count("lack 11 of the model's 12 leads") == 1 and picture.exists()


def test_embeddings_of_a_folder(weights, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, code in {"a": "AFIB", "b": "NORM", "c": "CLBBB"}.items():
        assert not main(["simulate", f"files/{name}", code])
    (tmp_path / "files" / "bad.dcm").write_bytes(b"no ECG")
    words = ["embed", "files", "--output", "out/Z.npz", "--pretrained", str(weights)]
    with pytest.raises(SystemExit):
        main([*words, "--errors", "raise"])
    assert "bad.dcm" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert main(words) == 1
    assert "error: record files/bad.dcm is in none" in capsys.readouterr().err.replace(
        f"{tmp_path}/", ""
    )
    found = np.load("out/Z.npz")
    assert found["record_names"].tolist() == ["a", "b", "c"]
    embedder = MeritEmbedder.from_pretrained(weights)
    expected = embedder.transform(ECGRecords.from_wfdb([f"files/{x}" for x in "abc"]))
    np.testing.assert_allclose(found["Z"], expected, atol=1e-5)
    assert found["feature_names"].tolist() == embedder.get_feature_names_out().tolist()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["Z.npz"]
    with pytest.raises(SystemExit):
        main(words)
    assert "out/Z.npz exists" in capsys.readouterr().err


def test_a_table_of_embeddings(weights, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    main(["simulate", "a", "AFIB"])
    words = ["embed", "a", "--pretrained", weights, "--output"]
    assert main([*words, "Z.parquet"]) == main([*words, "Z.npz"]) == 0
    table, arrays = pd.read_parquet("Z.parquet"), np.load("Z.npz")
    np.testing.assert_array_equal(table.to_numpy(), arrays["Z"])
    assert list(table.columns) == arrays["feature_names"].tolist()
    assert table.index.name == "record" and list(table.index) == ["a"]
    assert table.to_numpy().dtype == np.float32


def test_a_table_needs_pyarrow(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as error:
        main(["embed", ".", "--output", str(tmp_path / "Z.parquet")])
    assert error.value.code == 2
    assert "pip install pyarrow, or give" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["Z.npz", "Z.parquet"])
def test_embedding_goes_on_where_it_was(weights, tmp_path, monkeypatch, output):
    from merit_sk.estimators import command

    if output == "Z.parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "AT_ONCE", 1)
    for name in "ab":
        assert not main(["simulate", f"files/{name}", "NORM", "--random-state", str(ord(name))])
    words = ["embed", "files", "--output", output, "--pretrained", str(weights)]
    transform, seen = MeritEmbedder.transform, []

    def stopped(self, X):
        if seen:
            raise KeyboardInterrupt
        seen.append(len(X))
        return transform(self, X)

    monkeypatch.setattr(MeritEmbedder, "transform", stopped)
    with pytest.raises(SystemExit) as error:
        main(words)
    assert error.value.code == 130
    monkeypatch.setattr(MeritEmbedder, "transform", transform)
    part = tmp_path / f".{output}.part"
    assert part.is_dir() and not (tmp_path / output).exists()
    assert not main(words)
    assert (tmp_path / output).is_file() and not part.exists()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A folder with a good recording and two that are broken."""
    folder = tmp_path_factory.mktemp("mixed")
    main(["simulate", str(folder / "a"), "AFIB", "-q"])
    main(["simulate", str(folder / "cut"), "NORM", "-q"])
    (folder / "cut.dat").write_bytes((folder / "cut.dat").read_bytes()[:100])
    (folder / "bad.dcm").write_bytes(b"no ECG")
    return folder


KEYS = {
    "record", "path", "format", "error", "duration", "sampling_rate", "leads", "flat_leads",
    "clipped_leads", "noisy_leads", "wandering_leads", "invalid", "amplitude", "heart_rate",
    "measured", "in_file", "report", "written_report", "familiarity", "statements", "notes",
    "picture",
}  # fmt: skip


def test_keys_are_documented():
    page = (Path(__file__).parents[1] / "docs" / "command.rst").read_text()
    assert not {key for key in KEYS if f"``{key}``" not in page}


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_json_is_a_line_a_recording_and_nothing_else(weights, mixed, capsys):
    assert main(["read", str(mixed), "--json", "-v", "--pretrained", weights]) == 1
    out, err = capsys.readouterr()
    first, *broken = map(json.loads, out.splitlines())
    assert set(first) == KEYS and first["record"] == "a" and first["error"] is None
    assert len(first["statements"]) == 71 and first["picture"] is None
    assert set(first["statements"][0]) == {
        "code", "description", "probability", "operating_point", "found"
    }  # fmt: skip
    assert (first["duration"], first["sampling_rate"], len(first["leads"])) == (10, 500, 12)
    assert [b["record"] for b in broken] == ["bad", "cut"] and all(b["error"] for b in broken)
    assert err.count("error:") == 2 and not list(mixed.glob("*.png"))


def test_json_has_no_nan(weights, tmp_path, capsys):
    import wfdb

    flat = np.full((500, 1), 0.5)
    wfdb.wrsamp("flat", 100, ["mV"], ["I"], p_signal=flat, fmt=["16"], write_dir=str(tmp_path))
    assert main(["read", str(tmp_path / "flat"), "--json", "--pretrained", weights]) == 0

    def refuse(text):
        raise AssertionError(text)

    content = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert content["heart_rate"] is None and content["flat_leads"] == ["I"]


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_quiet_says_what_is_wrong_and_no_more(weights, mixed, tmp_path, capsys):
    words = ["--pretrained", weights, "--quiet"]
    assert main(["read", str(mixed / "a"), "--no-picture", *words]) == 0
    assert main(["embed", str(mixed / "a"), "--output", str(tmp_path / "Z.npz"), *words]) == 0
    assert main(["simulate", str(tmp_path / "b"), "AFIB", "-q"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["embed", str(mixed), "--output", str(tmp_path / "Y.npz"), *words]) == 1
    out, err = capsys.readouterr()
    assert not out and len(err.splitlines()) == 2 and err.count("merit-sk embed: error:") == 2


def test_every_command_has_json(weights, mixed, tmp_path, capsys):
    main(["simulate", str(tmp_path / "b"), "AFIB", "--json"])
    made = json.loads(capsys.readouterr().out)
    assert made["files"] == [f"{tmp_path}/b.hea", f"{tmp_path}/b.dat"]
    output = str(tmp_path / "Z.npz")
    main(["embed", str(mixed), "--output", output, "--pretrained", weights, "--json"])
    made = json.loads(capsys.readouterr().out)
    assert (made["output"], made["recordings"], made["features"]) == (output, 1, 216)
    assert len(made["skipped"]) == 2


def test_swapped_arms_are_noticed(weights, tmp_path, capsys):
    import wfdb

    ecg = make_ecg(1, statements=["NORM"], sampling_rate=500, random_state=0).data
    names = list(ecg.lead_names)
    x = np.asarray(ecg)[0]
    order = [names.index(name) for name in ("I", "III", "II", "aVL", "aVR", "aVF")]
    swapped = np.concatenate([x[order], x[6:]])
    swapped[0] *= -1
    for name, signal in {"right": x, "wrong": swapped}.items():
        wfdb.wrsamp(name, 500, ["mV"] * 12, names, p_signal=signal.T.astype(float),
                    fmt=["16"] * 12, write_dir=str(tmp_path))  # fmt: skip
    assert main(["read", str(tmp_path), "--json", "--pretrained", weights]) == 0
    right, wrong = map(json.loads, capsys.readouterr().out.splitlines())
    assert not any("interchanged" in note for note in right["notes"])
    assert any("arm electrodes seem to be interchanged" in note for note in wrong["notes"])


def test_all_broken(weights, mixed, capsys):
    assert main(["read", str(mixed / "bad.dcm"), "--pretrained", weights]) == 1
    out, err = capsys.readouterr()
    assert not out and "bad.dcm is in none of the formats" in err


def test_a_missing_file_is_found_before_anything_is_done(weights, mixed, tmp_path, capsys):
    with pytest.raises(SystemExit) as error:
        main(["read", str(mixed / "a"), str(mixed / "typo")])
    assert error.value.code == 2 and not list(mixed.glob("*.png"))
    assert "typo: there is no such file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["read", str(mixed), "--output", "c.png"])
    assert "give it with one RECORD, not 3" in capsys.readouterr().err


def test_verbose_has_the_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["simulate", str(tmp_path / "x"), "XYZ", "--verbose"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_a_recording_is_never_overwritten(weights, tmp_path, capsys):
    signal = np.asarray(make_ecg(1, sampling_rate=500, random_state=0).data)[0]
    record = tmp_path / "muse.png"
    record.write_bytes(ecg_files.muse_bytes(signal, ecg_files.TWELVE))
    before = record.read_bytes()
    for words in (["read", "--output", str(record)], ["read"], ["read", "--html", str(record)]):
        with pytest.raises(SystemExit) as error:
            main([*words[:1], str(record), *words[1:], "--force", "--pretrained", weights])
        assert error.value.code == 2 and record.read_bytes() == before
        assert "is a recording, which is never overwritten" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_own_pictures_are_drawn_again(weights, mixed, tmp_path):
    picture = tmp_path / "a.png"
    words = ["read", str(mixed / "a"), "--output", str(picture), "--pretrained", weights]
    assert main(words) == main(words) == 0


@pytest.mark.parametrize("words, message", [
    (["embed", "nothing", "--output", "Z.npz"], "nothing"),
    (["embed", "x", "--output", "Z.csv"], "npz"),
    (["read", "nothing"], "nothing"), (["read", "nothing", "--pretrained", "nowhere"], "nothing"),
    (["read", ".", "--output", "c.png"], "no recording in"), (["simulate", "x", "XYZ"], "XYZ"),
    (["simulate", "x"], "STATEMENT"), ([], "COMMAND"), (["what"], "what"),
])  # fmt: skip
def test_errors_are_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as error:
        main(words)
    err = capsys.readouterr().err
    assert error.value.code == 2
    assert message in err.splitlines()[-1] and "Traceback" not in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command, word", [
    ("read", "71 statements"), ("simulate", "AFIB    atrial fibrillation"),
    ("compare", "merit-sk compare --simulated 800"), ("embed", "goes on where it was"),
    ("pretrain", "torchrun --nproc_per_node=2 -m merit_sk pretrain"),
])  # fmt: skip
def test_help_teaches(capsys, command, word):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert word in capsys.readouterr().out


def test_help_is_there_at_once():
    """It imports neither torch nor pandas."""
    code = "import sys; sys.argv = ['merit-sk', '--help']\nfrom merit_sk.__main__ import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    print({'torch', 'pandas'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "simulate" in done.stdout and done.stdout.endswith("set()\n"), done.stderr
