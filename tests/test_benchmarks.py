"""Every benchmark can be asked for help, and runs from end to end on a few recordings."""

import doctest
import importlib
import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import merit_sk
from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg

FOLDER = Path(__file__).parents[1] / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="not in a source tree")
LIBRARIES = {"_data", "_clock", "_report_texts", "_tables", "_trace", "card_text", "peers"}
BENCHMARKS = sorted({path.stem for path in FOLDER.glob("*.py")} - LIBRARIES)


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    before = {*sys.modules}
    yield lambda name, *words: importlib.import_module(name).main([str(word) for word in words])
    for name in {*sys.modules} - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == FOLDER:
            del sys.modules[name]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_help(benchmark, capsys, name):
    with pytest.raises(SystemExit) as done:
        benchmark(name, "--help")
    assert done.value.code == 0 and "usage" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["merit_tiny", "pairs"])
def test_merit_tiny(benchmark, tmp_path, name):
    """On simulated recordings alone, to where it can be loaded from."""
    words = "--n-simulated 32 --batch-size 16".split()
    benchmark(name, "--work", tmp_path / "work", "--output", tmp_path / "model", *words)
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert {"config.json", "model.safetensors", "recipe.json"} <= names


def test_calibrate(benchmark, capsys, data_dir, tmp_path):
    """On some recordings, a copy of the weights; the other weights stay as they are."""
    box = Path(merit_sk.__file__).parent / "pretrained" / "merit-tiny"
    folder = shutil.copytree(box, tmp_path / "weights")
    before = MeritEmbedder.from_pretrained(folder)
    benchmark("calibrate", "--data", data_dir, "--weights", folder, "--n", 500)
    after = MeritEmbedder.from_pretrained(folder)
    assert after.zero_shot_["learned_on"]["recordings"] < 600
    assert after.zero_shot_["statements"].keys() == before.zero_shot_["statements"].keys()
    old, new = (e.model_.state_dict() for e in (before, after))
    changed = {name for name in old if not old[name].equal(new[name])}
    assert changed == {*after.model_.statistics}
    out = capsys.readouterr().out
    assert "fold 10: " in out and "rotated" in out
    recipe = json.loads((folder / "recipe.json").read_text())
    assert recipe["calibration"]["counts"]["features"] < 600 and recipe["counts"]["real"] == 2046


def test_measurements(benchmark, capsys, data_dir, tmp_path):
    """On some recordings, into a copy of the weights, which stay as they are."""
    box = Path(merit_sk.__file__).parent / "pretrained" / "merit-tiny"
    folder = shutil.copytree(box, tmp_path / "weights")
    before = MeritEmbedder.from_pretrained(folder)
    words = ["--n-simulated", 150, "--n-test", 60, "--n", 300, "--output", tmp_path]
    benchmark("measurements", "--data", data_dir, "--weights", folder, *words)
    after = MeritEmbedder.from_pretrained(folder)
    assert after.measurements_ != before.measurements_ and after.zero_shot_ == before.zero_shot_
    assert after.report_writer_ == before.report_writer_ is not None
    old, new = (e.model_.state_dict() for e in (before, after))
    assert all(old[name].equal(new[name]) for name in old)
    said = pd.read_csv(tmp_path / "measurements-statements.csv").statement
    assert "1st degree AV block" in [*said] and "1st degree AV block" in capsys.readouterr().out
    assert (pd.read_csv(tmp_path / "measurements-errors.csv").MAE >= 0).all()
    assert json.loads((folder / "recipe.json").read_text())["measurements"]["simulated"] == 150


def test_texts_of_the_report_writer(benchmark, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    found = doctest.testmod(importlib.import_module("_report_texts"))
    assert found.attempted >= 6 and not found.failed


@pytest.mark.slow
def test_report_writer(benchmark, capsys, data_dir, tmp_path):
    """On some recordings, into a copy of the weights; a second call goes on."""
    box = Path(merit_sk.__file__).parent / "pretrained" / "merit-tiny"
    folder = shutil.copytree(box, tmp_path / "weights")
    before = MeritEmbedder.from_pretrained(folder)
    words = ["--n-simulated", 100, "--n-test", 40, "--n", 600, "--epochs", 1, "--repeats", 1,
             "--data", data_dir, "--work", tmp_path / "work", "--weights", folder]  # fmt: skip
    for table in ("a", "b"):
        benchmark("report_writer", *words, "--output", tmp_path / table)
    a, b = (pd.read_csv(tmp_path / table / "report_writer.csv") for table in ("a", "b"))
    pd.testing.assert_frame_equal(a, b)
    assert "statement_f1" in capsys.readouterr().out
    after = MeritEmbedder.from_pretrained(folder)
    assert after.report_writer_ != before.report_writer_
    assert after.measurements_ == before.measurements_
    assert json.loads((folder / "recipe.json").read_text())["report_writer"]["data"]["n"] == 600


@pytest.mark.slow
def test_pretraining(benchmark, capsys, tmp_path):
    words = ["--quick", "--repeats", 1, "--models", "tiny", "--tables", "fit", "transform"]
    benchmark("pretraining", *words, "--output", tmp_path)
    assert "fit / bare" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "pretraining.csv")
    assert {*table["table"]} == {"fit", "transform"} and (table["low"] > 0).all()


@pytest.mark.slow
def test_pretraining_branches_scaling_and_memory(benchmark, capsys):
    benchmark("pretraining", "--quick", "--repeats", 1, "--tables", "branches", "scaling", "memory")
    out = capsys.readouterr().out
    assert "masked modeling alone" in out and "128 ECGs of 10 s, fit" in out and "GB above" in out


@pytest.mark.slow
def test_gpu(benchmark, tmp_path):
    benchmark("gpu", "--device", "cpu", "--quick", "--repeats", 1, "--output", tmp_path)
    found = pd.read_csv(tmp_path / "gpu.csv").set_index(["network", "what", "precision"])
    compiled = found.loc["small", "bare step, torch.compile", "bfloat16"]
    assert compiled["ECGs/s"] > 0 and compiled["TFLOP/s"] > 0 and compiled["device"] == "CPU"
    assert (found["ECGs/s"].loc[["tiny", "small"]] > 0).all()


def test_reading(benchmark, capsys, data_dir):
    benchmark("reading", "--ptbxl", data_dir / "ptb-xl", "--quick", "--n-jobs", 1)
    assert "12 x 5000, cached" in capsys.readouterr().out


def test_fit_simulated_heart(benchmark, capsys, data_dir):
    benchmark("fit_simulated_heart", "--data", data_dir / "ptb-xl", "--n", 2)
    assert "QRS onset" in capsys.readouterr().out


def test_simulated_or_real(benchmark, capsys, data_dir):
    benchmark("simulated_or_real", "--data", data_dir / "ptb-xl", "--quick")
    assert "all features" in capsys.readouterr().out


@pytest.fixture(scope="module")
def all_data(data_dir):
    if not (data_dir / "ptb-xl-standardized").is_dir():
        pytest.skip("no standardized recordings of PTB-XL in MERIT_SK_DATA")
    return data_dir


def test_all_recordings_at_hand(benchmark, all_data, monkeypatch):
    """Labels, reports and order are those of the tables, signals those of the files."""
    monkeypatch.syspath_prepend(FOLDER)
    from _data import load_all, statements_of

    from merit_sk.datasets import load_ptbxl

    ids = np.load(all_data / "ptb-xl-standardized" / "ecg_id.npy")
    texts = pd.read_csv(statements_of(all_data), index_col="ecg_id")["text_en"]
    ecg = load_all(all_data, statements_of(all_data))
    raw = load_ptbxl(all_data / "ptb-xl", task="all")
    n = len(raw.data)
    assert (ecg.frame.index[:n] == raw.frame.index).all() and n < len(ecg.data) <= n + len(ids)
    np.testing.assert_array_equal(ecg.target[:n], raw.target)
    assert ecg.target_names == raw.target_names
    new = ecg.frame.index[n]
    signals = np.load(all_data / "ptb-xl-standardized" / "signals_int16.npy", mmap_mode="r")
    expected = signals[ids.tolist().index(new)].astype(np.float32) / 500
    np.testing.assert_array_equal(ecg.data[n], expected)
    assert ecg.reports[n] == texts[new]
    few = load_all(all_data, n=100)
    assert 100 <= len(few.data) < 200 and {*few.folds} == {*range(1, 11)}


@pytest.mark.slow
def test_informativeness(benchmark, all_data, tmp_path):
    benchmark("informativeness", "--data", all_data, "--quick", "--output", tmp_path)
    table = pd.read_csv(tmp_path / "informativeness.csv")
    shares = table[["blind, real", "blind, simulated", "spurious, real", "spurious, simulated"]]
    assert shares.ge(0).all(axis=None) and shares.le(1).all(axis=None)
    assert (table["blind, real"] >= table["blind, simulated"]).all()


@pytest.mark.slow
def test_simulated_beats(benchmark, all_data, tmp_path):
    benchmark("simulated_beats", "--data", all_data, "--quick", "--output", tmp_path)
    assert pd.read_csv(tmp_path / "simulated_beats.csv").statement.iloc[-1] == "median"


@pytest.mark.slow
def test_ablation(benchmark, capsys, all_data, tmp_path):
    common = ["--data", all_data, "--work", tmp_path, "--rotations", 1, "--n-jobs", 1, "--quick"]
    regimes = "no text", "machine statements", "reports and simulated pairs"
    benchmark("ablation", *common, "--epochs", 1, "--n-simulated", 64, "--regimes", *regimes)
    out = capsys.readouterr().out
    assert "MERIT - alignment only (machine statements)" in out


@pytest.mark.slow
def test_branches(benchmark, capsys, all_data, tmp_path):
    """Stopped and gone on: the second call only trains the second seed."""
    arms = "alignment only", "masked only, latent", "MERIT, latent"
    common = ["--data", all_data, "--work", tmp_path, "--rotations", 1, "--epochs", 1, "--quick"]
    common += ["--output", tmp_path / "out", "--arms", *arms]
    benchmark("branches", *common, "--seeds", 1)
    assert capsys.readouterr().out.count("CPU") == 3
    benchmark("branches", *common, "--seeds", 2)
    assert capsys.readouterr().out.count("CPU") == 3
    assert len(pd.read_csv(tmp_path / "out" / "branches.csv")) == 3 * 8
    assert len(pd.read_csv(tmp_path / "out" / "branches-gains.csv")) == 8


@pytest.mark.slow
def test_model_card(benchmark, all_data, tmp_path):
    benchmark("model_card", "--data", all_data, "--card", tmp_path / "card.md", "--quick",
              "--output", tmp_path)  # fmt: skip
    assert "## Known failures" in (tmp_path / "card.md").read_text()
    assert pd.read_csv(tmp_path / "model_card-statements.csv").en.between(0, 1).all()


@pytest.mark.slow
def test_going_on(benchmark, capsys, all_data, tmp_path):
    words = ["--n", 600, "--methods", "untouched"]
    benchmark(
        "going_on", "--data", all_data, "--work", tmp_path, "--output", tmp_path / "out", *words
    )
    assert len(pd.read_csv(tmp_path / "out" / "going_on-rotations.csv")) == 6


def test_defaults(benchmark, capsys, data_dir):
    benchmark("defaults", "--data", data_dir, "--n", 150)
    out = capsys.readouterr().out
    assert "sentence, first: AUC 0." in out and "random encoder, scaler" in out and "rhythm" in out


def test_explanations(benchmark, capsys):
    benchmark("explanations", "--n", 2, "--statements", "CRBBB")
    assert "three times chance or more, of 1 statements" in capsys.readouterr().out


def test_new_words(benchmark, tmp_path):
    benchmark("new_words", "--n", 24, "--n-test", 200, "--output", tmp_path)
    table = pd.read_csv(tmp_path / "new_words.csv")
    assert table["macro AUC"].between(0.3, 1).all() and len(table) == 4


def test_unfamiliar(benchmark, capsys, data_dir):
    benchmark("unfamiliar", "--data", data_dir, "--n", 300)
    assert "arms swapped" in capsys.readouterr().out


@pytest.mark.slow
def test_plausibility(benchmark, data_dir, tmp_path):
    """Some recordings of each set: glaring mistakes are found, and few others."""
    benchmark("plausibility", "--data", data_dir, "--quick", "--output", tmp_path)
    for name, mistake in (("plausibility", "500 Hz taken for 100 Hz"),
                          ("plausibility-leads", "aVF before aVL")):  # fmt: skip
        table = pd.read_csv(tmp_path / f"{name}.csv")
        column = table[table.columns[-1]]
        assert (column[table.mistake == mistake] == 100).all()
        real = (table.mistake == "none") & ~table.recordings.str.startswith("simulated")
        assert real.sum() >= 2 and (column[real] == 0).all()


def test_retrieval(benchmark, capsys, data_dir):
    benchmark("retrieval", "--data", data_dir, "--n", 250)
    out = capsys.readouterr().out
    assert "precision@5" in out and "  - random encoder, all" in out and "chance" in out


@pytest.mark.slow
def test_labels(benchmark, data_dir, tmp_path):
    words = ["--mv", "--n", 400, "--counts", 50, "--repeats", 2, "--network-repeats", 0]
    folders = ["--work", tmp_path / "work", "--output", tmp_path]
    benchmark("labels", "--data", data_dir, *folders, *words, "--resamples", 20)
    table = pd.read_csv(tmp_path / "labels-mv.csv").set_index(["method", "labels", "task"])
    few, all_of_them = table.xs("merit-tiny").xs("superclass", level="task").index
    assert few == 50 < all_of_them
    for labels in (few, all_of_them):
        own, other = (table["macro AUC"][name, labels, "superclass"]
                      for name in ("merit-tiny", "random encoder"))  # fmt: skip
        assert own > other
    gaps = pd.read_csv(tmp_path / "labels-mv-differences.csv")
    assert (gaps.low <= gaps.high).all() and "merit-tiny" not in {*gaps.method}


@pytest.fixture
def traced(benchmark, tmp_path, monkeypatch):
    """The module that finds out what a script depends on, and what it found, in a repository."""
    code = """
        LIMIT = 3
        def used(x):
            "Return it."
            return x + LIMIT
        def unused(x):
            return x
        class Model:
            def fit(self):
                return [used(k) for k in range(2)]
    """
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    shutil.copy(FOLDER / "_trace.py", folder)
    (folder / "model.py").write_text(textwrap.dedent(code))
    (folder / "script.py").write_text("from model import Model\nModel().fit()\n")
    words = [folder / "_trace.py", tmp_path / "trace.json", folder / "script.py"]
    subprocess.run([sys.executable, *words], check=True)
    trace = importlib.import_module("_trace")
    monkeypatch.setattr(trace, "ROOT", tmp_path)
    return trace, json.loads((tmp_path / "trace.json").read_text()), folder / "model.py"


@pytest.mark.parametrize(("before", "after", "stale"), [
    ("LIMIT = 3", "LIMIT = 4", True),
    ("return x + LIMIT", "return x - LIMIT", True),
    ("for k in range(2)", "for k in range(3)", True),
    ("def used(x):", "def other(x):", True),
    ("Return it.", "Return the sum.", False),
    ("def unused", "def another(x):\n    return 0\n\n\ndef unused", False),
    ("    return x\n", "    return 2 * x\n", False),
    ("def unused", "# a comment\n\n\ndef unused", False),
])  # fmt: skip
def test_a_table_is_stale_once_code_that_ran_has_changed(traced, before, after, stale):
    trace, found, path = traced
    assert trace.changed(found) == []
    code = path.read_text()
    assert before in code
    path.write_text(code.replace(before, after))
    assert trace.changed(found) == (["benchmarks/model.py"] if stale else [])


@pytest.fixture
def results(traced, monkeypatch, tmp_path):
    """The module that makes tables, with one table of a repository of a test's own."""
    results = importlib.import_module("results")
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(results, "RUNS", {"one": results.Run("script.py", "--data {data}")})
    (tmp_path / "one-part.csv").write_text("task,labels,AUC\nform,20,0.75\nform,50,0.8125\n")
    note = {"command": results.shown(results.RUNS["one"]), "trace": traced[1]}
    (tmp_path / "one.json").write_text(json.dumps(note))
    return results


def test_figures_of_a_table(results, tmp_path):
    """A part of a table is made by its run; a figure that is not there, or not one, is an error."""
    assert results.value("one-part[task=form, labels=50].AUC") == "0.812"
    assert results.value("one-part[labels=20].AUC|.0%") == "75%"
    assert results.made_with("one-part")["command"] == "python benchmarks/script.py --data DATA"
    for wrong in ("one-part[task=form].AUC", "one-part[labels=21].AUC"):
        with pytest.raises(ValueError, match="rows of one-part"):
            results.value(wrong)
    page = tmp_path / "README.md"
    page.write_text("AUC <!--one-part[labels=20].AUC|.2f-->0.99<!--/-->, and 0.99.")
    results.fill(page)
    assert page.read_text() == "AUC <!--one-part[labels=20].AUC|.2f-->0.75<!--/-->, and 0.99."


def test_check_fails_once_a_table_is_stale(results, traced, capsys):
    def check():
        with pytest.raises(SystemExit) as done:
            results.main(["--check"])
        return done.value.code, capsys.readouterr().out

    assert check() == (False, f"{'one':16} current\n")
    traced[2].write_text(traced[2].read_text().replace("LIMIT = 3", "LIMIT = 4"))
    code, said = check()
    assert code == 1 and "stale: benchmarks/model.py" in said


@pytest.fixture
def ecg_fix_data(tmp_path):
    """What ECG-FIX's preprocessing leaves: its folder, and what is in it."""
    ecg = make_ecg(7, sampling_rate=500, task="superclass", random_state=0)
    signals = np.asarray(ecg.data).astype(np.float16)
    table = pd.DataFrame(
        {
            "ecg_id": np.arange(101, 107),
            "split": ["train", "test", "train", "val", "train", "test"],
            "ecg_index": [0, 2, 3, 4, 5, 6],
        }
    )
    for name in ("raw", "processed"):
        (tmp_path / name).mkdir()
    np.save(tmp_path / "raw" / "ptbxl_ecg_500hz.npy", signals)
    np.save(tmp_path / "raw" / "ptbxl_diagnostic_class_labels.npy", ecg.target.astype(np.uint8))
    table.to_csv(tmp_path / "processed" / "ptbxl_diagnostic_class_metadata_final.csv")
    return tmp_path, signals, ecg.target


def test_ecg_fix(benchmark, ecg_fix_data, capsys):
    """Embeddings and labels are those of the rows of a split, in their order."""
    data, signals, target = ecg_fix_data
    benchmark("ecg_fix", "--data", data, "--name", "ours")
    everything = MeritEmbedder(sampling_rate=500).transform(signals.astype(np.float32))
    for split, rows in {"train": [0, 3, 5], "val": [4], "test": [2, 6]}.items():
        folder = data / "embeddings" / "PTBXL_super" / split
        Z, y = (np.load(folder / f"ours{end}.npy", mmap_mode="r") for end in ("", "_y"))
        np.testing.assert_array_equal(Z, everything[rows])
        np.testing.assert_array_equal(y, target[rows])
        assert Z.dtype == np.float32 and y.dtype == np.uint8
        note = json.loads((folder / "ours_done.json").read_text())
        assert note["N"] == len(rows) and note["done"] is True
    assert [path.name for path in (data / "embeddings").iterdir()] == ["PTBXL_super"]
    assert "PTBXL_super, test: 2 recordings" in capsys.readouterr().out


def test_ecg_fix_names_what_is_missing(benchmark, ecg_fix_data, tmp_path):
    with pytest.raises(SystemExit, match=r"csn_ecg\.npy"):
        benchmark("ecg_fix", "--data", ecg_fix_data[0], "--datasets", "PTBXL_super", "CSN")
    with pytest.raises(SystemExit, match="no data set"):
        benchmark("ecg_fix", "--data", tmp_path / "nowhere")


@pytest.mark.parametrize("format", ["wfdb", "muse"])
def test_speed(benchmark, capsys, data_dir, format, tmp_path):
    words = ["--tables", "folder", "--rate", 500, "--format", format, "--quick"]
    benchmark("speed", "--ptbxl", data_dir / "ptb-xl", *words, "--output", tmp_path)
    table = pd.read_csv(tmp_path / "speed-500.csv").set_index("what")
    assert table["median"]["merit_sk, by the clock"] > 0
    out = capsys.readouterr().out
    assert "merit_sk, bfloat16 / merit_sk" in out and "filtering" in out
    assert ("merit_sk / wfdb, bare network" in out) == (format == "wfdb")


def test_speed_and_precision(benchmark, data_dir, tmp_path):
    words = ["--tables", "precision", "--quick", "--output", tmp_path]
    benchmark("speed", "--ptbxl", data_dir / "ptb-xl", *words)
    table = pd.read_csv(tmp_path / "speed-precision.csv").set_index("what")["value"]
    assert 0 < table["median distance, % of the length"] < 2
    assert table["macro AUC, trained on float32, used on bfloat16"] > 0.3


@pytest.mark.slow
def test_rehearsal(benchmark, tmp_path):
    """All steps, and nothing is left of the records."""
    words = ["--n", 48, "--slice", 40, "--steps", 1, "--distinct", 4, "--networks", "tiny"]
    benchmark("rehearsal", "--work", tmp_path / "work", "--output", tmp_path, *words)
    table = pd.read_csv(tmp_path / "rehearsal.csv").set_index("what")
    assert (table[["seconds", "CPU seconds", "peak GB"]] > 0).all(axis=None)
    assert {"cache, restart after a kill", "embed files, two workers of Dask"} <= {*table.index}
    machines = pd.read_csv(tmp_path / "rehearsal-machines.csv")
    assert (machines["hours"] >= machines["hours, network"]).all() and len(machines) == 6
    assert not any((tmp_path / "work").iterdir())


def test_single_lead(benchmark, capsys, data_dir):
    benchmark("single_lead", "--data", data_dir, "--n", 600)
    out = capsys.readouterr().out
    assert "NORM" in out and "zero-shot  I " in out and "probe      twelve leads" in out


def test_pairs_differ_in_one_finding(benchmark):
    """The same patient, rhythm and noise; both in one batch."""
    pairs = importlib.import_module("pairs")
    signals = np.zeros((8, 12, 1000))
    args = SimpleNamespace(n_simulated=8, seed=0)
    reports, shown, names = pairs.simulate(args, signals)
    assert len(reports) == 8 and len(names) == shown.shape[1]
    for k in range(0, 8, 2):
        changed = {names[j] for j in np.flatnonzero(shown[k] != shown[k + 1])} - {"NORM"}
        assert len(changed) == 1 and changed <= {*pairs.HARD}
        assert not np.array_equal(signals[k], signals[k + 1])
        alike = [np.corrcoef(*lead)[0, 1] for lead in zip(*signals[k : k + 2], strict=True)]
        assert max(alike) > 0.8


def test_digests_are_those_of_any_python(benchmark, tmp_path):
    """`ast.unparse` and the tree of a format's width differ between versions."""
    code = 'def f(x: int = 0, *, n=1.5) -> str:\n    """S."""\n    return f"{x:>{n}} {x!r} {{"\n'
    (tmp_path / "module.py").write_text(code)
    digest = importlib.import_module("_trace").code_digest
    assert digest(tmp_path / "module.py", ["f"]) == "c4e82d267421717c"
