"""Decoding reports with a trained language model."""

import copy

import numpy as np

from .out_of_memory import fitting


def resolve_generation(generation, max_new_tokens, tokenizer=None):
    """Decoding settings: greedy unless told otherwise.

    Parameters
    ----------
    generation : dict, transformers.GenerationConfig or None
    max_new_tokens : int
        Unless `generation` says otherwise.
    tokenizer : transformers tokenizer or None, default=None
        Tells where a text ends, and which tokens are never written.

    Returns
    -------
    config : transformers.GenerationConfig

    Raises
    ------
    ValueError
        For a setting that transformers does not know.
    """
    from transformers import GenerationConfig

    known = GenerationConfig()
    if isinstance(generation, GenerationConfig):
        config = copy.deepcopy(generation)
    elif generation is None or isinstance(generation, dict):
        unknown = sorted(k for k in generation or {} if not hasattr(known, k))
        if unknown:
            raise ValueError(f"generation has settings unknown to transformers: {unknown}")
        config = GenerationConfig(**(generation or {}))
    else:
        raise TypeError(f"generation must be a dict or a GenerationConfig, got {generation!r}")
    for name, value in dict(max_new_tokens=max_new_tokens, do_sample=False, num_beams=1).items():
        if getattr(config, name) is None:
            setattr(config, name, value)
    if tokenizer is not None:
        config.eos_token_id = tokenizer.eos_token_id
        config.pad_token_id = _padding(tokenizer)
        never = {tokenizer.unk_token_id, tokenizer.bos_token_id, tokenizer.pad_token_id}
        never = sorted(never - {None, tokenizer.eos_token_id})
        config.suppress_tokens = never or None
    return config


def _padding(tokenizer):
    pad = tokenizer.pad_token_id
    return tokenizer.eos_token_id if pad is None else pad


def write_reports(model, tokenizer, ecg, openings, config, batch_size, *, verbose=False):
    """Write one report for each row of ``ecg``.

    A batch that does not fit into the memory of an accelerator is halved and tried again.

    Parameters
    ----------
    model : ReportModel
    tokenizer : transformers tokenizer
    ecg : tensor of shape (n_samples, n_features)
    openings : list of list of int
        Token ids of what stands before each report.
    config : transformers.GenerationConfig
    batch_size : int
    verbose : bool, default=False
        Whether to show a progress bar.

    Returns
    -------
    reports : ndarray of shape (n_samples,), object
    """
    import torch
    from tqdm.auto import tqdm

    texts = []

    def write(size):
        rows = slice(len(texts), len(texts) + size)
        return _write_rows(model, tokenizer, ecg[rows], openings[rows], config)

    with torch.inference_mode(), tqdm(total=len(ecg), disable=not verbose, unit="report") as bar:
        while len(texts) < len(ecg):
            more, batch_size = fitting(write, batch_size)
            texts += more
            bar.update(len(more))
    return np.array([" ".join(text.split()) for text in texts], dtype=object)


def _write_rows(model, tokenizer, ecg, openings, config):
    from ..nn.language_model import padded

    device = model.projector.summary_mean.device
    ids = padded(openings, 0, side="left").to(device)
    mask = padded([[1] * len(row) for row in openings], 0, side="left").to(device)
    written = model.generate(ecg.to(device), ids, mask, config)
    kept = [row[: _end(row, tokenizer.eos_token_id)] for row in written.tolist()]
    return [tokenizer.decode(row, skip_special_tokens=True) for row in kept]


def _end(row, eos):
    return row.index(eos) if eos in row else len(row)
