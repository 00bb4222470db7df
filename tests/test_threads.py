"""Threads, devices and random state: what runs at once does not disturb each other."""

import multiprocessing
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed

from merit_sk import MeritEmbedder
from merit_sk.nn import collective
from merit_sk.nn.device import BlankWeights, running, seed_random, torch_threads


@pytest.fixture(autouse=True)
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def fresh_thread():
    """Number of torch threads in a thread that has just begun, as a new request would."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_none_leaves_threads_alone(monkeypatch):
    monkeypatch.setattr(torch, "set_num_threads", lambda n: pytest.fail("it was set"))
    with torch_threads(None), running("cpu"):
        assert torch.get_num_threads() == 3


def test_nested():
    with torch_threads(2):
        with torch_threads(1), torch_threads(None):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 3


def test_given_back_after_an_error():
    with pytest.raises(RuntimeError), torch_threads(1):
        raise RuntimeError
    assert torch.get_num_threads() == fresh_thread() == 3


def test_overlapping_blocks_give_back_what_was_before():
    """One begins, the other begins, the first ends, the other ends."""
    steps = [threading.Event() for _ in range(3)]

    def first():
        with torch_threads(1):
            steps[0].set()
            steps[1].wait()
        steps[2].set()
        return torch.get_num_threads()

    def other():
        steps[0].wait()
        with torch_threads(2):
            steps[1].set()
            steps[2].wait()
            within = torch.get_num_threads()
        return within, torch.get_num_threads()

    with ThreadPoolExecutor(2) as pool:
        ends = pool.submit(first), pool.submit(other)
        assert ends[0].result() == 3
        assert ends[1].result() == (2, 3)
    assert torch.get_num_threads() == fresh_thread() == 3


def test_many_overlapping_blocks():
    def work(seed):
        random = np.random.default_rng(seed)
        for _ in range(50):
            with torch_threads(int(random.integers(1, 4))):
                torch.zeros(10).sum()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert torch.get_num_threads() == fresh_thread() == 3


def _threads_in_a_worker():
    with torch_threads(None):
        return torch.get_num_threads()


def test_workers_of_joblib_limit_themselves():
    script = (
        "from joblib import Parallel, delayed; from tests.test_threads import _threads_in_a_worker;"
        "print(*Parallel(n_jobs=2)(delayed(_threads_in_a_worker)() for _ in range(2)))"
    )
    code = f"import os; os.environ.pop('OMP_NUM_THREADS', None); {script}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    limit = max((multiprocessing.cpu_count() or 1) // 2, 1)
    assert {int(n) for n in run.stdout.split()} <= set(range(1, limit + 1))


def test_random_state_is_given_back():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    with running("cpu", seed=0):
        one = torch.rand(3)
    with running("cpu", seed=0), running("cpu", seed=1):
        torch.rand(3)
    with running("cpu", seed=0):
        assert torch.equal(torch.rand(3), one)
    assert torch.equal(torch.rand(3), expected)


def test_seeded_blocks_of_threads_take_turns():
    def draw(seed):
        with running("cpu", seed=seed):
            return [torch.rand(1).item() for _ in range(200)]

    alone = [draw(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(draw, range(8))) == alone


def test_cpu_touches_no_accelerator(monkeypatch):
    def touched(*args, **kwargs):
        pytest.fail("an accelerator was touched")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name in ("current_device", "set_device", "get_rng_state", "manual_seed", "init"):
        monkeypatch.setattr(torch.cuda, name, touched)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", touched)
    with running("cpu", n_jobs=1, seed=0):
        assert torch.rand(1).item() == pytest.approx(0.4963, abs=1e-4)
    seed_random(0, "cpu")


def test_random_state_of_the_accelerator_in_use(monkeypatch):
    """A stand-in for ``torch.cuda`` that keeps a number per device."""
    states, here = {0: "of 0", 1: "of 1"}, [0]

    class Device:
        def __init__(self, index):
            self.index = index

        def __enter__(self):
            self.before, here[0] = here[0], self.index

        def __exit__(self, *error):
            here[0] = self.before

    class Module:
        device = Device
        current_device = staticmethod(lambda: here[0])
        get_rng_state = staticmethod(lambda index: states[index])
        set_rng_state = staticmethod(lambda state, index: states.update({index: state}))
        manual_seed = staticmethod(lambda seed: states.update({here[0]: seed}))

    monkeypatch.setattr(torch, "get_device_module", lambda device: Module)
    with running("cuda:1", seed=5):
        assert states == {0: "of 0", 1: 5}
    assert states == {0: "of 0", 1: "of 1"}
    with running("cuda", seed=6):
        assert states == {0: 6, 1: "of 1"}
    assert states == {0: "of 0", 1: "of 1"}


def test_a_child_is_not_locked_by_a_thread_of_its_parent():
    held, done = threading.Event(), threading.Event()

    def hold():
        with running("cpu", n_jobs=1, seed=0):
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = multiprocessing.get_context("fork").Process(target=_draw)
    child.start()
    child.join(30)
    child.kill()
    done.set()
    thread.join()
    assert child.exitcode == 0


def _draw():
    with running("cpu", n_jobs=1, seed=1):
        torch.rand(1)


def test_loading_draws_nothing(fitted, tmp_path):
    fitted.save_pretrained(tmp_path)
    before = torch.get_rng_state()
    loaded = MeritEmbedder.from_pretrained(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    for name, weight in fitted.model_.state_dict().items():
        assert torch.equal(weight, loaded.model_.state_dict()[name])


def test_blank_weights_of_every_layer():
    before = torch.get_rng_state()
    with BlankWeights():
        torch.nn.TransformerEncoderLayer(8, 2)
        torch.nn.Conv1d(2, 3, 3), torch.nn.Embedding(3, 4), torch.nn.LSTM(2, 3)
        torch.nn.Parameter(torch.randn(3, 4) * 0.5)
    assert torch.equal(torch.get_rng_state(), before)


def test_fitting_and_embedding_at_once(tiny, ecg, fitted, tmp_path):
    """Two fits, a loading and two embeddings in five threads give what each gives alone."""
    fitted.save_pretrained(tmp_path)

    def fit(seed):
        embedder = MeritEmbedder(**tiny | {"random_state": seed, "n_jobs": 1})
        return embedder.fit(ecg.data, reports=ecg.reports).transform(ecg.data)

    def load(_):
        return [MeritEmbedder.from_pretrained(tmp_path).transform(ecg.data) for _ in range(3)][-1]

    def embed(_):
        return [fitted.transform(ecg.data) for _ in range(5)][-1]

    tasks = [(fit, 1), (fit, 2), (load, 0), (embed, 0), (embed, 1)]
    alone = [task(argument) for task, argument in tasks]
    with ThreadPoolExecutor(len(tasks)) as pool:
        at_once = [pool.submit(*task) for task in tasks]
        for expected, found in zip(alone, at_once, strict=True):
            np.testing.assert_array_equal(found.result(), expected)
    assert torch.get_num_threads() == 3


@pytest.fixture
def torchrun(monkeypatch):
    """What `torchrun` sets, and what `join` asked for."""
    asked = []
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        collective.dist, "init_process_group", lambda backend: asked.append(backend)
    )
    monkeypatch.setattr(collective.atexit, "register", lambda call: None)
    return asked


def test_cpu_training_on_a_machine_with_gpus(torchrun, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", torchrun.append)
    collective.join("cpu")
    assert torchrun == ["cpu:gloo,cuda:nccl"]
    torchrun.clear()
    collective.join("auto")
    assert torchrun == [1, "cpu:gloo,cuda:nccl"]
    torchrun.clear()
    collective.join(torch.device("cuda", 0))
    assert torchrun == ["cpu:gloo,cuda:nccl"]


def test_cpu_training_without_gpus(torchrun):
    if torch.cuda.is_available():
        pytest.skip("this machine has GPUs")
    collective.join()
    assert torchrun == ["gloo"]


def test_workers_do_not_join(torchrun):
    joined = Parallel(n_jobs=2)(delayed(_joined)() for _ in range(2))
    assert joined == [False, False]
    assert torchrun == []


def _joined():
    import os

    os.environ["WORLD_SIZE"] = "2"
    asked = []
    collective.dist.init_process_group = asked.append
    collective.join()
    return bool(asked)
