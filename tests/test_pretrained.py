"""Starting from weights: in the package, in a folder, in a pipeline."""

import json
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from merit_sk import ECGRecords, MeritEmbedder, MeritReportGenerator, MeritZeroShotClassifier
from merit_sk.nn import checkpoint
from merit_sk.statements import PTBXL_STATEMENTS, statement_prompts

SUPERCLASSES = ["CD", "HYP", "MI", "NORM", "STTC"]


@pytest.fixture(scope="module")
def folder(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "model"
    fitted.save_pretrained(path)
    return path


@pytest.fixture
def y(ecg):
    return ecg.target[:, ecg.target_names.index("NORM")]


def test_fit_loads_and_does_not_train(folder, fitted, ecg):
    assert ecg.data.reports is not None  # reports that travel along start no training
    embedder = MeritEmbedder(pretrained=folder).fit(ecg.data)
    np.testing.assert_array_equal(embedder.transform(ecg.data), fitted.transform(ecg.data))
    assert embedder.history_ == fitted.history_ and embedder.n_iter_ == 2
    assert embedder.window_ == fitted.window_ and embedder.language_ == "en"
    np.testing.assert_array_equal(embedder.embed_text(["af"]), fitted.embed_text(["af"]))
    assert MeritEmbedder(pretrained=None).fit(ecg.data[:2]).window_.duration == 10


def test_training_goes_on_when_epochs_are_asked_for(folder, fitted, ecg):
    embedder = MeritEmbedder(pretrained=folder, max_epochs=1, random_state=0)
    embedder.fit(ecg.data, reports=ecg.reports)
    assert [row["epoch"] for row in embedder.history_] == [1, 2, 3]
    before, after = fitted.model_.encoder.state_dict(), embedder.model_.encoder.state_dict()
    drift = max((before[k] - v).abs().max() for k, v in after.items() if v.is_floating_point())
    assert 0 < drift < 1
    np.testing.assert_array_equal(embedder.text_features_.hashes, fitted.text_features_.hashes)
    again = clone(embedder).fit(ecg.data, reports=ecg.reports)
    np.testing.assert_array_equal(again.transform(ecg.data), embedder.transform(ecg.data))


def test_training_goes_on_without_reports_too(folder, ecg):
    embedder = MeritEmbedder(pretrained=folder, max_epochs=1, random_state=0)
    embedder.fit(np.asarray(ecg.data))
    assert "mi_text" not in embedder.history_[-1] and "mi_signal" in embedder.history_[-1]
    assert np.isfinite(embedder.embed_text(["sinus rhythm"])).all()


def test_warm_start_keeps_what_was_learned_since(folder, ecg):
    embedder = MeritEmbedder(pretrained=folder, max_epochs=1, warm_start=True, random_state=0)
    embedder.fit(ecg.data).fit(ecg.data)
    assert embedder.n_iter_ == 4
    assert embedder.set_params(warm_start=False).fit(ecg.data).n_iter_ == 3


def test_continued_training_resumes(folder, ecg, tmp_path):
    settings = dict(pretrained=folder, max_epochs=2, random_state=0)
    once = MeritEmbedder(**settings).fit(ecg.data)
    for _ in range(2):
        kept = MeritEmbedder(**settings, checkpoint_dir=tmp_path).fit(ecg.data)
        np.testing.assert_array_equal(kept.transform(ecg.data), once.transform(ecg.data))


@pytest.mark.parametrize("name, value", [
    ("encoder", "small"), ("duration", 10), ("text_encoder", "ncbi/MedCPT-Query-Encoder"),
])  # fmt: skip
def test_contradictions_are_errors(folder, ecg, name, value):
    with pytest.raises(ValueError, match=rf"{name}=.* contradicts .*leave {name} out"):
        MeritEmbedder(pretrained=folder, **{name: value}).fit(ecg.data)


def test_what_agrees_may_be_said(folder, tiny, ecg):
    said = MeritEmbedder(
        encoder=tiny["encoder"],
        pretrained=folder,
        sampling_rate=100,
        duration=2,
        leads=ecg.data.lead_names,
    )
    unsaid = MeritEmbedder(pretrained=folder)
    assert np.array_equal(said.fit_transform(ecg.data), unsaid.fit_transform(ecg.data))


def test_fit_still_validates(folder, ecg):
    embedder, X = MeritEmbedder(pretrained=folder), np.asarray(ecg.data).copy()
    with pytest.raises(ValueError, match=r"3 leads.*ECGRecords.from_array"):
        embedder.fit(X[:, :3])
    with pytest.raises(ValueError, match="none of the leads"):
        embedder.fit(ECGRecords.from_array(X[:, :1], sampling_rate=100, lead_names=["Pleth"]))
    with pytest.warns(UserWarning, match="look like µV"):
        embedder.fit(X * 1000)
    X[50, 3, 7] = np.nan
    with pytest.raises(ValueError, match="record 50"):
        embedder.fit(X)
    with pytest.raises(ValueError, match="max_epochs"):
        MeritEmbedder(pretrained=folder, max_epochs=-1).fit(ecg.data)


def test_parameters_behave(folder, fitted, ecg, y):
    embedder = MeritEmbedder(pretrained=folder)
    assert clone(embedder).get_params() == embedder.get_params()
    assert embedder.get_params()["max_epochs"] is None
    model = make_pipeline(embedder, LogisticRegression(max_iter=1000))
    grid = {"meritembedder__readout": ["stages", "last"], "logisticregression__C": [0.1, 1]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(ecg.data, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    sizes = [
        embedder.set_params(readout=r).fit(ecg.data).transform(ecg.data).shape[1]
        for r in ("all", "stages", "last", "projected")
    ]
    assert sizes == [216, 96, 48, 128]


def test_pickles_and_saved_models_do_not_need_the_weights_again(folder, ecg, tmp_path):
    embedder = MeritEmbedder(pretrained=folder).fit(ecg.data)
    joblib.dump(embedder, tmp_path / "embedder.joblib")
    embedder.save_pretrained(tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert str(folder) not in json.dumps(config)
    expected = embedder.transform(ecg.data)
    (folder / "config.json").rename(folder / "away.json")
    try:
        unpickled = joblib.load(tmp_path / "embedder.joblib")
        loaded = MeritEmbedder.from_pretrained(tmp_path / "model")
    finally:
        (folder / "away.json").rename(folder / "config.json")
    for again in (unpickled, loaded):
        np.testing.assert_array_equal(again.transform(ecg.data), expected)
    assert loaded.get_params() == MeritEmbedder(str(tmp_path / "model")).get_params()


def test_loading_leaves_the_global_random_state_alone(folder, ecg):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    MeritEmbedder(pretrained=folder).fit(ecg.data)
    assert torch.rand(1) == expected


def test_half_precision_takes_half_the_space(fitted, ecg, tmp_path):
    fitted.save_pretrained(tmp_path / "single")
    fitted.save_pretrained(tmp_path / "half", dtype="float16")
    sizes = [(tmp_path / p / "model.safetensors").stat().st_size for p in ("half", "single")]
    assert sizes[0] < 0.6 * sizes[1]
    half = MeritEmbedder.from_pretrained(tmp_path / "half")
    assert {p.dtype for p in half.model_.parameters()} == {torch.float32}
    np.testing.assert_allclose(half.transform(ecg.data), fitted.transform(ecg.data), atol=0.02)
    with pytest.raises(ValueError, match="float16"):
        fitted.save_pretrained(tmp_path, dtype="int8")


def test_box_then_folder_then_hub(tiny, fitted, ecg, tmp_path, monkeypatch):
    box, here = tmp_path / "box", tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(checkpoint, "BUNDLED", box)
    with pytest.raises(OSError) as error:
        MeritEmbedder.from_pretrained("name", local_files_only=True)
    for place in ("come with merit_sk", str(here / "name"), "Hugging Face hub"):
        assert place in str(error.value)
    other = MeritEmbedder(**tiny, leads=["I", "II"]).fit(np.asarray(ecg.data)[:, :2])
    other.save_pretrained("name")
    assert MeritEmbedder.from_pretrained("name").window_ == other.window_
    fitted.save_pretrained(box / "name")
    assert MeritEmbedder.from_pretrained("name").window_ == fitted.window_
    assert MeritEmbedder.from_pretrained("./name").window_ == other.window_
    with pytest.raises(OSError, match="merit_sk \\(name\\)"):
        MeritEmbedder(pretrained="../box/nothing").fit(ecg.data)


def test_another_estimator_in_the_folder(fitted, ecg, tmp_path):
    writer = MeritReportGenerator(fitted, max_epochs=0, max_new_tokens=4, random_state=0)
    writer.fit(ecg.data, reports=ecg.reports).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="holds no embedder"):
        MeritEmbedder(pretrained=tmp_path).fit(ecg.data)


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_zero_shot_from_weights(folder, fitted, ecg):
    zero = MeritZeroShotClassifier(folder, multi_label=False).fit(ecg.data)
    assert zero.classes_.tolist() == SUPERCLASSES
    same = MeritZeroShotClassifier(fitted, multi_label=False).fit(ecg.data)
    expected = same.predict_proba(ecg.data)
    np.testing.assert_array_equal(zero.predict_proba(ecg.data), expected)
    assert clone(zero).get_params()["embedder"] == folder
    assert np.isfinite(cross_val_score(clone(zero), ecg.data, ["NORM", "MI"] * 30, cv=2)).all()
    with pytest.raises(TypeError, match=r"name, folder or hub id"):
        MeritZeroShotClassifier(embedder=None).fit(ecg.data)


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_zero_shot_answers_for_every_statement(folder, ecg):
    zero = MeritZeroShotClassifier(folder).fit(ecg.data)
    assert set(zero.classes_) == {*PTBXL_STATEMENTS} and zero.multi_label_
    german = MeritZeroShotClassifier(folder, classes="all", language="de")
    german.fit(ecg.data)
    assert set(german.classes_) == {*PTBXL_STATEMENTS}
    assert german.prompts_["AFIB"] == statement_prompts("AFIB", "de")
    with pytest.raises(ValueError, match="everything"):
        MeritZeroShotClassifier(folder, classes="everything").fit(ecg.data)


def test_a_report_generator_starts_from_weights(folder, ecg):
    writer = MeritReportGenerator(
        MeritEmbedder(pretrained=folder), max_epochs=1, max_new_tokens=8, random_state=0
    ).fit(ecg.data, reports=ecg.reports)
    assert writer.embedder_.n_iter_ == 2 and writer.predict(ecg.data[:2]).shape == (2,)


EARLIER = Path(__file__).parent / "models" / "0.1.0"


def probe_signal(n_leads=12, n_times=250):
    """Recordings that any version makes alike."""
    time = np.arange(n_times) / 100
    beats = sum(np.exp(-(((time - 0.4 - 0.8 * k) / 0.03) ** 2)) for k in range(4))
    lead = np.arange(1, n_leads + 1)[:, None]
    return np.stack([beats * np.cos(lead * s) + 0.1 * np.sin(lead + 5 * time) for s in (1, 2)])


def test_models_of_earlier_versions_load_and_say_the_same():
    embedder = MeritEmbedder.from_pretrained(EARLIER, readout="stages")
    expected = np.load(EARLIER / "expected.npz")
    X = probe_signal().astype(np.float32)
    np.testing.assert_allclose(embedder.transform(X), expected["stages"], rtol=1e-3, atol=1e-4)
    phrases = ["sinus rhythm", "Vorhofflimmern"]
    np.testing.assert_allclose(embedder.embed_text(phrases), expected["text"], rtol=1e-3, atol=1e-4)
    zero = MeritZeroShotClassifier(EARLIER, classes=["AFIB", "NORM"], multi_label=False)
    zero.fit(X)
    np.testing.assert_allclose(zero.predict_proba(X), expected["zero_shot"], rtol=1e-3, atol=1e-4)
