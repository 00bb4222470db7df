"""MeritZeroShotClassifier: classes in words, from simulated ECGs and real ones."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.statements import PTBXL_STATEMENTS, statement_prompts, task_labels

RHYTHMS = ["AFIB", "SBRAD", "STACH"]


@pytest.fixture(scope="module")
def rhythms():
    """Three kinds of heart rate, told apart in a moment."""
    return make_ecg(150, statements=RHYTHMS, task="rhythm", duration=5, noise=0.3, random_state=0)


@pytest.fixture(scope="module")
def rhythm_embedder(rhythms):
    embedder = MeritEmbedder(
        encoder={"widths": [16, 16, 32, 32], "patch": 16}, pretrained=None, duration=5,
        max_epochs=12, structure_weight=0, lr=3e-3, batch_size=32, random_state=0,
    )  # fmt: skip
    return embedder.fit(rhythms.data, reports=rhythms.reports)


def labels(ecg):
    columns = [ecg.target_names.index(code) for code in RHYTHMS]
    return np.array(RHYTHMS)[ecg.target[:, columns].argmax(axis=1)]


def test_prompts_find_new_recordings_of_their_class(rhythm_embedder):
    new = make_ecg(90, statements=RHYTHMS, task="rhythm", duration=5, noise=0.3, random_state=1)
    zero = MeritZeroShotClassifier(rhythm_embedder, classes=RHYTHMS).fit(new.data)
    chances = zero.predict_proba(new.data)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert roc_auc_score(labels(new), chances, multi_class="ovr", labels=zero.classes_) > 0.9
    assert zero.score(new.data, labels(new)) > 0.6
    np.testing.assert_array_equal(zero.predict(new.data), zero.classes_[chances.argmax(axis=1)])


def test_labels_without_classes_name_their_own_prompts(rhythm_embedder, rhythms):
    zero = MeritZeroShotClassifier(rhythm_embedder).fit(rhythms.data, labels(rhythms))
    assert zero.classes_.tolist() == sorted(RHYTHMS)
    assert zero.prompts_["AFIB"] == statement_prompts("AFIB", "en")


def test_multi_label(rhythm_embedder, rhythms):
    zero = MeritZeroShotClassifier(rhythm_embedder, classes=RHYTHMS, multi_label=True)
    zero.fit(rhythms.data, rhythms.target)
    scores, predicted = zero.decision_function(rhythms.data), zero.predict(rhythms.data)
    assert set(np.unique(predicted)) <= {0, 1} and predicted.shape == (150, 3)
    np.testing.assert_array_equal(predicted, zero.predict_proba(rhythms.data) > 0.5)
    y = labels(rhythms)[:, None] == np.array(RHYTHMS)
    assert roc_auc_score(y, scores) > 0.9


def test_two_classes_give_one_decision_value(rhythm_embedder, rhythms):
    zero = MeritZeroShotClassifier(
        rhythm_embedder, classes={"slow": "sinus bradycardia", "fast": ["sinus tachycardia"]}
    ).fit(rhythms.data)
    assert zero.classes_.tolist() == ["slow", "fast"]
    decision = zero.decision_function(rhythms.data)
    np.testing.assert_array_equal(zero.predict(rhythms.data) == "fast", decision > 0)


def test_superclasses_by_default(fitted, ecg):
    zero = MeritZeroShotClassifier(fitted).fit(ecg.data)
    assert zero.classes_.tolist() == ["CD", "HYP", "MI", "NORM", "STTC"]


def test_a_fitted_embedder_survives_cross_validation(rhythm_embedder, rhythms):
    zero = MeritZeroShotClassifier(rhythm_embedder, classes=RHYTHMS)
    copy = clone(zero)
    assert copy.embedder is not rhythm_embedder
    assert copy.embedder.model_ is rhythm_embedder.model_
    assert cross_val_score(zero, rhythms.data, labels(rhythms), cv=3).min() > 0.6
    copy.set_params(embedder__batch_size=7)
    assert rhythm_embedder.batch_size == 32


def test_an_unfitted_embedder_is_pretrained_without_labels(tiny, ecg):
    embedder = MeritEmbedder(**tiny)
    zero = MeritZeroShotClassifier(embedder).fit(ecg.data, reports=ecg.reports)
    assert not hasattr(embedder, "model_")
    assert zero.predict_proba(ecg.data).shape == (60, 5)


def test_german_reports_are_prompted_in_german(tiny):
    ecg = make_ecg(40, language="de", duration=2, noise=0, random_state=0)
    zero = MeritZeroShotClassifier(MeritEmbedder(**tiny), classes=["AFIB"])
    zero.fit(ecg.data, reports=ecg.reports)
    assert zero.prompts_["AFIB"] == statement_prompts("AFIB", "de")


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_statement_has_several_prompts(language):
    codes = [*PTBXL_STATEMENTS, *set(task_labels("superclass").values())]
    assert len(codes) == 76
    assert all(len(set(statement_prompts(code, language))) >= 2 for code in codes)


def test_unknown_words_are_warned_about(fitted, ecg):
    with pytest.warns(UserWarning, match="'x': .*|no word of the phrases for class 'x'"):
        MeritZeroShotClassifier(fitted, classes={"x": "zzz qqq", "y": "sinus rhythm"}).fit(ecg.data)


def test_errors_say_what_to_do(tiny, ecg, fitted):
    with pytest.raises(ValueError, match="pass a MeritEmbedder"):
        MeritZeroShotClassifier().fit(ecg.data)
    mute = MeritEmbedder(**tiny).fit(np.asarray(ecg.data))
    with pytest.raises(ValueError, match="without reports"):
        MeritZeroShotClassifier(mute).fit(ecg.data)
    with pytest.raises(ValueError, match="at least one phrase"):
        MeritZeroShotClassifier(fitted, classes={"a": []}).fit(ecg.data)
    with pytest.raises(NotFittedError):
        MeritZeroShotClassifier(fitted).predict(ecg.data)
