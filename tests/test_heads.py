"""Probe heads as estimators: by themselves, in searches, and behind an embedder."""

import doctest
from pathlib import Path

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier, RidgeClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.evaluation import LogisticProbe, MerlProbe, RidgeProbe, evaluate_probe
from merit_sk.metrics import macro_auc, macro_auc_scorer

HEADS = [RidgeProbe(), LogisticProbe(), MerlProbe(max_epochs=20, random_state=0)]
NAMES = [type(head).__name__ for head in HEADS]


@pytest.fixture
def labeled():
    rng = np.random.default_rng(0)
    y = (rng.random((300, 3)) < (0.5, 0.3, 0.2)).astype(int)
    return y @ rng.normal(size=(3, 15)) + rng.normal(size=(300, 15)), y


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(80, task="superclass", random_state=0)


@pytest.mark.parametrize("head", HEADS, ids=NAMES)
def test_labels_may_be_many_few_or_names(head, labeled):
    Z, y = labeled
    names = np.array(["AFIB", "NORM"])[y[:, 0]]
    three = np.argmax(np.c_[y, np.ones(300)], axis=1)
    for target, shape in ((y, (300, 3)), (names, (300,)), (three, (300, 4))):
        fitted = clone(head).fit(Z, target)
        assert fitted.decision_function(Z).shape == shape
        assert fitted.predict(Z).shape == target.shape
        assert fitted.predict(Z).dtype.kind == target.dtype.kind
        if hasattr(fitted, "predict_proba"):
            p = fitted.predict_proba(Z)
            assert p.shape == (300, len(fitted.classes_)) and 0 <= p.min() <= p.max() <= 1
            if target.ndim == 1:
                np.testing.assert_allclose(p.sum(axis=1), 1)
    columns = [clone(head).fit(Z, column).decision_function(Z) for column in y.T]
    together = clone(head).fit(Z, y).decision_function(Z)
    assert np.corrcoef(together.ravel(), np.ravel(columns, order="F"))[0, 1] > 0.99


def test_a_number_is_the_penalty_as_scikit_learn_has_it(labeled):
    Z, y = labeled
    scaled = StandardScaler().fit_transform(Z)
    ridge = RidgeProbe(alpha=30).fit(Z, y)
    theirs = RidgeClassifier(alpha=30).fit(scaled, y)
    np.testing.assert_allclose(ridge.decision_function(Z), theirs.decision_function(scaled))
    np.testing.assert_array_equal(ridge.predict(Z), theirs.predict(scaled))
    found = RidgeClassifierCV(alphas=np.logspace(0, 6, 25)).fit(scaled, y)
    assert RidgeProbe().fit(Z, y).regularization_ == found.alpha_
    logistic = LogisticProbe(C=0.1).fit(Z, y[:, 0])
    theirs = LogisticRegression(C=0.1).fit(scaled, y[:, 0])
    np.testing.assert_allclose(logistic.predict_proba(Z), theirs.predict_proba(scaled), atol=1e-3)


@pytest.mark.parametrize("head", [RidgeProbe(), LogisticProbe()], ids=NAMES[:2])
def test_validation_records_choose_regularization(head, labeled):
    Z, y = labeled
    noise = np.random.default_rng(1).normal(size=(300, 60))
    Z = np.c_[Z / 3, noise]
    train, valid = slice(0, 100), slice(100, 300)
    chosen = clone(head).fit(Z[train], y[train], X_valid=Z[valid], y_valid=y[valid])
    name, grid = {"RidgeProbe": ("alpha", np.logspace(0, 6, 25)),
                  "LogisticProbe": ("C", np.logspace(-4, 0, 9))}[type(head).__name__]  # fmt: skip
    fixed = [clone(head).set_params(**{name: value}).fit(Z[train], y[train]) for value in grid]
    aucs = [macro_auc(y[valid], f.decision_function(Z[valid])) for f in fixed]
    best = macro_auc(y[valid], chosen.decision_function(Z[valid]))
    assert best == pytest.approx(max(aucs), abs=1e-3) and max(aucs) > min(aucs)


@pytest.mark.parametrize("head", HEADS, ids=NAMES)
def test_a_class_without_examples_is_not_found_and_one_without_exceptions_is(head, labeled):
    Z, y = labeled
    y = np.column_stack([y, np.zeros(300, int), np.ones(300, int)])
    found = clone(head).fit(Z, y).predict(Z)
    assert (found[:, 3] == 0).all() and (found[:, 4] == 1).all()
    assert 0.7 < roc_auc_score(y[:, 0], clone(head).fit(Z, y).decision_function(Z)[:, 0])
    nothing = clone(head).fit(Z, y[:, 3:])
    assert (
        np.isnan(nothing.regularization_)
        and np.ptp(nothing.decision_function(Z), axis=0).max() == 0
    )


@pytest.mark.parametrize("head", HEADS, ids=NAMES)
def test_search_behind_an_embedder(head, ecg):
    embedder = FrozenEstimator(MeritEmbedder().fit(ecg.data))
    grid = {"alpha": [10, 1000], "C": [0.01, 0.1], "max_epochs": [2, 10]}
    name = next(name for name in grid if name in head.get_params())
    model = Pipeline([("embedder", embedder), ("head", head)])
    search = GridSearchCV(model, {f"head__{name}": grid[name]}, scoring=macro_auc_scorer, cv=2)
    search.fit(ecg.data, ecg.target)
    assert 0.5 < search.best_score_ <= 1
    assert search.predict(ecg.data).shape == ecg.target.shape


def test_validation_records_are_routed_through_a_pipeline(ecg):
    train, valid = np.arange(50), np.arange(50, 80)
    embedder = FrozenEstimator(MeritEmbedder().fit(ecg.data))
    with config_context(enable_metadata_routing=True):
        head = RidgeProbe().set_fit_request(X_valid=True, y_valid=True)
        model = make_pipeline(embedder, head, transform_input=["X_valid"])
        model.fit(ecg.data[train], ecg.target[train],
                  X_valid=ecg.data[valid], y_valid=ecg.target[valid])  # fmt: skip
        scores = cross_val_score(
            make_pipeline(embedder, RidgeProbe()), ecg.data, ecg.target, cv=GroupKFold(3),
            scoring=macro_auc_scorer, params={"groups": ecg.groups},
        )  # fmt: skip
    Z = embedder.transform(ecg.data)
    expected = RidgeProbe().fit(Z[train], ecg.target[train], Z[valid], ecg.target[valid])
    assert model[-1].regularization_ == expected.regularization_
    np.testing.assert_allclose(model.decision_function(ecg.data), expected.decision_function(Z))
    assert scores.shape == (3,) and scores.mean() > 0.5


def test_a_head_of_ones_own_is_probed_like_the_named_ones(labeled):
    Z, y = labeled
    data = Bunch(data=Z, target=y, target_names=list("ABC"), folds=np.arange(300) % 10 + 1)
    options = {"fractions": (1.0,), "n_resamples": 10}
    named, given = (evaluate_probe(Z, data, head=h, **options) for h in ("ridge", RidgeProbe()))
    np.testing.assert_array_equal(named.best.scores, given.best.scores)
    theirs = make_pipeline(StandardScaler(), RidgeClassifier(alpha=named.best.regularization))
    found = evaluate_probe(Z, data, head=theirs, **options).best
    np.testing.assert_allclose(found.scores, named.best.scores, atol=1e-8)
    assert np.isnan(found.regularization)


@pytest.mark.parametrize(
    "head", [RidgeProbe(alpha=0), RidgeProbe(alpha="best"), LogisticProbe(C=-1)]
)
def test_parameters_are_checked(head, labeled):
    with pytest.raises(ValueError, match="positive number"):
        head.fit(*labeled)
    with pytest.raises(ValueError, match="indicator"):
        RidgeProbe().fit(labeled[0], 2 * labeled[1] + np.eye(300, 3, dtype=int))


def test_code_of_the_documentation_runs():
    page = Path(__file__).parents[1] / "docs" / "evaluation.rst"
    found = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 20 and not found.failed
