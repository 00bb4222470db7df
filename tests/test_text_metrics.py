"""Text metrics, their intervals, and the baselines beside a report generator."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import f1_score

from merit_sk.evaluation import evaluate_reports, report_labeler
from merit_sk.metrics import bert_score, bleu, meteor_exact_stem, rouge

TRUE = np.array([
    "Normal sinus rhythm; Normal ECG",
    "Atrial fibrillation; Left bundle branch block; Abnormal ECG",
    "Sinus bradycardia; Otherwise normal ECG",
], dtype=object)  # fmt: skip
OTHER = np.array([
    "Normal sinus rhythm; Normal ECG",
    "Atrial fibrillation with rapid ventricular response; Abnormal ECG",
    "Normal sinus rhythm; Otherwise normal ECG",
], dtype=object)  # fmt: skip


def test_equal_texts_score_one():
    for scores in (*rouge(TRUE, TRUE).values(), [*bleu(TRUE, TRUE).values()]):
        np.testing.assert_allclose(scores, 1)
    assert (meteor_exact_stem(TRUE, TRUE) > 0.98).all()


def test_rouge_by_hand():
    # 8 and 8 words; in common: atrial, fibrillation, abnormal, ecg
    scores = rouge(TRUE[1:2], OTHER[1:2])
    assert scores["rouge_1"][0] == pytest.approx(4 / 8)
    assert scores["rouge_l"][0] == pytest.approx(4 / 8)
    assert scores["rouge_2"][0] == pytest.approx(2 / 7)


def test_umlauts_are_letters():
    assert rouge(["für"], ["f r"])["rouge_1"][0] == 0


def test_bleu_agrees_with_sacrebleu_on_the_corpus():
    from sacrebleu.metrics import BLEU

    for order in (1, 2, 3, 4):
        scorer = BLEU(lowercase=True, smooth_method="none", max_ngram_order=order)
        expected = scorer.corpus_score(OTHER.tolist(), [TRUE.tolist()]).score / 100
        assert bleu(TRUE, OTHER)[f"bleu_{order}"] == pytest.approx(expected)


def test_empty_text_scores_zero():
    empty = np.full(3, "", dtype=object)
    assert rouge(TRUE, empty)["rouge_l"].max() == 0
    assert meteor_exact_stem(TRUE, empty).max() == 0
    assert bleu(TRUE, empty)["bleu_1"] == 0


def test_meteor_counts_stems_but_no_synonyms():
    same, stem, synonym = meteor_exact_stem(
        ["premature complexes"] * 3, ["premature complexes", "premature complex", "early complexes"]
    )
    assert same == stem > synonym


def test_bert_score_with_a_local_model(tmp_path):
    from transformers import BertConfig, BertModel

    from merit_sk.nn.language_model import learn_tokenizer

    tokenizer = learn_tokenizer([*TRUE, *OTHER], min_patients=1)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16,
    )  # fmt: skip
    BertModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    np.testing.assert_allclose(bert_score(TRUE, TRUE, tmp_path), 1, rtol=1e-5)
    scores = bert_score(TRUE, OTHER, tmp_path)
    assert scores[0] == pytest.approx(1) and (scores[1:] < 1).all() and (scores > 0).all()
    assert bert_score([TRUE[0]], [""], tmp_path)[0] == 0


def test_labels_are_read_out_of_text(ecg):
    labeler = report_labeler().fit(ecg.reports, ecg.target)
    scores = evaluate_reports(
        ecg.reports, {"true": ecg.reports, "one": np.full(60, ecg.reports[0], dtype=object)},
        labeler=labeler, target=ecg.target, n_resamples=50, random_state=0,
    )  # fmt: skip
    clinical = {name: s["clinical_f1"].estimate for name, s in scores.intervals.items()}
    assert clinical["true"] > 0.9 > 0.5 > clinical["one"]
    found = labeler.predict(ecg.reports)
    assert clinical["true"] == pytest.approx(f1_score(ecg.target, found, average="macro"))


def test_intervals_and_paired_comparison():
    many, worse = np.tile(TRUE, 30), np.tile(OTHER, 30)
    scores = evaluate_reports(
        many, {"good": many, "worse": worse}, groups=np.arange(90) // 3, n_resamples=100,
        random_state=0,
    )  # fmt: skip
    interval = scores.intervals["worse"]["rouge_l"]
    # every patient has the same three reports: no resample differs
    assert interval.low == pytest.approx(interval.high) == pytest.approx(interval.estimate)
    by_record = evaluate_reports(many, worse, n_resamples=100, random_state=0)
    interval = by_record.intervals["generated"]["bleu_4"]
    assert interval.low < interval.estimate < interval.high
    difference = scores.compare("good", "worse", "meteor_exact_stem")
    assert difference.low > 0 and difference.p_value < 0.05
    table = scores.table()
    assert list(table.index) == ["good", "worse"] and table.loc["worse", "n_distinct"] == 3


@pytest.mark.parametrize("change, error, message", [
    ({"generated": TRUE[:2]}, ValueError, "inconsistent numbers"),
    ({"generated": [None, "a", "b"]}, TypeError, "one string per record"),
    ({"target": np.eye(3, dtype=int)}, ValueError, "both labeler= and target="),
    ({"target": np.eye(3) / 2, "labeler": report_labeler()}, ValueError, "zeros and ones"),
])  # fmt: skip
def test_bad_input(change, error, message):
    with pytest.raises(error, match=message):
        evaluate_reports(**({"reports": TRUE, "generated": OTHER, "n_resamples": 5} | change))


def test_missing_package_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "rouge_score.rouge_scorer", None)
    with pytest.raises(ImportError, match=r"merit_sk\[report\]"):
        rouge(TRUE, TRUE)


def test_metrics_are_imported_when_used():
    code = (
        "import sys, merit_sk.evaluation;"
        "assert not {'nltk', 'sacrebleu', 'rouge_score', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
