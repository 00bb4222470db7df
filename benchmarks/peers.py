"""Pretraining steps in the published shapes of two peers, with random weights, for timing alone.

- MERL (ICML 2024): one-dimensional ResNet18 over 12 x 5000 samples, attention pooling, alignment
  with a frozen BERT of base size that reads every report again in every step.
- ST-MEM (ICLR 2024): masked autoencoder, ViT-B encoder over patches of 75 samples of one lead,
  12 x 2250 samples, three quarters of them hidden, light decoder lead by lead.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Basic block of a ResNet, in one dimension."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm1d(n_out), nn.ReLU(),
            nn.Conv1d(n_out, n_out, 3, 1, 1, bias=False), nn.BatchNorm1d(n_out),
        )  # fmt: skip
        same = stride == 1 and n_in == n_out
        self.shortcut = nn.Identity() if same else nn.Conv1d(n_in, n_out, 1, stride, bias=False)

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


class Merl(nn.Module):
    """ResNet18 and a frozen text encoder, aligned; two dropout views of the ECG, aligned too."""

    shape, n_tokens = (12, 5000), 64

    def __init__(self):
        from transformers import BertConfig, BertModel

        super().__init__()
        widths = [64, 64, 128, 256, 512]
        pairs = list(pairwise(widths))
        stages = [
            Block(a if i == 0 else b, b, 1 + (i == 0 and b > 64)) for a, b in pairs for i in (0, 1)
        ]
        self.trunk = nn.Sequential(
            nn.Conv1d(12, 64, 7, 2, 3, bias=False), nn.BatchNorm1d(64), nn.ReLU(),
            nn.MaxPool1d(3, 2, 1), *stages, nn.Conv1d(512, 256, 1),
        )  # fmt: skip
        self.pool = nn.MultiheadAttention(256, 4, batch_first=True)
        self.drop = nn.Sequential(nn.Dropout(0.1), nn.Linear(256, 256))
        self.text = BertModel(BertConfig()).eval().requires_grad_(False)
        self.project = nn.Sequential(nn.Linear(768, 256), nn.GELU(), nn.Linear(256, 256))

    def batch(self, n, device):
        tokens = torch.randint(1000, 30_000, (n, self.n_tokens), device=device)
        return torch.randn(n, *self.shape, device=device), tokens

    def forward(self, signal, tokens):
        maps = self.trunk(signal).transpose(1, 2)
        query = maps.mean(dim=1, keepdim=True)
        z = self.pool(query, maps, maps, need_weights=False)[0][:, 0]
        with torch.no_grad():
            text = self.text(tokens).pooler_output
        return clip(z, self.project(text)) + clip(self.drop(z), self.drop(z))


def clip(a, b):
    """Symmetric InfoNCE at a temperature of 0.07."""
    logits = F.normalize(a.float(), dim=1) @ F.normalize(b.float(), dim=1).T / 0.07
    target = torch.arange(len(a), device=a.device)
    return F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)


class StMem(nn.Module):
    """Masked autoencoder over tokens of one lead."""

    shape, patch, kept = (12, 2250), 75, 8

    def __init__(self):
        super().__init__()
        n = self.shape[1] // self.patch
        self.enter, self.leave = nn.Linear(self.patch, 768), nn.Linear(256, self.patch)
        self.position = nn.Parameter(torch.randn(12, n, 768) * 0.02)
        self.encoder = blocks(768, 12, 12)
        self.narrow = nn.Linear(768, 256)
        self.decoder_position = nn.Parameter(torch.randn(n, 256) * 0.02)
        self.mask_token = nn.Parameter(torch.zeros(256))
        self.decoder = blocks(256, 4, 4)

    def batch(self, n, device):
        return (torch.randn(n, *self.shape, device=device),)

    def forward(self, signal):
        patches = signal.unflatten(2, (-1, self.patch))
        n, leads, times, _ = patches.shape
        order = torch.rand(n, leads, times, device=signal.device).argsort(dim=2)
        visible = order < self.kept
        tokens = (self.enter(patches) + self.position)[visible].unflatten(0, (n, -1))
        seen = self.narrow(self.encoder(tokens)).flatten(0, 1)
        full = self.mask_token.to(seen.dtype).expand(n, leads, times, -1)
        full = full.masked_scatter(visible[..., None], seen) + self.decoder_position
        out = self.leave(self.decoder(full.flatten(0, 1))).view_as(patches)
        mean, std = patches.mean(-1, keepdim=True), patches.std(-1, keepdim=True)
        error = (out.float() - (patches - mean) / (std + 1e-6)).square().mean(-1)
        return error[~visible].mean()


def blocks(width, depth, heads):
    """Pre-norm transformer."""
    layers = [
        nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True,
            norm_first=True,
        )
        for _ in range(depth)
    ]  # fmt: skip
    return nn.Sequential(*layers)


PEERS = {"MERL (ResNet18 + BERT)": Merl, "ST-MEM (ViT-B/75, masked)": StMem}
