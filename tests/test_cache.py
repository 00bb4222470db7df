import contextlib
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torture.kills import BY_TWO, JOBS, contents, kill

from merit_sk import ECGRecords
from merit_sk.datasets import load_ptbxl
from merit_sk.signals import STANDARD_LEADS


def ecg_like(n, n_times=100, seed=0):
    """Signals whose limb leads are linear combinations of I and II."""
    X = np.random.default_rng(seed).standard_normal((n, 12, n_times)).astype(np.float32)
    one, two = X[:, 0], X[:, 1]
    X[:, 2], X[:, 3] = two - one, -(one + two) / 2
    X[:, 4], X[:, 5] = one - two / 2, two - one / 2
    return X


@pytest.fixture
def records():
    return ECGRecords.from_array(
        ecg_like(10), sampling_rate=100, reports=["text"] * 10, record_names=list("abcdefghij")
    )


@pytest.fixture
def many():
    """Records that fill two files of 1,024 and begin a third."""
    return ECGRecords.from_array(ecg_like(2100, n_times=20), sampling_rate=100)


@contextlib.contextmanager
def interrupted_at(name):
    """Interrupt a build, as Ctrl-C does, before a file or folder gets this name."""

    def stopping(move):
        def stop(source, target):
            if Path(target).name == name:
                raise KeyboardInterrupt
            move(source, target)

        return stop

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        for move in (os.replace, os.rename):
            patch.setattr(os, move.__name__, stopping(move))
        yield


def age(folder):
    """When each file of a folder was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_it_gives_the_same_records(tmp_path, records):
    cached = records.cache(tmp_path / "ecg")
    np.testing.assert_allclose(np.asarray(cached), np.asarray(records), atol=3e-4)
    assert list(cached.reports) == ["text"] * 10
    assert list(cached[3:5].record_names) == ["d", "e"]
    np.testing.assert_array_equal(np.asarray(cached[[7, 2]])[1], cached[2])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ecg"]


@pytest.mark.parametrize("rate", [100, 500])
def test_real_integers_come_back_exactly(tmp_path, data_dir, rate):
    records = load_ptbxl(data_dir / "ptb-xl", sampling_rate=rate).data[:10]
    if rate == 500:
        records = records[[0, 1]]
    cached = records.cache(tmp_path / "ecg")
    np.testing.assert_array_equal(np.asarray(cached), np.asarray(records))
    np.testing.assert_array_equal(
        np.asarray(cached.with_leads(["V6", "aVF"])), np.asarray(records.with_leads(["V6", "aVF"]))
    )


def test_views_are_cached_as_they_are_seen(tmp_path, data_dir):
    records = load_ptbxl(data_dir / "ptb-xl", sampling_rate=500).data[:2]
    view = records.resampled(100).with_duration(4).with_leads(STANDARD_LEADS)
    cached = view.cache(tmp_path / "ecg")
    assert cached.shape == (2, 12, 400)
    assert cached.sampling_rate == 100
    np.testing.assert_allclose(np.asarray(cached), np.asarray(view), atol=0.0012)


def test_limb_leads_that_follow_from_others_take_no_space(tmp_path, records):
    records.cache(tmp_path / "reduced")
    X = np.asarray(records).copy()
    X[:, 2] += 0.1
    ECGRecords.from_array(X, sampling_rate=100).cache(tmp_path / "full")
    size = {
        name: sum(path.stat().st_size for path in (tmp_path / name).glob("*.bin"))
        for name in ("reduced", "full")
    }
    assert size["reduced"] < 0.75 * size["full"]


def write_integers(folder, samples, gain=1000):
    """Write a WFDB record of the 12 standard leads from int16 samples."""
    lines = [f"r 12 100 {samples.shape[1]}"]
    lines += [f"r.dat 16 {gain}(0)/mV 16 0 0 0 0 {name}" for name in STANDARD_LEADS]
    (folder / "r.hea").write_text("\n".join(lines) + "\n")
    (folder / "r.dat").write_bytes(np.ascontiguousarray(samples.T, dtype="<i2").tobytes())
    return ECGRecords.from_wfdb(["r"], root=folder)


@given(
    hash_=st.integers(0, 2**16), spread=st.sampled_from([3, 300, 30000]), noise=st.integers(0, 1)
)
@settings(max_examples=60, deadline=None)
def test_leads_are_reduced_only_if_they_come_back(hash_, spread, noise):
    rng = np.random.default_rng(hash_)
    samples = rng.integers(-spread, spread, (12, 20))
    one, two = samples[:2]
    samples[2:6] = two - one, -((one + two) >> 1), (2 * one - two) >> 1, (2 * two - one) >> 1
    samples[2] += noise * rng.integers(0, 2, 20)
    fits = np.abs(samples).max() < 2**15
    samples = samples.clip(1 - 2**15, 2**15 - 1)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        records = write_integers(folder, samples)
        cached = records.cache(folder / "ecg")
        np.testing.assert_array_equal(cached[0], records[0])
        (shard,) = (folder / "ecg").glob("*.bin")
        reduced = shard.stat().st_size < 24 * 12 + 2 * 12 * 20
    follows = fits and (samples[2] == two - one).all()
    assert reduced == follows


def test_integers_follow_the_definitions_of_the_limb_leads(tmp_path):
    X = ecg_like(1, n_times=500)
    signal = ECGRecords.from_array(X, sampling_rate=100).cache(tmp_path / "ecg")[0]
    step = 2.0 ** np.ceil(np.log2(np.abs(X).max() / 32767))
    np.testing.assert_array_equal(signal % step, 0)
    one, two = signal[:2]
    defined = [two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    assert 0 < np.abs(signal[2:6] - defined).max() <= 0.5 * step


def test_lengths_may_differ(tmp_path):
    from test_records import write_record

    rng = np.random.default_rng(0)
    for name, n_times in (("a", 100), ("b", 170)):
        write_record(tmp_path, name, rng.standard_normal((12, n_times)))
    records = ECGRecords.from_wfdb(["a", "b"], root=tmp_path)
    cached = records.cache(tmp_path / "ecg")
    assert list(cached.lengths) == [100, 170]
    np.testing.assert_array_equal(cached[1], records[1])


def test_invalid_samples_are_repaired_or_refused(tmp_path):
    X = ecg_like(3)
    X[1, 4, 7] = np.nan
    records = ECGRecords.from_array(X, sampling_rate=100)
    with pytest.raises(ValueError, match="1 NaN"):
        records.cache(tmp_path / "ecg")
    with pytest.warns(UserWarning, match="interpolated"):
        cached = records.repaired().cache(tmp_path / "ecg")
    assert np.isfinite(np.asarray(cached)).all()


def test_a_finished_cache_is_only_opened(tmp_path, records, monkeypatch):
    records.cache(tmp_path / "ecg")
    before = age(tmp_path / "ecg")
    monkeypatch.setattr(os, "replace", None)
    monkeypatch.setattr(os, "rename", None)
    again = records.cache(tmp_path / "ecg")
    assert len(again) == 10
    assert age(tmp_path / "ecg") == before


def test_it_opens_without_its_source(tmp_path, records):
    cached = records.cache(tmp_path / "ecg")
    opened = ECGRecords.from_cache(tmp_path / "ecg")
    np.testing.assert_array_equal(np.asarray(opened), np.asarray(cached))
    assert list(opened.record_names) == list("abcdefghij")
    assert opened.reports is None
    assert len(pickle.dumps(opened[:2])) < 2000


def test_a_cache_of_other_records_is_refused(tmp_path, records):
    records.cache(tmp_path / "ecg")
    with pytest.raises(ValueError, match="holds other records"):
        records[:5].cache(tmp_path / "ecg")
    with pytest.raises(ValueError, match="holds other records"):
        records.resampled(50).cache(tmp_path / "ecg")


@pytest.mark.parametrize("file", ["meta.json", "names.txt", "shard-00001.npy", "shard-00001.bin"])
@pytest.mark.parametrize("damage", ["remove", "truncate"])
def test_a_damaged_cache_is_an_error_that_names_it(tmp_path, many, file, damage):
    many.cache(tmp_path / "ecg")
    path = tmp_path / "ecg" / file
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises((ValueError, FileNotFoundError), match="ecg"):
        ECGRecords.from_cache(tmp_path / "ecg")


def test_changed_samples_are_found_by_checksum(tmp_path, many):
    cached = many.cache(tmp_path / "ecg")
    assert cached.check().empty
    path = tmp_path / "ecg" / "shard-00001.bin"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    faulty = cached.check()
    assert list(faulty.index) == [*range(1024, 2048)]
    assert "checksum" in faulty["reason"].iloc[0]


def test_parallel_builds_give_the_same_bytes(tmp_path, many):
    many.cache(tmp_path / "one")
    many.cache(tmp_path / "two", n_jobs=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_an_interrupted_build_goes_on(tmp_path, many):
    many.cache(tmp_path / "whole")
    with interrupted_at("shard-00002.bin"):
        many.cache(tmp_path / "ecg")
    assert not (tmp_path / "ecg").exists()
    done = age(tmp_path / "ecg.partial")
    written = {f"shard-0000{k}.{end}" for k in range(2) for end in ("bin", "npy")}
    assert written < set(done) and "shard-00002.bin" not in done
    many.cache(tmp_path / "ecg")
    assert {name: age(tmp_path / "ecg")[name] for name in written} == {
        name: done[name] for name in written
    }
    assert contents(tmp_path / "ecg") == contents(tmp_path / "whole")


@pytest.mark.parametrize("moment", ["shard-00002.bin", "ecg"])
def test_leftovers_of_other_records_are_not_used(tmp_path, many, moment):
    many.cache(tmp_path / "whole")
    with interrupted_at(moment):
        many.resampled(50).cache(tmp_path / "ecg")
    many.cache(tmp_path / "ecg")
    assert contents(tmp_path / "ecg") == contents(tmp_path / "whole")


@pytest.mark.parametrize("moment", ["shard-00002.bin", "ecg"])
def test_a_half_written_shard_is_written_again(tmp_path, many, moment):
    many.cache(tmp_path / "whole")
    with interrupted_at(moment):
        many.cache(tmp_path / "ecg")
    shard = tmp_path / "ecg.partial" / "shard-00000.bin"
    shard.write_bytes(shard.read_bytes()[:500])
    (tmp_path / "ecg.partial" / "shard-00001.123.tmp").write_bytes(b"left over")
    many.cache(tmp_path / "ecg")
    assert contents(tmp_path / "ecg") == contents(tmp_path / "whole")


def test_files_of_the_user_are_left_alone(tmp_path, records):
    partial = tmp_path / "ecg.partial"
    for name in ("notes.txt", "names.txt"):
        partial.mkdir()
        (partial / name).write_text("mine")
        cached = records.cache(tmp_path / "ecg")
        assert len(cached) == len(records)
        assert [path.name for path in partial.iterdir()] == [name]
        assert (partial / name).read_text() == "mine"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["ecg", "ecg.partial"]
        shutil.rmtree(tmp_path / "ecg")
        shutil.rmtree(partial)


def test_files_put_into_an_unfinished_build_are_left_alone(tmp_path, records):
    with interrupted_at("ecg"):
        records.cache(tmp_path / "ecg")
    before = contents(tmp_path / "ecg.partial")
    (tmp_path / "ecg.partial" / "notes.tmp").write_text("mine")
    records[:5].cache(tmp_path / "ecg")
    assert contents(tmp_path / "ecg.partial").items() > before.items()
    assert (tmp_path / "ecg.partial" / "notes.tmp").read_text() == "mine"


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_cache_is_not_overwritten(tmp_path, records, kind):
    mine = tmp_path / "ecg"
    if kind == "folder":
        mine.mkdir()
        mine /= "notes.txt"
    mine.write_text("mine")
    with pytest.raises(FileNotFoundError, match="is not a cache"):
        records.cache(tmp_path / "ecg")
    assert mine.read_text() == "mine"


def test_names_come_back(tmp_path, records):
    names = ["a\r", "b c", "ü", *"defghij"]
    named = ECGRecords.from_array(np.asarray(records), sampling_rate=100, record_names=names)
    named.cache(tmp_path / "ecg")
    assert list(ECGRecords.from_cache(tmp_path / "ecg").record_names) == names
    broken = ECGRecords.from_array(
        np.asarray(records), sampling_rate=100, record_names=["a\nb", *names[1:]]
    )
    with pytest.raises(ValueError, match="one line"):
        broken.cache(tmp_path / "other")
    assert not (tmp_path / "other.partial").exists()


def test_short_records_stay_short(tmp_path, records):
    cached = records.with_duration(2).cache(tmp_path / "ecg")
    assert list(cached.lengths) == [100] * 10
    assert cached[0].shape == (12, 100)
    assert ECGRecords.from_cache(tmp_path / "ecg").shape == (10, 12, 100)


def test_a_full_disk_is_an_error_and_loses_nothing(tmp_path, small_disk):
    records = ECGRecords.from_array(
        ecg_like(2100, n_times=4)[:, :1], sampling_rate=100, lead_names=["I"]
    )
    records.cache(tmp_path / "whole")
    large = small_disk / "large"
    large.write_bytes(bytes(160 << 10))
    with pytest.raises(OSError, match=r"No space left on device.*ecg"):
        records.cache(small_disk / "ecg")
    left = contents(small_disk / "ecg.partial")
    assert {"shard-00000.bin", "shard-00000.npy"} <= set(left)
    assert not [name for name in left if name.endswith(".tmp")]
    large.unlink()
    records.cache(small_disk / "ecg")
    assert contents(small_disk / "ecg") == contents(tmp_path / "whole")


def test_a_read_only_disk_is_an_error(records, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(OSError, match="Read-only file system"):
        records.cache(small_disk / "ecg")
    assert not list(small_disk.iterdir())


def _build(folder, start):
    start.wait()
    ECGRecords.from_array(ecg_like(5000, n_times=20), sampling_rate=100).cache(folder)


def test_processes_may_build_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    start = context.Event()
    processes = [context.Process(target=_build, args=(tmp_path / "ecg", start)) for _ in range(3)]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ecg"]
    alone = context.Event()
    alone.set()
    _build(tmp_path / "alone", alone)
    assert contents(tmp_path / "ecg") == contents(tmp_path / "alone")


@pytest.mark.slow
@pytest.mark.parametrize("job", [JOBS["cache of signals"], BY_TWO])
def test_kill_at_random_moments_changes_nothing(job):
    assert kill(job, 20, seed=0)["failures"] == []


LIMITED = textwrap.dedent(
    """
    import resource, sys
    import numpy as np
    from merit_sk import ECGRecords
    from merit_sk.datasets import read_wfdb
    import pandas, joblib, tqdm

    def used():
        return int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()

    spare = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (used() + spare,) * 2)
    records = ECGRecords.from_wfdb([sys.argv[1]] * int(sys.argv[4])).cache(sys.argv[2])
    total = 0.0
    for start in range(0, len(records), 64):
        total += float(np.asarray(records[start : start + 64]).sum())
    print(len(records), total)
    """
)


@pytest.mark.slow
def test_a_cache_ten_times_larger_than_the_memory_limit(tmp_path):
    from test_records import write_record

    X = np.random.default_rng(0).standard_normal((12, 5000))
    path = write_record(tmp_path, "r", X, rate=500, gain=1000.0)
    spare = 64 << 20
    n = 10 * spare // 119_000
    out = subprocess.run(
        [sys.executable, "-c", LIMITED, path, tmp_path / "ecg", str(spare), str(n)],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert sum(file.stat().st_size for file in (tmp_path / "ecg").iterdir()) > 10 * spare
    assert int(out[0]) == n
    one = float(np.asarray(ECGRecords.from_wfdb([path])).sum())
    assert float(out[1]) == pytest.approx(n * one, rel=1e-3)
