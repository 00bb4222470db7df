"""Lightweight decoders: from maps of the unmasked signal to what is masked."""

import torch
from torch import nn

from .conv import TimeConv
from .encoder import sincos_positions, transformer
from .padding import blanked, inside


class ConvPredictor(nn.Module):
    """Convolutions over the last feature map."""

    def __init__(self, config, n_leads, n_times, n_out):
        super().__init__()
        self.n_leads, self.n_times, self.patch = n_leads, n_times, config.patch
        layers, width = [], config.widths[-1] if config.trunk == "conv" else config.width
        for _ in range(config.decoder_depth):
            layers += [TimeConv(width, config.decoder_width, 3, padding=1), nn.GELU()]
            width = config.decoder_width
        self.body = nn.Sequential(*layers, TimeConv(width, n_out, 1))

    def forward(self, maps, hidden, n_valid):
        """Values (n, n_out, positions), of which those of hidden positions count."""
        return self.body(blanked(*maps[-1]))


class ConvDecoder(ConvPredictor):
    """Convolutions over the last feature map; a position predicts ``patch`` samples per lead."""

    def __init__(self, config, n_leads, n_times):
        super().__init__(config, n_leads, n_times, n_leads * config.patch)

    def forward(self, maps, hidden, n_valid):
        """Samples (n, n_leads, n_times), of which the hidden ones before the padding count."""
        out = super().forward(maps, hidden, n_valid)
        n, _, positions = out.shape
        out = out.reshape(n, self.n_leads, self.patch, positions).transpose(2, 3)
        return out.reshape(n, self.n_leads, positions * self.patch)[..., : self.n_times]


class TokenPredictor(nn.Module):
    """Small transformer over unmasked tokens and mask tokens, after masked autoencoders [1]_.

    References
    ----------
    .. [1] K. He et al., "Masked autoencoders are scalable vision learners", CVPR 2022.
    """

    def __init__(self, config, n_leads, n_times, n_out):
        super().__init__()
        self.n_leads, self.n_times = n_leads, n_times
        self.n_patches = -(-n_times // config.patch)
        width = config.decoder_width
        self.enter = nn.Linear(config.width, width)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        self.lead = nn.Parameter(torch.randn(n_leads, width) * 0.5)
        self.register_buffer("positions", sincos_positions(self.n_patches, width), persistent=False)
        self.blocks = transformer(width, config.decoder_depth, max(width // 64, 1))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_out))
        self.patch = config.patch

    def forward(self, maps, hidden, n_valid):
        """Values (n, n_out, tokens), of which those of hidden tokens count."""
        visible = self.enter(maps[-1][0].transpose(1, 2))
        n = len(visible)
        starts = hidden[..., :: self.patch].flatten(1)
        tokens = self.mask_token.to(visible.dtype).repeat(n, starts.shape[1], 1)
        tokens = tokens.masked_scatter(~starts[..., None], visible)
        tokens = tokens + (self.lead[:, None] + self.positions[None]).flatten(0, 1)
        valid = inside(self.n_patches, -(-n_valid // self.patch)).repeat(1, self.n_leads)
        ignore = None if bool(valid.all()) else ~valid
        for block in self.blocks:
            tokens = block(tokens, src_key_padding_mask=ignore)
        return self.leave(tokens).transpose(1, 2)


class TokenDecoder(TokenPredictor):
    """As its predictor; a token predicts its own samples."""

    def __init__(self, config, n_leads, n_times):
        super().__init__(config, n_leads, n_times, config.patch)

    def forward(self, maps, hidden, n_valid):
        """Samples (n, n_leads, n_times), of which the hidden ones before the padding count."""
        out = super().forward(maps, hidden, n_valid).transpose(1, 2)
        out = out.reshape(len(out), self.n_leads, self.n_patches * self.patch)
        return out[..., : self.n_times]


def build_decoder(config, n_leads, n_times):
    """Build the decoder of samples that fits the encoder backbone of ``config``."""
    kind = TokenDecoder if config.drops_tokens else ConvDecoder
    return kind(config, n_leads, n_times)


def build_predictor(config, n_leads, n_times, n_out):
    """Build what predicts ``n_out`` values a position, as `build_decoder` does samples."""
    kind = TokenPredictor if config.drops_tokens else ConvPredictor
    return kind(config, n_leads, n_times, n_out)
