"""The report writer that comes with the weights: in two languages, before any fit, on real ECGs."""

import copy
import io
import json

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from merit_sk import MeritEmbedder, MeritReportGenerator
from merit_sk.__main__ import main
from merit_sk.datasets import load_ptbxl, make_ecg
from merit_sk.evaluation import report_baselines
from merit_sk.metrics import rouge

FIBRILLATION = {"en": "fibrillation", "de": "flimmern"}


@pytest.fixture(scope="module")
def af():
    return make_ecg(8, statements=["AFIB"], random_state=3)


@pytest.fixture(scope="module")
def normal():
    return make_ecg(8, statements=["NORM"], random_state=4)


@pytest.fixture(scope="module")
def X(af):
    return np.asarray(af.data)[:3]


def says(language, records):
    texts = MeritReportGenerator(language=language).predict(records)
    assert texts.shape == (len(records),) and all(isinstance(text, str) for text in texts)
    return np.mean([FIBRILLATION[language] in text.lower() for text in texts])


@pytest.mark.parametrize("language", FIBRILLATION)
def test_writes_what_a_simulated_recording_shows(language, af, normal):
    assert says(language, af.data) >= 0.75 and says(language, normal.data) == 0


def test_an_embedder_that_is_not_fitted_has_the_writer_of_its_weights():
    ecg = make_ecg(2, sampling_rate=500, random_state=3)
    writer = MeritReportGenerator(MeritEmbedder(sampling_rate=500))
    found = writer.predict(np.asarray(ecg.data)).tolist()
    assert found == MeritReportGenerator().predict(ecg.data).tolist()
    assert writer.fit(np.asarray(ecg.data)).predict(np.asarray(ecg.data)).tolist() == found


def test_one_language_at_a_time(af):
    english, german = (MeritReportGenerator(language=x).predict(af.data) for x in ("en", "de"))
    assert not any("ECG" in text or "rhythm" in text for text in german)
    assert not any("EKG" in text or "rhythmus" in text for text in english)


def test_fit_without_reports_is_the_same_writer(X, tmp_path):
    writer = MeritReportGenerator(random_state=0).fit(X)
    expected = MeritReportGenerator().predict(X)
    file = io.BytesIO()
    joblib.dump(writer, file)
    file.seek(0)
    writer.save_pretrained(tmp_path / "all")
    saved = MeritReportGenerator.from_pretrained(tmp_path / "all")
    for again in (writer, copy.copy(writer), clone(writer), joblib.load(file), saved):
        np.testing.assert_array_equal(again.predict(X), expected)
    german = MeritReportGenerator(language="de").predict(X)
    np.testing.assert_array_equal(saved.set_params(language="de").predict(X), german)
    assert (tmp_path / "all" / "embedder").is_dir()
    assert not (tmp_path / "all" / "embedder" / "report_writer").exists()


def test_it_goes_where_the_weights_go(X, tmp_path):
    embedder = MeritEmbedder().fit(X)
    embedder.save_pretrained(tmp_path / "copy")
    expected = MeritReportGenerator().predict(X)
    for given in (embedder, copy.deepcopy(embedder), tmp_path / "copy"):
        np.testing.assert_array_equal(MeritReportGenerator(given).predict(X), expected)
    trained = MeritEmbedder(max_epochs=1, random_state=0).fit(X)
    assert trained.report_writer_ is None  # other maps by now
    with pytest.raises(ValueError, match="hold no report writer: pass reports="):
        MeritReportGenerator(trained).predict(X)


def test_after_fit_it_is_the_users_own(X):
    reports = ["alles gut"] * 3
    own = MeritReportGenerator(language="de", max_epochs=1, max_new_tokens=3, random_state=0)
    texts = own.fit(X, reports=reports).predict(X)
    assert {word for text in texts for word in text.split()} <= {"alles", "gut"}
    np.testing.assert_array_equal(own.set_params(language="en").predict(X), texts)
    assert 0 <= MeritReportGenerator().score(X, reports) < 0.1
    own.set_params(max_new_tokens=128).fit(X)
    np.testing.assert_array_equal(own.predict(X), MeritReportGenerator().predict(X))


def test_what_only_reports_can_teach(X):
    for asked in ({"prompt": "Report:"}, {"language_model": "gpt2"},
                  {"embedder": MeritEmbedder(pretrained=None)}):  # fmt: skip
        with pytest.raises(NotFittedError):
            MeritReportGenerator(**asked).predict(X)
        with pytest.raises(ValueError, match="learns from"):
            MeritReportGenerator(**asked).fit(X)
    with pytest.raises(ValueError, match="context= was given"):
        MeritReportGenerator().predict(X, context=["age 56"] * 3)
    with pytest.raises(ValueError, match="language"):
        MeritReportGenerator(language="fr").predict(X)


def test_hypertrophy_is_read_from_voltages_as_well():
    """Less often where the leads were standardized, more often where voltages are high."""
    X = np.asarray(make_ecg(60, statements=["LVH"], random_state=9).data)
    without = X / np.maximum(X.std(axis=2, keepdims=True), 1e-9)  # a lead may be off
    low, high, unknown = (
        np.mean(["hypertrophy" in text for text in MeritReportGenerator().predict(one)])
        for one in (X / 2, 2 * X, without)
    )
    assert high > low + 0.1 and high > unknown + 0.2


@pytest.mark.parametrize("language", FIBRILLATION)
def test_real_recordings(data_dir, language):
    """A floor, so that no broken file can ship; figures are in benchmarks/results."""
    statements = data_dir / "metadata" / "ptbxl_12sl_statements_text_en.csv"
    ecg = load_ptbxl(data_dir / "ptb-xl", task="all", reports=statements)
    new = np.isin(ecg.folds, (9, 10))
    writer = MeritReportGenerator(language=language)
    texts = report_baselines(
        writer, ecg.data[~new][:20], ecg.reports[~new][:20], ecg.data[new], random_state=0
    )
    said = np.array([FIBRILLATION[language] in text.lower() for text in texts["generated"]])
    af = ecg.target[new, ecg.target_names.index("AFIB")] == 1
    assert said[af].mean() > 0.7 and said[~af].mean() < 0.05
    if language == "en":
        score = {k: rouge(ecg.reports[new], v)["rouge_l"].mean() for k, v in texts.items()}
        assert score["generated"] > 0.6
        assert score["generated"] > score["shuffled ECG"] + 0.1


def test_the_command_writes_a_report(tmp_path, capsys):
    record = str(tmp_path / "mine")
    main(["simulate", record, "AFIB", "--quiet"])
    words = ["read", record, "--no-picture"]
    assert main([*words, "--json", "--language", "de"]) == 0
    assert "flimmern" in json.loads(capsys.readouterr().out)["written_report"].lower()
    assert main(words) == 0 and "written: Atrial fibrillation" in capsys.readouterr().out
    page = tmp_path / "page.html"
    assert main(["read", record, "--html", str(page)]) == 0
    assert "written by the weights</h2><p>Atrial fibrillation" in page.read_text()
