"""MeritClassifier: fine-tune a pretrained encoder end to end."""

import os
from numbers import Integral, Real

from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._embedder import MeritEmbedder
from ._given_embedder import GivenEmbedder, resolve_embedder
from ._network_classifier import NetworkClassifier

PROBE_PENALTY = 300.0
SHARED = (
    "sampling_rate", "leads", "batch_size", "on_invalid", "device", "n_jobs", "random_state",
    "verbose",
)  # fmt: skip


class MeritClassifier(NetworkClassifier):
    """Fine-tune a pretrained encoder end to end, for when a linear probe is not enough.

    Training begins at the linear probe: the head starts as the regularized logistic regression on
    the embeddings of the training recordings, then head and encoder are trained together, so that
    the first steps do not spoil what the encoder knows [1]_. Layers nearer the signal may learn
    more slowly [2]_.

    Parameters
    ----------
    embedder : str, path-like, MeritEmbedder or FrozenEstimator, default="merit-tiny"
        Weights to start from: a name, a folder or a hub id, or an embedder, which is left as it
        is. A fitted one is frozen on entry, so that `clone` keeps it. Of
        ``MeritEmbedder(pretrained=None)`` only the shape counts, and weights are drawn at random.
    sampling_rate : float or None, default=None
        Rate of arrays in Hz; None is that of the embedder.
    leads : sequence of str or None, default=None
        Leads of arrays, as :class:`MeritEmbedder` has them.
    max_epochs : int, default=10
        Passes over the training data; 0 leaves the linear probe.
    batch_size : int, default=64
        Recordings in a batch.
    lr : float, default=1e-4
        Peak learning rate of the head, after a linear warm-up and before half a cosine to zero.
        Random weights want more, such as 1e-3.
    layer_decay : float in (0, 1], default=0.7
        Factor on the learning rate from each layer of the encoder to the one before it.
    freeze : int or "encoder", default=0
        How many layers from the input on stay exactly as they are, or all of the encoder. Layers
        are stem and stages of a convolutional encoder, or tokens and blocks of a transformer.
    weight_decay : float, default=0.05
    class_weight : dict, "balanced" or None, default=None
        Class weights of the loss. For an indicator matrix, keys are
        numbers of columns and weights those of their positives; ``"balanced"`` makes positives
        and negatives of each column count the same.
    validation_fraction : float in [0, 1), default=0
        Share of the recordings on which the loss is measured instead of trained, each class in
        proportion. With it, training stops early, and the weights of the best epoch are kept.
    patience : int or None, default=5
        Epochs to wait for a lower validation loss before stopping; None never stops early.
    callbacks : sequence of skorch callbacks, default=()
        A learning-rate scheduler among them replaces the built-in one.
    on_invalid : {"raise", "repair"}, default="raise"
        NaN and infinite samples are an error, or interpolated with a warning.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Floating-point precision of the network during training; ``"auto"`` takes bfloat16 where
        the hardware has it.
    device : str, default="auto"
        ``"auto"`` takes an accelerator if there is one. It is resolved again after loading.
    n_jobs : int or None, default=None
        CPU threads of PyTorch; None leaves them as they are, -1 is all cores.
    random_state : int, RandomState instance or None, default=None
        Validation data, augmentation, order of the batches, and weights that are not given.
    verbose : int, default=0
        1 prints a line per epoch, 2 adds progress bars.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, or numbers of the columns of an indicator matrix.
    multi_label_ : bool
        Whether `y` was an indicator matrix.
    embedder_ : FrozenEstimator
        Of a :class:`MeritEmbedder` with the fine-tuned encoder, whose features, ``readout="all"``,
        are those that the head reads, at the scale of other embedders. It is made of the network,
        so that it is saved with the classifier; tuned on labels, it has lost its text.
    model_ : ClassifierModel
        The network.
    net_ : skorch.NeuralNet
        The net of the last ``fit``; not kept in pickles.
    history_ : list of dict
        Training loss, and validation loss where there is one, of each epoch.
    window_ : WindowSpec
        Sampling rate, leads, duration and pass band.
    n_iter_ : int
        Epochs trained.
    n_features_in_ : int
        Leads of 3-D input, samples of 2-D input.

    See Also
    --------
    merit_sk.evaluation.evaluate_probe : Linear probe, with all labels and with few.
    merit_sk.estimators.XResNetClassifier : A network trained on labels alone.

    Notes
    -----
    Windows are varied in training as in pretraining: shifted, stretched, scaled, with noise,
    wander and missing leads. Norms of a pretrained encoder keep the statistics of pretraining, so
    that small batches do no harm; those of random weights are learned. Of recordings longer than a
    window, log-odds are averaged over windows.

    Validation data are drawn by recording: where patients have several, losses on them are too
    low, and so is the number of epochs that seems best too high.

    References
    ----------
    .. [1] A. Kumar et al., "Fine-tuning can distort pretrained features and underperform
       out-of-distribution", ICLR 2022.
    .. [2] J. Howard, S. Ruder, "Universal language model fine-tuning for text classification",
       ACL 2018.

    Examples
    --------
    >>> from merit_sk import MeritClassifier
    >>> from merit_sk.datasets import make_ecg
    >>> ecg = make_ecg(32, task="superclass", random_state=0)
    >>> classifier = MeritClassifier("merit-tiny", max_epochs=1, random_state=0)
    >>> classifier.fit(ecg.data, ecg.target).predict_proba(ecg.data).shape
    (32, 5)
    >>> classifier.embedder_.transform(ecg.data).shape
    (32, 1656)
    """

    embedder = GivenEmbedder()
    _parameter_constraints = NetworkClassifier._parameter_constraints | {
        "layer_decay": [Interval(Real, 0, 1, closed="right")],
        "freeze": [Interval(Integral, 0, None, closed="left"), StrOptions({"encoder"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "on_invalid": [StrOptions({"raise", "repair"})],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
    }

    def __init__(
        self,
        embedder="merit-tiny",
        *,
        sampling_rate=None,
        leads=None,
        max_epochs=10,
        batch_size=64,
        lr=1e-4,
        layer_decay=0.7,
        freeze=0,
        weight_decay=0.05,
        class_weight=None,
        validation_fraction=0,
        patience=5,
        callbacks=(),
        on_invalid="raise",
        precision="auto",
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.embedder = embedder
        self.sampling_rate = sampling_rate
        self.leads = leads
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.layer_decay = layer_decay
        self.freeze = freeze
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.callbacks = callbacks
        self.on_invalid = on_invalid
        self.precision = precision
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @property
    def embedder_(self):
        from ..nn.config import EncoderConfig
        from ..nn.device import BlankWeights
        from ..nn.model import MeritModel
        from ..training.pretrain import Weights

        check_is_fitted(self)
        config, window, head = EncoderConfig(**self._config), self.window_, self.model_.head
        with BlankWeights():
            model = MeritModel(config, len(window.leads), window.n_times, decoder=False)
        model.to(self.device_).eval()
        model.encoder = self.model_.encoder
        model.feature_mean.copy_(head.center)
        model.feature_std.copy_(head.spread)
        embedder = MeritEmbedder(
            pretrained=None, encoder=config, duration=window.duration, max_epochs=0,
            **{name: getattr(self, name) for name in SHARED},
        )  # fmt: skip
        embedder._become(window, Weights(model))
        embedder.zero_shot_ = embedder.measurements_ = embedder.report_writer_ = None
        embedder.device_ = self.device_
        embedder.n_features_in_ = self.n_features_in_
        if hasattr(self, "_fitted_in_two_dimensions"):
            embedder._fitted_in_two_dimensions = self._fitted_in_two_dimensions
        return FrozenEstimator(embedder)

    def _window(self, X):
        embedder, self._given = self.embedder, None
        if _is_from_scratch(embedder):
            embedder._check_parameters()
            self._config = embedder._encoder_config().to_dict()
            return embedder._window(X)
        embedder = resolve_embedder(embedder, X)
        self._given = embedder.model_
        self._config = self._given.config.to_dict()
        return embedder.window_

    def _network(self, weight):
        from ..nn.classifier import ClassifierModel, SummaryHead
        from ..nn.config import EncoderConfig
        from ..nn.encoder import build_encoder

        config = EncoderConfig(**self._config)
        encoder = build_encoder(config, len(self.window_.leads), self.window_.n_times)
        head = SummaryHead(encoder.stage_dims, self.window_.n_voltages, len(self.classes_))
        return ClassifierModel(encoder, head, self.multi_label_, weight)

    def _prepare(self, source, rows, target):
        import torch

        from ..inference.embed import embed_windows
        from ..nn.classifier import SummaryReader, layers

        model, parts = self.model_, layers(self.model_.encoder)
        if self._given is not None:
            model.encoder.load_state_dict(self._given.encoder.state_dict())
            model.keeps_statistics = True
            model.head.standardize(self._given.feature_mean, self._given.feature_std)
        else:
            signal, n_valid, _ = source.windows(rows[: source.chunk], lambda n_times: 0)
            signal, n_valid = torch.from_numpy(signal), torch.from_numpy(n_valid)
            model.calibrate(signal.to(self.device_), n_valid.to(self.device_))
        del self._given
        n_frozen = len(parts) if self.freeze == "encoder" else self.freeze
        if n_frozen > len(parts):
            raise ValueError(f"freeze={n_frozen}, but this encoder has {len(parts)} layers")
        model.freeze([name for names in parts[:n_frozen] for name in names])
        model.eval()
        features = embed_windows(
            SummaryReader(model), source, None, self.batch_size, rows=rows,
            verbose=self.verbose > 1,
        )  # fmt: skip
        features = torch.from_numpy(features).to(self.device_)
        model.head.fit(features, target, model.loss, PROBE_PENALTY / target.numel())

    @classmethod
    def _saved_parameters(cls, config, name):
        embedder, window = config.get("embedder"), config["window"]
        if embedder is None:
            encoder = config["network"] | {"sampling_rate": window["sampling_rate"]}
            embedder = MeritEmbedder(pretrained=None, encoder=encoder, duration=window["duration"])
        return super()._saved_parameters(config, name) | {"embedder": embedder}

    def _description(self):
        embedder = getattr(self.embedder, "pretrained", self.embedder)
        named = isinstance(embedder, (str, os.PathLike))
        return super()._description() | {"embedder": str(embedder) if named else None}

    def _net_settings(self, n_batches):
        from ..nn.classifier import layers
        from ..training.classification import layer_rates

        rates = layer_rates(layers(self.model_.encoder), self.lr, self.layer_decay)
        return {"optimizer__param_groups": rates}, []


def _is_from_scratch(embedder):
    """Tell whether an embedder gives only the shape of the network."""
    unfitted = isinstance(embedder, MeritEmbedder) and not hasattr(embedder, "model_")
    return unfitted and embedder.pretrained is None
