"""MeritClassifier: fine-tuning on labels."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from merit_sk import ECGRecords, MeritClassifier, MeritEmbedder
from merit_sk.datasets import make_ecg

RHYTHMS = ["AFIB", "SBRAD", "STACH"]
NET = {"widths": [8, 8, 16], "patch": 8}


@pytest.fixture(scope="module")
def rhythms():
    return make_ecg(90, statements=RHYTHMS, task="rhythm", duration=4, noise=0.3, random_state=0)


@pytest.fixture(scope="module")
def X(rhythms):
    return np.asarray(rhythms.data)


@pytest.fixture(scope="module")
def y(rhythms):
    columns = [rhythms.target_names.index(code) for code in RHYTHMS]
    return np.array(RHYTHMS)[rhythms.target[:, columns].argmax(axis=1)]


@pytest.fixture(scope="module")
def embedder(rhythms):
    embedder = MeritEmbedder(encoder=NET, pretrained=None, duration=4, max_epochs=2, random_state=0)
    return embedder.fit(rhythms.data, reports=rhythms.reports)


def classifier(embedder, **parameters):
    return MeritClassifier(embedder, **{"max_epochs": 1, "random_state": 0} | parameters)


def weights(model):
    return {k: v.numpy().copy() for k, v in model.state_dict().items()}


def same(a, b, prefix=""):
    return all(np.array_equal(v, b[k]) for k, v in a.items() if k.startswith(prefix))


@pytest.mark.parametrize("given", [True, False])
def test_tells_voltages(embedder, X, given):
    gain = np.tile([1.0, 2.0], 45)
    model = classifier(
        embedder if given else MeritEmbedder(encoder=NET, pretrained=None, duration=4),
        freeze="encoder",
    )
    model.fit((X * gain[:, None, None])[:60], gain[:60])
    unseen = np.concatenate([X[60:], 2 * X[60:]])  # the same shapes with either gain
    proba = model.predict_proba(unseen)[:, 1]
    assert roc_auc_score(np.repeat([0, 1], 30), proba) > 0.8


def test_learns_rhythms_and_predicts_consistently(embedder, X, y):
    new = make_ecg(60, statements=RHYTHMS, task="rhythm", duration=4, noise=0.3, random_state=1)
    columns = [new.target_names.index(code) for code in RHYTHMS]
    true = np.array(RHYTHMS)[new.target[:, columns].argmax(axis=1)]
    fitted = classifier(embedder, max_epochs=5, lr=1e-3).fit(X, y)
    chances = fitted.predict_proba(new.data)
    assert fitted.classes_.tolist() == RHYTHMS
    assert roc_auc_score(true, chances, multi_class="ovr") > 0.9
    assert fitted.score(new.data, true) > 0.6
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.predict(new.data), fitted.classes_[chances.argmax(1)])
    assert fitted.decision_function(new.data).shape == (60, 3)


def test_training_lowers_the_loss_of_the_probe_that_it_starts_from(embedder, X, y):
    probe = classifier(embedder, max_epochs=0).fit(X, y)
    tuned = classifier(embedder, max_epochs=8, lr=1e-3).fit(X, y)
    assert roc_auc_score(y, probe.predict_proba(X), multi_class="ovr") > 0.7
    assert probe.n_iter_ == 0 and tuned.n_iter_ == 8
    assert log_loss(y, tuned.predict_proba(X)) < log_loss(y, probe.predict_proba(X))


def test_the_given_embedder_gives_its_weights_and_keeps_them(embedder, X, y):
    before = weights(embedder.model_)
    probe = classifier(FrozenEstimator(embedder), max_epochs=0).fit(X, y)
    assert same(weights(probe.model_.encoder), weights(embedder.model_.encoder))
    tuned = classifier(embedder, lr=1e-3).fit(X, y)
    assert not same(weights(tuned.model_.encoder), weights(embedder.model_.encoder))
    assert same(weights(embedder.model_), before)


def test_an_unfitted_embedder_gives_only_its_shape(embedder, X, y, tmp_path):
    unfitted = clone(embedder)
    scratch = classifier(unfitted, max_epochs=0).fit(X, y)
    assert not hasattr(unfitted, "model_")
    assert scratch.model_.encoder.stage_dims == embedder.model_.encoder.stage_dims
    assert not same(weights(scratch.model_.encoder), weights(embedder.model_.encoder), "stages.0.0")
    embedder.save_pretrained(tmp_path)
    named = classifier(MeritEmbedder(pretrained=tmp_path), max_epochs=0).fit(X, y)
    assert same(weights(named.model_.encoder), weights(embedder.model_.encoder))


def test_deterministic(embedder, X, y):
    for given in (embedder, clone(embedder)):
        first, second = (classifier(given, max_epochs=2).fit(X, y) for _ in range(2))
        np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    other = classifier(embedder, max_epochs=2, random_state=1).fit(X, y)
    assert not np.array_equal(first.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("start", ["fitted", "unfitted"])
@pytest.mark.parametrize("freeze", [1, 2, "encoder"])
def test_frozen_layers_stay_as_they_are(embedder, X, y, freeze, start):
    given = embedder if start == "fitted" else clone(embedder)
    before = weights(classifier(given, max_epochs=0).fit(X, y).model_)
    tuned = classifier(given, freeze=freeze, lr=1e-2).fit(X, y)
    after = weights(tuned.model_)
    n_frozen = 3 if freeze == "encoder" else freeze
    for stage in range(3):
        assert same(before, after, f"encoder.stages.{stage}.") == (stage < n_frozen)
    assert not same(before, after, "head.linear.")


def test_norms_of_pretraining_keep_their_statistics(embedder, X, y):
    tuned = weights(classifier(embedder, lr=1e-2).fit(X, y).model_.encoder)
    given = weights(embedder.model_.encoder)
    running = [k for k in given if "running" in k]
    assert running and all(np.array_equal(given[k], tuned[k]) for k in running)


@pytest.mark.parametrize(
    "encoder", [NET, {"trunk": "vit", "width": 16, "depth": 2, "heads": 2, "patch": 50}]
)
def test_layers_nearer_the_signal_learn_more_slowly(encoder, X, y):
    tuned = classifier(
        MeritEmbedder(encoder=encoder, pretrained=None, duration=4), lr=1e-2, layer_decay=0.5
    ).fit(X, y)
    rates = {}
    for group in tuned.net_.optimizer_.param_groups:
        for parameter in group["params"]:
            rates[id(parameter)] = group["initial_lr"]
    named = {name: rates[id(p)] for name, p in tuned.model_.named_parameters()}
    layers = ["stages.0", "stages.1", "stages.2"]
    if "trunk" in encoder:
        layers = ["tokenize", "blocks.0", "blocks.1"]
    for i, layer in enumerate(layers):
        found = {lr for name, lr in named.items() if name.startswith(f"encoder.{layer}.")}
        assert list(found) == pytest.approx([1e-2 * 0.5 ** (3 - i)])
    assert named["head.linear.weight"] == pytest.approx(1e-2)


def test_class_weights_favour_their_class(embedder, X, y):
    rare = np.where(y == "AFIB", "AFIB", "other")
    few = np.r_[np.flatnonzero(rare == "AFIB")[:5], np.flatnonzero(rare == "other")]
    plain, balanced, heavy = (
        classifier(embedder, class_weight=w).fit(X[few], rare[few]).predict_proba(X)[:, 0].mean()
        for w in (None, "balanced", {"AFIB": 1000.0})
    )
    assert plain < balanced < heavy
    with pytest.raises(ValueError, match=r"class_weight names \['SBRAD'\]"):
        classifier(embedder, class_weight={"SBRAD": 2}).fit(X, rare)
    with pytest.raises(ValueError, match="class_weight"):
        classifier(embedder, class_weight="equal").fit(X, rare)


class Spoil(Callback):
    """Replace the weights by noise after the second epoch."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            with torch.no_grad():
                net.module_.head.linear.weight.normal_(std=10)


def test_early_stopping_goes_back_to_the_best_epoch(embedder, X, y):
    fitted = classifier(
        embedder, max_epochs=12, patience=3, validation_fraction=0.3, lr=1e-4, callbacks=[Spoil()]
    ).fit(X, y)
    losses = [row["valid_loss"] for row in fitted.history_]
    assert np.argmin(losses) == 1 and fitted.n_iter_ == 5
    assert np.abs(weights(fitted.model_)["head.linear.weight"]).max() < 1
    assert fitted.score(X, y) > 0.6


def test_validation_data_must_not_be_empty(embedder, X, y):
    with pytest.raises(ValueError, match=r"=0.01 of 40 .* 40 for training and 0 for validation"):
        classifier(embedder, validation_fraction=0.01).fit(X[:40], y[:40])


def test_multi_label_with_columns_that_never_vary(embedder, X, y):
    Y = np.column_stack([y == "AFIB", y != "AFIB", np.zeros(len(y)), np.ones(len(y))]).astype(int)
    fitted = classifier(embedder, class_weight="balanced").fit(X, Y)
    assert fitted.classes_.tolist() == [0, 1, 2, 3]
    chances, predicted = fitted.predict_proba(X), fitted.predict(X)
    assert chances.shape == predicted.shape == fitted.decision_function(X).shape == Y.shape
    assert np.isfinite(chances).all()
    assert chances[:, 2].max() < 0.5 < chances[:, 3].min()
    np.testing.assert_array_equal(predicted, chances > 0.5)
    assert roc_auc_score(Y[:, 0], chances[:, 0]) > 0.7


def test_two_classes_give_one_decision_value(embedder, X, y):
    fitted = classifier(embedder).fit(X, y == "AFIB")
    assert fitted.classes_.tolist() == [False, True]
    np.testing.assert_array_equal(fitted.predict(X), fitted.decision_function(X) > 0)


def test_long_recordings_are_averaged_over_windows_and_padding_is_left_out(embedder, X, y):
    fitted = classifier(embedder).fit(X, y)
    one = fitted.decision_function(X[:4])
    long = ECGRecords.from_array(np.concatenate([X[:4]] * 2, axis=2), sampling_rate=100)
    assert fitted.decision_function(long).shape == one.shape
    alone = fitted.decision_function(X[:1])
    np.testing.assert_array_equal(alone, one[:1])
    short = fitted.decision_function(X[:4, :, :250])
    assert np.isfinite(short).all() and not np.array_equal(short, one)


def test_round_trips(embedder, X, y, tmp_path):
    fitted = classifier(embedder, max_epochs=np.int64(1)).fit(X, y)
    expected = fitted.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), expected)
    fitted.save_pretrained(tmp_path / "classifier")
    again = MeritClassifier.from_pretrained(tmp_path / "classifier")
    np.testing.assert_array_equal(again.predict_proba(X), expected)
    assert again.classes_.tolist() == RHYTHMS and again.history_ == fitted.history_
    trained = clone(again).fit(X, y)
    assert roc_auc_score(y, trained.predict_proba(X), multi_class="ovr") > 0.8
    with pytest.raises(ValueError, match="holds no embedder"):
        MeritEmbedder.from_pretrained(tmp_path / "classifier")
    embedder.save_pretrained(tmp_path / "embedder")
    with pytest.raises(ValueError, match="holds no classifier"):
        MeritClassifier.from_pretrained(tmp_path / "embedder")


def features_of_head(tuned, X):
    """What the head of a classifier reads of recordings as long as its window."""
    read = {}
    handle = tuned.model_.head.linear.register_forward_pre_hook(
        lambda module, given: read.setdefault("rows", []).append(given[0])
    )
    tuned.decision_function(X)
    handle.remove()
    return torch.cat(read["rows"])[: len(X)].numpy()


@pytest.mark.parametrize("start", ["weights", "random"])
def test_the_tuned_embedder_gives_what_the_head_reads(embedder, X, y, start):
    given = embedder if start == "weights" else clone(embedder)
    tuned = classifier(given, lr=1e-2).fit(X, y)
    Z = tuned.embedder_.transform(X)
    read = features_of_head(tuned, X)
    np.testing.assert_allclose(Z, 2.5 / np.sqrt(read.shape[1]) * read, rtol=1e-4, atol=1e-5)
    assert Z.shape[1] == len(tuned.embedder_.get_feature_names_out())
    if start == "weights":
        assert np.abs(Z - embedder.transform(X)).max() > 0.1


def test_the_tuned_embedder_is_frozen(embedder, X, y):
    tuned = classifier(embedder).fit(X, y)
    before = weights(tuned.model_)
    Z = tuned.embedder_.transform(X)
    pipe = make_pipeline(tuned.embedder_, LogisticRegression()).fit(X, y)
    assert np.array_equal(clone(pipe).fit(X, y)[0].transform(X), Z)
    assert np.array_equal(pipe[0].transform(X), Z) and pipe.score(X, y) > 0.5
    again = classifier(tuned.embedder_, max_epochs=0).fit(X, y)
    assert same(weights(again.model_), before, "encoder.") and same(weights(tuned.model_), before)
    assert not hasattr(MeritClassifier(embedder), "embedder_")
    with pytest.raises(NotFittedError):
        MeritClassifier(embedder).embedder_  # noqa: B018


def test_the_tuned_embedder_is_saved_with_the_classifier(embedder, X, y, tmp_path):
    tuned = classifier(embedder).fit(X, y)
    Z = tuned.embedder_.transform(X)
    tuned.save_pretrained(tmp_path / "classifier")
    loaded = MeritClassifier.from_pretrained(tmp_path / "classifier")
    for one in (loaded, pickle.loads(pickle.dumps(tuned))):
        assert np.array_equal(one.embedder_.transform(X), Z)
    tuned.embedder_.save_pretrained(tmp_path / "embedder")
    alone = MeritEmbedder(tmp_path / "embedder")
    assert np.array_equal(alone.transform(X), Z)
    assert np.array_equal(pickle.loads(pickle.dumps(tuned.embedder_)).transform(X), Z)


def test_clones_start_from_the_same_weights(embedder, X, y):
    original = classifier(embedder, max_epochs=0)
    copy = clone(original)
    assert copy.embedder is not embedder and copy.embedder.model_ is embedder.model_
    np.testing.assert_array_equal(
        copy.fit(X, y).predict_proba(X), original.fit(X, y).predict_proba(X)
    )


def test_inside_searches_and_pipelines(embedder, rhythms, X, y):
    folds, loss = StratifiedKFold(2), "neg_log_loss"
    search = GridSearchCV(classifier(embedder), {"max_epochs": [0, 3]}, cv=folds, scoring=loss)
    search.fit(rhythms.data, y)
    by_hand = []
    for n in (0, 3):
        for train, test in folds.split(X, y):
            fitted = classifier(embedder, max_epochs=n).fit(X[train], y[train])
            by_hand.append(-log_loss(y[test], fitted.predict_proba(X[test])))
    assert len(set(by_hand)) == 4
    found = np.transpose([search.cv_results_[f"split{k}_test_score"] for k in (0, 1)])
    np.testing.assert_allclose(found.ravel(), by_hand)
    pipeline = make_pipeline(FunctionTransformer(np.asarray), classifier(embedder, max_epochs=3))
    scores = cross_val_score(pipeline, X, y, cv=folds, scoring=loss)
    np.testing.assert_allclose(scores, by_hand[2:])
    proba = cross_val_predict(pipeline, X, y, cv=folds, method="predict_proba")
    assert roc_auc_score(y, proba, multi_class="ovr") > 0.8


def test_errors_say_what_to_do(embedder, X, y):
    with pytest.raises(ValueError, match="only one class, 'AFIB'"):
        classifier(embedder).fit(X, np.full(len(X), "AFIB"))
    with pytest.raises(ValueError, match="requires y to be passed"):
        classifier(embedder).fit(X, None)
    with pytest.raises(ValueError, match="this encoder has 3 layers"):
        classifier(embedder, freeze=4).fit(X, y)
    with pytest.raises(ValueError, match="layer_decay"):
        classifier(embedder, layer_decay=0).fit(X, y)
    with pytest.raises(ValueError, match="expects 12: I, II"):
        classifier(embedder).fit(X[:, :3], y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier(embedder).fit(X, y[:-1])
    with pytest.raises(NotFittedError):
        classifier(embedder).predict(X)
    bad = X.copy()
    bad[3, 0, 5] = np.nan
    with pytest.raises(ValueError, match="3"):
        classifier(embedder).fit(bad, y)
