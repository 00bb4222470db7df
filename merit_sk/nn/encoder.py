"""ECG encoders: from windows to feature maps over time."""

import math

import torch
from torch import nn

from .collective import JointBatchNorm1d
from .conv import ShortcutConv, TimeConv
from .padding import blanked, held, inside


def sincos_positions(n_positions, width):
    """Return the fixed sine-cosine position encoding, shape (n_positions, width)."""
    half = width // 2
    rate = torch.exp(-math.log(10000.0) * torch.arange(half) / max(half - 1, 1))
    angle = torch.arange(n_positions)[:, None] * rate[None]
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class _ResidualStage(nn.Module):
    def __init__(self, n_in, n_out, kernel=5):
        super().__init__()
        pad = kernel // 2
        self.body = nn.Sequential(
            TimeConv(n_in, n_out, kernel, stride=2, padding=pad, bias=False),
            JointBatchNorm1d(n_out),
            nn.ReLU(inplace=True),
            TimeConv(n_out, n_out, kernel, padding=pad, bias=False),
            JointBatchNorm1d(n_out),
        )
        self.shortcut = ShortcutConv(n_in, n_out)

    def forward(self, x, n_valid, valid):
        enter, first_norm, activate, leave, second_norm = self.body
        inner = blanked(activate(enter.normed(x, first_norm, valid)), valid)
        shortcut = self.shortcut(x if valid is None else held(x, n_valid))
        return leave.normed(inner, second_norm, valid).add_(shortcut).relu_()


class _Stem(nn.Sequential):
    def forward(self, x, n_valid, valid):
        convolve, norm, activate = self
        return activate(convolve.normed(x, norm, valid))


class ConvEncoder(nn.Module):
    """One-dimensional residual network over time with all leads as input channels.

    Masked samples are zeroed, which is the mean of a standardized lead; so is padding, in the
    signal and in every map, as beyond the ends of a window.
    """

    windows_at_once = 32
    any_length = True

    def __init__(self, config, n_leads, n_times):
        super().__init__()
        stem, *rest = config.widths
        stages = [
            _Stem(
                TimeConv(n_leads, stem, 9, stride=2, padding=4, bias=False),
                JointBatchNorm1d(stem),
                nn.ReLU(inplace=True),
            )
        ]
        stages += [_ResidualStage(a, b) for a, b in zip(config.widths, rest, strict=False)]
        self.stages = nn.ModuleList(stages)
        self.stage_dims = list(config.widths)

    def forward(self, x, n_valid):
        """Return feature maps of every stage, ``(features (n, width, positions), valid)`` each.

        ``valid`` (n, positions) is False where a position holds padding only; without `n_valid`
        nothing is padding, and it is None.
        """
        if n_valid is None:
            return self._unpadded(x)
        ragged = bool((n_valid < x.shape[-1]).any())
        maps, x = [], blanked(x, inside(x.shape[-1], n_valid) if ragged else None)
        for stage in self.stages:
            valid = inside((x.shape[-1] + 1) // 2, (n_valid + 1) // 2)
            padded = valid if ragged else None
            x = blanked(stage(x, n_valid, padded), padded)
            n_valid = (n_valid + 1) // 2
            maps.append((x, valid))
        return maps

    def _unpadded(self, x):
        maps = []
        for stage in self.stages:
            x = stage(x, None, None)
            maps.append((x, None))
        return maps

    def visible(self, x, hidden, n_valid):
        """Return feature maps of the unmasked signal; ``hidden`` is the mask, shaped like ``x``."""
        return self(x.masked_fill(hidden, 0.0), n_valid)


class ViTEncoder(nn.Module):
    """Transformer over patches of one lead (``"lead_time"``) or of all (``"time"``)."""

    n_readout_stages = 4
    windows_at_once = 1
    any_length = False  # positions and tokens are those of a whole window

    def __init__(self, config, n_leads, n_times):
        super().__init__()
        self.per_lead = config.tokenizer == "lead_time"
        self.patch = config.patch
        self.n_patches = -(-n_times // config.patch)
        self.n_leads = n_leads
        n_in = config.patch * (1 if self.per_lead else n_leads)
        self.tokenize = nn.Linear(n_in, config.width)
        self.register_buffer(
            "positions", sincos_positions(self.n_patches, config.width), persistent=False
        )
        if self.per_lead:
            self.lead = nn.Parameter(torch.randn(n_leads, config.width) * 0.5)
        self.blocks = transformer(config.width, config.depth, config.heads)
        self.norm = nn.LayerNorm(config.width)
        last = config.depth - 1
        count = min(self.n_readout_stages, config.depth)
        self.readout_blocks = sorted({round(last * (i + 1) / count) for i in range(count)})
        self.stage_dims = [config.width] * len(self.readout_blocks)

    def patches(self, x):
        """Cut (n, n_leads, n_times) into (n, tokens, samples), leads outermost."""
        n, leads, _ = x.shape
        x = nn.functional.pad(x, (0, self.n_patches * self.patch - x.shape[-1]))
        x = x.reshape(n, leads, self.n_patches, self.patch)
        if self.per_lead:
            return x.reshape(n, leads * self.n_patches, self.patch)
        return x.transpose(1, 2).reshape(n, self.n_patches, leads * self.patch)

    def positional(self):
        """Return the position encoding of every token, (tokens, width)."""
        if not self.per_lead:
            return self.positions
        return (self.lead[:, None] + self.positions[None]).flatten(0, 1)

    def valid_tokens(self, n_valid):
        """Return which tokens (n, tokens) hold a sample before the padding."""
        valid = inside(self.n_patches, -(-n_valid // self.patch))
        return valid.repeat(1, self.n_leads) if self.per_lead else valid

    def _run(self, tokens, valid):
        ignore = None if valid is None or bool(valid.all()) else ~valid
        maps = []
        for i, block in enumerate(self.blocks):
            tokens = block(tokens, src_key_padding_mask=ignore)
            if i in self.readout_blocks:
                last = i == len(self.blocks) - 1
                maps.append(((self.norm(tokens) if last else tokens).transpose(1, 2), valid))
        return maps

    def forward(self, x, n_valid):
        """Return feature maps of some blocks, ``(features (n, width, tokens), valid)`` each.

        Without `n_valid` nothing is padding, and ``valid`` is None.
        """
        x = x if n_valid is None else blanked(x, inside(x.shape[-1], n_valid))
        tokens = self.tokenize(self.patches(x)) + self.positional()
        return self._run(tokens, None if n_valid is None else self.valid_tokens(n_valid))

    def visible(self, x, hidden, n_valid):
        """Return feature maps of the unmasked signal; masked per-lead tokens are dropped."""
        if not self.per_lead:
            return self(x.masked_fill(hidden, 0.0), n_valid)
        x, keep = blanked(x, inside(x.shape[-1], n_valid)), self.kept(hidden)
        rows = torch.arange(len(x), device=x.device)[:, None]
        tokens = self.tokenize(self.patches(x)[rows, keep]) + self.positional()[keep]
        return self._run(tokens, self.valid_tokens(n_valid)[rows, keep])

    def kept(self, hidden):
        """Return the indices (n, kept) of the unmasked tokens, in order."""
        visible = ~self.patches(hidden.float())[..., 0].bool()
        return visible.nonzero()[:, 1].reshape(len(hidden), -1)


def transformer(width, depth, heads):
    """Return pre-norm transformer blocks with fused attention."""
    return nn.ModuleList(
        nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True,
            norm_first=True,
        )
        for _ in range(depth)
    )  # fmt: skip


def build_encoder(config, n_leads, n_times):
    """Build the encoder backbone that ``config`` names."""
    return (ConvEncoder if config.trunk == "conv" else ViTEncoder)(config, n_leads, n_times)
