"""A fit that fails leaves what was there; what was not trained does not answer."""

import copy
import json
import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback

from merit_sk import (
    MeritClassifier,
    MeritEmbedder,
    MeritReportGenerator,
    MeritZeroShotClassifier,
    list_pretrained,
)


class Fails(Callback):
    """Ends training with an error, in the second epoch."""

    def __init__(self, error=None):
        self.error = error or RuntimeError("stop")

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise self.error


@pytest.fixture(scope="module")
def X(ecg):
    return np.asarray(ecg.data)


def changed(estimator, **parameters):
    return copy.copy(estimator).set_params(**parameters)


def state(estimator):
    parameters = estimator.get_params(deep=False)
    return {k: v for k, v in vars(estimator).items() if k not in parameters}


@pytest.mark.parametrize("failure", [
    dict(callbacks=[Fails()]), dict(callbacks=[Fails(FloatingPointError("nan"))]),
    dict(lr=-1), dict(structure_weight=0), dict(encoder={"depht": 3}),
], ids=["callback", "divergence", "parameter", "no reports", "encoder"])  # fmt: skip
def test_a_failed_fit_leaves_the_embedder_as_it_was(fitted, X, failure):
    embedder = changed(fitted, **failure)
    before, expected = state(embedder), fitted.transform(X)
    with pytest.raises((RuntimeError, ValueError, FloatingPointError)):
        embedder.fit(X[:30, :8] if "callbacks" in failure else X)
    assert state(embedder) == before
    np.testing.assert_array_equal(embedder.transform(X), expected)
    np.testing.assert_array_equal(embedder.transform(X[:5]), expected[:5])


@pytest.mark.parametrize("bad", ["signals", "reports", "training"])
def test_a_first_fit_that_fails_leaves_nothing(tiny, X, bad):
    embedder = MeritEmbedder(**tiny)
    with pytest.raises((ValueError, RuntimeError)):
        if bad == "training":
            embedder.set_params(callbacks=[Fails()]).fit(X)
        else:
            embedder.fit(X * (np.nan if bad == "signals" else 1),
                         reports=["one"] if bad == "reports" else None)  # fmt: skip
    assert not state(embedder)
    with pytest.raises(NotFittedError):
        check_is_fitted(embedder)
    with pytest.raises(NotFittedError):
        embedder.transform(X)


def test_a_failed_fit_of_a_classifier(fitted, X):
    y = np.arange(len(X)) % 2
    model = MeritClassifier(fitted, max_epochs=2, random_state=0).fit(X, y)
    before, expected = state(model), model.predict_proba(X)
    with pytest.raises(RuntimeError, match="stop"):
        model.set_params(callbacks=[Fails()]).fit(X[:, :, :250], 1 - y)
    assert state(model) == before
    np.testing.assert_array_equal(model.predict_proba(X), expected)


def test_a_failed_fit_of_a_report_generator(fitted, ecg):
    writer = MeritReportGenerator(fitted, max_epochs=1, max_new_tokens=4, random_state=0)
    writer.fit(ecg.data, reports=ecg.reports)
    before = state(writer)
    with pytest.raises(ValueError, match="max_new_tokens"):
        writer.set_params(max_new_tokens=0).fit(ecg.data, reports=ecg.reports)
    with pytest.raises(ValueError, match="one entry per record"):
        writer.set_params(max_new_tokens=4).fit(ecg.data, reports=ecg.reports[:3])
    assert state(writer) == before


def test_interrupted_by_the_user_it_is_usable(tiny, X):
    settings = tiny | {"max_epochs": 5, "callbacks": [Fails(KeyboardInterrupt())]}
    embedder = MeritEmbedder(**settings).fit(X)
    assert 1 <= embedder.n_iter_ <= 2
    np.testing.assert_array_equal(embedder.transform(X[:5]), embedder.transform(X)[:5])


def test_the_model_of_a_clone_does_not_change_with_more_training(fitted, ecg, X):
    expected = fitted.transform(X)
    more = changed(fitted, warm_start=True, max_epochs=1).fit(ecg.data, reports=ecg.reports)
    assert not np.array_equal(more.transform(X), expected)
    np.testing.assert_array_equal(fitted.transform(X), expected)


def test_text_that_was_not_trained_does_not_answer(tiny, ecg):
    masked = MeritEmbedder(**tiny, structure_weight=1).fit(ecg.data, reports=ecg.reports)
    with pytest.raises(ValueError, match="pretrained without reports"):
        masked.embed_text(["sinus rhythm"])
    with pytest.raises(ValueError, match="pretrained without reports"):
        masked.set_params(readout="projected").transform(ecg.data)
    with pytest.raises(ValueError, match="pretrained without reports"):
        MeritZeroShotClassifier(masked).fit(ecg.data)


def test_reconstruction_that_was_not_trained_does_not_answer(tiny, ecg, tmp_path):
    aligned = MeritEmbedder(**tiny, structure_weight=0).fit(ecg.data, reports=ecg.reports)
    aligned.save_pretrained(tmp_path)
    for model in (aligned, MeritEmbedder.from_pretrained(tmp_path), joblib_copy(aligned)):
        with pytest.raises(ValueError, match="structure_weight=0 and cannot reconstruct"):
            model.reconstruct(ecg.data[:2])
        np.testing.assert_array_equal(model.embed_text(["af"]), aligned.embed_text(["af"]))


def joblib_copy(estimator):
    return pickle.loads(pickle.dumps(estimator))


def test_warm_start_with_another_encoder_is_an_error(fitted, ecg):
    with pytest.raises(ValueError, match="another encoder"):
        changed(fitted, warm_start=True, encoder={"widths": [8, 8], "patch": 4}).fit(ecg.data)


def test_loading_by_either_way_gives_the_same_estimator(tmp_path, fitted, ecg):
    changed(fitted, n_jobs=2, verbose=1, batch_size=16, lr=0.1).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    words = json.dumps(config["parameters"])
    assert not any(name in words for name in ("n_jobs", "verbose", "device", "callbacks"))
    loaded = MeritEmbedder.from_pretrained(tmp_path)
    fitted_to = MeritEmbedder(pretrained=str(tmp_path)).fit(ecg.data)
    assert loaded.get_params() == fitted_to.get_params()
    assert joblib.hash(loaded.transform(ecg.data)) == joblib.hash(fitted_to.transform(ecg.data))
    assert MeritEmbedder.from_pretrained("merit-tiny").get_params() == MeritEmbedder().get_params()


def test_other_estimators_do_not_save_what_concerns_the_machine(fitted, ecg, tmp_path):
    y = np.arange(60) % 2
    model = MeritClassifier(fitted, max_epochs=0, n_jobs=1, class_weight={0: 1, 1: 3.5})
    model.fit(ecg.data, y).save_pretrained(tmp_path)
    loaded = MeritClassifier.from_pretrained(tmp_path)
    assert loaded.n_jobs is None and loaded.class_weight == {0: 1, 1: 3.5}
    np.testing.assert_array_equal(loaded.predict_proba(ecg.data), model.predict_proba(ecg.data))
    again = clone(MeritClassifier("merit-tiny", max_epochs=0)).fit(ecg.data, y)
    again.save_pretrained(tmp_path)
    assert MeritClassifier.from_pretrained(tmp_path).embedder == "merit-tiny"


def test_a_fitted_embedder_is_frozen_on_entry(fitted):
    for Estimator in (MeritClassifier, MeritZeroShotClassifier, MeritReportGenerator):
        estimator = Estimator(fitted)
        assert isinstance(estimator.embedder, FrozenEstimator)
        assert clone(estimator).embedder.estimator is fitted
        with pytest.raises(ValueError, match="cannot set parameters"):
            estimator.set_params(embedder__lr=1)
        assert Estimator().set_params(embedder=fitted).embedder.estimator is fitted
        unfitted = Estimator(MeritEmbedder())
        assert unfitted.set_params(embedder__lr=0.5).embedder.lr == 0.5


@pytest.mark.parametrize("embedder", [None, 3, "nothing/like-this"])
def test_what_is_no_embedder(embedder, ecg):
    with pytest.raises((TypeError, OSError), match=r"name, folder or hub id|no model"):
        MeritZeroShotClassifier(embedder).fit(ecg.data)


def test_the_box_is_listed():
    assert "merit-tiny" in list_pretrained()


def test_no_argument_learns_nothing_and_needs_no_fit(ecg):
    embedder = MeritEmbedder()
    check_is_fitted(embedder)
    Z = embedder.transform(ecg.data)
    assert not state(embedder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(embedder.fit(ecg.data).transform(ecg.data), Z)
    assert list(embedder.get_feature_names_out()) == list(MeritEmbedder().get_feature_names_out())
    assert len(set(embedder.get_feature_names_out())) == Z.shape[1] == 1656


@pytest.mark.parametrize(
    "given", [dict(lr=1e-2), dict(validation_fraction=0.1), dict(callbacks=[Fails()])]
)
def test_what_has_no_effect_is_said(ecg, given):
    name = next(iter(given))
    with pytest.warns(UserWarning, match=rf"{name} had no effect.*reports=.*pretrained=None"):
        MeritEmbedder(**given).fit(ecg.data)


def test_reports_without_epochs_are_said_to_be_unused(ecg):
    with pytest.warns(UserWarning, match="reports had no effect"):
        MeritEmbedder(max_epochs=0).fit(ecg.data, reports=ecg.reports)


def test_reports_go_on_from_the_weights_and_bring_their_words(fitted, ecg, tmp_path):
    fitted.save_pretrained(tmp_path)
    reports = [" ".join(word[::-1] for word in text.split()) for text in ecg.reports]
    word = reports[0].split()[0]
    assert fitted.text_features_.known(word) == 0
    embedder = MeritEmbedder(tmp_path, lr=1e-12, max_epochs=1, random_state=0)
    embedder.fit(ecg.data, reports=reports)
    assert embedder.n_iter_ == fitted.n_iter_ + 1
    assert embedder.text_features_.known(word) == 1
    phrases = ["sinus rhythm", "atrial fibrillation"]
    np.testing.assert_allclose(
        embedder.embed_text(phrases), fitted.embed_text(phrases), atol=1e-5
    )  # fmt: skip
