"""Recordings of hours: memory does not grow with them, and results are those of their parts."""

import subprocess
import sys
import tracemalloc
from copy import copy

import numpy as np
import pytest

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.signals import STANDARD_LEADS


@pytest.fixture(scope="module")
def day():
    """13 minutes at 250 Hz with a drifting baseline."""
    X = np.asarray(make_ecg(1, duration=780, sampling_rate=250, random_state=0).data)
    drift = np.sin(np.arange(X.shape[-1]) / 30_000) + np.linspace(0, 3, X.shape[-1])
    return (X + drift).astype(np.float32)


@pytest.fixture(scope="module")
def embedder(ecg):
    parameters = {"encoder": {"widths": [8, 8], "patch": 4}, "duration": 3, "max_epochs": 1,
                  "pretrained": None}  # fmt: skip
    return MeritEmbedder(**parameters, random_state=0).fit(ecg.data, reports=ecg.reports)


def windows(embedder, X, batch_size=16):
    return list(copy(embedder).set_params(batch_size=batch_size).transform_windows(X))


def records(X, rate=250):
    return ECGRecords.from_array(X, sampling_rate=rate)


def test_pieces_are_filtered_as_the_whole(embedder, day):
    """Windows far from the ends of the parts are those of the whole, across its pieces."""
    ((_, whole),) = windows(embedder, records(day))
    part = day[..., 540 * 250 : 720 * 250]  # ten minutes, where pieces meet, in the middle
    ((start, of_part),) = windows(embedder, records(part))
    inside = (start >= 15) & (start <= 160)
    np.testing.assert_allclose(
        whole[180:240][inside], of_part[inside], atol=2e-3 * np.abs(whole).max()
    )


def test_windows_of_a_recording_average_to_its_embedding(embedder, day):
    short = day[..., : 31 * 250]
    for X in (records(day), records(short)):
        ((start, Z),) = embedder.transform_windows(X)
        assert start[:3].tolist() == [0, 3, 6] and start[-1] == X.lengths[0] / 250 - 3
        np.testing.assert_allclose(embedder.transform(X)[0], Z.mean(axis=0), rtol=1e-5, atol=1e-6)


def test_windows_come_recording_by_recording(embedder, day):
    X = np.concatenate([day[..., i : i + 7 * 250] for i in range(0, 20_000, 1750)])
    found = windows(embedder, records(X), batch_size=4)
    assert len(found) == len(X)
    for row, (start, Z) in enumerate(found):
        assert start.tolist() == [0, 3, 4]
        ((_, alone),) = windows(embedder, records(X[row : row + 1]), batch_size=4)
        np.testing.assert_array_equal(Z, alone)


def test_neighbors_change_nothing(embedder, day):
    X = np.concatenate([day, day[..., ::-1], day * 2])
    together = embedder.transform(records(X))
    for i in range(3):
        np.testing.assert_array_equal(embedder.transform(records(X[i : i + 1]))[0], together[i])


def test_projected_averages_are_unit_vectors(embedder, day):
    projected = embedder.set_params(readout="projected")
    for n_times in (30 * 250, 780 * 250):
        Z = projected.transform(records(day[..., :n_times]))
        np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, atol=1e-6)
    embedder.set_params(readout="all")


def test_what_is_silent_stays_silent(embedder, day):
    """No noise of the filter is taken for signal where all leads are off for a while."""
    X = day[..., : 80 * 250].copy()
    X[..., 20 * 250 : 60 * 250] = X[..., 20 * 250 : 20 * 250 + 1]
    ((start, Z),) = windows(embedder, records(X))
    ((_, silent),) = windows(embedder, records(np.zeros((1, 12, 750))))
    deep = (start >= 36) & (start <= 42)
    assert deep.sum() == 3
    np.testing.assert_allclose(Z[deep], silent.repeat(3, axis=0), atol=1e-5)


def write_hours(folder, n_hours):
    """Write 8 records of some hours at 100 Hz, whose files are one."""
    X = np.asarray(make_ecg(1, duration=300, random_state=0).data)[0]
    samples = np.rint(X * 1000).astype("<i2").T.tobytes()
    with open(folder / "data", "wb") as stream:
        for _ in range(12 * n_hours):
            stream.write(samples)
    for i in range(8):
        lines = [f"r{i} 12 100 {12 * n_hours * X.shape[-1]}"]
        lines += [f"data 16 1000(0)/mV 16 0 0 0 0 {name}" for name in STANDARD_LEADS]
        (folder / f"r{i}.hea").write_text("\n".join(lines) + "\n")
    return [f"r{i}" for i in range(8)]


def test_training_on_recordings_that_are_not_kept(tmp_path):
    """More than 1 GiB of them are read anew in every epoch."""
    X = ECGRecords.from_wfdb(write_hours(tmp_path, 8), root=tmp_path)
    assert 4 * 12 * X.lengths.sum() > 2**30
    parameters = {"encoder": {"widths": [4, 4], "patch": 4}, "max_epochs": 2, "random_state": 0,
                  "pretrained": None}  # fmt: skip
    tracemalloc.start()
    embedder = MeritEmbedder(**parameters, duration=30).fit(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**28
    assert np.isfinite(embedder.transform(X[:2].with_duration(620))).all()
    assert embedder.reconstruct(X).signal.shape == (8, 12, 3000)


KINDS = {
    "array": lambda records, folder: records,
    "cache": lambda records, folder: records.cache(folder / "cache"),
    "leads": lambda records, folder: records.with_leads(["V5", "II"]),
    "resampled": lambda records, folder: records.resampled(100),
    "cut": lambda records, folder: records.with_duration(600),
    "padded": lambda records, folder: records.with_duration(800),
    "cached leads": lambda records, folder: records.cache(folder / "c").with_leads(["aVF", "V1"]),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_part_of_a_record(day, tmp_path, kind):
    X = KINDS[kind](records(day), tmp_path)
    whole = X[0]
    for start, stop in ((0, 100), (5000, 9000), (whole.shape[-1] - 700, whole.shape[-1]), (5, 5)):
        part = X.read_range(0, start, stop)
        np.testing.assert_allclose(part, whole[:, start:stop], atol=2e-3)
        if kind != "resampled":
            np.testing.assert_array_equal(part, whole[:, start:stop])


@pytest.mark.parametrize("form", ["16", "212"])
def test_part_of_a_wfdb_file(day, tmp_path, form):
    import wfdb

    wfdb.wrsamp("r", fs=250, units=["mV"] * 12, sig_name=list(STANDARD_LEADS), p_signal=day[0].T,
                fmt=[form] * 12, adc_gain=[400 if form == "16" else 200] * 12, baseline=[0] * 12,
                write_dir=str(tmp_path))  # fmt: skip
    X = ECGRecords.from_wfdb(["r"], root=tmp_path)
    np.testing.assert_array_equal(X.read_range(0, 70_001, 90_000), X[0][:, 70_001:90_000])
    np.testing.assert_array_equal(
        X.with_leads(["V1"]).read_range(0, 3, 9), X.with_leads(["V1"])[0][:, 3:9]
    )


def test_invalid_samples_in_a_part(day):
    X = day.copy()
    X[0, 3, 170_000] = np.nan
    broken = records(X)
    assert np.isfinite(broken.read_range(0, 0, 1000)).all()
    with pytest.raises(ValueError, match="NaN"):
        broken.read_range(0, 169_000, 171_000)
    with pytest.warns(UserWarning, match="1 NaN"):
        assert np.isfinite(broken.repaired().read_range(0, 169_000, 171_000)).all()
    assert np.isnan(broken.read_range(0, 169_000, 171_000, "keep")).sum() == 1


MEMORY = """
import resource
import sys

from merit_sk import ECGRecords, MeritEmbedder

records = ECGRecords.from_wfdb([f"r{i}" for i in range(8)], root=sys.argv[1])
encoder = {"widths": [8, 8], "patch": 4}
embedder = MeritEmbedder(encoder=encoder, pretrained=None, max_epochs=1, random_state=0)
embedder.fit(records[:1].with_duration(60))
embedder.transform(records[:1].with_duration(900))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert embedder.reconstruct(records).signal.shape == (8, 12, 1000)
assert embedder.transform(records).shape[0] == 8
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_does_not_grow_with_the_recordings(tmp_path):
    """8 recordings of 3 h take 415 MB as an array; they are read from files that are one."""
    pytest.importorskip("resource")
    write_hours(tmp_path, 3)
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    grown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert float(grown) < 150
