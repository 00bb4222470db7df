"""What ``fit`` does once its input is checked: learn from recordings and reports."""

import numpy as np
from joblib import effective_n_jobs

from ..nn.device import torch_threads
from ..reports._features import learn_text_features
from ..reports._language import guess_language
from ..signals._quality import warn_about_signals
from ..signals._windows import WindowSource

MAX_EPOCHS = 25
STRUCTURE_WEIGHT = 0.25


def pretrain(embedder, X, reports, origins, seed, warm):
    """Train the model of an embedder.

    Parameters
    ----------
    embedder : MeritEmbedder
        Gets ``model_``, ``text_features_``, ``language_``, ``net_`` and ``history_``.
    X : ndarray of shape (n_samples, n_leads, n_times) or ECGRecords
    reports : ndarray of str or None
        Normalised.
    origins : ndarray or None
    seed : int
    warm : bool
        Whether to go on from the weights that are there.
    """
    import torch

    from .batches import Reports

    checkpoints = _open_checkpoints(embedder, X, reports, origins, warm)
    if checkpoints is not None:
        seed = checkpoints.seed(seed)
    source = WindowSource(X, embedder.window_, embedder.on_invalid, keep=True)
    warn_about_signals(source)
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    weight = structure_weight(embedder.structure_weight, reports)
    with torch_threads(effective_n_jobs(embedder.n_jobs)), torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        if reports is not None:
            if not (warm and embedder.text_features_ is not None):
                texts = np.unique(reports[reports != ""])
                embedder.text_features_ = learn_text_features(embedder.text_encoder, texts)
                embedder.language_ = guess_language(texts)
            reports = Reports(reports, embedder.text_features_)
        elif not warm:
            embedder.text_features_ = embedder.language_ = None
        embedder._build_model(keep=warm, structure_weight=weight)
        _train(embedder, source, reports, origins, seed, checkpoints, warm)


def structure_weight(given, reports):
    """Share of masked modelling in the objective.

    The fewer recordings have a report, the less the alignment counts: with a tenth of them 0.9 was
    better than 0.25 (``benchmarks/ablation.py``, "a tenth, other weights").

    Parameters
    ----------
    given : float or "auto"
    reports : ndarray of str or None
        ``""`` for a recording without one.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.training.pretrain import structure_weight
    >>> structure_weight("auto", np.array(["sinus rhythm", "", "", ""]))
    0.8125
    """
    if reports is None:
        return 1.0
    if given != "auto":
        return float(given)
    return 1 - (1 - STRUCTURE_WEIGHT) * float(np.mean(reports != ""))


def n_epochs(embedder):
    """Epochs that ``fit`` trains; without a number and without weights to start from, 25."""
    return MAX_EPOCHS if embedder.max_epochs is None else embedder.max_epochs


def _open_checkpoints(embedder, X, reports, origins, warm):
    if embedder.checkpoint_dir is None:
        return None
    from ..nn.checkpoint import weights_to_bytes
    from ..nn.collective import world_size
    from .resume import Checkpoints, describe_run

    parameters = embedder.get_params(deep=False) | {"max_epochs": n_epochs(embedder)}
    parameters.pop("pretrained")
    run = describe_run(
        parameters, window=embedder.window_.to_dict(), encoder=embedder._config.to_dict(), X=X,
        reports=reports, origins=origins, n_processes=world_size(),
        weights=weights_to_bytes(embedder.model_) if warm else None,
    )  # fmt: skip
    return Checkpoints(embedder.checkpoint_dir, run)


def _train(embedder, source, reports, origins, seed, checkpoints, warm):
    from ..nn.collective import share
    from ..nn.device import resolve_precision
    from ..reports._features import tensors
    from .batches import Windows
    from .net import build_net, epoch_history
    from .resume import train

    order = np.random.default_rng(seed).permutation(len(source))
    n_valid = round(embedder.validation_fraction * len(source))
    model, bounds = embedder.model_, []
    if model.structure_weight == 1:
        reports = None
    data = Windows(
        source, np.sort(order[n_valid:]), reports, origins, unpaired=model.structure_weight > 0
    )
    valid = Windows(source, np.sort(order[:n_valid]), reports)
    if model.structure_weight > 0:
        bounds.append("mi_signal")
    if model.structure_weight < 1:
        bounds.append("mi_text")
        model.set_bank(tensors(embedder.text_features_(reports.bank)) if reports.bank else None)
    settings = dict(
        max_epochs=n_epochs(embedder), batch_size=embedder.batch_size, lr=embedder.lr,
        weight_decay=embedder.weight_decay, device=str(embedder.device_), seed=seed,
        precision=resolve_precision(embedder.precision, embedder.device_),
    )  # fmt: skip
    embedder.net_ = build_net(
        model, data, valid if n_valid else None, bounds=bounds, settings=settings,
        callbacks=list(embedder.callbacks), checkpoints=checkpoints, verbose=embedder.verbose,
    )  # fmt: skip
    train(embedder.net_, data, checkpoints)
    model.set_bank(None)
    model.eval()
    earlier = embedder.history_ if warm else []
    new = share(epoch_history(embedder.net_))
    embedder.history_ = earlier + [row | {"epoch": row["epoch"] + len(earlier)} for row in new]
    embedder.n_iter_ = len(embedder.history_)
