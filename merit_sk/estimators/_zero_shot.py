"""MeritZeroShotClassifier: classes described in words."""

import warnings

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import (
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
)

from ..signals._quality import check_finite
from ..statements import statement_prompts, task_labels, task_prompts
from ._checks import check_signals
from ._fit import all_or_nothing
from ._given_embedder import GivenEmbedder, resolve_embedder


class MeritZeroShotClassifier(ClassifierMixin, BaseEstimator):
    """Classify recordings by how well they agree with phrases; no label is used.

    The score of a class is the cosine of a recording's embedding with the average embedding of
    the phrases that describe the class, after CLIP [1]_.

    Parameters
    ----------
    embedder : str, path-like, MeritEmbedder or FrozenEstimator, default="merit-tiny"
        Pretrained with reports: a name, a folder or a hub id of weights, or an embedder. A fitted
        one is frozen on entry, so that `clone` keeps it; of one that is to be trained, ``fit``
        trains a copy on its recordings and reports.
    classes : dict, sequence of str, str or None, default=None
        A dict from each class to a phrase or several, which are averaged. Or names of classes:
        PTB-XL statements and superclasses stand for phrases of our own
        (:func:`~merit_sk.statements.statement_prompts`), other names for themselves. Or a PTB-XL
        task, such as ``"all"`` for the 71 statements. None takes the labels in `y`; without `y`
        the five PTB-XL superclasses, for `multi_label` the 71 statements as well. Phrases should be
        worded like the reports of pretraining: bare class names do much worse.
    language : {"auto", "en", "de"}, default="auto"
        Language of our own phrases; ``"auto"`` is that of the reports of pretraining.
    multi_label : bool, default=False
        Whether classes exclude each other (softmax over cosines) or not (log-odds that the
        statement is in the report).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        In the order of the columns of ``predict_proba``.
    prompts_ : dict
        The phrases of each class.
    embedder_ : MeritEmbedder
    n_features_in_ : int

    References
    ----------
    .. [1] A. Radford et al., "Learning transferable visual models from natural language
       supervision", ICML 2021.

    Examples
    --------
    >>> from merit_sk import MeritEmbedder, MeritZeroShotClassifier
    >>> from merit_sk.datasets import make_ecg
    >>> ecg = make_ecg(32, random_state=0)
    >>> embedder = MeritEmbedder(max_epochs=1, random_state=0).fit(ecg.data, reports=ecg.reports)
    >>> zero = MeritZeroShotClassifier(embedder, classes={
    ...     "AFIB": "atrial fibrillation", "NORM": ["normal ecg", "sinus rhythm"]})
    >>> zero.fit(ecg.data).predict_proba(ecg.data).shape
    (32, 2)
    """

    __metadata_request__fit = {"reports": True}

    embedder = GivenEmbedder()

    def __init__(self, embedder="merit-tiny", *, classes=None, language="auto", multi_label=False):
        self.embedder = embedder
        self.classes = classes
        self.language = language
        self.multi_label = multi_label

    @all_or_nothing
    def fit(self, X, y=None, *, reports=None):
        """Embed the phrases; pretrain the embedder if it is not fitted.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV.
        y : array-like of shape (n_samples,) or None, default=None
            Only its distinct labels are used, and only if `classes` is None.
        reports : array-like of str of shape (n_samples,) or None, default=None
            For an embedder that is not fitted.

        Returns
        -------
        self : MeritZeroShotClassifier
        """
        X = check_signals(self, X, reset=True)
        y = self._check_y(X, y)
        self.embedder_ = self._fitted_embedder(X, reports)
        self.embedder_._source(X)
        if isinstance(X, np.ndarray):
            check_finite(X, on_invalid=self.embedder_.on_invalid)
        if not self._fitted_in_two_dimensions:
            self.n_features_in_ = len(self.embedder_.window_.leads)
        self.classes_, self.prompts_ = self._phrases(y)
        self._text = np.stack([self._embed_class(c) for c in self.classes_.tolist()])
        return self

    def _check_y(self, X, y):
        if y is None:
            return None
        check_consistent_length(X, y)
        if not self.multi_label:
            y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        return y

    def _fitted_embedder(self, X, reports):
        embedder = resolve_embedder(self.embedder, X, reports=reports)
        if embedder.model_.text_tower is None:
            raise ValueError(
                "the embedder was pretrained without reports and cannot embed text: "
                "fit it with reports="
            )
        return embedder

    def _phrases(self, y):
        classes = self.classes
        if classes is None:
            if y is None:
                classes = sorted(task_prompts("superclass"))
                classes += sorted(set(task_prompts("all")) - {*classes} if self.multi_label else ())
            elif type_of_target(y).startswith("multilabel"):
                raise ValueError("y is an indicator matrix: name its columns in classes=")
            else:
                labels = unique_labels(y)
                return labels, {label: self._default_phrases(label) for label in labels.tolist()}
        if isinstance(classes, str):
            phrases = task_prompts(classes, self._language)
        elif isinstance(classes, dict):
            given = classes.items()
            phrases = {c: [p] if isinstance(p, str) else list(p) for c, p in given}
        else:
            phrases = {c: self._default_phrases(c) for c in classes}
        if len(phrases) == 0 or not all(phrases.values()):
            raise ValueError(f"every class needs at least one phrase, got {phrases!r}")
        return np.array(list(phrases)), phrases

    @property
    def _language(self):
        return self.embedder_.language_ or "en" if self.language == "auto" else self.language

    def _default_phrases(self, label):
        if label in {*task_labels("all"), *task_labels("superclass").values()}:
            return statement_prompts(label, self._language)
        return [str(label)]

    def _embed_class(self, label):
        phrases, features = self.prompts_[label], self.embedder_.text_features_
        if not any(features.known(phrase) > 0 for phrase in phrases):
            warnings.warn(
                f"no word of the phrases for class {label!r} occurs in the reports of "
                f"pretraining, its scores mean nothing: {'; '.join(phrases)}",
                UserWarning, stacklevel=3,
            )  # fmt: skip
        mean = self.embedder_.embed_text(phrases).mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _scores(self, X):
        check_is_fitted(self)
        X = check_signals(self, X, reset=False)
        model = self.embedder_.model_
        # einsum without BLAS: a row's scores do not depend on how many rows there are
        cosine = np.einsum("nd,kd->nk", self.embedder_._embed(X, "projected"), self._text)
        if self.multi_label:
            return model.statement_scale.item() * cosine + model.statement_bias.item()
        return model.scale.item() * cosine

    def decision_function(self, X):
        """Agreement of each recording with each class.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Log-odds for `multi_label`, otherwise scaled cosines; for two classes that exclude
            each other, the difference in favour of the second.
        """
        scores = self._scores(X)
        if len(self.classes_) == 2 and not self.multi_label:
            return scores[:, 1] - scores[:, 0]
        return scores

    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        """
        scores = self._scores(X).astype(np.float64)
        return expit(scores) if self.multi_label else softmax(scores, axis=1)

    def predict(self, X):
        """Most probable class, or for `multi_label` all that are more probable than not.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)

        Returns
        -------
        y : ndarray of shape (n_samples,), or indicator matrix (n_samples, n_classes)
        """
        scores = self._scores(X)
        if self.multi_label:
            return (scores > 0).astype(int)
        return self.classes_[scores.argmax(axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = False
        tags.classifier_tags.poor_score = True
        tags.classifier_tags.multi_label = self.multi_label
        return tags
