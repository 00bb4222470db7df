"""Networks that classify: an encoder, a head, and the loss of labeled windows."""

import torch
from torch import nn
from torch.nn import functional as F

from .pooling import pool
from .rows import alone


class ClassifierModel(nn.Module):
    """An encoder with a head, trained on labels.

    Parameters
    ----------
    encoder : Module
        From windows (n, n_leads, n_times) and their lengths before padding to maps.
    head : Module
        From maps and peak voltages to logits (n, n_classes).
    multi_label : bool
        Whether labels are a 0/1 row for each window, with the binary cross-entropy of every class
        as the loss, or the number of its one class, with the cross-entropy of the softmax.
    weight : tensor of shape (n_classes,) or None, default=None
        What a positive of each class counts in the loss.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.classifier import ClassifierModel, SummaryHead
    >>> from merit_sk.nn.config import EncoderConfig
    >>> from merit_sk.nn.encoder import build_encoder
    >>> encoder = build_encoder(EncoderConfig(widths=(8, 8), patch=4), n_leads=2, n_times=100)
    >>> head = SummaryHead(encoder.stage_dims, n_voltages=20, n_classes=3)
    >>> model = ClassifierModel(encoder, head, multi_label=False)
    >>> signal, n_valid, voltages = torch.zeros(4, 2, 100), torch.full((4,), 100), torch.ones(4, 20)
    >>> model(signal, n_valid, voltages, target=torch.tensor([0, 1, 2, 0])).keys()
    dict_keys(['loss'])
    """

    def __init__(self, encoder, head, multi_label, weight=None):
        super().__init__()
        self.encoder, self.head, self.multi_label = encoder, head, multi_label
        self.register_buffer("weight", weight, persistent=False)
        self.frozen, self.keeps_statistics = (), False

    def freeze(self, names):
        """Keep parts of the encoder as they are in training, statistics of their norms included.

        Parameters
        ----------
        names : sequence of str
            Of modules and parameters of the encoder.
        """
        self.frozen = tuple(names)
        for name, parameter in self.encoder.named_parameters():
            parameter.requires_grad_(not self._is_frozen(name))

    def _is_frozen(self, name):
        return any(name == part or name.startswith(f"{part}.") for part in self.frozen)

    def train(self, mode=True):
        super().train(mode)
        for name, module in self.encoder.named_modules():
            norm = self.keeps_statistics and isinstance(module, nn.BatchNorm1d)
            if norm or self._is_frozen(name):
                module.eval()
        return self

    def calibrate(self, signal, n_valid):
        """Give the norms of the encoder the statistics of a batch, as none were learned."""
        norms = [m for m in self.encoder.modules() if isinstance(m, nn.BatchNorm1d)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = 1.0
        with torch.no_grad():
            self.encoder.train()(signal, n_valid)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum

    def read_out(self, maps, kind, voltages):
        """Logits of windows, from their maps and voltages."""
        return self.head(maps, voltages).float()

    def loss(self, logits, target):
        """Mean loss of windows."""
        if self.multi_label:
            return F.binary_cross_entropy_with_logits(logits, target, pos_weight=self.weight)
        return F.cross_entropy(logits, target, weight=self.weight)

    def forward(self, signal, n_valid, voltages, target):
        logits = self.read_out(self.encoder(signal, n_valid), None, voltages)
        return {"loss": self.loss(logits, target)}


class SummaryHead(nn.Module):
    """Linear in standardized features: those of every stage's map, and voltages.

    Parameters
    ----------
    stage_dims : list of int
        Of each map mean, maximum and standard deviation are features.
    n_voltages, n_classes : int
    """

    def __init__(self, stage_dims, n_voltages, n_classes):
        super().__init__()
        n_features = 3 * sum(stage_dims) + n_voltages
        self.register_buffer("center", torch.zeros(n_features))
        self.register_buffer("spread", torch.ones(n_features))
        self.is_standardized = False
        self.linear = nn.Linear(n_features, n_classes)

    def summary(self, maps, voltages):
        """What the head reads, (n, n_features), before standardization."""
        return torch.cat([*(part for m in maps for part in pool(*m)), voltages], dim=1)

    def forward(self, maps, voltages):
        standard = (self.summary(maps, voltages) - self.center) / self.spread
        return alone(self.linear, standard, training=self.training)

    def standardize(self, mean, std):
        """Take the statistics of features from those of pretraining, where these are known."""
        if std.any():
            self.center.copy_(mean)
            self.spread.copy_(std)
            self.is_standardized = True

    def fit(self, features, target, loss, penalty):
        """Start from the linear probe on these features, standardized by them if by nothing yet.

        Parameters
        ----------
        features : tensor of shape (n, n_features)
        target : tensor
        loss : callable
            From logits and target to the mean loss.
        penalty : float
            On the mean square of the weights.
        """
        if not self.is_standardized:
            spread, center = torch.std_mean(features, dim=0, correction=0)
            self.standardize(center, torch.where(spread > 1e-6, spread, 1.0))
        standard = (features - self.center) / self.spread
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        solver = torch.optim.LBFGS(
            self.linear.parameters(), max_iter=100, line_search_fn="strong_wolfe"
        )

        def closure():
            solver.zero_grad()
            value = loss(self.linear(standard), target)
            value = value + penalty * self.linear.weight.square().sum()
            value.backward()
            return value

        solver.step(closure)


def layers(encoder):
    """Names of an encoder's modules and parameters, layer by layer from the input on.

    Examples
    --------
    >>> from merit_sk.nn.classifier import layers
    >>> from merit_sk.nn.config import EncoderConfig
    >>> from merit_sk.nn.encoder import build_encoder
    >>> layers(build_encoder(EncoderConfig(widths=(8, 8), patch=4), 2, 100))
    [['stages.0'], ['stages.1']]
    """
    if hasattr(encoder, "stages"):
        return [[f"stages.{i}"] for i in range(len(encoder.stages))]
    *blocks, last = [[f"blocks.{i}"] for i in range(len(encoder.blocks))]
    return [["tokenize", "lead"], *blocks, [*last, "norm"]]


class SummaryReader:
    """A classifier whose read-out is what its head reads.

    Takes the place of the model in :func:`~merit_sk.inference.embed.embed_windows`.

    Parameters
    ----------
    model : ClassifierModel
        With a `SummaryHead`.
    """

    def __init__(self, model):
        self.encoder, self.head = model.encoder, model.head

    def read_out(self, maps, kind, voltages):
        """Rows of shape (n, n_features)."""
        return self.head.summary(maps, voltages)
