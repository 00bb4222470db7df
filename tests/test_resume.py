"""checkpoint_dir: interrupted pretraining goes on exactly where it was."""

import json
import multiprocessing
import signal
import time

import joblib
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from torch.optim.lr_scheduler import OneCycleLR

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.training import resume

SHORT = {
    "encoder": {"widths": [8, 8], "patch": 4}, "pretrained": None,
    "duration": 1, "batch_size": 8, "max_epochs": 3,
    "validation_fraction": 0.2, "random_state": 0,
}  # fmt: skip


class Interrupt(Callback):
    """Fails at one moment, counted in training batches or in epochs."""

    def __init__(self, batch=None, epoch=None):
        self.batch, self.epoch, self.seen = batch, epoch, 0

    def on_batch_end(self, net, training=False, **kwargs):
        self.seen += training
        if self.seen == self.batch:
            raise RuntimeError("power failure")

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise RuntimeError("power failure")


@pytest.fixture(scope="module")
def few():
    return make_ecg(30, duration=1, noise=0, random_state=0)


@pytest.fixture
def run(few, tmp_path):
    def run(callbacks=(), X=few.data, reports=few.reports, resumable=True, **changes):
        where = {"checkpoint_dir": tmp_path / "run" if resumable else None}
        embedder = MeritEmbedder(**(SHORT | where | changes), callbacks=callbacks)
        return embedder.fit(X, reports=reports)

    return run


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run" / resume.NAME


def weights(embedder):
    return {k: v.cpu().numpy() for k, v in embedder.model_.state_dict().items()}


def assert_equal(a, b):
    expected = weights(b)
    for name, values in weights(a).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)
    for left, right in zip(a.history_, b.history_, strict=True):
        assert {**left, "dur": 0} == {**right, "dur": 0}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("moment", [{"batch": 1}, {"batch": 5}, {"batch": 6}, {"epoch": 2}])
def test_goes_on_exactly_after_an_interruption(run, moment, precision, monkeypatch):
    monkeypatch.setattr(resume, "SECONDS", 0.0)
    with pytest.raises(RuntimeError, match="power failure"):
        run([Interrupt(**moment)], precision=precision)
    assert_equal(run(precision=precision), run(precision=precision, resumable=False))


def test_goes_on_from_the_last_whole_epoch(run, file):
    with pytest.raises(RuntimeError):
        run([Interrupt(batch=5)])
    assert resume.read_state(file).step == 3
    assert_equal(run(), run(resumable=False))


def test_interrupted_again_and_again(run, monkeypatch):
    monkeypatch.setattr(resume, "SECONDS", 0.0)
    for _ in range(8):
        with pytest.raises(RuntimeError):
            run([Interrupt(batch=2)])
    assert_equal(run(), run(resumable=False))


def test_checkpoints_change_nothing(run):
    assert_equal(run(), run(resumable=False))


def test_long_recordings_and_no_reports(few, tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "SECONDS", 0.0)
    X = np.asarray(few.data)
    parameters = SHORT | {"duration": 0.5}
    with pytest.raises(RuntimeError):
        MeritEmbedder(**parameters, checkpoint_dir=tmp_path, callbacks=[Interrupt(batch=3)]).fit(X)
    resumed = MeritEmbedder(**parameters, checkpoint_dir=tmp_path).fit(X)
    assert_equal(resumed, MeritEmbedder(**parameters).fit(X))


def test_finished_training_is_loaded(run):
    first = run()
    again = run([Interrupt(batch=1)])
    assert_equal(again, first)
    assert [row["dur"] for row in again.history_] == [row["dur"] for row in first.history_]


def test_without_a_seed_the_one_of_the_checkpoint_is_used(run):
    with pytest.raises(RuntimeError):
        run([Interrupt(epoch=2)], random_state=None)
    first = run(random_state=None)
    assert first.n_iter_ == 3
    assert_equal(run(random_state=None), first)


@pytest.mark.parametrize("make", [
    lambda: EarlyStopping(patience=1, threshold=0.9, monitor="valid_loss"),
    lambda: EarlyStopping(patience=9, monitor="valid_loss", load_best=True),
    lambda: LRScheduler(OneCycleLR, max_lr=1e-2, total_steps=10, step_every="batch"),
])  # fmt: skip
def test_callbacks_go_on_too(run, make, monkeypatch):
    monkeypatch.setattr(resume, "SECONDS", 0.0)
    with pytest.raises(RuntimeError):
        run([make(), Interrupt(batch=5)])
    straight = run([make()], resumable=False)
    assert_equal(run([make()]), straight)
    assert_equal(run([make(), Interrupt(batch=1)]), straight)


def test_ctrl_c_is_not_the_end(run):
    class CtrlC(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            if training and len(net.history) == 2:
                raise KeyboardInterrupt

    stopped = run([CtrlC()])
    assert stopped.n_iter_ == 1 and np.isfinite(weights(stopped)["log_sigma"])
    assert_equal(run(), run(resumable=False))


@pytest.mark.parametrize("change, message", [
    ({"lr": 0.5}, r"lr was 0.001, now 0.5"),
    ({"max_epochs": 4}, r"max_epochs was 3, now 4"),
    ({"duration": 2}, r"duration was 1.0, now 2.0"),
    ({"random_state": 1}, r"random_state was 0, now 1"),
    ({"encoder": {"widths": [8, 16], "patch": 4}}, r"encoder.widths was \[8, 8\], now"),
])  # fmt: skip
def test_another_configuration_is_refused(run, change, message):
    run()
    with pytest.raises(ValueError, match=message):
        run(**change)


def test_other_data_are_refused(run, few):
    run()
    with pytest.raises(ValueError, match="number of recordings was 30, now 20"):
        run(X=few.data[:20], reports=few.reports[:20])
    with pytest.raises(ValueError, match="fingerprint of the reports"):
        run(reports=few.reports[::-1])
    with pytest.raises(ValueError, match="fingerprint of the recordings"):
        run(X=np.asarray(few.data) * 2)


def test_what_does_not_change_the_training_may_differ(run):
    assert_equal(run(), run([Interrupt(batch=1)], readout="last", verbose=0, n_jobs=None))


def test_warm_start_is_another_training(run, tmp_path):
    first = run()
    first.set_params(warm_start=True)
    with pytest.raises(ValueError, match="starting weights"):
        first.fit(np.zeros((30, 12, 100)))


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"half"])
def test_a_damaged_file_is_named(run, file, content):
    run()
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"training.safetensors is damaged, delete it"):
        run()


def test_a_foreign_file_is_named(run, file):
    run()
    state = {"format": "merit_sk training", "format_version": 99}
    save_file({}, file, metadata={"state": json.dumps(state)})
    with pytest.raises(ValueError, match=r"no training checkpoint that this version"):
        run()
    assert load_file(file) == {}


def test_leftovers_of_a_killed_write_are_removed(run, file):
    run()
    file.with_name(f".{resume.NAME}.abc").write_bytes(b"half")
    run()
    assert not list(file.parent.glob(".training*"))


def test_failed_write_keeps_the_checkpoint(run, file, monkeypatch):
    with pytest.raises(RuntimeError):
        run([Interrupt(epoch=2)])
    before = file.read_bytes()
    monkeypatch.setattr("os.replace", lambda *args: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        run()
    assert file.read_bytes() == before


LONG = SHORT | {"max_epochs": 15}
N_STEPS = 15 * 3


class UntilKilled(Callback):
    """Tells how far it is, and waits in the last epoch, so that no run ends before it is killed."""

    def __init__(self, step):
        self.step = step

    def on_batch_end(self, net, training=False, **kwargs):
        self.step.value = net.batches_.step
        if len(net.history) == LONG["max_epochs"]:
            signal.pause()


def _train(few, folder, callbacks=()):
    resume.SECONDS = 0.0
    embedder = MeritEmbedder(**LONG, checkpoint_dir=folder, callbacks=callbacks)
    joblib.dump(embedder.fit(few.data, reports=few.reports), folder / "embedder")


def _kill_and_resume(few, folder, n_kills):
    """Kill -9 in every part of a run, then let it end; what it learned, and without."""
    rng, context = np.random.default_rng(0), multiprocessing.get_context("fork")
    steps, file, step = [0], folder / resume.NAME, context.Value("i", 0, lock=False)
    for after in np.linspace(0, N_STEPS - 3, n_kills + 1).astype(int)[:-1]:
        step.value = 0
        process = context.Process(
            target=_train, args=(few, folder, [UntilKilled(step)]), daemon=True
        )
        process.start()
        while step.value <= after:
            assert process.is_alive()
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))  # in a batch, or in writing
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        steps.append(resume.read_state(file).step if file.exists() else 0)
        assert steps[-1] >= after
    assert steps == sorted(steps) and steps[-1] < N_STEPS
    process = context.Process(target=_train, args=(few, folder))
    process.start()
    process.join()
    assert process.exitcode == 0 and resume.read_state(file).step == N_STEPS
    straight = MeritEmbedder(**LONG).fit(few.data, reports=few.reports)
    return joblib.load(folder / "embedder"), straight


def test_killed_in_every_part_of_a_run(few, tmp_path):
    assert_equal(*_kill_and_resume(few, tmp_path, 3))


@pytest.mark.slow
def test_killed_ten_times_in_a_run(few, tmp_path):
    assert_equal(*_kill_and_resume(few, tmp_path, 10))


def test_two_trainings_in_one_folder(run, tmp_path):
    class Second(Callback):
        def on_epoch_end(self, net, **kwargs):
            with pytest.raises(ValueError, match="another process is training in checkpoint_dir"):
                run()

    run([Second()])
    run([Second()])
