"""The MERIT network: encoder, decoder, text tower and the joint objective."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..signals._amplitudes import N_QUARTILES
from .collective import gather
from .decoder import build_decoder
from .encoder import build_encoder
from .familiarity import Familiarity
from .masking import hide_blocks
from .objective import info_nce, masked_likelihood, normalize_blocks, statement_loss
from .padding import held, inside
from .pooling import pool
from .shared_space import VOLTAGE_WIDTH, VoltageLayer, shared_vectors
from .teacher import Teacher, WholeView
from .text import build_text_tower

STATEMENT_WEIGHT = 0.25
WHOLE_VIEW_WEIGHT = 1.0
FEATURE_SIZE = 2.5  # root mean square length of a standardized recording
MAX_SCALE = 100.0


class MeritModel(nn.Module):
    """Dual-branch pretraining model.

    Parameters
    ----------
    config : EncoderConfig
    n_leads, n_times : int
        Shape of a window.
    text : tuple of (kind, n_features) or None, default=None
        Kind and size of the text features; None builds no text tower.
    structure_weight : float, default=0.25
        Weight of masked modeling; the rest goes to alignment.
    align_view : {"full", "masked"}, default="full"
        What is aligned with the text: the whole signal, as at test time, or the visible part.
    decoder : bool or None, default=None
        Whether there is a decoder of masked samples; None builds one if masked modeling counts
        and predicts them.

    Attributes
    ----------
    feature_mean, feature_std : tensors of shape (n_features,)
        Statistics of the ``"all"`` features of pretraining recordings; zeros where unknown.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.config import EncoderConfig
    >>> from merit_sk.nn.model import MeritModel
    >>> model = MeritModel(EncoderConfig(widths=(8, 8), patch=4), n_leads=2, n_times=100)
    >>> maps = model.encoder(torch.zeros(3, 2, 100), torch.full((3,), 100))
    >>> model.summary(maps).shape
    torch.Size([3, 48])
    """

    def __init__(
        self, config, n_leads, n_times, text=None, structure_weight=0.25, align_view="full",
        decoder=None,
    ):  # fmt: skip
        super().__init__()
        self.config, self.n_leads, self.n_times = config, n_leads, n_times
        self.structure_weight = structure_weight if text is not None else 1.0
        self.align_view = align_view
        self.encoder = build_encoder(config, n_leads, n_times)
        if decoder is None:
            decoder = self.structure_weight > 0 and config.target != "latent"
        self.decoder = build_decoder(config, n_leads, n_times) if decoder else None
        self.teacher = self.whole_view = None
        self.log_sigma = nn.Parameter(torch.zeros(()))
        n_features = 3 * sum(self.encoder.stage_dims) + 2 * N_QUARTILES * n_leads
        self.register_buffer("feature_mean", torch.zeros(n_features))
        self.register_buffer("feature_std", torch.zeros(n_features))
        self.familiarity = Familiarity(3 * sum(self.encoder.stage_dims))
        self.text_tower, self.bank = None, None
        if text is not None:
            last = self.encoder.stage_dims[-1]
            self.voltages = VoltageLayer(n_leads) if config.voltages else None
            n_rows = 2 * last + (VOLTAGE_WIDTH if config.voltages else 0)
            self.project = nn.Sequential(
                nn.Linear(n_rows, 256), nn.ReLU(), nn.Linear(256, config.projection)
            )
            self.text_tower = build_text_tower(*text, config.projection)
            self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
            self.log_statement_scale = nn.Parameter(torch.tensor(math.log(10.0)))
            self.statement_bias = nn.Parameter(torch.tensor(-5.0))

    @property
    def statistics(self):
        """Names of the tensors that describe recordings of pretraining, not the network."""
        return [k for k in self.state_dict() if k.startswith(("feature_", "familiarity."))]

    @property
    def aligns_full_view(self):
        """Whether the text is aligned with a view of its own."""
        return self.structure_weight < 1 and self.align_view == "full"

    @property
    def scale(self):
        """Inverse temperature of the alignment, at most 100."""
        return self.log_scale.exp().clamp(max=MAX_SCALE)

    @property
    def statement_scale(self):
        """Slope of the log-odds of a statement in the cosine, at most 100."""
        return self.log_statement_scale.exp().clamp(max=MAX_SCALE)

    def start_from(self, other):
        """Copy the weights of a model that may know fewer terms, or lack a branch.

        Terms that it does not know get zeros, and say nothing before they are learned; drawn at
        random, they would change the texts they stand in.

        Parameters
        ----------
        other : MeritModel
            With the same encoder.
        """
        own = self.state_dict()
        for name, value in other.state_dict().items():
            if name in own and value.shape != own[name].shape:
                own[name].zero_()[: len(value)].copy_(value)
            elif name in own:
                own[name].copy_(value)

    def learn_statistics(self, features):
        """Take the statistics of features from the ``"all"`` features of recordings."""
        std, mean = torch.std_mean(features.double(), dim=0, correction=0)
        self.feature_mean.copy_(mean)
        self.feature_std.copy_(std.where(std > 1e-6, 1.0))
        z = self._z_scores(features.numpy(), "stages")
        held_out = np.arange(len(z)) % 4 == 0
        self.familiarity.learn(z[~held_out], z[held_out])

    def standardized(self, features, kind):
        """Return features of recordings at the scale that linear models expect.

        Centered and divided by the statistics of pretraining, then to a root mean square length
        of 2.5: with features of this size the defaults of scikit-learn's ``LogisticRegression`` and
        ``SVC`` are right. Unit vectors, and features of weights without statistics, stay.

        Parameters
        ----------
        features : ndarray of shape (n, n_features)
        kind : {"all", "stages", "last", "projected"}
        """
        if self.feature_statistics(kind) is None:
            return features
        scale = FEATURE_SIZE / math.sqrt(features.shape[1])
        return (self._z_scores(features, kind) * np.float32(scale)).astype(np.float32)

    def feature_statistics(self, kind):
        """Mean and standard deviation of each feature of a read-out; None where none are used."""
        if kind == "projected" or not self.feature_std.any():
            return None
        n_summary = 3 * sum(self.encoder.stage_dims)
        first = n_summary - 3 * self.encoder.stage_dims[-1] if kind == "last" else 0
        part = slice(first, None if kind == "all" else n_summary)
        return self.feature_mean[part], self.feature_std[part]

    def _z_scores(self, features, kind):
        """Center and divide by the statistics of pretraining; voltages are left out if need be."""
        mean, std = (s.cpu().numpy() for s in self.feature_statistics(kind))
        return (features[:, : len(mean)] - mean) / std

    def familiar(self, features):
        """Return how likely ``"stages"`` features of recordings are, after those of pretraining.

        Returns
        -------
        scores : ndarray of shape (n,)
            Log-likelihoods in nats.
        """
        return self.familiarity.scores(self._z_scores(features, "stages"))

    def set_bank(self, features):
        """Use the text features of these statements in training; None uses no bank."""
        device = self.log_sigma.device
        self.bank = features and {k: v.to(device) for k, v in features.items()}

    def set_teachers(self):
        """Average from here on what training needs: see `Teacher` and `WholeView`."""
        if self.structure_weight > 0 and self.config.target != "signal":
            self.teacher = Teacher(self.encoder, self.config, self.n_leads, self.n_times)
        if self.aligns_full_view and WHOLE_VIEW_WEIGHT > 0:
            self.whole_view = WholeView(self.encoder, self.project, self.voltages)

    def drop_teachers(self):
        """Leave the averages behind, which are no part of the weights."""
        self.teacher = self.whole_view = None

    @property
    def has_teachers(self):
        """Whether anything is averaged over this training."""
        return self.teacher is not None or self.whole_view is not None

    def teachers_follow(self):
        """Average the weights of now into those of before, after each step of a training."""
        if self.teacher is not None:
            self.teacher.follow(self.encoder)
        if self.whole_view is not None:
            self.whole_view.follow(self.encoder, self.project, self.voltages)

    def summary(self, maps):
        """Mean, maximum and standard deviation over time of every map in ``maps``."""
        return torch.cat([torch.cat(pool(*m), dim=1) for m in maps], dim=1)

    def projection(self, maps, voltages=None):
        """Unit vectors (n, dim) in the space shared with the text; without voltages, of shapes."""
        return shared_vectors(maps, self.project, self.voltages, voltages, training=self.training)

    def read_out(self, maps, kind, voltages=None):
        """What :class:`~merit_sk.MeritEmbedder` calls `kind`; only ``"all"`` has voltages."""
        if kind == "projected":
            return self.projection(maps, voltages)
        summary = self.summary(maps[-1:] if kind == "last" else maps)
        return torch.cat([summary, voltages], dim=1) if kind == "all" else summary

    def embed_text(self, features):
        """Unit vectors (n_texts, dim) of text features."""
        return F.normalize(self.text_tower(features).float(), dim=1)

    def hide(self, x, n_valid):
        """Draw the hidden samples of a batch."""
        c = self.config
        return hide_blocks(
            *x.shape, block=c.block_samples, ratio=c.mask_ratio, n_valid=n_valid, device=x.device
        )  # fmt: skip

    def structure(self, x, n_valid):
        """Masked modeling: maps of the visible part, loss and bound, the mean of both targets'.

        Flat leads, such as missing ones, are not scored, and neither is padding.
        """
        hidden = self.hide(x, n_valid)
        maps = self.encoder.visible(x, hidden, n_valid)
        whole = held(x, n_valid)
        varies = whole.amax(dim=2, keepdim=True) > whole.amin(dim=2, keepdim=True)
        scored = hidden & inside(x.shape[2], n_valid)[:, None] & varies
        found = []
        if self.decoder is not None:
            target, _, _ = normalize_blocks(whole, self.config.block_samples)
            prediction = self.decoder(maps, hidden, n_valid)
            found.append(masked_likelihood(prediction, target, scored, self.log_sigma))
        if self.teacher is not None:
            found.append(self.teacher(x, n_valid, maps, hidden, scored))
        loss, bound = (sum(part) / len(found) for part in zip(*found, strict=True))
        return maps, loss, bound

    def forward(self, signal, n_valid, view=None, text_index=None, text=None, present=None,
        scored=None, voltages=None,
    ):  # fmt: skip
        """Losses and bounds of a batch.

        Parameters
        ----------
        signal : tensor of shape (n, n_leads, n_times)
        n_valid : long tensor of shape (n,)
            Samples before the padding.
        view : tensor like ``signal`` or None
            The view to align, where it is augmented differently.
        text_index : long tensor of shape (n,)
            Which text a record's report is, -1 for none.
        text : dict of tensors
            Features of each record's report.
        present, scored : tensors of shape (n, n_statements)
            Statements of the bank in each record's report, and the weight of knowing it.
        voltages : tensor of shape (n, n_voltages) or None
            Peak voltages of each record in mV; zeros where they are unknown.

        Returns
        -------
        losses : dict of scalar tensors
            ``loss`` and, as far as they apply, ``mi_signal`` and ``mi_text``.
        """
        out, weight, maps = {}, self.structure_weight, None
        loss = signal.new_zeros(())
        if weight > 0:
            maps, structure, out["mi_signal"] = self.structure(signal, n_valid)
            loss = loss + weight * structure
        if weight < 1 and bool((gather(text_index) >= 0).any()):
            if self.align_view == "full" or maps is None:
                maps = self.encoder(signal if view is None else view, n_valid)
            z = self.projection(maps, voltages)
            alignment, out["mi_text"] = self.alignment(z, text_index, text, present, scored)
            loss = loss + (1 - weight) * alignment
            if self.whole_view is not None and view is not None:
                distance = self.whole_view(z, view, signal, n_valid)
                loss = loss + WHOLE_VIEW_WEIGHT * distance
        return out | {"loss": loss}

    def alignment(self, z, text_index, text, present, scored=None):
        """Loss of the reports and of the statement bank; bound of the reports."""
        text_index = gather(text_index)
        paired = text_index >= 0
        z = gather(z)[paired]
        t = gather(self.embed_text(text))[paired]
        loss, bound = info_nce(z, t, text_index[paired], self.scale)
        if self.bank is not None:
            bank, present = self.embed_text(self.bank), gather(present)[paired]
            scored = None if scored is None else gather(scored)[paired]
            loss = loss + STATEMENT_WEIGHT * statement_loss(
                z, bank, present, self.statement_scale, self.statement_bias, scored
            )
        return loss, bound
