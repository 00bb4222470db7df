"""Damaged checkpoints, model folders and caches of embeddings: what was saved, or an error."""

import functools
import hashlib
import warnings

import numpy as np
from skorch.callbacks import Callback

from merit_sk import (
    MeritClassifier,
    MeritEmbedder,
    MeritReportGenerator,
    MeritZeroShotClassifier,
    datasets,
)

from .damage import Kind

SHORT = {
    "encoder": {"widths": [4, 4], "patch": 4, "decoder_width": 4, "projection": 4},
    "pretrained": None, "duration": 1, "batch_size": 8, "max_epochs": 2, "n_jobs": 1,
    "device": "cpu", "verbose": 0,
}  # fmt: skip
CLASSES = {"SR": "sinus rhythm", "AF": "atrial fibrillation", "MI": "myocardial infarction"}
PHRASES = list(CLASSES.values())


@functools.cache
def few():
    """Make the recordings that everything here is trained on."""
    ecg = datasets.make_ecg(16, duration=1, noise=0, random_state=0)
    return np.asarray(ecg.data), ecg.reports


def pretrain(random_state=0, **parameters):
    """Pretrain a tiny embedder on a few recordings."""
    X, reports = few()
    parameters = SHORT | {"random_state": random_state} | parameters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MeritEmbedder(**parameters).fit(X, reports=reports)


@functools.cache
def embedder(seed=0):
    """Return an embedder; what it imports, forks need not import again."""
    return pretrain(seed)


@functools.cache
def saved_models():
    """Return a fitted estimator of each kind that is saved."""
    X, reports = few()
    y = np.arange(len(X)) % 2
    return {
        "embedder": embedder(),
        "zero-shot": MeritZeroShotClassifier(embedder(), classes=CLASSES).fit(X),
        "classifier": MeritClassifier(
            embedder(), max_epochs=1, batch_size=8, random_state=0, device="cpu", verbose=0
        ).fit(X, y),
        "generator": MeritReportGenerator(
            embedder(), max_epochs=1, batch_size=8, n_prefix=1, max_new_tokens=4, random_state=0,
            device="cpu", verbose=0,
        ).fit(X, reports=reports),
    }  # fmt: skip


def without_durations(history):
    """Return a history without the seconds that epochs took."""
    return [{k: v for k, v in row.items() if k not in ("dur", "batches")} for row in history]


def digest(*arrays):
    """Return a digest of arrays."""
    found = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        found.update(repr((array.shape, array.dtype)).encode() + array.tobytes())
    return found.hexdigest()


def what_it_knows(model):
    """Return all that a fitted embedder has learned."""
    weights = [values.cpu().numpy() for values in model.model_.state_dict().values()]
    return digest(*weights, model.embed_text(PHRASES)), repr(without_durations(model.history_))


class Stop(Callback):
    """Stop training in its second epoch."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) > 1:
            raise InterruptedError


def make_checkpoint(folder, rng):
    """Train to the end, or for an epoch."""
    if rng.randrange(3):
        pretrain(checkpoint_dir=folder)
        return
    try:
        pretrain(checkpoint_dir=folder, callbacks=[Stop()])
    except InterruptedError:
        pass


def read_checkpoint(folder, rng):
    """Go on training."""
    return what_it_knows(pretrain(checkpoint_dir=folder))


def make_embeddings(folder, rng):
    """Fill a cache of embeddings."""
    cached_embeddings(folder)


def cached_embeddings(folder):
    """Embed with a cache."""
    model = embedder().__copy__().set_params(cache=folder)
    return digest(model.transform(few()[0]))


def read_embeddings(folder, rng):
    """Embed with a cache that is there, and again with what it has become."""
    cached_embeddings(folder)
    return cached_embeddings(folder)


def saver(name):
    """Return a function that saves a model."""

    def make(folder, rng):
        saved_models()[name].save_pretrained(folder, dtype=rng.choice(("float32", "float16")))

    return make


def read_embedder(folder, rng):
    """Load an embedder and use it."""
    model = MeritEmbedder.from_pretrained(folder, device="cpu")
    return what_it_knows(model), digest(model.transform(few()[0][:2])), model.language_


def read_zero_shot(folder, rng):
    """Load a zero-shot classifier and use it."""
    model = MeritZeroShotClassifier.from_pretrained(folder, device="cpu")
    X = few()[0][:2]
    said = repr((model.classes_, model.prompts_, model.thresholds_, model.multi_label_))
    return said, digest(model.predict_proba(X), model.predict(X))


def read_classifier(folder, rng):
    """Load a classifier and use it."""
    model = MeritClassifier.from_pretrained(folder, device="cpu")
    return repr(model.classes_), digest(model.predict_proba(few()[0][:2]))


def read_generator(folder, rng):
    """Load a writer of reports and use it."""
    model = MeritReportGenerator.from_pretrained(folder, device="cpu")
    return list(model.predict(few()[0][:1]))


KINDS = {
    "checkpoint": Kind(make_checkpoint, read_checkpoint, r"training.*", share=2, exact=True),
    "cache of embeddings": Kind(make_embeddings, read_embeddings, share=6, exact=True),
    "saved embedder": Kind(saver("embedder"), read_embedder, share=1, exact=True),
    "saved zero-shot": Kind(saver("zero-shot"), read_zero_shot, share=0.5, exact=True),
    "saved classifier": Kind(saver("classifier"), read_classifier, share=0.5, exact=True),
    "saved generator": Kind(saver("generator"), read_generator, share=0.2, exact=True),
}
