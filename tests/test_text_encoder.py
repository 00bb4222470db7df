"""Text encoders: the built-in one, and any Hugging Face encoder from a folder."""

import numpy as np
import pytest

from merit_sk import MeritEmbedder
from merit_sk.reports._check import check_reports
from merit_sk.reports._features import TermFeatures
from merit_sk.reports._statements import split_statements, statement_bank


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


def test_padding_does_not_change_a_sentence(tiny_bert):
    from merit_sk.reports._features import SentenceFeatures

    features = SentenceFeatures(tiny_bert)
    alone = features(["sinus rhythm"])["sentence"]
    padded = features(["sinus rhythm", "left bundle branch block normal ecg"])["sentence"][:1]
    np.testing.assert_array_equal(alone, padded)


def test_missing_encoder_says_what_to_do(tiny, ecg):
    with pytest.raises(OSError, match="text_encoder='builtin'"):
        MeritEmbedder(text_encoder="no/such-model", **tiny).fit(ecg.data)


def test_builtin_features_survive_saving():
    features = TermFeatures.learn(["sinus rhythm", "left bundle branch block"])
    again = TermFeatures(**{k: v for k, v in features.to_dict().items() if k != "kind"})
    texts = ["left bundle", "rhythm", "unheard of"]
    for name, values in features(texts).items():
        np.testing.assert_array_equal(values, again(texts)[name])
    assert features.known("left bundle") == 1 and features.known("unheard of") == 0


def test_left_and_right_are_different_words():
    features = TermFeatures.learn(["left bundle branch block", "right bundle branch block"] * 20)
    out = features(["left bundle branch block", "right bundle branch block"])
    assert set(out["terms"][0]) != set(out["terms"][1])


def test_missing_reports_of_every_kind():
    out = check_reports(["A", None, float("nan"), "  ", "b\nc"], 5)
    assert out.tolist() == ["a", "", "", "", "b c"]


@pytest.mark.parametrize("report, statements", [
    ("sinus rhythm; normal ecg", ["sinus rhythm", "normal ecg"]),
    ("sinusrhythmus. lagetyp normal.", ["sinusrhythmus", "lagetyp normal"]),
    ("st 0.5 mm. st 0.5 mm", ["st 0.5 mm"]),
    (" ;. ", []),
])  # fmt: skip
def test_statements_of_a_report(report, statements):
    assert split_statements(report) == statements


def test_bank_holds_what_recurs_but_does_not_go_without_saying():
    texts = ["common; af", "common; rare", "common"]
    bank, present = statement_bank(texts, [5, 1, 4])
    assert bank == ["af"]
    assert present.toarray().tolist() == [[1], [0], [0]]
