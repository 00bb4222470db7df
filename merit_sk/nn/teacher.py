"""Averages of a network over its training, which see what the network itself does not."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from .collective import total
from .decoder import build_predictor
from .objective import masked_likelihood, standardize_channels
from .shared_space import shared_vectors

MAX_MOMENTUM = 0.999


class Teacher(nn.Module):
    """Average of an encoder over its training, and what predicts its maps; not part of a model.

    It sees the whole signal. From the maps of the unmasked part, its maps at masked positions are
    predicted [1]_: those of all stages, averaged to the positions of the last one and standardized
    per channel over the batch, so that constant maps are worth nothing.

    Parameters
    ----------
    encoder : ConvEncoder or ViTEncoder
        Copied.
    config : EncoderConfig
    n_leads, n_times : int
        Shape of a window.

    References
    ----------
    .. [1] A. Baevski et al., "data2vec: a general framework for self-supervised learning in
       speech, vision and language", ICML 2022.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.config import EncoderConfig
    >>> from merit_sk.nn.encoder import build_encoder
    >>> from merit_sk.nn.teacher import Teacher
    >>> config = EncoderConfig(widths=(8, 8), patch=4)
    >>> encoder = build_encoder(config, n_leads=2, n_times=100)
    >>> teacher = Teacher(encoder, config, n_leads=2, n_times=100)
    >>> x, n_valid = torch.randn(3, 2, 100), torch.full((3,), 100)
    >>> hidden = torch.ones_like(x, dtype=torch.bool)
    >>> loss, bound = teacher(x, n_valid, encoder.visible(x, hidden, n_valid), hidden, hidden)
    >>> bool(bound < 0.1)
    True
    """

    def __init__(self, encoder, config, n_leads, n_times):
        super().__init__()
        self.config = config
        self.encoder = AveragedModel(encoder, multi_avg_fn=_average).requires_grad_(False)
        self.follow(encoder)
        self.predictor = build_predictor(config, n_leads, n_times, sum(encoder.stage_dims))
        self.log_sigma = nn.Parameter(torch.zeros(()))

    def forward(self, x, n_valid, maps, hidden, scored):
        """Loss and bound, see `masked_likelihood`.

        Parameters
        ----------
        x : tensor of shape (n, n_leads, n_times)
        n_valid : long tensor of shape (n,)
            Samples before the padding.
        maps : list of tuple
            Of the unmasked part.
        hidden, scored : bool tensors of shape (n, n_leads, n_times)
            Masked samples, and those of them that count.
        """
        with torch.no_grad():
            stages = [features.float() for features, _ in self.encoder(x, n_valid)]
            n_positions = stages[-1].shape[2]
            target = torch.cat([F.adaptive_avg_pool1d(s, n_positions) for s in stages], dim=1)
        starts = scored[..., :: self.config.patch]
        positions = starts.flatten(1) if self.config.drops_tokens else starts.any(dim=1)
        positions = positions[:, None].expand_as(target)
        prediction = self.predictor(maps, hidden, n_valid)
        target = standardize_channels(target, positions)
        return masked_likelihood(prediction, target, positions, self.log_sigma)

    def follow(self, encoder):
        """Average the weights of the encoder, at the start and after each step of its training."""
        self.encoder.update_parameters(encoder)


class WholeView(nn.Module):
    """Average of an encoder and its projection, for recordings of few leads; no part of a model.

    It sees all leads. Where training hides at least half of them, the vector in the space shared
    with text is drawn to the one that the average has of the whole.

    Parameters
    ----------
    encoder : ConvEncoder or ViTEncoder
    project : Module
    voltage_layer : VoltageLayer or None
        See `shared_vectors`; the average is told no voltages.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.config import EncoderConfig
    >>> from merit_sk.nn.encoder import build_encoder
    >>> from merit_sk.nn.teacher import WholeView
    >>> encoder = build_encoder(EncoderConfig(widths=(8, 8), patch=4), n_leads=2, n_times=100)
    >>> project, x = torch.nn.Linear(16, 4), torch.randn(3, 2, 100)
    >>> whole_view = WholeView(encoder, project, None)
    >>> float(whole_view(torch.zeros(3, 4), x, x, torch.full((3,), 100)))
    0.0
    """

    def __init__(self, encoder, project, voltage_layer):
        super().__init__()
        parts = _parts(encoder, project, voltage_layer)
        self.parts = AveragedModel(parts, multi_avg_fn=_average).requires_grad_(False).eval()
        self.follow(encoder, project, voltage_layer)

    def train(self, mode=True):
        """Stay as in evaluation: a few recordings of a batch have no statistics of their own."""
        return super().train(False)

    def forward(self, z, view, x, n_valid):
        """Mean cosine distance of the joint batch's recordings of few leads; 0 if there is none.

        Parameters
        ----------
        z : tensor of shape (n, dim)
            Unit vectors of `view`.
        view : tensor of shape (n, n_leads, n_times)
            Zeros in hidden leads.
        x : tensor of shape (n, n_leads, n_times)
        n_valid : long tensor of shape (n,)
            Samples before the padding.
        """
        few = 2 * view.any(dim=2).sum(dim=1) <= x.any(dim=2).sum(dim=1)
        n_few = total(few.sum().to(z.dtype))
        if not bool(n_few):
            return z.new_zeros(())
        whole = z[few].detach()
        if bool(few.any()):
            encoder, project, *voltage_layer = self.parts.module
            with torch.no_grad():
                maps = encoder(x[few], n_valid[few])
                whole = shared_vectors(maps, project, *voltage_layer, training=True)
        return 1 - total((z[few] * whole).sum(dim=1).sum()) / n_few

    def follow(self, encoder, project, voltage_layer):
        """Average the weights, at the start and after each step of their training."""
        self.parts.update_parameters(_parts(encoder, project, voltage_layer))


def _parts(*parts):
    return nn.ModuleList([part for part in parts if part is not None])


def _average(averages, weights, n_averaged):
    """Average over about the last ninth of the steps so far, at most over 1,000.

    Early weights, which know little, are forgotten in short and in long training.
    """
    n = int(n_averaged)
    share = 1 - min((1 + n) / (10 + n), MAX_MOMENTUM)
    for average, new in zip(averages, weights, strict=True):
        average.lerp_(new, share)
