import pickle

import numpy as np
import pytest
import wfdb
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.utils import indexable, resample, shuffle

from merit_sk import ECGRecords
from merit_sk.signals import STANDARD_LEADS


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((20, 12, 50)).astype(np.float32)


@pytest.fixture
def records(X):
    return ECGRecords.from_array(
        X,
        sampling_rate=100,
        reports=[f"report {i}" if i % 3 else None for i in range(20)],
        record_names=[f"r{i}" for i in range(20)],
    )


def write_record(folder, name, signal, *, rate=100, leads=STANDARD_LEADS, unit="mV", gain=1000.0):
    """Write a WFDB record in format 16 from an array of shape (n_leads, n_times)."""
    n = len(leads)
    wfdb.wrsamp(
        name,
        fs=rate,
        units=[unit] * n,
        sig_name=list(leads),
        p_signal=np.asarray(signal, dtype=float).T,
        fmt=["16"] * n,
        adc_gain=[gain] * n,
        baseline=[0] * n,
        write_dir=str(folder),
    )
    return folder / name


def test_it_looks_like_an_array(records, X):
    assert records.shape == (20, 12, 50)
    assert records.ndim == 3
    assert records.dtype == np.float32
    assert len(records) == 20
    np.testing.assert_array_equal(np.asarray(records), X)
    assert np.asarray(records, dtype=np.float64).dtype == np.float64
    assert repr(records) == "ECGRecords(20 x 12 leads x 50 samples at 100 Hz)"


@pytest.mark.parametrize(
    "key",
    [
        slice(3, 9, 2),
        [4, 1, -1],
        np.array([4, 1, 1]),
        np.arange(20) % 2 == 0,
        Ellipsis,
        ([2, 3], Ellipsis),
        (slice(5), slice(None), slice(None)),
    ],
)
def test_indexing_slices_everything_along(records, X, key):
    part = records[key]
    first = key[0] if isinstance(key, tuple) else key
    np.testing.assert_array_equal(np.asarray(part), X[first])
    np.testing.assert_array_equal(part.record_names, records.record_names[first])
    np.testing.assert_array_equal(part.reports, records.reports[first])


def test_an_empty_selection_is_empty(records):
    assert len(records[[]]) == 0
    assert np.asarray(records[:0]).shape[:2] == (0, 12)


def test_integers_give_one_recording(records, X):
    np.testing.assert_array_equal(records[3], X[3])
    np.testing.assert_array_equal(records[np.int64(-1)], X[-1])
    np.testing.assert_array_equal(np.stack(list(records)), X)
    with pytest.raises(IndexError):
        records[20]
    with pytest.raises(IndexError, match="with_leads"):
        records[:, 0]


@pytest.mark.parametrize(
    "splitter",
    [
        KFold(4, shuffle=True, random_state=0),
        StratifiedKFold(2),
        ShuffleSplit(3, random_state=0),
        GroupKFold(4),
    ],
)
def test_every_splitter_takes_it(records, splitter):
    y = np.arange(20) % 2
    groups = np.arange(20) // 2
    groups = groups if isinstance(splitter, GroupKFold) else None
    for train, test in splitter.split(records, y, groups):
        assert set(records[train].record_names).isdisjoint(records[test].record_names)
    scores = cross_val_score(DummyClassifier(), records, y, groups=groups, cv=splitter)
    assert np.isfinite(scores).all()


def test_scikit_learn_utilities_take_it(records):
    y = np.arange(20)
    train, test, y_train, _ = train_test_split(records, y, random_state=0)
    assert len(train) == 15 and len(test) == 5
    assert [f"r{i}" for i in y_train] == list(train.record_names)
    assert len(indexable(records, y)) == 2
    assert len(shuffle(records, random_state=0)) == 20
    assert len(resample(records, n_samples=7, random_state=0)) == 7


def test_leads_are_reordered_by_name(X):
    mimic = ["I", "II", "III", "AVR", "AVF", "AVL", "V1", "V2", "V3", "V4", "V5", "V6"]
    records = ECGRecords.from_array(X, sampling_rate=100, lead_names=mimic)
    assert records.lead_names == STANDARD_LEADS
    np.testing.assert_array_equal(records[0][4], X[0, 5])
    part = records.with_leads(["avf", "I"])
    assert part.lead_names == ("aVF", "I")
    np.testing.assert_array_equal(np.asarray(part), X[:, [4, 0]])
    with pytest.raises(ValueError, match="given I, II"):
        records.with_leads(["X"])


def test_fewer_leads_need_names(X):
    with pytest.raises(ValueError, match="pass lead_names="):
        ECGRecords.from_array(X[:, :2], sampling_rate=100)
    records = ECGRecords.from_array(X[:, :2], sampling_rate=100, lead_names=["V5", "II"])
    assert records.lead_names == ("V5", "II")


def test_duration_cuts_and_pads(records, X):
    short = records.with_duration(0.3)
    np.testing.assert_array_equal(np.asarray(short), X[..., :30])
    with pytest.warns(UserWarning, match="20 of 20 records are shorter than 1 s"):
        long = np.asarray(records.with_duration(1))
    assert long.shape == (20, 12, 100)
    np.testing.assert_array_equal(long[..., :50], X)
    assert not long[..., 50:].any()
    with pytest.raises(ValueError, match="at least one sample"):
        records.with_duration(0)


def test_an_embedding_does_not_see_a_longer_duration(fitted, ecg):
    X = np.asarray(ecg.data)[:, :, :120]
    short = ECGRecords.from_array(X, sampling_rate=100)
    Z = fitted.transform(short)
    np.testing.assert_array_equal(fitted.transform(short.with_duration(2)), Z)
    assert not np.allclose(fitted.transform(np.pad(X, [(0, 0), (0, 0), (0, 80)])), Z, atol=0.01)


def test_resampling_is_a_view(records):
    at_250 = records.resampled(250)
    assert at_250.shape == (20, 12, 125)
    assert np.asarray(at_250[:2]).shape == (2, 12, 125)
    assert at_250.sampling_rate == 250


def test_reports_have_the_right_number_and_no_nan(X):
    with pytest.raises(ValueError, match="one entry for each of the 20 records, got 3"):
        ECGRecords.from_array(X, sampling_rate=100, reports=["a"] * 3)
    records = ECGRecords.from_array(X[:2], sampling_rate=100, reports=["a", float("nan")])
    assert list(records.reports) == ["a", None]


def test_pickles_hold_paths_not_samples(tmp_path, X):
    for i in range(3):
        write_record(tmp_path, f"r{i}", X[i])
    records = ECGRecords.from_wfdb(["r0", "r1", "r2"], root=tmp_path)
    assert len(pickle.dumps(records)) < 3000
    again = pickle.loads(pickle.dumps(records[1:]))
    np.testing.assert_array_equal(np.asarray(again), np.asarray(records)[1:])


def test_pickles_of_arrays_hold_only_the_slice(records):
    assert len(pickle.dumps(records[:1])) < len(pickle.dumps(records)) / 5


def test_wfdb_records_come_in_mv_by_lead_name(tmp_path, X):
    order = [*STANDARD_LEADS[:4], "AVF", "AVL", *STANDARD_LEADS[6:]]
    signal = np.clip(X[0], -3, 3)
    write_record(tmp_path, "micro", signal * 1000, leads=order, unit="uV", gain=1.0)
    records = ECGRecords.from_wfdb(["micro"], root=tmp_path)
    expected = signal[[0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11]]
    np.testing.assert_allclose(records[0], expected, atol=0.0006)


def test_ragged_records_are_read_one_by_one_or_cut(tmp_path):
    rng = np.random.default_rng(0)
    for name, n_times in (("a", 100), ("b", 150)):
        write_record(tmp_path, name, rng.standard_normal((12, n_times)))
    records = ECGRecords.from_wfdb(["a", "b"], root=tmp_path)
    assert records.shape == (2, 12, None)
    assert list(records.lengths) == [100, 150]
    assert records[1].shape == (12, 150)
    with pytest.raises(ValueError, match="with_duration"):
        np.asarray(records)
    part = records.with_duration(1.2)
    assert list(part.lengths) == [100, 120]
    assert part.shape == (2, 12, None)
    assert [signal.shape[1] for signal in part] == [100, 120]
    with pytest.warns(UserWarning, match=r"1 of 2 records are shorter than 1\.2 s"):
        X = np.asarray(part)
    assert X.shape == (2, 12, 120)
    assert not X[0, :, 100:].any()
    np.testing.assert_array_equal(X[0, :, :100], records[0])


def test_other_sampling_rates_are_resampled_to_the_most_frequent(tmp_path):
    rng = np.random.default_rng(0)
    for name, rate in (("a", 500), ("b", 250), ("c", 500)):
        write_record(tmp_path, name, rng.standard_normal((12, 2 * rate)), rate=rate)
    records = ECGRecords.from_wfdb(["a", "b", "c"], root=tmp_path)
    assert records.sampling_rate == 500
    assert np.asarray(records).shape == (3, 12, 1000)


def test_absurd_sampling_rates_are_an_error(tmp_path):
    for name, rate in (("a", 500), ("b", 500), ("c", 123456789)):
        write_record(tmp_path, name, np.ones((12, 100)), rate=rate)
    records = ECGRecords.from_wfdb(["a", "b", "c"], root=tmp_path)
    with pytest.raises(ValueError, match=r"1\.23457e\+08 Hz cannot be resampled to 500 Hz"):
        records.lengths  # noqa: B018
    with pytest.raises(ValueError, match="more than 200-fold"):
        np.asarray(records)


def test_only_common_leads_are_offered(tmp_path):
    rng = np.random.default_rng(0)
    write_record(tmp_path, "a", rng.standard_normal((3, 100)), leads=["I", "II", "V5"])
    write_record(tmp_path, "b", rng.standard_normal((2, 100)), leads=["V5", "DII"])
    write_record(tmp_path, "c", rng.standard_normal((1, 100)), leads=["V1"])
    assert ECGRecords.from_wfdb(["a", "b"], root=tmp_path).lead_names == ("II", "V5")
    with pytest.raises(ValueError, match="no lead in common"):
        ECGRecords.from_wfdb(["a", "b", "c"], root=tmp_path)


def test_invalid_samples_are_an_error_or_repaired(tmp_path):
    signal = np.ones((12, 100))
    signal[3, 10:20] = np.nan
    write_record(tmp_path, "bad", signal)
    write_record(tmp_path, "good", np.ones((12, 100)))
    records = ECGRecords.from_wfdb(["good", "bad"], root=tmp_path)
    with pytest.raises(ValueError, match=r"10 NaN or infinite samples in record .*bad"):
        records[1]
    with pytest.raises(ValueError, match="bad"):
        np.asarray(records)
    with pytest.warns(UserWarning, match="were interpolated"):
        np.testing.assert_array_equal(np.asarray(records.repaired()), np.ones((2, 12, 100)))


def test_check_lists_faulty_records(tmp_path):
    for name in ("a", "b", "c"):
        write_record(tmp_path, name, np.zeros((12, 100)))
    records = ECGRecords.from_wfdb(["a", "b", "c"], root=tmp_path)
    (tmp_path / "b.dat").write_bytes(b"short")
    (tmp_path / "c.dat").unlink()
    faulty = records.check()
    assert list(faulty.index) == [1, 2]
    assert list(faulty["record"]) == ["b", "c"]
    assert "truncated" in faulty["reason"][1]
    assert "there is no signal file" in faulty["reason"][2]


def test_check_finds_wrong_checksums_that_reading_passes_over(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        write_record(tmp_path, name, rng.standard_normal((12, 100)))
    records = ECGRecords.from_wfdb(["a", "b"], root=tmp_path)
    data = bytearray((tmp_path / "b.dat").read_bytes())
    data[2] ^= 1
    (tmp_path / "b.dat").write_bytes(data)
    assert np.asarray(records).shape == (2, 12, 100)
    faulty = records.check()
    assert list(faulty.index) == [1]
    assert "checksum of lead II " in faulty["reason"][1]


def roots(tmp_path, **options):
    """Two folders with records of the same names and lengths."""
    rng = np.random.default_rng(0)
    for root in ("a", "b"):
        (tmp_path / root).mkdir()
        for name in ("r0", "r1"):
            write_record(tmp_path / root, name, rng.standard_normal((12, 100)), **options)
    return [
        ECGRecords.from_wfdb(["r0", "r1"], root=tmp_path / root, reports=["atrial"] * 2)
        for root in ("a", "b")
    ]


def without_checksums(folder):
    for header in folder.rglob("*.hea"):
        first, *lines = header.read_text().splitlines()
        words = [line.split() for line in lines]
        lines = [" ".join([*word[:5], "0", "0", *word[7:]]) for word in words]
        header.write_text("\n".join([first, *lines]) + "\n")


@pytest.mark.parametrize("checksums", [True, False])
def test_records_of_the_same_names_in_another_folder_are_others(tmp_path, checksums):
    first, second = roots(tmp_path)
    if not checksums:
        without_checksums(tmp_path)
    cached = first.cache(tmp_path / "cache")
    with pytest.raises(ValueError, match="holds other records"):
        second.cache(tmp_path / "cache")
    np.testing.assert_array_equal(np.asarray(first.cache(tmp_path / "cache")), np.asarray(cached))


@pytest.mark.parametrize("checksums", [True, False])
def test_a_moved_folder_holds_the_same_records(tmp_path, checksums):
    first, _ = roots(tmp_path)
    if not checksums:
        without_checksums(tmp_path)
    cached = np.asarray(first.cache(tmp_path / "cache"))
    (tmp_path / "a").rename(tmp_path / "elsewhere")
    for root, paths in [
        (tmp_path / "elsewhere", ["r0", "r1"]),
        ("", [tmp_path / "elsewhere" / "r0", tmp_path / "elsewhere" / "r1"]),
    ]:
        moved = ECGRecords.from_wfdb(paths, root=root)
        np.testing.assert_array_equal(np.asarray(moved.cache(tmp_path / "cache")), cached)


def test_comments_of_a_header_are_no_part_of_the_signal(tmp_path):
    first, _ = roots(tmp_path)
    before = np.asarray(first.cache(tmp_path / "cache"))
    with open(tmp_path / "a" / "r0.hea", "a") as header:
        header.write("#Age: 61\n")
    np.testing.assert_array_equal(np.asarray(first.cache(tmp_path / "cache")), before)


@pytest.mark.parametrize("word", [4, 5])
def test_another_gain_or_first_value_is_another_record(tmp_path, word):
    first, _ = roots(tmp_path)
    first.cache(tmp_path / "cache")
    header = tmp_path / "a" / "r1.hea"
    lines = [line.split() for line in header.read_text().splitlines()]
    for line in lines[1:]:
        line[2 if word == 4 else word] = "999.0(0)/mV" if word == 4 else "77"
    header.write_text("\n".join(map(" ".join, lines)))
    with pytest.raises(ValueError, match="holds other records"):
        first.cache(tmp_path / "cache")


def test_edf_files_are_known_by_their_samples(tmp_path):
    from test_wfdb_reader import edf_bytes

    signal = np.arange(300) - 150
    for root, one in (("a", signal), ("b", signal[::-1])):
        (tmp_path / root).mkdir()
        (tmp_path / root / "r.edf").write_bytes(edf_bytes([one, one], (100, 100)))
    first, second = (ECGRecords.from_wfdb(["r.edf"], root=tmp_path / root) for root in "ab")
    first.cache(tmp_path / "cache")
    first.cache(tmp_path / "cache")
    with pytest.raises(ValueError, match="holds other records"):
        second.cache(tmp_path / "cache")


def test_arrays_are_known_by_their_samples_and_rate(tmp_path, X):
    records = ECGRecords.from_array(X, sampling_rate=100)
    records.cache(tmp_path / "cache")
    ECGRecords.from_array(X.astype(float), sampling_rate=100).cache(tmp_path / "cache")
    for other in (
        ECGRecords.from_array(X + 1e-3, sampling_rate=100),
        ECGRecords.from_array(X, sampling_rate=200),
        ECGRecords.from_array(X, sampling_rate=200).resampled(100),
        records[::-1],
    ):
        with pytest.raises(ValueError, match="holds other records"):
            other.cache(tmp_path / "cache")


def test_caches_are_known_by_their_samples(tmp_path):
    first, second = roots(tmp_path)
    one, two = first.cache(tmp_path / "one"), second.cache(tmp_path / "two")
    one.cache(tmp_path / "again")
    one.cache(tmp_path / "again")
    with pytest.raises(ValueError, match="holds other records"):
        two.cache(tmp_path / "again")


@pytest.mark.parametrize("cached", [False, True])
def test_training_on_records_of_the_same_names_is_not_continued(tmp_path, tiny, cached):
    from merit_sk import MeritEmbedder

    first, second = roots(tmp_path)
    if cached:
        first, second = first.cache(tmp_path / "one"), second.cache(tmp_path / "two")
    tiny = tiny | {"duration": 1, "max_epochs": 1, "checkpoint_dir": tmp_path / "training"}
    MeritEmbedder(**tiny).fit(first)
    MeritEmbedder(**tiny).fit(first)
    with pytest.raises(ValueError, match="another training"):
        MeritEmbedder(**tiny).fit(second)


def test_names_and_leads_are_normalized(X):
    leads = ["DI", "d2", "Lead III", "avr", "AVL", "aVF", "C1", "V2", "V3", "V4", "V5", "V6"]
    records = ECGRecords.from_array(
        X, sampling_rate=np.int64(100), lead_names=leads, record_names=range(20)
    )
    assert records.lead_names == STANDARD_LEADS
    assert list(records.record_names[:2]) == ["0", "1"]
    assert records.with_leads(["DII"]).lead_names == ("II",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampling_rate": 0}, "sampling_rate must be positive"),
        ({"sampling_rate": float("nan")}, "sampling_rate must be positive"),
        ({"lead_names": "I"}, "must be a sequence of names"),
        ({"X": np.ones((1, 12, 5), dtype=complex)}, "real numbers"),
        ({"X": np.full((1, 12, 5), "1")}, "real numbers"),
    ],
)
def test_arrays_that_make_no_records(X, changes, message):
    options = {"X": X, "sampling_rate": 100} | changes
    with pytest.raises(ValueError, match=message):
        ECGRecords.from_array(options.pop("X"), **options)
