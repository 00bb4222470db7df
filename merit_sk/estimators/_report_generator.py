"""MeritReportGenerator: write the report of a recording."""

import copy
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from ..inference.generate import resolve_generation, write_reports
from ..reports._context import carried_reports, check_context, written_reports
from ..signals import check_finite
from ._checks import check_signals
from ._fit import all_or_nothing
from ._given_embedder import (
    GivenEmbedder,
    names_weights,
    resolve_embedder,
)
from ._report_generator_training import ReportGeneratorTrainingMixin
from ._report_generator_weights import ReportGeneratorWeightsMixin

LANGUAGES = ("en", "de")
TUNINGS = ("frozen", "full", "lora")


class MeritReportGenerator(
    ReportGeneratorTrainingMixin, ReportGeneratorWeightsMixin, BaseEstimator
):
    """Write reports with a causal language model that reads the ECG as a soft prefix.

    With the weights that come with the package ``predict`` works before ``fit``, in English or
    German. Their writer has read machine statements and simulated reports, none of a cardiologist.
    Given reports, ``fit`` learns to write like those.

    The embedder stays as it is. A projector turns its maps and voltages into `n_prefix` vectors
    that stand before the text like words [1]_; it is trained, alone or with the language model, to
    make the reports of the training set likely.

    Parameters
    ----------
    embedder : str, path-like, MeritEmbedder or FrozenEstimator, default="merit-tiny"
        The encoder that reads recordings: a name, a folder or a hub id of weights, or an embedder.
        A fitted one is frozen on entry, so that `clone` keeps it; of one that is to be trained,
        ``fit`` trains a copy on its recordings and reports.
    language : {"en", "de"}, default="en"
        What is written by the writer that comes with the weights. Others write the language of the
        reports they were fitted to.
    language_model : str, default="builtin"
        ``"builtin"`` is a GPT-2 of 0.6 million parameters and a vocabulary of words, both
        learned from the reports, in any language. Anything else is the folder or hub id of a
        causal language model, of which only safetensors are read.
    n_prefix : int, default=8
        Vectors that the language model gets of an ECG.
    tuning : {"frozen", "full", "lora"}, default="frozen"
        What is trained of a language model that is not built in: nothing, everything (at a
        twentieth of `lr`) or low-rank changes (at a fifth; needs peft, and is merged into the
        weights). The built-in model is always trained.
    prompt : str, default=""
        Text that stands before every report, after the context.
    generation : dict, transformers.GenerationConfig or None, default=None
        How reports are decoded, for example ``{"num_beams": 4}`` or ``{"do_sample": True,
        "top_p": 0.9}``. None is greedy.
    max_new_tokens : int, default=128
        Longest report in tokens (for the built-in model: words, digits and signs), in training
        and in writing.
    max_epochs : int, default=20
        Passes over the reports.
    batch_size : int, default=32
        Recordings in a batch, in training and in writing.
    lr : float, default=1e-3
        Peak learning rate of AdamW.
    device : str, default="auto"
        ``"auto"`` takes an accelerator if there is one.
    n_jobs : int or None, default=None
        CPU threads of PyTorch; None leaves them as they are, -1 is all cores.
    random_state : int, RandomState instance or None, default=None
        Weights, order of the batches, and samples drawn in writing.
    verbose : int, default=0
        1 prints a line per epoch, 2 adds a progress bar in writing.

    Attributes
    ----------
    embedder_ : MeritEmbedder
    model_ : ReportModel
        Projector and language model.
    tokenizer_ : transformers tokenizer
    history_ : list of dict
        ``train_loss``, in nats per token, of each epoch.
    n_iter_ : int
        Epochs trained.
    net_ : skorch.NeuralNet or None
        The net of the last ``fit`` to reports; not kept in pickles.
    n_features_in_ : int

    See Also
    --------
    merit_sk.evaluation.evaluate_reports : Scores of generated reports, with intervals.
    merit_sk.evaluation.report_baselines : What a report generator must beat.

    Notes
    -----
    What is written is a draft for research that nobody has read, and no diagnosis.

    What the projector reads of the training set is computed once and held in memory: the summary of
    all maps, the peak voltages, and at most 48 tokens of the last map, 55 kB a recording for the
    ``"tiny"`` encoder.

    References
    ----------
    .. [1] R. Mokady, A. Hertz, A. H. Bermano, "ClipCap: CLIP prefix for image captioning", 2021.

    Examples
    --------
    >>> from merit_sk import MeritReportGenerator
    >>> from merit_sk.datasets import make_ecg
    >>> ecg = make_ecg(1, statements=["AFIB"], random_state=0)
    >>> "fibrillation" in MeritReportGenerator().predict(ecg.data)[0]
    True
    >>> "vorhofflimmern" in MeritReportGenerator(language="de").predict(ecg.data)[0].lower()
    True

    Learned from reports of your own:

    >>> ecg = make_ecg(32, random_state=0)
    >>> writer = MeritReportGenerator(max_epochs=1, max_new_tokens=8, random_state=0)
    >>> writer.fit(ecg.data, reports=ecg.reports).predict(ecg.data[:2]).shape
    (2,)
    """

    # also of generators saved by earlier versions
    _marks_start, _reads_voltages, _came_with_weights = True, False, False
    __metadata_request__fit = {"reports": True, "context": True, "groups": True}
    __metadata_request__predict = {"context": True}
    __metadata_request__score = {"reports": True, "context": True}

    embedder = GivenEmbedder()
    _parameter_constraints = {
        "language": [StrOptions(set(LANGUAGES))],
        "n_prefix": [Interval(Integral, 1, None, closed="left")],
        "tuning": [StrOptions(set(TUNINGS))],
        "prompt": [str],
        "max_new_tokens": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        embedder="merit-tiny",
        *,
        language="en",
        language_model="builtin",
        n_prefix=8,
        tuning="frozen",
        prompt="",
        generation=None,
        max_new_tokens=128,
        max_epochs=20,
        batch_size=32,
        lr=1e-3,
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.embedder = embedder
        self.language = language
        self.language_model = language_model
        self.n_prefix = n_prefix
        self.tuning = tuning
        self.prompt = prompt
        self.generation = generation
        self.max_new_tokens = max_new_tokens
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @all_or_nothing
    def fit(self, X, y=None, *, reports=None, context=None, groups=None):
        """Learn to write the reports of recordings; without reports, load the writer in the box.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV.
        y : array-like of str of shape (n_samples,) or None, default=None
            The reports, if `reports` is None. Other targets are ignored where `reports` are given
            or carried by `X`.
        reports : array-like of str of shape (n_samples,) or None, default=None
            None or ``""`` for a record without one, which is left out. By default `y`, or the
            reports that ``ECGRecords`` carry. Where there are none, the writer is the one that
            comes with the weights.
        context : array-like of str of shape (n_samples,), DataFrame or None, default=None
            What is known beside the ECG, given to the language model as text. Columns of a
            DataFrame, such as age and sex, become ``"age 56, sex male"``. Needed again to predict.
        groups : array-like of shape (n_samples,) or None, default=None
            Patient of each recording; None takes every recording for another patient's. Words of
            the built-in language model can be read in saved models, so that it learns only those
            in the reports of five patients (two, of fewer than 20).

        Returns
        -------
        self : MeritReportGenerator

        Raises
        ------
        ValueError
            For invalid parameters or signals, reports or context of another length, or neither
            reports nor a writer in the weights.
        OSError
            If there is no such language model.
        FloatingPointError
            If training diverges.
        """
        import torch

        from ..nn.collective import join, share
        from ..nn.device import resolve_device, running

        self._validate_params()
        resolve_generation(self.generation, self.max_new_tokens)
        X = check_signals(self, X, reset=True)
        unread = y is None and reports is None and getattr(X, "reports", None) is None
        if unread and self._can_come_with_weights():
            return self._load(X)
        reports = written_reports(carried_reports(X, y, reports), len(X))
        context = check_context(context, len(X))
        groups = np.arange(len(X)) if groups is None else column_or_1d(groups)
        check_consistent_length(X, groups)
        join()
        self.embedder_ = resolve_embedder(self.embedder, X, reports=reports)
        self._reads_voltages, self._came_with_weights = True, False
        self.device_ = resolve_device(self.device)
        rng = check_random_state(self.random_state)
        self._seed = share(rng.randint(np.iinfo(np.int32).max))
        with running(self.device_, n_jobs=self.n_jobs, seed=self._seed):
            kept = np.flatnonzero(reports != "")
            self._uses_context = context is not None
            before = self._before(context, len(X))[kept]
            ecg = torch.from_numpy(self._read(X))[kept]
            self._build_model(ecg, before, reports[kept], groups[kept].tolist())
            self._train(ecg, before, reports[kept])
        return self

    def _load(self, X):
        """Take the writer that comes with the weights, and look at recordings as `fit` does."""
        n_features = self.n_features_in_
        self._take_writer()
        if self._fitted_in_two_dimensions:
            self.n_features_in_ = n_features
        self.embedder_._source(X)
        if isinstance(X, np.ndarray):
            check_finite(X, on_invalid=self.embedder_.on_invalid)
        return self

    def _read(self, X):
        """What the projector gets of each recording, (n_samples, n_features) float32."""
        from ..inference.embed import embed_windows
        from ..nn.prefix import MapReader

        embedder = self.embedder_
        return embed_windows(
            MapReader(embedder.model_, self._reads_voltages), embedder._checked_source(X), None,
            embedder.batch_size, verbose=self.verbose > 1,
        )  # fmt: skip

    def _before(self, context, n_samples):
        """The text that stands before each report."""
        if self._came_with_weights:
            self._validate_params()
            if context is not None:
                raise ValueError("context= was given, but not to the training of these weights")
            return np.full(n_samples, self.language, dtype=object)
        if self._uses_context and context is None:
            raise ValueError("fitted with context=: pass it to predict and score as well")
        if context is not None and not self._uses_context:
            raise ValueError("context= was given, but not to fit")
        parts = [[self.prompt]] * n_samples if context is None else [
            [text, self.prompt] for text in context
        ]  # fmt: skip
        return np.array([" ".join(filter(None, p)) for p in parts], dtype=object)

    def _tokens(self, texts):
        """Token ids of texts, without unknown words; none for an empty text."""
        ids = self.tokenizer_(list(texts), add_special_tokens=False)["input_ids"]
        unknown = self.tokenizer_.unk_token_id if self.language_model == "builtin" else None
        return [[i for i in row if i != unknown] for row in ids]

    def _opening(self, before):
        """Token ids of what stands before each report, and of its start."""
        if self._marks_start:
            bos, eos = self.tokenizer_.bos_token_id, self.tokenizer_.eos_token_id
            return [[*ids, eos if bos is None else bos] for ids in self._tokens(before)]
        return self._tokens([f"{text}\n" if text else "" for text in before])

    def _can_come_with_weights(self):
        """Return whether nothing is asked for that only reports can teach."""
        return names_weights(self.embedder) and self.language_model == "builtin" and not self.prompt

    def _take_writer(self):
        """Become the writer that comes with the weights."""
        embedder = resolve_embedder(self.embedder)
        if embedder.report_writer_ is None:
            raise ValueError(
                "these weights hold no report writer: pass reports=... to learn to write, or take "
                'weights that do, such as "merit-tiny"'
            )
        source = "the report writer of the weights"
        self.embedder_ = embedder
        self._restore(*self._unpacked(embedder.report_writer_, source), source)
        self._came_with_weights = True
        self._seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)

    def _ready(self):
        """Return this generator, or if it is not fitted one with the weights it names."""
        check_is_fitted(self)
        if hasattr(self, "model_"):
            return self
        ready = copy.copy(self)
        ready._take_writer()
        return ready

    def __sklearn_is_fitted__(self):
        return hasattr(self, "model_") or self._can_come_with_weights()

    def predict(self, X, *, context=None):
        """Write the reports of recordings.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
            Recordings in mV with the leads of the embedder.
        context : array-like of str of shape (n_samples,), DataFrame or None, default=None
            As in ``fit``.

        Returns
        -------
        reports : ndarray of shape (n_samples,), object
            Strings.
        """
        ready = self._ready()
        X = check_signals(ready, X, reset=False)
        before = ready._before(check_context(context, len(X)), len(X))
        from ..nn.device import torch_threads

        with torch_threads(self.n_jobs):
            return ready._write(ready._read(X), before)

    def _write(self, ecg, before):
        import torch

        from ..nn.device import running

        self._place()
        config = resolve_generation(self.generation, self.max_new_tokens, self.tokenizer_)
        openings = self._opening(before)
        self.model_.check_room(openings, config.max_new_tokens)
        with running(self.device_, seed=self._seed):
            return write_reports(
                self.model_, self.tokenizer_, torch.from_numpy(ecg), openings, config,
                self.batch_size, verbose=self.verbose > 1,
            )  # fmt: skip

    def _write_ablated(self, X, other, context):
        """Write reports from the ECGs, those of the records ``other``, and an average one."""
        import torch

        from ..nn.device import torch_threads

        X = check_signals(self, X, reset=False)
        before = self._before(check_context(context, len(X)), len(X))
        with torch_threads(self.n_jobs):
            ecg = self._read(X)
            with torch.inference_mode():
                rows = torch.from_numpy(ecg).to(self.device_)
                neutral = self.model_.projector.neutral(rows).cpu().numpy()
            return [self._write(rows, before) for rows in (ecg, ecg[other], neutral)]

    def score(self, X, y=None, *, reports=None, context=None, sample_weight=None):
        """Mean ROUGE-L F-measure of the written reports.

        Parameters
        ----------
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times) or (n_samples, n_times)
        y : array-like of str of shape (n_samples,) or None, default=None
            The true reports, if `reports` is None.
        reports : array-like of str of shape (n_samples,) or None, default=None
            By default `y`, or those that ``ECGRecords`` carry. Records without one do not count.
        context : array-like of str of shape (n_samples,), DataFrame or None, default=None
            As in ``fit``.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the records in the mean.

        Returns
        -------
        score : float
            From 0 to 1. It says little without the scores of
            :func:`~merit_sk.evaluation.report_baselines`: reports repeat.
        """
        from ..metrics import rouge

        written = self.predict(X, context=context)
        true = written_reports(carried_reports(X, y, reports), len(written))
        weight = (true != "") * (1.0 if sample_weight is None else np.asarray(sample_weight))
        return float(np.average(rouge(true, written)["rouge_l"], weights=weight))

    @property
    def window_(self):
        """Sampling rate, leads, duration and pass band of the embedder."""
        return self.embedder_.window_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.requires_fit = not self._can_come_with_weights()
        return tags
