"""Architecture of the network: presets and validation."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class EncoderConfig:
    """Architecture of the ECG encoder and its lightweight decoder.

    Parameters
    ----------
    trunk : {"conv", "vit"}, default="conv"
        One-dimensional residual network, or vision transformer.
    tokenizer : {"lead_time", "time"}, default="lead_time"
        For ``"vit"``: one token per lead and patch, or one token per patch of all leads.
    widths : tuple of int, default=(64, 64, 128, 256)
        For ``"conv"``: channels of the stem and of the residual stages; each halves the rate.
    width, depth, heads : int
        For ``"vit"``: token dimension, number of blocks, attention heads.
    patch : int, default=16
        Samples per token. A convolutional trunk has ``2 ** len(widths)``.
    mask_ratio : float, default=0.4
        Fraction of the lead x time blocks that masked modeling masks.
    block : int, default=3
        Patches per masked block; ``"lead_time"`` tokens are masked one by one.
    target : {"signal", "latent", "both"}, default="signal"
        What masked modeling predicts of the masked parts: samples, the feature maps that an average
        of the encoder over its training has of the whole signal, or both. With ``"latent"``,
        signals cannot be reconstructed.
    decoder_width, decoder_depth : int
        Lightweight decoder: channels and number of layers.
    projection : int, default=128
        Dimension of the space shared with the text.
    voltages : bool, default=False
        Whether what is compared with texts holds the peak voltages of the leads beside their shape.
    sampling_rate : float, default=100
        Rate in Hz to which recordings are resampled.

    Examples
    --------
    >>> from merit_sk.nn.config import EncoderConfig
    >>> EncoderConfig(trunk="vit", width=32, depth=1, heads=2, patch=25).trunk
    'vit'
    """

    trunk: str = "conv"
    tokenizer: str = "lead_time"
    widths: tuple = (64, 64, 128, 256)
    width: int = 384
    depth: int = 12
    heads: int = 6
    patch: int = 16
    mask_ratio: float = 0.4
    block: int = 3
    target: str = "signal"
    decoder_width: int = 128
    decoder_depth: int = 1
    projection: int = 128
    voltages: bool = False
    sampling_rate: float = 100.0

    def __post_init__(self):
        object.__setattr__(self, "widths", tuple(self.widths))
        if not self.sampling_rate > 0:
            raise ValueError(f"sampling_rate must be positive, got {self.sampling_rate!r}")
        if self.trunk not in ("conv", "vit"):
            raise ValueError(f"trunk must be 'conv' or 'vit', got {self.trunk!r}")
        if self.tokenizer not in ("lead_time", "time"):
            raise ValueError(f"tokenizer must be 'lead_time' or 'time', got {self.tokenizer!r}")
        if self.target not in ("signal", "latent", "both"):
            raise ValueError(f"target must be 'signal', 'latent' or 'both', got {self.target!r}")
        if not 0 < self.mask_ratio < 1:
            raise ValueError(f"mask_ratio must lie in (0, 1), got {self.mask_ratio!r}")
        if self.trunk == "conv" and self.patch != 2 ** len(self.widths):
            raise ValueError(
                f"a convolutional trunk with {len(self.widths)} stages has patches of "
                f"{2 ** len(self.widths)} samples, got patch={self.patch}"
            )
        if self.trunk == "vit" and self.width % (2 * self.heads):
            raise ValueError(
                f"width must be a multiple of 2 x heads, got width={self.width}, heads={self.heads}"
            )

    @property
    def drops_tokens(self):
        """Whether masked tokens are dropped before the encoder instead of zeroed."""
        return self.trunk == "vit" and self.tokenizer == "lead_time"

    @property
    def block_samples(self):
        """Number of samples of one masked block."""
        return self.patch if self.drops_tokens else self.patch * self.block

    def to_dict(self):
        """Return the configuration as plain JSON types."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


_VIT = dict(trunk="vit", patch=50, mask_ratio=0.75, decoder_width=256, decoder_depth=4)
PRESETS = {
    "tiny": EncoderConfig(),
    "small": EncoderConfig(width=384, depth=12, heads=6, projection=256, **_VIT),
    "base": EncoderConfig(width=768, depth=12, heads=12, projection=256, **_VIT),
}


def resolve_encoder(encoder):
    """Return the configuration for a preset's name, a dict of fields, or a configuration.

    Parameters
    ----------
    encoder : {"tiny", "small", "base"}, dict or EncoderConfig

    Returns
    -------
    config : EncoderConfig

    Raises
    ------
    ValueError
        For an unknown name or field.

    Examples
    --------
    >>> from merit_sk.nn.config import resolve_encoder
    >>> resolve_encoder("tiny").widths
    (64, 64, 128, 256)
    >>> resolve_encoder({"widths": [16, 32], "patch": 4}).widths
    (16, 32)
    """
    if isinstance(encoder, EncoderConfig):
        return encoder
    if isinstance(encoder, dict):
        unknown = sorted(set(encoder) - set(EncoderConfig.__dataclass_fields__))
        if unknown:
            raise ValueError(f"unknown encoder fields: {', '.join(unknown)}")
        return EncoderConfig(**encoder)
    if encoder in PRESETS:
        return PRESETS[encoder]
    raise ValueError(
        f"encoder must be one of {sorted(PRESETS)}, a dict or an EncoderConfig, got {encoder!r}"
    )
