"""ECGRecords as tables: what each record is like, and all samples."""

import numpy as np
import pandas as pd
import pytest

from merit_sk import ECGRecords
from merit_sk.datasets import load_ptbxl, make_ecg
from merit_sk.signals import STANDARD_LEADS

RATE = 500
LEADS = ["flat_leads", "clipped_leads", "noisy_leads", "wandering_leads"]


@pytest.fixture(scope="module")
def X():
    """Five clean recordings of a normal heart."""
    data = make_ecg(
        5, statements=["NORM"], sampling_rate=RATE, duration=20, noise=0.1, random_state=0
    ).data
    return np.asarray(data)


def summary(X, rate=RATE, **options):
    return ECGRecords.from_array(X, sampling_rate=rate, **options).summary()


def test_clean_recordings(X):
    table = summary(X, record_names=list("abcde"))
    assert list(table.record) == list("abcde") and list(table.index) == [0, 1, 2, 3, 4]
    assert (table[LEADS] == "").all(axis=None) and (table.fault == "").all()
    assert (table.n_leads == 12).all() and (table.invalid == 0).all()
    assert (table.duration == 20).all() and (table.sampling_rate == RATE).all()
    ranges = np.median(
        [np.ptp(half, axis=2) for half in (X[..., :5000], X[..., 5000:])], axis=(0, 2)
    )
    np.testing.assert_allclose(table.amplitude, ranges, rtol=0.3)


@pytest.mark.parametrize(
    ("statement", "low", "high"), [("SBRAD", 30, 60), ("NORM", 55, 100), ("STACH", 100, 170)]
)
def test_heart_rate(statement, low, high):
    data = make_ecg(6, statements=[statement], random_state=0).data
    assert data.summary().heart_rate.between(low, high).all()


def muscle(shape):
    return np.random.default_rng(0).normal(scale=0.06, size=shape)


def hum(shape):
    return 0.05 * np.sin(2 * np.pi * 50 * np.arange(shape[-1]) / RATE)


def drift(shape):
    return 1.2 * np.sin(2 * np.pi * 0.2 * np.arange(shape[-1]) / RATE)


@pytest.mark.parametrize(
    ("column", "added"), [("noisy_leads", muscle), ("noisy_leads", hum), ("wandering_leads", drift)]
)
def test_disturbed_leads(X, column, added):
    X = X.copy()
    X[1, [2, 7]] += added(X[1, [2, 7]].shape)
    X[2, 4, :2500] += added((2500,))  # a quarter of the time is too little
    table = summary(X)
    assert table[column].tolist() == ["", "III, V2", "", "", ""]
    assert (table[LEADS].drop(columns=column) == "").all(axis=None)


@pytest.mark.parametrize("rate", [100, 250, 500])
@pytest.mark.parametrize("sign", [1, -1])
def test_clipped_leads(rate, sign):
    X = np.array(make_ecg(3, statements=["NORM"], sampling_rate=rate, random_state=1).data) * sign
    peak = np.quantile(X[1, 1] * sign, 0.99)
    X[1, 1] = np.clip(X[1, 1], -np.inf if sign > 0 else -peak, peak if sign > 0 else np.inf)
    assert summary(X, rate).clipped_leads.tolist() == ["", "II", ""]


@pytest.mark.parametrize("value", [0.0, 3.2, np.nan])
def test_flat_leads(X, value):
    X = X.copy()
    X[0, 3] = value
    X[1, 5, :6000] = value
    X[2, 5, :3000] = value  # less than half
    X[3] = value
    table = summary(X)
    assert table.flat_leads.tolist() == ["aVR", "aVF", "", ", ".join(STANDARD_LEADS), ""]
    assert table.n_leads.tolist() == [11, 11, 12, 0, 12]
    assert np.isnan(table.amplitude[3]) and np.isnan(table.heart_rate[3])
    share = [1 / 12, 0.6 / 12, 0.3 / 12, 1, 0]
    np.testing.assert_allclose(table.invalid, share if np.isnan(value) else 0, atol=1e-9)
    assert (table[LEADS[1:]] == "").all(axis=None)


def test_what_is_seen_is_what_was_recorded(X):
    X = X.copy()
    X[0, 1] = X[0, 1].clip(max=0.35 * X[0, 1].max())
    records = ECGRecords.from_array(X, sampling_rate=RATE)
    resampled = records.resampled(100).with_duration(15)
    table = resampled.with_leads(["II", "V1"])[::-1].summary()
    assert table.clipped_leads.tolist() == ["", "", "", "", "II"]
    assert (table.sampling_rate == RATE).all() and (table.duration == 15).all()
    assert (table.n_leads == 2).all()


def test_records_that_cannot_be_read_have_a_row(tmp_path, X):
    import wfdb

    names = [f"r{i}" for i in range(3)]
    for name, x in zip(names, X, strict=False):
        wfdb.wrsamp(
            name, fs=RATE, units=["mV"] * 12, sig_name=list(STANDARD_LEADS), fmt=["16"] * 12,
            p_signal=x.T.astype(float), write_dir=str(tmp_path),
        )  # fmt: skip
    data = (tmp_path / "r1.dat").read_bytes()
    (tmp_path / "r1.dat").write_bytes(data[:1000])
    table = ECGRecords.from_wfdb(names, root=tmp_path).summary()
    assert "r1" in table.fault[1] and (table.fault == "").tolist() == [True, False, True]
    assert np.isnan(table.heart_rate[1]) and table.duration[1] == 20
    pd.testing.assert_frame_equal(
        table.drop(index=1), summary(X[:3], record_names=names).drop(index=1), rtol=0.01
    )


def test_long_recordings_are_read_in_stretches(X, monkeypatch):
    minutes = np.tile(X[:1, :2], (1, 1, 64))
    minutes[:, 1] += muscle(minutes[:, 1].shape)
    records = ECGRecords.from_array(minutes, sampling_rate=RATE, lead_names=["I", "II"])
    asked, read_range = [], ECGRecords.read_range
    monkeypatch.setattr(
        ECGRecords, "read_range",
        lambda self, i, start, stop, *args, **options: (
            asked.append((start, stop)) or read_range(self, i, start, stop, *args, **options)
        ),
    )  # fmt: skip
    table = records.summary()
    assert max(stop - start for start, stop in asked) <= 620 * RATE
    assert sum(stop - start for start, stop in asked) == minutes.shape[-1]
    assert table.noisy_leads[0] == "II" and table.duration[0] == 1280
    one = records.with_duration(20).summary()
    np.testing.assert_allclose(table.heart_rate, one.heart_rate, rtol=0.05)


@pytest.mark.parametrize("n_times", [1, 2, 7, 40, 1100])
def test_short_and_slow_recordings(n_times):
    X = np.random.default_rng(0).normal(size=(2, 12, n_times))
    for rate in (1, 30, 100, 1000):
        table = summary(X, rate)
        assert (table.fault == "").all() and (table.duration == n_times / rate).all()
        if rate < 50:
            assert table.heart_rate.isna().all()


def test_no_records(X):
    records = ECGRecords.from_array(X, sampling_rate=RATE)
    columns = list(records.summary().columns)
    assert records[:0].summary().shape == (0, len(columns))
    assert list(records[:0].summary().columns) == columns
    assert records[:0].to_pandas().shape == (0, 12)


def test_several_processes_give_the_same(X):
    records = ECGRecords.from_array(X, sampling_rate=RATE)
    pd.testing.assert_frame_equal(records.summary(n_jobs=2), records.summary())


def test_disturbances_of_ptbxl_are_found_more_often_where_a_cardiologist_saw_them(data_dir):
    ecg = load_ptbxl(data_dir / "ptb-xl", task="superclass")
    table, seen = ecg.data.summary(), ecg.frame.reset_index(drop=True)
    clean = seen[["baseline_drift", "static_noise", "burst_noise"]].isna().all(axis=1)
    for annotated, column in (
        ("baseline_drift", "wandering_leads"),
        ("static_noise", "noisy_leads"),
    ):
        found = table[column] != ""
        assert found[seen[annotated].notna()].mean() > 2.5 * found[clean].mean()
        assert found[clean].mean() < 0.2
    assert (table.n_leads == 12).all() and table.heart_rate.between(25, 200).all()


def test_all_samples(X):
    table = ECGRecords.from_array(X, sampling_rate=RATE, record_names=list("abcde")).to_pandas()
    assert table.index.names == ["record", "time"] and list(table.columns) == list(STANDARD_LEADS)
    assert (table.dtypes == np.float32).all()
    one = table.loc["c"]
    assert np.array_equal(one.to_numpy().T, X[2].astype(np.float32))
    np.testing.assert_allclose(one.index, np.arange(X.shape[-1]) / RATE)


def test_all_samples_of_records_of_several_lengths(tmp_path, X):
    import wfdb

    for i, n_times in enumerate((500, 300)):
        wfdb.wrsamp(
            f"r{i}", fs=RATE, units=["mV"] * 2, sig_name=["I", "V1"], fmt=["16"] * 2,
            p_signal=X[i, :2, :n_times].T.astype(float), write_dir=str(tmp_path),
        )  # fmt: skip
    records = ECGRecords.from_wfdb(["r0", "r1"], root=tmp_path)
    table = records.to_pandas()
    assert table.groupby("record").size().to_dict() == {"r0": 500, "r1": 300}
    for i, name in enumerate(records.record_names):
        assert np.array_equal(table.loc[name].to_numpy().T, records[i])


def test_invalid_samples_stop_the_table_unless_repaired(X):
    X = X.copy()
    X[1, 0, 5] = np.nan
    records = ECGRecords.from_array(X, sampling_rate=RATE)
    with pytest.raises(ValueError, match="1 NaN"):
        records.to_pandas()
    with pytest.warns(UserWarning, match="interpolated"):
        assert records.repaired().to_pandas().notna().all(axis=None)
