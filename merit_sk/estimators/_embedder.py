"""MeritEmbedder: pretrain an ECG encoder and embed recordings with it."""

import numbers

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    check_scalar,
    column_or_1d,
)

from ..inference.embed import embed_once, embed_windows
from ..inference.reconstruct import reconstruct_windows
from ..nn.device import torch_threads
from ..reports._check import check_reports
from ..signals._quality import check_finite, warn_about_signals
from ..signals._windows import WindowSource, WindowSpec
from ..training.pretrain import pretrain
from ._checks import check_leads, check_signals, default_leads
from ._storage import PretrainedMixin

READOUTS = ("all", "stages", "last", "projected")


class MeritEmbedder(
    PretrainedMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Pretrained ECG embeddings by masked modelling and ECG-text alignment.

    ``fit`` pretrains an encoder on unlabelled recordings and, where there are any, their reports;
    ``transform`` embeds recordings. The objective joins two lower bounds on mutual information,
    ``(1 - structure_weight) * I(Z; report) + structure_weight * I(Z_visible; X_masked)``, as
    proposed by MERIT [1]_.

    Parameters
    ----------
    encoder : {"tiny", "small", "base"}, dict, EncoderConfig or None, default=None
        None is ``"tiny"``, or the encoder of `pretrained`. ``"tiny"`` is a convolutional network
        of 0.7 million parameters for the CPU; ``"small"`` and ``"base"`` are vision transformers
        with lead x time tokens, for a GPU. A dict gives fields of
        :class:`~merit_sk.nn.config.EncoderConfig`.
    pretrained : str, path-like or None, default=None
        Weights to start from: the name of a model that comes with the package
        (``"merit-tiny"``), a folder, or an id on the Hugging Face hub. ``fit`` loads them and
        trains no further unless `max_epochs` is given. Encoder, sampling rate, leads and duration
        are theirs; another one is an error.
    text_encoder : str, default="builtin"
        ``"builtin"`` learns a compact bag-of-words encoder from the reports, in any language.
        Anything else is the folder or hub id of a frozen Hugging Face encoder.
    structure_weight : float in [0, 1] or "auto", default="auto"
        Share of masked modelling in the objective; 0 is alignment alone, 1 masked modelling
        alone. ``"auto"`` is 0.25 where every recording has a report and more the fewer have one,
        ``1 - 0.75 * (share of recordings with a report)``. Without reports it is always 1.
    align_view : {"full", "masked"}, default="full"
        Whether the text is aligned with the whole signal, as at test time, or with the masked
        view, which saves one of two passes.
    readout : {"all", "stages", "last", "projected"}, default="all"
        What ``transform`` returns. ``"stages"`` is mean, maximum and standard deviation over time
        of every stage's map, ``"last"`` those of the last one. As the encoder sees standardised
        leads, ``"all"`` adds the :func:`~merit_sk.signals.peak_voltages` of every lead to
        ``"stages"``. ``"projected"`` is the unit vector that is compared with text.
    sampling_rate : float or None, default=None
        Rate of the model in Hz; None is 100. Arrays must have it; ``ECGRecords`` are resampled.
    leads : sequence of str or None, default=None
        Leads of the model. None takes those of the ``ECGRecords``, and for arrays of twelve leads
        I, II, III, aVR, aVL, aVF, V1-V6. ``ECGRecords`` are reordered by name.
    duration : float or None, default=None
        Window in seconds; None is 10. Longer recordings are embedded as the average of their
        windows, shorter ones are padded and the padding is left out of the read-out.
    max_epochs : int or None, default=None
        Passes over the training data; None is 25, or with `pretrained` 0. Without either, 0 leaves
        the encoder random, the baseline to beat.
    batch_size : int, default=64
        Recordings in a batch, of which the alignment takes its negatives.
    lr : float, default=1e-3
        Peak learning rate of AdamW, after a linear warm-up and before half a cosine to zero.
    weight_decay : float, default=0.05
    validation_fraction : float in [0, 1), default=0
        Share of the recordings on which the bounds are measured instead of trained.
    callbacks : sequence of skorch callbacks, default=()
        For example for early stopping or pruning on ``"valid_mi_text"``. A learning-rate
        scheduler among them replaces the built-in one.
    checkpoint_dir : path-like or None, default=None
        Folder in which ``fit`` keeps its state, after every epoch and every five minutes. The
        same call, on the same recordings, then goes on exactly where it was interrupted, even by
        a power failure; a finished one is loaded. A folder that holds another training is an
        error, so give every candidate of a search its own.
    cache : path-like, True or None, default=None
        Where ``transform`` keeps embeddings by the recording and the weights they came from, so
        that a search over classifiers on a frozen embedder embeds each recording once: in a
        folder, which parallel jobs share, or (True) in the memory of each process.
    on_invalid : {"raise", "repair"}, default="raise"
        NaN and infinite samples are an error, or interpolated with a warning.
    warm_start : bool, default=False
        Whether ``fit`` continues from the weights of the last one.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of the network in pretraining; ``"auto"`` takes bfloat16 where the hardware has it.
        Embeddings are always computed in float32.
    device : str, default="auto"
        ``"auto"`` takes an accelerator if there is one. It is resolved again after loading.
    n_jobs : int or None, default=None
        CPU threads; None is 1, -1 is all cores. Results are reproducible for equal ``n_jobs``,
        also inside parallel searches.
    random_state : int, RandomState instance or None, default=None
        Weights, masks, augmentation and order of the batches.
    verbose : int, default=0
        1 prints a line per epoch, 2 adds progress bars.

    Attributes
    ----------
    history_ : list of dict
        One entry an epoch: losses, and the bounds ``mi_signal`` (nats per hidden sample over the
        best constant predictor) and ``mi_text`` (nats per recording, at most the logarithm of the
        batch size), on validation data with the prefix ``valid_``.
    model_ : MeritModel
        The network.
    net_ : skorch.NeuralNet
        The net of the last ``fit``; not kept in pickles.
    window_ : WindowSpec
        Sampling rate, leads, duration and pass band that the model was trained with.
    text_features_ : object or None
        What turns reports into the input of the text tower.
    language_ : {"en", "de"} or None
        Language of the reports, as far as their words tell.
    n_iter_ : int
        Epochs trained.
    n_features_in_ : int
        Leads of 3-D input, samples of 2-D input.

    See Also
    --------
    MeritZeroShotClassifier : Classes described in words, without labels.

    References
    ----------
    .. [1] "MERIT: Multimodal ECG Representation via Information Theory", 2026.

    Examples
    --------
    >>> from merit_sk import MeritEmbedder
    >>> from merit_sk.datasets import make_ecg
    >>> ecg = make_ecg(32, random_state=0)
    >>> embedder = MeritEmbedder(max_epochs=1, random_state=0).fit(ecg.data, reports=ecg.reports)
    >>> embedder.transform(ecg.data).shape
    (32, 1656)
    """

    __metadata_request__fit = {"reports": True, "origins": True}

    def __init__(
        self,
        encoder=None,
        *,
        pretrained=None,
        text_encoder="builtin",
        structure_weight="auto",
        align_view="full",
        readout="all",
        sampling_rate=None,
        leads=None,
        duration=None,
        max_epochs=None,
        batch_size=64,
        lr=1e-3,
        weight_decay=0.05,
        validation_fraction=0,
        callbacks=(),
        checkpoint_dir=None,
        cache=None,
        on_invalid="raise",
        warm_start=False,
        precision="auto",
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.encoder = encoder
        self.pretrained = pretrained
        self.text_encoder = text_encoder
        self.structure_weight = structure_weight
        self.align_view = align_view
        self.readout = readout
        self.sampling_rate = sampling_rate
        self.leads = leads
        self.duration = duration
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.cache = cache
        self.on_invalid = on_invalid
        self.warm_start = warm_start
        self.precision = precision
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None, *, reports=None, origins=None):
        """Pretrain on recordings and their reports.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV; two dimensions are one lead.
        y : None
            Ignored: no label is used.
        reports : array-like of str of shape (n_samples,) or None, default=None
            Free text in any language; None or ``""`` for a record without one. By default the
            reports that ``ECGRecords`` carry. Without any, only masked modelling is trained. Where
            some are missing, batches of pairs alternate with batches of other recordings, the pairs
            repeated so that they are about as many; ``structure_weight=0`` leaves the others out.
        origins : array-like of shape (n_samples,) or None, default=None
            Hospital, device or data set of each recording. Batches are then drawn from one
            origin at a time, so that the alignment cannot tell recordings apart by it.

        Returns
        -------
        self : MeritEmbedder

        Raises
        ------
        ValueError
            For invalid parameters or signals, reports or origins of another length, or a
            `checkpoint_dir` that holds another training.
        FloatingPointError
            If training diverges.
        """
        from ..nn.collective import join, share

        self._check_parameters()
        warm = self.warm_start and hasattr(self, "model_")
        if self.pretrained is not None:
            if warm:
                self._config = self.model_.config
            else:
                self._load_pretrained()
            warm = True
        X = check_signals(self, X, reset=True)
        self.window_ = self._window(X)
        if self.pretrained is not None and not self.max_epochs:
            return self._validate(X)
        reports = self._reports(X, reports)
        if origins is not None:
            origins = column_or_1d(origins)
            check_consistent_length(X, origins)
        join()
        seed = share(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        pretrain(self, X, reports, origins, seed, warm)
        return self

    def _window(self, X):
        if self.pretrained is None:
            window = WindowSpec(
                float(self.sampling_rate or 100), default_leads(X, self.leads),
                float(self.duration or 10),
            )  # fmt: skip
        else:
            window = self.window_
            check_leads(X, window.leads)
        if not isinstance(X, np.ndarray):
            self.n_features_in_ = len(window.leads)
        return window

    def _validate(self, X):
        """What ``fit`` does where nothing is trained: look at all of an array, or some records."""
        if isinstance(X, np.ndarray):
            check_finite(X, on_invalid=self.on_invalid)
        warn_about_signals(self._source(X))
        return self

    def _reports(self, X, reports):
        if reports is None:
            reports = getattr(X, "reports", None)
        if reports is not None:
            return check_reports(reports, len(X))
        if self.structure_weight == 0:
            raise ValueError(
                "structure_weight=0 is alignment alone and needs reports: pass fit(X, reports=...)"
                " (merit__reports=... through a pipeline step named 'merit')"
            )
        return None

    def _check_parameters(self):
        from ..nn.config import resolve_encoder

        self._config = resolve_encoder("tiny" if self.encoder is None else self.encoder)
        real, whole = numbers.Real, numbers.Integral
        if self.structure_weight != "auto":
            check_scalar(self.structure_weight, "structure_weight", real, min_val=0, max_val=1)
        check_scalar(self.batch_size, "batch_size", whole, min_val=1)
        check_scalar(self.validation_fraction, "validation_fraction", real, min_val=0, max_val=1,
                     include_boundaries="left")  # fmt: skip
        check_scalar(self.lr, "lr", real, min_val=0, include_boundaries="neither")
        if self.max_epochs is not None:
            check_scalar(self.max_epochs, "max_epochs", whole, min_val=0)
        for name in ("sampling_rate", "duration"):
            value = getattr(self, name)
            if value is not None:
                check_scalar(value, name, real, min_val=0, include_boundaries="neither")
        check_scalar(self.weight_decay, "weight_decay", real, min_val=0)
        for name, allowed in {
            "align_view": ("full", "masked"), "readout": READOUTS,
            "on_invalid": ("raise", "repair"), "precision": ("auto", "float32", "bfloat16"),
        }.items():  # fmt: skip
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")

    def _build_model(self, keep, **objective):
        from ..nn.device import resolve_device
        from ..nn.model import MeritModel

        before = self.model_.state_dict() if keep else None
        features = self.text_features_
        self.model_ = MeritModel(
            self._config, len(self.window_.leads), self.window_.n_times,
            text=None if features is None else (features.kind, features.n_features),
            align_view=self.align_view, **objective,
        )  # fmt: skip
        if before is not None:
            self.model_.load_state_dict(before, strict=False)
        self.device_ = resolve_device(self.device)
        self.model_.to(self.device_)

    @property
    def _n_features_out(self):
        dims = self.model_.encoder.stage_dims
        sizes = {"stages": 3 * sum(dims), "last": 3 * dims[-1]}
        sizes["all"] = sizes["stages"] + self.window_.n_voltages
        return sizes.get(self.readout, self.model_.config.projection)

    def transform(self, X):
        """Embed recordings.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV; arrays with the leads and the rate of the model. ``ECGRecords`` are
            reordered and resampled; limb leads that follow from two others are computed, other
            leads that are not there are taken as missing, with a warning. A recording's embedding
            does not depend on the others.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features), float32
        """
        check_is_fitted(self)
        return self._embed(check_signals(self, X, reset=False), self.readout)

    def _embed(self, X, readout):
        if readout == "projected" and self.model_.text_tower is None:
            raise ValueError(
                "this model was pretrained without reports and has no space shared with text: "
                "fit it with reports=, or choose another readout"
            )
        arguments = self.model_, self._source(X), readout, self.batch_size
        with torch_threads(effective_n_jobs(self.n_jobs)):
            if self.cache is None:
                return embed_windows(*arguments, verbose=self.verbose > 1)
            return embed_once(self.cache, *arguments, verbose=self.verbose > 1)

    def _source(self, X):
        check_leads(X, self.window_.leads)
        return WindowSource(X, self.window_, self.on_invalid)

    def embed_text(self, texts):
        """Embed phrases in the space shared with ``readout="projected"``.

        Parameters
        ----------
        texts : sequence of str
            Worded like the reports that the model was pretrained with.

        Returns
        -------
        T : ndarray of shape (n_texts, n_dimensions), float32
            Unit vectors; their product with projected embeddings is the cosine.

        Raises
        ------
        ValueError
            If the model was pretrained without reports.
        """
        import torch

        from ..reports._features import tensors

        check_is_fitted(self)
        if self.model_.text_tower is None:
            raise ValueError(
                "this model was pretrained without reports and cannot embed text: "
                "fit it with reports="
            )
        features = self.text_features_([" ".join(text.lower().split()) for text in texts])
        features = {k: v.to(self.device_) for k, v in tensors(features).items()}
        with torch.inference_mode():
            return self.model_.embed_text(features).cpu().numpy()

    def reconstruct(self, X, *, random_state=None):
        """Hide part of each recording and fill it in from the rest.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times)
            The first window of each recording is used.
        random_state : int, RandomState instance or None, default=None
            Draws what is hidden.

        Returns
        -------
        result : Bunch
            ``signal`` and ``reconstruction`` of shape (n_samples, n_leads, n_window), each lead
            standardised, and the boolean ``mask`` of what was hidden. Offset and size of each
            hidden block are taken from the signal, as only its shape is predicted.
        """
        check_is_fitted(self)
        source = self._source(check_signals(self, X, reset=False))
        return reconstruct_windows(self.model_, source, check_random_state(random_state))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags
