"""Text encoders: the built-in one, and any Hugging Face encoder from a folder."""

import json
import pickle

import numpy as np
import pytest

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.training.batches import Reports


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory):
    """A BERT with random weights and a word-level tokenizer, saved as hub models are."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    words = "[PAD] [UNK] sinus rhythm atrial fibrillation left right bundle branch block normal ecg"
    vocabulary = {word: i for i, word in enumerate(words.split())}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def test_hugging_face_encoder_from_a_folder(tiny_bert, tiny, ecg, tmp_path):
    embedder = MeritEmbedder(text_encoder=str(tiny_bert), **tiny)
    embedder.fit(ecg.data, reports=ecg.reports)
    text = embedder.embed_text(["atrial fibrillation", "left bundle branch block"])
    assert text.shape == (2, 128)
    np.testing.assert_allclose(np.linalg.norm(text, axis=1), 1, rtol=1e-5)
    embedder.save_pretrained(tmp_path)
    again = MeritEmbedder.from_pretrained(tmp_path)
    np.testing.assert_array_equal(
        again.embed_text(["atrial fibrillation", "left bundle branch block"]), text
    )


@pytest.fixture(scope="module")
def with_bert(tiny_bert, learn):
    return learn(["sinus rhythm", "normal ecg"], text_encoder=str(tiny_bert))


def test_padding_does_not_change_a_sentence(with_bert):
    features = with_bert.text_features_
    alone = features(["sinus rhythm"])["sentence"]
    padded = features(["sinus rhythm", "left bundle branch block normal ecg"])["sentence"][:1]
    np.testing.assert_array_equal(alone, padded)


def test_missing_encoder_says_what_to_do(tiny, ecg):
    with pytest.raises(OSError, match="text_encoder='builtin'"):
        MeritEmbedder(text_encoder="no/such-model", **tiny).fit(ecg.data)


def test_builtin_features_survive_saving(learn, tmp_path):
    embedder = learn(["sinus rhythm", "left bundle branch block"])
    embedder.save_pretrained(tmp_path)
    features = embedder.text_features_
    again = MeritEmbedder.from_pretrained(tmp_path).text_features_
    texts = ["left bundle", "rhythm", "unheard of"]
    for name, values in features(texts).items():
        np.testing.assert_array_equal(values, again(texts)[name])
    assert features.known("left bundle") == 1 and features.known("unheard of") == 0


def test_left_and_right_are_different_words(learn):
    texts = ["left bundle branch block", "right bundle branch block"]
    features = learn(texts * 20).text_features_
    out = features(texts)
    assert set(out["terms"][0]) != set(out["terms"][1])


def test_missing_reports_of_every_kind(learn):
    given, expected = (
        learn(reports, max_epochs=2)
        for reports in (
            ["A", None, float("nan"), np.nan, "  ", "b\nc", " B  C "],
            ["a", "", "", "", "", "b c", "b c"],
        )
    )
    features = expected.text_features_
    assert features.n_features == 4  # a, b, c, b c; "nan" and "none" are no words
    np.testing.assert_array_equal(given.text_features_.hashes, features.hashes)
    np.testing.assert_array_equal(given.text_features_.idf, features.idf)
    for found, same in zip(given.history_, expected.history_, strict=True):
        assert found["train_loss"] == same["train_loss"]


def bank(reports, learn):
    """Statements that are learned from some reports, and which of them each report has."""
    learned = Reports(reports, learn(reports).text_features_, np.arange(len(reports)))
    present = learned.batch(np.arange(len(reports))).get("present")
    return learned.bank, [] if present is None else present.int().tolist()


@pytest.mark.parametrize("report, statements", [
    ("sinus rhythm; normal ecg", ["sinus rhythm", "normal ecg"]),
    ("sinusrhythmus. lagetyp normal.", ["sinusrhythmus", "lagetyp normal"]),
    ("st 0.5 mm. st 0.5 mm", ["st 0.5 mm"]),
    (" ;. ", []),
])  # fmt: skip
def test_statements_of_a_report(report, statements, learn):
    found, present = bank([report] * 3 + ["another"], learn)
    assert found == statements
    assert present == ([[1] * len(found)] * 3 + [[0] * len(found)] if found else [])


def test_bank_holds_what_recurs_but_does_not_go_without_saying(learn):
    reports = ["common; af"] * 5 + ["common; rare"] * 2 + ["common"] * 4
    found, present = bank(reports, learn)
    assert found == ["af"]
    assert present == [[1]] * 5 + [[0]] * 6


def test_a_saved_model_loads_its_encoder_only_for_text(tiny_bert, tiny, ecg, tmp_path, monkeypatch):
    import transformers

    embedder = MeritEmbedder(text_encoder=str(tiny_bert), **tiny)
    embedder.fit(ecg.data, reports=ecg.reports).save_pretrained(tmp_path)
    trusted, load = [], transformers.AutoModel.from_pretrained

    def spy(name, **options):
        trusted.append(options.get("trust_remote_code"))
        return load(name, **options)

    monkeypatch.setattr(transformers.AutoModel, "from_pretrained", spy)
    for again in (MeritEmbedder.from_pretrained(tmp_path), pickle.loads(pickle.dumps(embedder))):
        again.transform(ecg.data[:2])
        assert trusted == []
        again.embed_text(["sinus rhythm"])
        assert trusted.pop() is False and not trusted


def test_code_of_a_repository_is_never_run(tiny_bert, tmp_path, learn, monkeypatch):
    import shutil

    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_bert, tmp_path / "bert")
    path = tmp_path / "bert" / "config.json"
    config = json.loads(path.read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.C", "AutoModel": "evil.M"}}
    path.write_text(json.dumps(config))
    (tmp_path / "bert" / "evil.py").write_text("open('ran', 'w')")
    with pytest.raises(OSError, match="could not be loaded"):
        learn(["sinus rhythm", "normal ecg"], text_encoder=str(tmp_path / "bert"))
    assert not (tmp_path / "ran").exists()


def test_an_encoder_moves_to_a_device(with_bert):
    features = with_bert.text_features_
    here = features(["sinus rhythm"])["sentence"]
    np.testing.assert_array_equal(features.to("cpu")(["sinus rhythm"])["sentence"], here)
    moved = pickle.loads(pickle.dumps(features)).to("meta")
    with pytest.raises(Exception, match="meta"):
        moved(["sinus rhythm"])
    assert moved.extended(["a"]) is moved and moved.to_dict()["n_features"] == 16


@pytest.mark.parametrize("texts, language", [
    (["sinus rhythm, left bundle branch block", "atrial fibrillation"], "en"),
    (["sinusrhythmus, linksschenkelblock", "vorhofflimmern"], "de"),
    (["rythme sinusal, bloc de branche droit complet", "fibrillation auriculaire"], None),
    (["ritmo sinusal a 72 lpm, eje normal", "bloqueo de rama izquierda"], None),
    (["窦性心律", "正常心电图"], None),
    (["sinus rhythm", "sinusrhythmus"], None),
    ([], None),
])  # fmt: skip
def test_a_language_is_named_only_if_it_is_known(texts, language, learn):
    assert learn(texts).language_ == language


def test_language_of_real_reports(data_dir, learn):
    import pandas as pd

    table = pd.read_csv(data_dir / "metadata" / "ptbxl_12sl_statements_text_en.csv")
    assert learn(table["text_en"].dropna().unique()[:2000]).language_ == "en"


def test_reports_in_another_language_are_asked_in_english(tiny, ecg):
    reports = ["rythme sinusal", "fibrillation auriculaire", "bloc de branche"] * 20
    embedder = MeritEmbedder(**tiny | {"max_epochs": 1}).fit(ecg.data, reports=reports)
    assert embedder.language_ is None
    with pytest.warns(UserWarning, match="no word of the phrases"):
        zero = MeritZeroShotClassifier(embedder, classes=["AFIB", "LVH"]).fit(ecg.data[:2])
    assert "atrial fibrillation" in [phrase.lower() for phrase in zero.prompts_["AFIB"]]
