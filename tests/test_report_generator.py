"""MeritReportGenerator: what it writes, with which models, saved how, and inside scikit-learn."""

import io
import shutil
import zlib

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from merit_sk import MeritEmbedder, MeritReportGenerator
from merit_sk.datasets import make_ecg
from merit_sk.evaluation import report_baselines
from merit_sk.metrics import rouge

PHRASES = np.array(["Sinus rhythm; Normal ECG", "Atrial fibrillation, abnormal (1:2)."], object)


@pytest.fixture(scope="module")
def task():
    """Two kinds of recordings, as different as day and night, and what is said of them."""
    rng = np.random.default_rng(0)
    kind = np.arange(32) % 2
    time = np.arange(200) / 100
    beats = np.sin(2 * np.pi * np.where(kind, 9, 2)[:, None, None] * time)
    X = beats + 0.1 * rng.normal(size=(32, 3, 200))
    return X.astype(np.float32), PHRASES[kind]


@pytest.fixture(scope="module")
def embedder(task):
    """Not trained: these recordings need no training to be told apart."""
    encoder = {"widths": [8, 8, 16], "patch": 8}
    return MeritEmbedder(
        encoder=encoder, pretrained=None, duration=2, max_epochs=0, random_state=0
    ).fit(task[0])


def generator(embedder, **changes):
    settings = dict(
        max_epochs=12, batch_size=8, lr=3e-3, n_prefix=2, max_new_tokens=24, random_state=0
    )
    return MeritReportGenerator(embedder, **(settings | changes))


@pytest.fixture(scope="module")
def writer(embedder, task):
    return generator(embedder).fit(task[0], reports=task[1])


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    """Folder of a language model of someone else's, with a tokenizer that knows no padding."""
    from transformers import GPT2Config, GPT2LMHeadModel

    from merit_sk.nn.language_model import learn_tokenizer

    folder = tmp_path_factory.mktemp("gpt2")
    tokenizer = learn_tokenizer([*PHRASES, "age 56, sex male. Report:"], min_patients=1)
    tokenizer.pad_token = None
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=96, n_embd=16, n_layer=1, n_head=2)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_writes_what_the_recordings_show(writer, task):
    X, reports = task
    written = writer.predict(X)
    assert written.shape == (32,) and written.dtype == object
    assert (written == reports).mean() > 0.9
    assert writer.score(X, reports) > 0.9
    assert writer.history_[-1]["train_loss"] < 0.5 * writer.history_[0]["train_loss"]
    assert writer.n_iter_ == 12 and writer.n_features_in_ == 3


def test_report_does_not_depend_on_the_others(writer, task):
    X, _ = task
    np.testing.assert_array_equal(writer.predict(X[5:6]), writer.predict(X)[5:6])


def test_baselines_are_worse(writer, task):
    X, reports = task
    texts = report_baselines(writer, X, reports, X[:10], random_state=0)
    right = {name: (text == reports[:10]).mean() for name, text in texts.items()}
    assert right["generated"] > 0.8 and right["nearest report"] == 1
    assert right["majority report"] == 0.5
    assert right["shuffled ECG"] < right["generated"] and right["no ECG"] <= 0.5
    assert len(set(texts["no ECG"])) == 1


def test_same_seed_same_result_and_no_global_state(embedder, task):
    X, reports = task
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    a, b = (generator(embedder, max_epochs=1).fit(X, reports=reports) for _ in range(2))
    assert torch.rand(1) == expected
    assert a.history_[0]["train_loss"] == b.history_[0]["train_loss"]
    c = generator(embedder, max_epochs=1, random_state=1).fit(X, reports=reports)
    assert a.history_[0]["train_loss"] != c.history_[0]["train_loss"]


def test_embedder_is_kept_or_pretrained(embedder, task):
    X, reports = task
    before = {k: v.clone() for k, v in embedder.model_.state_dict().items()}
    frozen = generator(FrozenEstimator(embedder), max_epochs=1).fit(X, reports=reports)
    assert frozen.embedder_ is embedder
    assert all((before[k] == v).all() for k, v in embedder.model_.state_dict().items())
    copied = clone(generator(embedder))
    assert copied.embedder.model_ is embedder.model_
    fresh = clone(embedder).set_params(max_epochs=1)
    pretrained = generator(fresh, max_epochs=0).fit(X, reports=reports)
    assert pretrained.embedder_.language_ == "en" and not hasattr(fresh, "model_")


@pytest.mark.parametrize("generation", [
    {"num_beams": 3}, {"do_sample": True, "top_k": 5}, {"max_new_tokens": 2},
])  # fmt: skip
def test_decoding(writer, task, generation):
    from transformers import GenerationConfig

    X, _ = task
    other = _copy(writer).set_params(generation=generation)
    written = other.predict(X[:4])
    assert all(isinstance(text, str) and text for text in written)
    np.testing.assert_array_equal(other.predict(X[:4]), written)
    again = other.set_params(generation=GenerationConfig(**generation)).predict(X[:4])
    np.testing.assert_array_equal(again, written)
    if "max_new_tokens" in generation:
        assert {len(text.split()) for text in written} == {2}


def test_context_decides_where_the_ecg_does_not(embedder, task):
    X = np.repeat(task[0][:1], 16, axis=0)
    kind = np.arange(16) % 2
    context = pd.DataFrame({"age": np.where(kind, 30.0, 8.0), "sex": np.where(kind, "male", None)})
    wrote = generator(embedder, prompt="Report:").fit(X, reports=PHRASES[kind], context=context)
    np.testing.assert_array_equal(wrote.predict(X[:6], context=context[:6]), PHRASES[kind][:6])
    with pytest.raises(ValueError, match="fitted with context="):
        wrote.predict(X)


@pytest.mark.parametrize("tuning", ["frozen", "full", "lora"])
def test_any_causal_language_model(embedder, task, gpt2, tuning):
    if tuning == "lora":
        pytest.importorskip("peft", reason="tuning='lora' needs peft")
    X, reports = task
    other = generator(embedder, language_model=str(gpt2), tuning=tuning, max_epochs=2, lr=1e-2)
    other.fit(X, reports=reports)
    assert other.history_[-1]["train_loss"] < other.history_[0]["train_loss"]
    from transformers import GPT2LMHeadModel

    given = GPT2LMHeadModel.from_pretrained(gpt2).state_dict()
    trained = other.model_.language_model.state_dict()
    assert set(given) == set(trained)
    changed = any((given[k] != trained[k]).any() for k in given)
    assert changed == (tuning != "frozen")
    np.testing.assert_array_equal(_copy(other).predict(X[:3]), other.predict(X[:3]))


def _copy(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def test_pickle_holds_no_live_tensors(writer, task):
    again = _copy(writer)
    assert again.net_ is None
    np.testing.assert_array_equal(again.predict(task[0]), writer.predict(task[0]))


def test_skops_round_trip(writer, task):
    import skops.io

    data = skops.io.dumps(writer)
    again = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    np.testing.assert_array_equal(again.predict(task[0][:3]), writer.predict(task[0][:3]))


def test_save_and_load(writer, task, tmp_path):
    from transformers import GenerationConfig

    writer.save_pretrained(tmp_path / "model")
    other = _copy(writer).set_params(generation=GenerationConfig(num_beams=2))
    other.save_pretrained(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "README.md", "config.json", "embedder", "language_model", "model.safetensors",
    ]  # fmt: skip
    again = MeritReportGenerator.from_pretrained(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(task[0]), writer.predict(task[0]))
    assert again.history_ == writer.history_ and again.get_params()["n_prefix"] == 2
    assert again.generation["num_beams"] == 2


def test_damaged_folder_is_named(writer, embedder, tmp_path):
    with pytest.raises(OSError, match=r"no such folder.*hub did not"):
        MeritReportGenerator.from_pretrained("nobody/nothing", local_files_only=True)
    embedder.save_pretrained(tmp_path / "embedder")
    with pytest.raises(ValueError, match="no report generator"):
        MeritReportGenerator.from_pretrained(tmp_path / "embedder")
    writer.save_pretrained(tmp_path / "model")
    weights = tmp_path / "model" / "language_model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(ValueError, match=r"language_model.model.safetensors is damaged"):
        MeritReportGenerator.from_pretrained(tmp_path / "model")


def test_failed_save_keeps_the_old_generator(writer, task, tmp_path, monkeypatch):
    writer.save_pretrained(tmp_path)
    with monkeypatch.context() as patch:
        failing = lambda *args, **kwargs: (_ for _ in ()).throw(OSError("disk full"))  # noqa: E731
        patch.setattr("os.replace", failing)
        with pytest.raises(OSError, match="disk full"):
            writer.save_pretrained(tmp_path)
    assert len(list(tmp_path.iterdir())) == 5
    again = MeritReportGenerator.from_pretrained(tmp_path)
    np.testing.assert_array_equal(again.predict(task[0][:2]), writer.predict(task[0][:2]))


def test_missing_reports_are_left_out(embedder, task):
    X, reports = task
    some = np.where(np.arange(32) < 8, None, reports)
    fitted = generator(embedder, max_epochs=1).fit(X, reports=some)
    assert len(fitted.net_.history[-1]["batches"]) == 3


@pytest.mark.parametrize("arguments, error, message", [
    ({}, ValueError, "pass reports="),
    ({"reports": PHRASES}, ValueError, "one entry per record"),
    ({"reports": np.arange(32)}, TypeError, "must be strings"),
    ({"reports": [""] * 32}, ValueError, "empty"),
    ({"reports": ["x"] * 32, "context": ["a"]}, ValueError, "context must hold one entry"),
    ({"reports": ["x"] * 32, "context": np.zeros((32, 2))}, TypeError, "one string per record"),
])  # fmt: skip
def test_bad_reports_and_context(embedder, task, arguments, error, message):
    with pytest.raises(error, match=message):
        generator(embedder).fit(task[0], **arguments)


@pytest.mark.parametrize("changes, error, message", [
    ({"tuning": "half"}, ValueError, "'tuning' parameter"),
    ({"n_prefix": 0}, ValueError, "n_prefix"),
    ({"generation": {"beams": 3}}, ValueError, "beams"),
    ({"generation": 3}, TypeError, "GenerationConfig"),
    ({"language_model": "no/such-model"}, OSError, r"no/such-model.*builtin"),
])  # fmt: skip
def test_bad_parameters(embedder, task, changes, error, message):
    with pytest.raises(error, match=message):
        generator(embedder, **changes).fit(task[0], reports=task[1])


def test_bad_signals(writer, task):
    X = task[0][:2].copy()
    with pytest.raises(ValueError, match=r"has 2 leads.*expects 3"):
        writer.predict(X[:, :2])
    X[0, 0, 5] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        writer.predict(X)


def test_out_of_memory_halves_the_batch(writer, task, monkeypatch):
    other = _copy(writer)
    generate = other.model_.generate

    def small_memory(ecg, *args):
        if len(ecg) > 4:
            raise torch.OutOfMemoryError("out of memory")
        return generate(ecg, *args)

    monkeypatch.setattr(other.model_, "generate", small_memory)
    with pytest.warns(UserWarning, match="batches of 4"):
        written = other.predict(task[0])
    np.testing.assert_array_equal(written, writer.predict(task[0]))


def test_too_long_for_the_language_model(writer, embedder, task, gpt2):
    with pytest.raises(ValueError, match="reads 96"):
        generator(embedder, language_model=gpt2, prompt="Report: " * 50).fit(task[0], task[1])
    with pytest.raises(ValueError, match="lower max_new_tokens"):
        _copy(writer).set_params(max_new_tokens=500).predict(task[0])


def test_one_report_for_all(embedder, task):
    X, _ = task
    fitted = generator(embedder, max_epochs=15).fit(X[:2], reports=["normales EKG, für ä"] * 2)
    assert fitted.predict(X[:1])[0] == "normales EKG, für ä"


def test_words_of_one_record_are_not_learned(embedder, task):
    X, _ = task
    with pytest.raises(ValueError, match="no word occurs in the reports of 2 patients"):
        generator(embedder).fit(X[:1], reports=["normales EKG"])


def first_ids(generator, X):
    """Tokens that a language model is given before it writes any."""
    given = []
    words = generator.model_.language_model.get_input_embeddings()
    hook = words.register_forward_pre_hook(lambda words, inputs: given.append(inputs[0].clone()))
    generator.predict(X)
    hook.remove()
    return given[0]


def test_a_start_that_is_an_end_is_left_out(embedder, task, gpt2, tmp_path):
    """As GPT-2 has it; a report then follows a line end, or the prefix alone."""
    from transformers import AutoTokenizer

    X, reports = task
    shutil.copytree(gpt2, tmp_path / "lm")
    tokenizer = AutoTokenizer.from_pretrained(gpt2)
    tokenizer.bos_token = tokenizer.eos_token
    tokenizer.save_pretrained(tmp_path / "lm")
    end = tokenizer.eos_token_id
    for prompt in ("", "Report:"):
        fitted = generator(embedder, language_model=str(tmp_path / "lm"), tuning="full",
                           prompt=prompt, max_epochs=1)  # fmt: skip
        fitted.fit(X, reports=reports).save_pretrained(tmp_path / "saved")
        again = MeritReportGenerator.from_pretrained(tmp_path / "saved")
        for one in (fitted, again):
            opening = first_ids(one, X[:3])
            assert end not in opening and bool(opening.numel()) == bool(prompt)
        np.testing.assert_array_equal(again.predict(X[:3]), fitted.predict(X[:3]))


def test_reports_as_targets_and_by_routing(embedder, task):
    X, reports = task
    short = generator(embedder, max_epochs=1, max_new_tokens=8)
    scores = cross_val_score(short, X, reports, cv=2, error_score="raise")
    assert np.isfinite(scores).all()
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(FunctionTransformer(np.asarray), short)
        search = GridSearchCV(
            pipe, {"meritreportgenerator__n_prefix": [1]}, cv=2, error_score="raise"
        )
        labels = np.arange(32) % 2
        search.fit(X, labels, reports=reports)
        assert isinstance(search.predict(X[:2])[0], str)


def test_records_carry_reports():
    ecg = make_ecg(8, duration=2, random_state=0)
    embedder = MeritEmbedder(
        encoder={"widths": [8], "patch": 2},
        pretrained=None,
        duration=2,
        max_epochs=0,
        random_state=0,
    )
    fitted = generator(embedder, max_epochs=1).fit(ecg.data, np.zeros(8))
    assert 0 <= fitted.score(ecg.data) <= 1


class WordsForNumbers(MeritReportGenerator):
    """scikit-learn's checks bring numbers and subtract predictions: numbers are written out as
    reports, and reports come back as checksums, which are equal where the texts are."""

    def fit(self, X, y=None, *, reports=None, context=None):
        return super().fit(X, self.words(y), reports=reports, context=context)

    def predict(self, X, *, context=None):
        texts = super().predict(X, context=context)
        return np.array([zlib.crc32(text.encode()) for text in texts], dtype=float)

    def score(self, X, y=None):
        return rouge(self.words(y), super().predict(X))["rouge_l"].mean()

    @staticmethod
    def words(y):
        return np.array([f"class {value}" for value in np.ravel(y)], dtype=object)


def one_lead_embedder():
    X = np.asarray(make_ecg(16, random_state=0).data)[:, 1]
    encoder = {"widths": [8, 8], "patch": 4}
    return MeritEmbedder(
        encoder=encoder, pretrained=None, duration=1, max_epochs=0, random_state=0
    ).fit(X)


@parametrize_with_checks(
    [
        WordsForNumbers(
            FrozenEstimator(one_lead_embedder()),
            max_epochs=1,
            max_new_tokens=4,
            n_prefix=1,
            random_state=0,
        )
    ],
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
