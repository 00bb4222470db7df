"""Training of MeritEmbedder: from what it starts, what it is given, and how long it takes."""

import warnings

import numpy as np
from sklearn.utils import check_random_state

from ..nn.config import resolve_encoder
from ..reports._check import check_reports
from ..signals._quality import warn_about_signals
from ..signals._windows import WindowSpec
from ._checks import model_leads

MAX_EPOCHS, MORE_EPOCHS = 25, 10  # from scratch, and going on from weights
LR, MORE_LR = 1e-3, 1e-4
ONLY_IN_TRAINING = (
    "text_encoder", "structure_weight", "align_view", "lr", "weight_decay", "validation_fraction",
    "callbacks", "checkpoint_dir", "precision",
)  # fmt: skip


class EmbedderTrainingMixin:
    """What ``fit`` of MeritEmbedder does where weights are to be learned."""

    def _n_epochs(self, reports):
        if self.max_epochs is not None:
            return self.max_epochs
        if self.pretrained is None:
            return MAX_EPOCHS
        return MORE_EPOCHS if reports is not None else 0

    def _start(self):
        """Return the weights to start from, or None; load those that `pretrained` names."""
        from ..training.pretrain import Weights

        if self.warm_start and hasattr(self, "model_"):
            if self.encoder is not None and resolve_encoder(self.encoder) != self.model_.config:
                raise ValueError(
                    "warm_start=True goes on from weights of another encoder than "
                    f"encoder={self.encoder!r}: leave encoder out, or warm_start"
                )
        elif self.pretrained is not None:
            self._load()
        else:
            return None
        return Weights(self.model_, self.text_features_, self.language_, self.history_, self.net_)

    def _warn_of_unused(self, **given):
        """Warn of what was given and has no effect, as nothing is trained."""
        defaults = type(self)().get_params(deep=False)
        unused = [k for k in ONLY_IN_TRAINING if not _same(getattr(self, k), defaults[k])]
        unused += [k for k, v in given.items() if v is not None]
        if unused:
            warnings.warn(
                f"{', '.join(unused)} had no effect: with pretrained={str(self.pretrained)!r} fit "
                "only loads the weights. Pass reports=... or max_epochs=... to go on training, or "
                "pretrained=None to train from scratch.",
                UserWarning, stacklevel=4,
            )  # fmt: skip

    def _check_reports(self, X, reports):
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

    def _window(self, X):
        """Return the window of a model that is trained from scratch."""
        config = self._encoder_config()
        rate = float(config.sampling_rate)
        return WindowSpec(rate, model_leads(X, self.leads), float(self.duration or 10))

    def _encoder_config(self):
        return resolve_encoder("tiny" if self.encoder is None else self.encoder)

    def _pretrain(self, X, window, reports, sources, statements, start, n_epochs):
        from contextlib import nullcontext

        from ..nn.collective import join, share
        from ..nn.device import resolve_device, resolve_precision, running
        from ..training.pretrain import pretrain

        device = resolve_device(self.device)
        join()
        seed = share(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        config = self._encoder_config() if start is None else start.model.config
        recordings = self._source(X, window, keep=True)
        self._looked_at = warn_about_signals(recordings)
        checkpoints = self._checkpoints(
            recordings, config, reports, sources, statements, start, n_epochs
        )
        with checkpoints or nullcontext():
            if checkpoints is not None:
                seed = checkpoints.seed(seed)
            settings = dict(
                max_epochs=n_epochs, batch_size=self.batch_size, weight_decay=self.weight_decay,
                device=str(device), seed=seed, precision=resolve_precision(self.precision, device),
            ) | self._learning_rates(start)  # fmt: skip
            with running(device, n_jobs=self.n_jobs, seed=seed):
                weights = pretrain(
                    recordings, reports, sources, statements, encoder=config, start=start,
                    text_encoder=self.text_encoder, structure_weight=self.structure_weight,
                    align_view=self.align_view, validation_fraction=self.validation_fraction,
                    settings=settings, callbacks=self.callbacks, checkpoints=checkpoints,
                    verbose=self.verbose,
                )  # fmt: skip
        self._become(window, weights)
        self.zero_shot_ = self.measurements_ = self.report_writer_ = None
        self.device_ = device

    def _learning_rates(self, start):
        if self.lr is not None or start is None:
            return {"lr": self.lr or LR}
        if start.text_features is None:
            return {"lr": MORE_LR}
        return {"lr": MORE_LR, "optimizer__param_groups": [("text_tower.*", {"lr": LR})]}

    def _checkpoints(self, recordings, config, reports, sources, statements, start, n_epochs):
        if self.checkpoint_dir is None:
            return None
        from ..nn.checkpoint import weights_to_bytes
        from ..nn.collective import world_size
        from ..training.resume import Checkpoints, describe_run

        settled = {"max_epochs": n_epochs, "lr": self._learning_rates(start)["lr"]}
        parameters = self.get_params(deep=False) | settled
        parameters.pop("pretrained")
        run = describe_run(
            parameters, window=recordings.spec.to_dict(), encoder=config.to_dict(),
            recordings=recordings, reports=reports, sources=sources, statements=statements,
            n_processes=world_size(),
            weights=None if start is None else weights_to_bytes(start.model),
        )  # fmt: skip
        return Checkpoints(self.checkpoint_dir, run)


def _same(given, default):
    """Tell whether a parameter has its default; sequences are compared by their members."""
    if isinstance(given, (list, tuple)) and isinstance(default, (list, tuple)):
        return list(given) == list(default)
    return given is default or given == default
