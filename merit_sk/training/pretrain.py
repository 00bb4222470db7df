"""Pretraining: learn an encoder from recordings and reports."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..nn.model import MeritModel
from ..reports._features import learn_text_features, tensors
from ..reports._language import guess_language
from .batches import Reports, Windows
from .engine import train
from .statistics import learn_statistics

STRUCTURE_WEIGHT = 0.25


@dataclass
class Weights:
    """A pretrained network and what belongs to it.

    Attributes
    ----------
    model : MeritModel
    text_features : object or None
        What turns reports into the input of the text tower.
    language : {"en", "de"} or None
        Language of the reports, as far as their words tell.
    history : list of dict
    net : skorch.NeuralNet or None
        The net of the last training.
    """

    model: object
    text_features: object = None
    language: str | None = None
    history: list = field(default_factory=list)
    net: object = None


def pretrain(
    recordings, reports=None, sources=None, statements=None, *, encoder, start=None,
    text_encoder="builtin", structure_weight="auto", align_view="full", validation_fraction=0,
    settings, callbacks=(), checkpoints=None, verbose=0,
):  # fmt: skip
    """Pretrain an encoder by masked modeling and ECG-text alignment.

    Parameters
    ----------
    recordings : WindowSource
    reports : ndarray of str or None, default=None
        Normalized, ``""`` for a recording without one.
    sources : ndarray or None, default=None
        Where each recording and its text come from.
    statements : DataFrame of shape (n_samples, n_codes) or None, default=None
        PTB-XL statements that are known to be there (1) or not (0); NaN where unknown.
    encoder : EncoderConfig
    start : Weights or None, default=None
        Weights to go on from, which stay as they are. Words of the reports that they do not know
        are learned in addition.
    text_encoder : str, default="builtin"
    structure_weight : float or "auto", default="auto"
    align_view : {"full", "masked"}, default="full"
    validation_fraction : float, default=0
    settings : dict
        Of the training run, see `build_net`.
    callbacks : sequence of skorch callbacks, default=()
    checkpoints : Checkpoints or None, default=None
    verbose : int, default=0

    Returns
    -------
    weights : Weights
        With the statistics of the features of `recordings` in its model.
    """
    weight = resolve_structure_weight(structure_weight, reports)
    if weight == 1:
        reports = None
    rows, held_out = _split(len(recordings), validation_fraction, settings["seed"])
    features, language = (start.text_features, start.language) if start else (None, None)
    if reports is not None:
        known = reports[rows]
        texts = pd.unique(known[known != ""])
        if not len(texts):
            raise ValueError(
                "no recording that is trained on has a report: all that have one were drawn for "
                "validation; lower validation_fraction"
            )
        if features is None:
            features, language = learn_text_features(text_encoder, texts), guess_language(texts)
        else:
            features = features.extended(texts)
        features = features.to(settings["device"])
        reports = Reports(reports, features, rows, sources, statements)
    spec = recordings.spec
    model = MeritModel(
        encoder, len(spec.leads), spec.n_times, structure_weight=weight, align_view=align_view,
        text=None if features is None else (features.kind, features.n_features),
    )  # fmt: skip
    if start is not None:
        model.start_from(start.model)
    model.set_teachers()
    model.to(settings["device"])
    trained = _train(
        model, recordings, reports, sources, features, rows, held_out, settings=settings,
        callbacks=callbacks, checkpoints=checkpoints, verbose=verbose,
    )  # fmt: skip
    learn_statistics(model, recordings, rows, sources, settings)
    earlier = start.history if start else []
    history = [row | {"epoch": row["epoch"] + len(earlier)} for row in trained.history]
    return Weights(model, features, language, earlier + history, trained.net)


def resolve_structure_weight(given, reports):
    """Return the share of masked modeling in the objective.

    The fewer recordings have a report, the less the alignment counts. The rule is a choice.

    Parameters
    ----------
    given : float or "auto"
    reports : ndarray of str or None
        ``""`` for a recording without one.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.training.pretrain import resolve_structure_weight
    >>> resolve_structure_weight("auto", np.array(["sinus rhythm", "", "", ""]))
    0.8125
    """
    if reports is None:
        return 1.0
    if given != "auto":
        return float(given)
    return 1 - (1 - STRUCTURE_WEIGHT) * float(np.mean(reports != ""))


def _split(n, validation_fraction, seed):
    """Return the rows to train on and the others, of which nothing is learned, not even words."""
    order = np.random.default_rng(seed).permutation(n)
    n_valid = round(validation_fraction * n)
    return np.sort(order[n_valid:]), np.sort(order[:n_valid])


def _train(model, recordings, reports, sources, features, rows, held_out, settings, **run):
    data = Windows(recordings, rows, reports, sources, unpaired=model.structure_weight > 0)
    valid = Windows(recordings, held_out, reports) if len(held_out) else None
    bounds = []
    if model.structure_weight > 0:
        bounds.append("mi_signal")
    if model.structure_weight < 1:
        bounds.append("mi_text")
        model.set_bank(tensors(features(reports.bank)) if reports.bank else None)
    trained = train(model, data, valid, bounds=bounds, settings=settings, **run)
    model.set_bank(None)
    model.drop_teachers()
    return trained
