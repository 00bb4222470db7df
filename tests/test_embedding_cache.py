"""cache=: each recording is embedded once, and never wrongly."""

import contextlib
import multiprocessing
import pickle
import signal
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from torch.nn.modules.module import register_module_forward_pre_hook

from merit_sk import ECGRecords, MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.inference import cache as embedding_cache
from merit_sk.nn.encoder import ConvEncoder

SHORT = {
    "encoder": {"widths": [8, 8], "patch": 4}, "pretrained": None,
    "duration": 1, "batch_size": 8, "max_epochs": 1,
    "random_state": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def few():
    return make_ecg(40, duration=1, noise=0, random_state=0)


@pytest.fixture(scope="module")
def X(few):
    return np.asarray(few.data)


@pytest.fixture(scope="module")
def plain(few):
    return MeritEmbedder(**SHORT).fit(few.data, reports=few.reports)


@pytest.fixture(params=["memory", "folder"])
def cached(request, plain, tmp_path, monkeypatch):
    # nothing that another test has left in memory is of this version
    monkeypatch.setattr("merit_sk.__version__", request.node.name)
    where = True if request.param == "memory" else tmp_path / "cache"
    return _copy(plain).set_params(cache=where)


def _copy(embedder):
    return pickle.loads(pickle.dumps(embedder))


def n_real(inputs):
    """Recordings among the inputs of an encoder, without those that fill up its batch."""
    _, n_valid = inputs
    return int((n_valid > 1).sum())


@pytest.fixture
def counted():
    """Numbers of recordings that went through an encoder, one a call."""
    counts = []

    def count(module, inputs):
        if isinstance(module, ConvEncoder):
            counts.append(n_real(inputs))

    hook = register_module_forward_pre_hook(count)
    yield counts
    hook.remove()


def test_same_embeddings_as_without(plain, cached, X, counted):
    expected = plain.transform(X)
    counted.clear()
    np.testing.assert_array_equal(cached.transform(X), expected)
    assert sum(counted) == 40
    np.testing.assert_array_equal(cached.transform(X), expected)
    np.testing.assert_array_equal(cached.transform(X[::-1]), expected[::-1])
    assert sum(counted) == 40


def test_only_new_recordings_are_embedded(cached, X, counted):
    cached.transform(X[:10])
    counted.clear()
    Z = cached.transform(np.concatenate([X[5:25], X[5:15]]))
    assert sum(counted) == 15
    np.testing.assert_array_equal(Z[:10], Z[20:])


def test_search_over_heads_embeds_each_recording_once(cached, X, few, counted):
    y = few.target[:, few.target_names.index("NORM")]
    model = Pipeline(
        [("merit", FrozenEstimator(cached)), ("clf", LogisticRegression(max_iter=1000))]
    )
    search = GridSearchCV(model, {"clf__C": np.logspace(-3, 3, 8)}, cv=5)
    search.fit(X, y)
    assert sum(counted) == 40
    assert search.score(X, y) > 0 and sum(counted) == 40


class LoggingEmbedder(MeritEmbedder):
    """Appends the number of recordings to a file whenever the network runs, in any process."""

    def transform(self, X):
        def count(encoder, inputs):
            with open(Path(self.cache).with_name("log"), "a") as file:
                file.write(f"{n_real(inputs)}\n")

        hook = self.model_.encoder.register_forward_pre_hook(count)
        try:
            return super().transform(X)
        finally:
            hook.remove()


def test_parallel_search_shares_a_folder(X, few, tmp_path):
    y = few.target[:, few.target_names.index("NORM")]
    embedder = LoggingEmbedder(**SHORT, cache=tmp_path / "cache")
    embedder.fit(few.data, reports=few.reports)
    model = Pipeline(
        [("merit", FrozenEstimator(embedder)), ("clf", LogisticRegression(max_iter=1000))]
    )
    search = GridSearchCV(model, {"clf__C": np.logspace(-3, 3, 8)}, cv=5, n_jobs=2)
    search.fit(X, y)
    assert sum(map(int, (tmp_path / "log").read_text().split())) == 40


def test_never_wrong_after_refit(cached, X, few, counted):
    before = cached.transform(X)
    cached.set_params(max_epochs=2).fit(few.data, reports=few.reports)
    after = cached.transform(X)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_array_equal(after, _copy(cached).set_params(cache=None).transform(X))


def test_what_changes_the_embedding_changes_the_key(cached, X, counted):
    cached.transform(X)
    counted.clear()
    cached.set_params(readout="last").transform(X)
    fast = ECGRecords.from_array(X, sampling_rate=200)
    cached.transform(fast)
    order = np.roll(np.arange(12), 1)
    cached.transform(X[:, order])
    assert sum(counted) == 3 * 40


def test_records_and_arrays(cached, X, counted):
    a = cached.transform(ECGRecords.from_array(X, sampling_rate=100))
    np.testing.assert_array_equal(a, cached.transform(X))
    assert sum(counted) == 40


def test_zero_shot_uses_it(cached, X, counted):
    zero = MeritZeroShotClassifier(cached, classes=["NORM", "MI"]).fit(X)
    np.testing.assert_array_equal(zero.predict_proba(X), zero.predict_proba(X))
    assert sum(counted) == 40


def test_invalid_recordings_are_still_an_error(cached, X):
    broken = X.copy()
    broken[3, 2, 1] = np.nan
    with pytest.raises(ValueError, match="record 3"):
        cached.transform(broken)


def test_bounded(cached, X, monkeypatch, counted):
    row = cached.transform(X[:1]).nbytes
    monkeypatch.setattr(embedding_cache, "MEMORY_BYTES", 10 * row)
    monkeypatch.setattr(embedding_cache, "FOLDER_BYTES", 10 * row)
    expected = cached.transform(X)
    counted.clear()
    cached.transform(X[-10:])
    assert sum(counted) == 0
    np.testing.assert_array_equal(cached.transform(X), expected)
    assert sum(counted) >= 30


def _trained(plain, few, **parameters):
    return clone(plain).set_params(**parameters).fit(few.data, reports=few.reports)


def test_old_models_make_room(plain, X, few, tmp_path, monkeypatch, counted):
    monkeypatch.setattr(embedding_cache, "FOLDER_BYTES", 1)
    first, second = (
        _trained(plain, few, random_state=seed, cache=tmp_path / "cache") for seed in (1, 2)
    )
    first.transform(X)
    size = _size(tmp_path)
    second.transform(X)
    assert _size(tmp_path) < 1.5 * size
    counted.clear()
    first.transform(X)
    assert sum(counted) == 40


def _size(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_making_room_takes_no_file_from_a_model_in_use(plain, X, few, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding_cache, "FOLDER_BYTES", 1)
    first, second = (
        _trained(plain, few, random_state=seed, cache=tmp_path / "cache") for seed in (1, 2)
    )
    expected = first.transform(X)
    first.set_params(cache=tmp_path / "cache", readout="stages")

    def other_makes_room(*args):
        hook.remove()
        second.transform(X)

    hook = first.model_.encoder.register_forward_pre_hook(other_makes_room)
    stages = first.transform(X)
    np.testing.assert_array_equal(first.transform(X), stages)
    np.testing.assert_array_equal(first.set_params(readout="all").transform(X), expected)


def test_an_embedding_that_was_changed_is_computed_anew(plain, X, tmp_path, counted):
    embedder = _copy(plain).set_params(cache=tmp_path)
    expected = embedder.transform(X)
    with contextlib.closing(sqlite3.connect(next(tmp_path.glob("*.sqlite")))) as connection:
        rows = connection.execute("SELECT key, row FROM embeddings LIMIT 3").fetchall()
        for key, row in rows:
            changed = bytes([row[0] ^ 1]) + row[1:]
            connection.execute("UPDATE embeddings SET row = ? WHERE key = ?", (changed, key))
        connection.commit()
    counted.clear()
    np.testing.assert_array_equal(embedder.transform(X), expected)
    assert sum(counted) == 3


def test_another_version_computes_anew(cached, X, monkeypatch, counted):
    cached.transform(X)
    monkeypatch.setattr("merit_sk.__version__", "0.0.1")
    counted.clear()
    cached.transform(X)
    assert sum(counted) == 40


def test_long_recordings_are_known_again(plain, tmp_path, counted):
    X = np.random.default_rng(0).standard_normal((2, 12, 70_000)).astype(np.float32)
    embedder = _copy(plain).set_params(cache=tmp_path)
    expected = embedder.transform(X)
    counted.clear()
    np.testing.assert_array_equal(embedder.transform(X[::-1]), expected[::-1])
    X[0, 0, -1] += 1
    np.testing.assert_array_equal(embedder.transform(X)[1], expected[1])
    assert sum(counted) == 700


def test_damaged_file_is_named(plain, X, tmp_path):
    embedder = _copy(plain).set_params(cache=tmp_path)
    embedder.transform(X)
    next(tmp_path.glob("*.sqlite")).write_bytes(b"no database" * 1000)
    with pytest.raises(ValueError, match=r"sqlite cannot be used .*: delete the file"):
        embedder.transform(X)


def _transform(embedder, X, expected):
    for _ in range(3):
        np.testing.assert_array_equal(embedder.transform(X), expected)


def _hold_the_lock(embedder, X, holding):
    def wait(*args):
        holding.set()
        signal.pause()

    embedder.model_.encoder.register_forward_pre_hook(wait)
    embedder.transform(X)


def test_killed_while_it_holds_the_lock_and_others_wait(plain, X, tmp_path):
    embedder, expected = _copy(plain).set_params(cache=tmp_path), plain.transform(X)
    context = multiprocessing.get_context("fork")
    holding = context.Event()
    holder = context.Process(target=_hold_the_lock, args=(embedder, X, holding), daemon=True)
    holder.start()
    assert holding.wait(60)
    (file,) = tmp_path.glob("*.sqlite")
    with contextlib.closing(sqlite3.connect(file, timeout=0)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            connection.execute("BEGIN IMMEDIATE")
    others = [
        context.Process(target=_transform, args=(embedder, X, expected), daemon=True)
        for _ in range(2)
    ]
    for process in others:
        process.start()
    holder.kill()
    for process in [holder, *others]:
        process.join()
    assert holder.exitcode == -signal.SIGKILL
    assert [process.exitcode for process in others] == [0, 0]
    _transform(embedder, X, expected)


def test_not_saved_with_the_model(cached, tmp_path):
    cached.save_pretrained(tmp_path / "model")
    assert MeritEmbedder.from_pretrained(tmp_path / "model").cache is None
    assert clone(cached).cache == cached.cache
