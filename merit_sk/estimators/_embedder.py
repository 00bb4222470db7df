"""MeritEmbedder: pretrain an ECG encoder and embed recordings with it."""

import copy
from functools import partial
from numbers import Integral, Real
from os import PathLike

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from ..nn.config import EncoderConfig, resolve_encoder
from ..reports._check import check_statements
from ..signals._quality import warn_about_signals, warn_at_a_glance
from ..signals._windows import WindowSource
from ._checks import array_leads, check_signals
from ._embedder_training import EmbedderTrainingMixin
from ._embedder_weights import EmbedderWeightsMixin
from ._features import feature_names
from ._fit import all_or_nothing

READOUTS = ("all", "stages", "last", "projected")


class MeritEmbedder(EmbedderTrainingMixin, EmbedderWeightsMixin, TransformerMixin, BaseEstimator):
    """Pretrained ECG embeddings by masked modeling and ECG-text alignment.

    With no argument, recordings are embedded with the weights that come with the package: ``fit``
    checks its input and learns nothing, and ``transform`` works before it. Given reports, or a
    number of epochs, ``fit`` goes on pretraining from these weights; with ``pretrained=None`` it
    pretrains from scratch. The objective joins two lower bounds on mutual information,
    ``(1 - structure_weight) * I(Z; report) + structure_weight * I(Z_visible; X_masked)``, as
    proposed by MERIT [1]_.

    Parameters
    ----------
    pretrained : str, path-like or None, default="merit-tiny"
        Weights to start from: the name of weights that come with the package
        (:func:`~merit_sk.list_pretrained`), a folder, or an id on the Hugging Face hub. None
        trains from scratch.
    sampling_rate : float or None, default=None
        Rate of arrays in Hz, which are resampled to that of the model; None is that of the model
        (100). ``ECGRecords`` know their rate.
    leads : sequence of str or None, default=None
        Leads of arrays, in any order; leads of the model that are not among them are computed, or
        told to the network as missing. None is those of the model where the number is the same,
        I, II, III, aVR, aVL, aVF, V1-V6 for twelve, and I for one. Of a model that is trained from
        scratch they are its leads; None then takes those of ``ECGRecords``.
    readout : {"all", "stages", "last", "projected"}, default="all"
        What ``transform`` returns. ``"stages"`` is mean, maximum and standard deviation over time
        of every stage's map, ``"last"`` those of the last one. As the encoder sees standardized
        leads, ``"all"`` adds the :func:`~merit_sk.signals.peak_voltages` of every lead to
        ``"stages"``. ``"projected"`` is the unit vector that is compared with text.
    max_epochs : int or None, default=None
        Passes over the training data; None is 25 from scratch, and from weights 10 if reports are
        given to ``fit``, else 0. From scratch, 0 leaves the encoder random, the baseline to beat.
    encoder : {"tiny", "small", "base"}, dict, EncoderConfig or None, default=None
        Network to train from scratch; None is ``"tiny"``, a convolutional network of 0.7 million
        parameters for the CPU. ``"small"`` and ``"base"`` are vision transformers with lead x time
        tokens, for a GPU. A dict gives fields of :class:`~merit_sk.nn.config.EncoderConfig`.
    text_encoder : str, default="builtin"
        ``"builtin"`` learns a compact bag-of-words encoder from the reports, in any language.
        Anything else is the folder or hub id of a frozen Hugging Face encoder.
    structure_weight : float in [0, 1] or "auto", default="auto"
        Share of masked modeling in the objective; 0 is alignment alone, 1 masked modeling
        alone. ``"auto"`` is 0.25 where every recording has a report and more the fewer have one,
        ``1 - 0.75 * (share of recordings with a report)``. Without reports it is always 1.
    align_view : {"full", "masked"}, default="full"
        Whether the text is aligned with the whole signal, as at test time, or with the masked
        view, which saves one of two passes.
    duration : float or None, default=None
        Window in seconds of a model that is trained from scratch; None is 10. Longer recordings
        are embedded as the average of their windows, shorter ones are padded and the padding is
        left out of the read-out.
    batch_size : int, default=64
        Recordings in a batch, of which the alignment takes its negatives.
    lr : float or None, default=None
        Peak learning rate of AdamW, after a linear warm-up and before half a cosine to zero. None
        is 1e-3, and of the network in going on from weights 1e-4, as they know more than they
        forget so, while their text tower learns new words at 1e-3.
    weight_decay : float, default=0.05
        Weight decay of AdamW.
    validation_fraction : float in [0, 1), default=0
        Share of the recordings of which nothing is learned, to measure losses and bounds on. They
        are seen whole: ``valid_loss`` has no distance of few leads from the view of all.
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
        Floating-point precision of the network during training; ``"auto"`` takes bfloat16 where
        the hardware has it.
    inference_precision : {"float32", "auto", "bfloat16"}, default="float32"
        Floating-point precision of the encoder in everything else. ``"auto"`` takes bfloat16 where
        the hardware has it, which is faster and rounds embeddings: :ref:`how fast, and how far
        they move <bfloat16>`. ``"bfloat16"`` takes it anywhere, slowly where it is not built in.
        May be changed after ``fit``.
    device : str, default="auto"
        Where to compute; ``"auto"`` takes an accelerator if there is one. May be changed after
        ``fit``.
    n_jobs : int or None, default=None
        CPU threads of PyTorch; None leaves them as they are, -1 is all cores. Results are
        reproducible for equal numbers of threads.
    random_state : int, RandomState instance or None, default=None
        Weights, masks, augmentation and order of the batches.
    verbose : int, default=0
        1 prints a line per epoch, 2 adds progress bars.

    Attributes
    ----------
    history_ : list of dict
        One entry an epoch: losses, and the bounds ``mi_signal`` (nats per masked sample, or per
        feature of a latent target, over the best constant predictor) and ``mi_text`` (nats per
        recording, at most the logarithm of the batch size), on validation data with the prefix
        ``valid_``.
    model_ : MeritModel
        The network.
    net_ : skorch.NeuralNet or None
        The net of the last training; not kept in pickles.
    window_ : WindowSpec
        Sampling rate, leads, duration and pass band of the model.
    text_features_ : object or None
        What turns reports into the input of the text tower.
    language_ : {"en", "de"} or None
        Language of the reports, as far as their words tell.
    zero_shot_ : dict or None
        Calibration of the statements that came with the weights, see
        :class:`~merit_sk.MeritZeroShotClassifier`.
    measurements_ : dict or None
        Regressions that came with the weights, see :class:`~merit_sk.MeritMeasurements`.
    report_writer_ : dict of str to bytes or None
        Files of the report writer that came with the weights, see
        :class:`~merit_sk.MeritReportGenerator`.
    n_iter_ : int
        Epochs trained.
    n_features_in_ : int
        Leads of 3-D input, samples of 2-D input.

    See Also
    --------
    MeritZeroShotClassifier : Classes described in words, without labels.

    Notes
    -----
    Features are centered and divided by statistics of the pretraining recordings, which are saved
    with the weights, and then scaled to a root mean square length of 2.5, at which the defaults of
    scikit-learn's linear models and support vector machines are right: no scaler is needed, and
    the few recordings of a small data set are not asked for the statistics of 1,656 features.
    Unit vectors of ``"projected"`` are returned as they are, and so are features of models saved
    by merit_sk 0.1.0, which hold no statistics.

    References
    ----------
    .. [1] "MERIT: Multimodal ECG Representation via Information Theory", 2026.

    Examples
    --------
    >>> from merit_sk import MeritEmbedder
    >>> from merit_sk.datasets import make_ecg
    >>> ecg = make_ecg(32, random_state=0)
    >>> MeritEmbedder().transform(ecg.data).shape
    (32, 1656)

    Pretraining from scratch:

    >>> embedder = MeritEmbedder(pretrained=None, max_epochs=1, random_state=0)
    >>> embedder.fit(ecg.data, reports=ecg.reports).embed_text(["atrial fibrillation"]).shape
    (1, 128)
    """

    __metadata_request__fit = {"reports": True, "sources": True, "statements": True}

    _parameter_constraints = {
        "pretrained": [str, PathLike, None],
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "leads": ["array-like", None],
        "readout": [StrOptions(set(READOUTS))],
        "max_epochs": [Interval(Integral, 0, None, closed="left"), None],
        "encoder": [str, dict, EncoderConfig, None],
        "text_encoder": [str, PathLike],
        "structure_weight": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
        "align_view": [StrOptions({"full", "masked"})],
        "duration": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither"), None],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "on_invalid": [StrOptions({"raise", "repair"})],
        "warm_start": ["boolean"],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "inference_precision": [StrOptions({"auto", "float32", "bfloat16"})],
    }

    def __init__(
        self,
        pretrained="merit-tiny",
        *,
        sampling_rate=None,
        leads=None,
        readout="all",
        max_epochs=None,
        encoder=None,
        text_encoder="builtin",
        structure_weight="auto",
        align_view="full",
        duration=None,
        batch_size=64,
        lr=None,
        weight_decay=0.05,
        validation_fraction=0,
        callbacks=(),
        checkpoint_dir=None,
        cache=None,
        on_invalid="raise",
        warm_start=False,
        precision="auto",
        inference_precision="float32",
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.pretrained = pretrained
        self.sampling_rate = sampling_rate
        self.leads = leads
        self.readout = readout
        self.max_epochs = max_epochs
        self.encoder = encoder
        self.text_encoder = text_encoder
        self.structure_weight = structure_weight
        self.align_view = align_view
        self.duration = duration
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
        self.inference_precision = inference_precision
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @all_or_nothing
    def fit(self, X, y=None, *, reports=None, sources=None, statements=None):
        """Load the weights, or pretrain on recordings and their reports.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV; two dimensions are lead I.
        y : None
            Ignored: no label is used.
        reports : array-like of str of shape (n_samples,) or None, default=None
            Free text in any language; None or ``""`` for a record without one. Where a model is
            trained, the default is the reports that ``ECGRecords`` carry; where there are weights,
            these start no training of themselves. Without any, only masked modeling is trained.
            Where some are missing, batches of pairs alternate with batches of other recordings,
            the pairs repeated so that they are about as many; ``structure_weight=0`` leaves the
            others out.
        sources : array-like of shape (n_samples,) or None, default=None
            Where each recording and its text come from: a hospital, an annotator, the simulator.
            Give it where recordings of several sources are learned from together, as their
            devices, habits of wording or languages differ. A batch then holds recordings of one
            source, but for the few left over at the end of a pass, so that little is gained from
            telling sources apart. A statement that a report does not make counts as absent
            only if other reports of the same source make it: a report in German says nothing
            about statements in English. None takes all recordings as of one source. Has no
            effect where nothing is trained.
        statements : DataFrame of shape (n_samples, n_codes) or None, default=None
            PTB-XL statements that are known whatever the report says, such as the truth of
            simulated recordings: 1 where there, 0 where not, NaN where unknown; columns are
            codes. The alignment learns every phrase for them, in English and in German.

        Returns
        -------
        self : MeritEmbedder

        Raises
        ------
        ValueError
            For invalid parameters or signals, reports, sources or statements of another length,
            unknown codes, or a `checkpoint_dir` that holds another training.
        FloatingPointError
            If training diverges.
        """
        self._check_parameters()
        n_epochs = self._n_epochs(reports)
        start = self._start()
        X = check_signals(self, X, reset=True)
        window = self._window(X) if start is None else self.window_
        self._count_leads(X, window)
        if start is not None and n_epochs == 0:
            self._warn_of_unused(reports=reports, sources=sources, statements=statements)
            self._look_at(X)
            return self
        reports = self._check_reports(X, reports)
        if sources is not None:
            sources = column_or_1d(sources)
            check_consistent_length(X, sources)
        if statements is not None:
            statements = check_statements(statements, len(X), reports)
        self._pretrain(X, window, reports, sources, statements, start, n_epochs)
        return self

    def _check_parameters(self):
        self._validate_params()
        resolve_encoder("tiny" if self.encoder is None else self.encoder)

    def _count_leads(self, X, window):
        if not self._fitted_in_two_dimensions:
            self.n_features_in_ = len(window.leads)

    def _look_at(self, X):
        """Check all of an array, or some records, where nothing is trained."""
        from ..signals import check_finite

        if isinstance(X, np.ndarray):
            check_finite(X, on_invalid=self.on_invalid)
        self._looked_at = warn_about_signals(self._source(X))

    @property
    def _n_features_out(self):
        return len(self._feature_names())

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features that ``transform`` gives.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Not used, as no feature is of one column; of another number than ``n_features_in_`` an
            error.

        Returns
        -------
        names : ndarray of str
            Such as ``"stage4_std_17"``, of a channel of a stage's map, or ``"V1_r_median"``, of
            the highest samples of a lead.

        Examples
        --------
        >>> from merit_sk import MeritEmbedder
        >>> MeritEmbedder().get_feature_names_out()[[0, -1]].tolist()
        ['stage1_mean_0', 'V6_s_max']
        """
        ready = self._ready()
        _check_feature_names_in(ready, input_features, generate_names=False)
        return np.array(ready._feature_names(), dtype=object)

    def _feature_names(self):
        config = self.model_.config
        return feature_names(
            self.readout, self.model_.encoder.stage_dims, self.window_.leads, config.projection
        )

    def _ready(self):
        """Return this embedder, or if it is not fitted one with the weights it names."""
        check_is_fitted(self)
        if hasattr(self, "model_"):
            return self
        self._check_parameters()
        ready = copy.copy(self)
        ready._load()
        return ready

    def __sklearn_is_fitted__(self):
        return self.pretrained is not None or hasattr(self, "model_")

    def transform(self, X):
        """Embed recordings.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV, of any length. ``ECGRecords`` are reordered and resampled, arrays as
            `leads` and `sampling_rate` say; limb leads that follow from two others are computed,
            other leads that are not there are taken as missing, with a warning. Some recordings
            are looked at, and there is a warning where they seem to have another sampling rate or
            order of leads; ``fit`` looks at more. A recording's embedding does not depend on the
            others.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features), float32
        """
        ready = self._ready()
        return ready._embed(check_signals(ready, X, reset=False), ready.readout)

    def _embed(self, X, readout, standardized=True):
        from ..inference.embed import embed_once, embed_windows
        from ..nn.device import torch_threads

        self._refuse_projection(readout)
        self._place()
        arguments = self.model_, self._checked_source(X), readout, self.batch_size
        embed = embed_windows if self.cache is None else partial(embed_once, self.cache)
        with torch_threads(self.n_jobs):
            features = embed(
                *arguments, precision=self._embedding_precision(), verbose=self.verbose > 1
            )
        return self.model_.standardized(features, readout) if standardized else features

    def _embedding_precision(self):
        from ..nn.device import resolve_precision

        return resolve_precision(self.inference_precision, self.device_)

    def _knows_what_is_familiar(self):
        if not hasattr(self, "model_") or float(self.model_.familiarity.noise):
            return True
        raise AttributeError(
            "these weights do not know what recordings of pretraining are like: they were saved "
            "by merit_sk 0.1, or learned from fewer than 22 recordings; fit with more"
        )

    @available_if(_knows_what_is_familiar)
    def score_samples(self, X):
        """Return how likely recordings are, after those of pretraining.

        The log-likelihood of the standardized features of all stages under a Gaussian of at most
        64 directions (probabilistic principal components, as ``sklearn.decomposition.PCA`` has
        them) that was learned in pretraining and is saved with the weights.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            As in ``transform``.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            In nats; the lower, the less it is like the recordings of pretraining. Most signals that
            are no ECG, and ECGs upside down, are below the threshold of ``decision_function``; of
            ECGs with another sampling rate a part is, of those with swapped leads few are
            (results page, "When not to trust it"). Of these two there is a warning.

        Raises
        ------
        AttributeError
            If the weights were saved without these statistics, or learned from fewer than 22
            recordings.
        """
        ready = self._ready()
        ready._knows_what_is_familiar()
        X = check_signals(ready, X, reset=False)
        return ready.model_.familiar(ready._embed(X, "stages", standardized=False))

    @available_if(_knows_what_is_familiar)
    def decision_function(self, X):
        """Return ``score_samples`` minus its threshold, as outlier detectors of scikit-learn do.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            As in ``transform``.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Below zero for recordings unlike those of pretraining, about one in a hundred of which
            are below zero, too.

        Examples
        --------
        >>> import numpy as np
        >>> from merit_sk import MeritEmbedder
        >>> from merit_sk.datasets import make_ecg
        >>> ecg = np.asarray(make_ecg(2, statements=["NORM"], random_state=0).data)
        >>> noise = np.random.default_rng(0).normal(size=ecg.shape)
        >>> (MeritEmbedder().decision_function(np.concatenate([ecg, noise])) > 0).tolist()
        [True, True, False, False]
        """
        scores = self.score_samples(X)
        return scores - float(self._ready().model_.familiarity.threshold)

    def transform_windows(self, X):
        """Embed recordings window by window, one recording after the other.

        Memory holds the windows of one recording, also where it lasts a day.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            As in ``transform``, which averages what this gives.

        Yields
        ------
        times : ndarray of shape (n_windows,)
            Where each window of the recording begins, in seconds. The last one ends with the
            recording, so that it may overlap with the one before.
        Z : ndarray of shape (n_windows, n_features), float32

        Examples
        --------
        >>> from merit_sk import MeritEmbedder
        >>> from merit_sk.datasets import make_ecg
        >>> minute = make_ecg(1, duration=60, random_state=0).data
        >>> ((times, Z),) = MeritEmbedder().transform_windows(minute)
        >>> times.tolist(), Z.shape
        ([0.0, 10.0, 20.0, 30.0, 40.0, 50.0], (6, 1656))
        """
        ready = self._ready()
        return ready._embed_windows(check_signals(ready, X, reset=False), ready.readout)

    def _embed_windows(self, X, readout):
        from ..inference.embed import embed_each_window
        from ..nn.device import torch_threads

        self._refuse_projection(readout)
        self._place()
        source = self._checked_source(X)
        with torch_threads(self.n_jobs):
            for _, times, features in embed_each_window(
                self.model_, source, readout, self.batch_size,
                precision=self._embedding_precision(), verbose=self.verbose > 1,
            ):  # fmt: skip
                yield times, self.model_.standardized(features, readout)

    def _refuse_projection(self, readout):
        if readout == "projected" and self.model_.text_tower is None:
            raise ValueError(
                "this model was pretrained without reports and has no space shared with text: "
                "fit it with reports=, or choose another readout"
            )

    def _checked_source(self, X):
        """Return what `_source` does, with a warning where rate or leads seem to be others."""
        source = self._source(X)
        warn_at_a_glance(source, getattr(self, "_looked_at", None))
        return source

    def _source(self, X, window=None, keep=False):
        window = self.window_ if window is None else window
        if isinstance(X, np.ndarray):
            leads = array_leads(X, self.leads, window.leads)
            rate = self.sampling_rate
            return WindowSource(X, window, self.on_invalid, keep, sampling_rate=rate, leads=leads)
        return WindowSource(X, window, self.on_invalid, keep)

    def to_onnx(self, path):
        """Write what ``transform`` computes of one window as an ONNX model.

        Band-pass filter, standardization of the leads, encoder, read-out and scale of the features
        are all in the graph, which takes millivolts. Sampling rate, leads, unit, window, band,
        read-out and version of the library are in its metadata. What is left to the caller is to
        resample to the model's rate, to order the leads, with zeros for one that is missing, and
        to cut longer recordings into windows.

        Needs ``pip install 'merit_sk[onnx]'``; to run the model only onnxruntime is needed.

        Parameters
        ----------
        path : path-like
            File to write, such as ``"merit.onnx"``. It appears whole or not at all. A model that
            this method wrote there is replaced, any other file is an error.

        Raises
        ------
        ImportError
            If onnx or onnxscript is missing.
        FileExistsError
            If there is a file that this method has not written.
        ValueError
            If the model has no such read-out, or windows of more than 10,000 samples.

        Notes
        -----
        Input ``signal`` has the shape (n, n_leads, n_times), output ``embedding`` (n, n_features),
        both float32, for any n. Embeddings are those of ``transform`` to within 1e-4. A recording
        of several windows is not quite the mean of its windows' embeddings, as ``transform``
        filters it before it is cut.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from merit_sk import MeritEmbedder
        >>> from merit_sk.datasets import make_ecg
        >>> X = make_ecg(3, random_state=0).data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     MeritEmbedder().to_onnx(folder + "/merit.onnx")
        ...     import onnxruntime
        ...     session = onnxruntime.InferenceSession(folder + "/merit.onnx")
        >>> (Z,) = session.run(None, {"signal": np.asarray(X)})
        >>> bool(np.allclose(Z, MeritEmbedder().transform(X), atol=1e-4))
        True
        """
        from ..inference.export import export_onnx

        ready = self._ready()
        ready._refuse_projection(ready.readout)
        export_onnx(ready.model_, ready.window_, ready.readout, path)

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
        return self._ready()._embed_text(texts)

    def _embed_text(self, texts):
        import torch

        from ..reports._features import tensors

        if self.model_.text_tower is None:
            raise ValueError(
                "this model was pretrained without reports and cannot embed text: "
                "fit it with reports="
            )
        self._place()
        features = self.text_features_([" ".join(text.lower().split()) for text in texts])
        features = {k: v.to(self.device_) for k, v in tensors(features).items()}
        with torch.inference_mode():
            return self.model_.embed_text(features).cpu().numpy()

    def reconstruct(self, X, *, random_state=None):
        """Mask part of each recording and fill it in from the rest.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times)
            The first window of each recording is used.
        random_state : int, RandomState instance or None, default=None
            Draws what is masked.

        Returns
        -------
        result : Bunch
            ``signal`` and ``reconstruction`` of shape (n_samples, n_leads, n_window), each lead
            standardized, and the boolean ``mask`` of what was masked. Offset and size of each
            masked block are taken from the signal, as only its shape is predicted.

        Raises
        ------
        ValueError
            If the model was pretrained without masked modeling, or with feature maps as its
            target.
        """
        from ..inference.reconstruct import reconstruct_windows
        from ..nn.device import torch_threads

        ready = self._ready()
        if ready.model_.decoder is None:
            latent = ready.model_.config.target == "latent"
            how = "an encoder of target='latent'" if latent else "structure_weight=0"
            raise ValueError(
                f"this model was pretrained with {how} and cannot reconstruct: fit it with a share "
                "of masked modeling that predicts samples"
            )
        ready._place()
        source = ready._source(check_signals(ready, X, reset=False))
        with torch_threads(self.n_jobs):
            return reconstruct_windows(ready.model_, source, check_random_state(random_state))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = self.pretrained is None
        return tags
