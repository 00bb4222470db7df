"""What classifiers that train a network share: labels, the training run, and predictions."""

from numbers import Integral, Real

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import assert_all_finite, check_consistent_length, check_is_fitted

from ..signals._quality import warn_about_signals, warn_at_a_glance
from ..signals._windows import WindowSource, WindowSpec
from ._checks import array_leads, check_signals
from ._fit import all_or_nothing
from ._storage import StorageMixin


class NetworkClassifier(StorageMixin, ClassifierMixin, BaseEstimator):
    """Classifier whose network is trained end to end by the net of pretraining.

    Subclasses say what the window (`_window`, which also sets `_config`, what the network is built
    from) and the network (`_network`) are, and may prepare the network (`_prepare`) and add to the
    settings of the net (`_net_settings`).
    """

    _parameter_constraints = {
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "leads": ["array-like", None],
    }

    class_weight = None
    validation_fraction = 0
    patience = None
    callbacks = ()
    on_invalid = "raise"
    precision = "float32"
    sampling_rate = None
    leads = None
    _window_type = WindowSpec
    _aggregate = "mean"
    _kind = "classes", "classifier"

    @classmethod
    def _saved_parameters(cls, config, name):
        parameters = super()._saved_parameters(config, name)
        weight = config.get("class_weight")
        if weight is not None:
            parameters["class_weight"] = dict(weight) if isinstance(weight, list) else weight
        return parameters

    _in_files = (
        "model_", "net_", "device_", "window_", "classes_", "multi_label_", "history_", "n_iter_",
        "_config", "_looked_at",
    )  # fmt: skip

    @all_or_nothing
    def fit(self, X, y):
        """Train on recordings and their labels.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV; two dimensions are one lead.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            One class each, or an indicator matrix for classes that do not exclude each other.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            For invalid parameters, signals or labels.
        FloatingPointError
            If training diverges.
        """
        from ..nn.collective import join, share
        from ..nn.device import resolve_device, running

        self._validate_params()
        X = check_signals(self, X, reset=True)
        labels = self._check_y(X, y)
        weight = class_weights(self.class_weight, labels, self.classes_, self.multi_label_)
        self.device_ = resolve_device(self.device)
        join()
        seed = share(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        self.window_ = self._window(X)
        if not self._fitted_in_two_dimensions:
            self.n_features_in_ = len(self.window_.leads)
        source = self._source(X, keep=True)
        self._looked_at = warn_about_signals(source)
        with running(self.device_, n_jobs=self.n_jobs, seed=seed):
            self.model_ = self._network(weight).to(self.device_)
            self._train(source, labels, seed)
        return self

    def _check_y(self, X, y):
        """Labels as an indicator matrix, and what they say about the classes."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        check_consistent_length(X, y)
        check_classification_targets(y)
        self.multi_label_ = type_of_target(y).startswith("multilabel")
        if self.multi_label_:
            labels = np.asarray(y.toarray() if hasattr(y, "toarray") else y, dtype=np.float32)
            self.classes_ = np.arange(labels.shape[1])
            return labels
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ValueError(
                f"y has only one class, {self.classes_.tolist()[0]!r}: nothing can be learned"
            )
        return np.eye(len(self.classes_), dtype=np.float32)[codes]

    def _source(self, X, keep=False):
        if not isinstance(X, np.ndarray):
            return WindowSource(X, self.window_, self.on_invalid, keep)
        return WindowSource(
            X, self.window_, self.on_invalid, keep, sampling_rate=self.sampling_rate,
            leads=array_leads(X, self.leads, self.window_.leads),
        )  # fmt: skip

    def _prepare(self, source, rows, target):
        """Make the network ready for training on these rows of the source."""

    def _net_settings(self, n_batches):
        """Further settings of the net, and callbacks, for epochs of so many batches."""
        return {}, []

    def _train(self, source, labels, seed):
        import torch

        from ..nn.device import resolve_precision
        from ..training.classification import (
            ClassifierNet,
            LabelledWindows,
            draw_validation,
            early_stopping,
        )
        from ..training.engine import train

        rng = np.random.default_rng(seed)
        rows, held_out = draw_validation(labels, self.validation_fraction, rng)
        if len(rows) == 0 or (self.validation_fraction and len(held_out) == 0):
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {len(labels)} recordings "
                f"leaves {len(rows)} for training and {len(held_out)} for validation"
            )
        target = torch.from_numpy(labels if self.multi_label_ else labels.argmax(axis=1))
        self._prepare(source, rows, target[rows].to(self.device_))
        data = LabelledWindows(source, rows, target)
        valid = LabelledWindows(source, held_out, target) if len(held_out) else None
        further, callbacks = self._net_settings(-(-len(rows) // self.batch_size))
        if valid is not None:
            callbacks.append(("early_stopping", early_stopping(self.patience, self.max_epochs)))
        settings = dict(
            max_epochs=self.max_epochs, batch_size=self.batch_size, lr=self.lr,
            weight_decay=self.weight_decay, device=str(self.device_), seed=seed,
            precision=resolve_precision(self.precision, self.device_),
        )  # fmt: skip
        trained = train(
            self.model_, data, valid, settings=settings | further,
            callbacks=[*callbacks, *self.callbacks], verbose=self.verbose, net=ClassifierNet,
        )  # fmt: skip
        self.net_, self.history_ = trained.net, trained.history
        self.n_iter_ = len(self.history_)

    def _logits(self, X):
        from ..inference.embed import embed_windows
        from ..nn.device import torch_threads

        check_is_fitted(self)
        self._place()
        source = self._source(check_signals(self, X, reset=False))
        warn_at_a_glance(source, getattr(self, "_looked_at", None))
        with torch_threads(self.n_jobs):
            return embed_windows(
                self.model_, source, None, self.batch_size, aggregate=self._aggregate,
                verbose=self.verbose > 1,
            )  # fmt: skip

    def decision_function(self, X):
        """Log-odds of each class.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV with the leads of the model. A recording's values do not depend on
            the others.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Log-odds of every class of an indicator matrix; else logarithms of probabilities up
            to a constant for each recording, and of two classes their difference in favour of
            the second.
        """
        logits = self._logits(X)
        if len(self.classes_) == 2 and not self.multi_label_:
            return logits[:, 1] - logits[:, 0]
        return logits

    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Rows add up to 1 unless `y` was an indicator matrix.
        """
        logits = self._logits(X).astype(np.float64)
        return expit(logits) if self.multi_label_ else softmax(logits, axis=1)

    def predict(self, X):
        """Most probable class, or of an indicator matrix all that are more probable than not.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)

        Returns
        -------
        y : ndarray of shape (n_samples,), or indicator matrix (n_samples, n_classes)
        """
        logits = self._logits(X)
        if self.multi_label_:
            return (logits > 0).astype(int)
        return self.classes_[logits.argmax(axis=1)]

    _kind = "classes", "classifier"

    @classmethod
    def _saved_parameters(cls, config, name):
        parameters = super()._saved_parameters(config, name)
        weight = config.get("class_weight")
        if weight is not None:
            parameters["class_weight"] = dict(weight) if isinstance(weight, list) else weight
        return parameters

    def _description(self):
        return {
            "parameters": self._plain_parameters("class_weight"),
            "class_weight": _pairs(self.class_weight),
            "window": self.window_.to_dict(),
            "network": self._config,
            "classes": {"values": self.classes_.tolist(), "dtype": self.classes_.dtype.str},
            "multi_label": self.multi_label_,
            "history": self.history_,
            "n_features_in": self.n_features_in_,
        }

    def _restore(self, config, weights, parts, folder):
        from ..nn.checkpoint import WEIGHTS_NAME, load_weights
        from ..nn.device import BlankWeights, resolve_device

        self.window_ = self._window_type.from_dict(config["window"])
        self._config, self.multi_label_ = config["network"], config["multi_label"]
        self.classes_ = np.array(config["classes"]["values"], dtype=config["classes"]["dtype"])
        self.history_, self.n_iter_ = config["history"], len(config["history"])
        self.net_ = None
        if not hasattr(self, "n_features_in_"):
            self.n_features_in_ = config["n_features_in"]
        self.device_ = resolve_device(self.device)
        with BlankWeights():
            self.model_ = self._network(None)
        load_weights(self.model_, weights, f"{folder}/{WEIGHTS_NAME}")
        self.model_.to(self.device_).eval()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.poor_score = True
        return tags


def _pairs(class_weight):
    """Return class weights as JSON holds them: keys that are numbers stay numbers."""
    if not isinstance(class_weight, dict):
        return class_weight
    return [[getattr(k, "item", lambda k=k: k)(), float(v)] for k, v in class_weight.items()]


def class_weights(class_weight, labels, classes, multi_label):
    """Return the weight of a positive of each class in the loss.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    labels : ndarray of shape (n_samples, n_classes)
        Of 0 and 1.
    classes : ndarray of shape (n_classes,)
    multi_label : bool

    Returns
    -------
    tensor of shape (n_classes,), or None

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.estimators._network_classifier import class_weights
    >>> labels = np.array([[1, 0], [1, 0], [1, 0], [0, 1]])
    >>> class_weights("balanced", labels, np.array(["a", "b"]), multi_label=False)
    tensor([0.6667, 2.0000])
    """
    import torch

    if class_weight is None:
        return None
    if isinstance(class_weight, dict):
        unknown = [c for c in class_weight if c not in classes]
        if unknown:
            raise ValueError(f"class_weight names {unknown}, which are not in y: {classes}")
        weight = np.array([class_weight.get(c, 1.0) for c in classes.tolist()])
    elif class_weight != "balanced":
        raise ValueError(f"class_weight must be a dict, 'balanced' or None, got {class_weight!r}")
    elif multi_label:
        positive = labels.sum(axis=0)
        negative = len(labels) - positive
        weight = np.where(positive * negative > 0, negative / np.maximum(positive, 1), 1.0)
    else:
        numbers = np.arange(len(classes))
        weight = compute_class_weight("balanced", classes=numbers, y=labels.argmax(axis=1))
    return torch.tensor(weight, dtype=torch.float32)
