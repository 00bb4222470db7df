import os

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merit_sk import ECGRecords
from merit_sk.datasets import read_wfdb
from merit_sk.signals import STANDARD_LEADS, canonical_lead_name


def assert_equal_to_wfdb(path):
    """wfdb's values in float32, without any call of wfdb."""
    expected = wfdb.rdrecord(str(path))
    units = np.array([{"mv": 1, "uv": 1e-3}[unit.lower()] for unit in expected.units])
    reference = (expected.p_signal * units).T.astype(np.float32)
    names = tuple(map(canonical_lead_name, expected.sig_name))
    with pytest.MonkeyPatch.context() as without:
        without.setattr(wfdb, "rdheader", None)
        without.setattr(wfdb, "rdrecord", None)
        found = read_wfdb([path])
        records = found.data
        signal = records.with_leads(names).read_range(0, 0, records.lengths[0], "keep")
        if np.isfinite(reference).all():
            np.testing.assert_array_equal(records.with_leads(names)[0], reference)
        else:
            with pytest.raises(ValueError, match="NaN"):
                records[0]
    np.testing.assert_array_equal(signal, reference)
    assert records.sampling_rate == expected.fs
    assert records.lead_names == (STANDARD_LEADS if set(STANDARD_LEADS) <= set(names) else names)
    comments = [comment.partition(":") for comment in expected.comments]
    said = {key.strip(): value.strip() for key, _, value in comments}
    assert found.frame.iloc[0].to_dict() == said


def read(path):
    return ECGRecords.from_wfdb([path])[0]


REAL = ["ptb-xl", "cpsc2018", "cpsc2018_extra", "georgia", "csn", "ptbxl_cinc2021"]


@pytest.mark.parametrize("name", REAL)
def test_real_records_equal_wfdb(data_dir, name):
    paths = sorted(str(path)[:-4] for path in (data_dir / name).rglob("*.hea"))
    assert paths
    for path in paths[:: max(1, len(paths) // 15)]:
        assert_equal_to_wfdb(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_every_real_record_equals_wfdb(data_dir, name):
    for path in sorted((data_dir / name).rglob("*.hea")):
        assert_equal_to_wfdb(str(path)[:-4])


gains = st.one_of(
    st.sampled_from([1000.0, 200.0, 204.8, 4.88, 0.1, 12345.6789]),
    st.floats(1e-3, 1e6).map(lambda gain: float(f"{gain:.6g}")),
)


@st.composite
def digital_records(draw):
    n_leads = draw(st.integers(1, 13))
    n_times = draw(st.integers(1, 60))
    return {
        "d_signal": np.random.default_rng(draw(st.integers(0, 2**20))).integers(
            -32768, 32768, (n_times, n_leads)
        ),
        "fs": draw(st.sampled_from([100, 250, 257.3, 360, 500, 1000, 0.5])),
        "adc_gain": draw(st.lists(gains, min_size=n_leads, max_size=n_leads)),
        "baseline": draw(st.lists(st.integers(-40000, 40000), min_size=n_leads, max_size=n_leads)),
        "units": [draw(st.sampled_from(["mV", "uV"]))] * n_leads,
        "sig_name": [f"lead{i}" for i in range(n_leads)],
        "comments": draw(st.lists(st.sampled_from(["Dx: 1,2", "Age: 5"]), max_size=2)),
    }


@given(digital_records())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_format_16_record_equals_wfdb(tmp_path, record):
    wfdb.wrsamp("r", fmt=["16"] * len(record["sig_name"]), write_dir=str(tmp_path), **record)
    assert_equal_to_wfdb(tmp_path / "r")


@pytest.mark.parametrize("fmt", ["80", "24", "32", "516"])
def test_other_formats_go_through_wfdb(tmp_path, fmt):
    signal = np.random.default_rng(0).integers(-100, 100, (50, 2)) / 100
    wfdb.wrsamp(
        "r",
        fs=100,
        units=["mV"] * 2,
        sig_name=["I", "II"],
        p_signal=signal,
        fmt=[fmt] * 2,
        adc_gain=[100.0] * 2,
        baseline=[0] * 2,
        write_dir=str(tmp_path),
    )
    records = ECGRecords.from_wfdb(["r"], root=tmp_path)
    np.testing.assert_allclose(records[0], signal.T, atol=1e-6)


def test_records_of_several_segments_go_through_wfdb(tmp_path):
    signal = np.random.default_rng(0).integers(-100, 100, (80, 2)) / 100
    for k in range(2):
        wfdb.wrsamp(
            f"s{k}",
            fs=100,
            units=["mV"] * 2,
            sig_name=["I", "II"],
            p_signal=signal[40 * k : 40 * k + 40],
            fmt=["16"] * 2,
            adc_gain=[100.0] * 2,
            baseline=[0] * 2,
            write_dir=str(tmp_path),
        )
    (tmp_path / "m.hea").write_text("m/2 2 100 80\ns0 40\ns1 40\n")
    records = ECGRecords.from_wfdb(["m"], root=tmp_path)
    np.testing.assert_allclose(records[0], signal.T, atol=1e-6)


GOOD = "r 2 100 5\nr.dat 16 100/mV 16 0 0 0 0 I\nr.dat 16 100/mV 16 0 0 0 0 II\n"


def write(folder, header=GOOD, n_bytes=20):
    (folder / "r.hea").write_text(header, encoding="utf-8")
    (folder / "r.dat").write_bytes(bytes(range(n_bytes)))
    return folder / "r"


def test_micro_sign_in_a_unit(tmp_path):
    mv = read(write(tmp_path))
    path = write(tmp_path, GOOD.replace("mV", "µV"))
    np.testing.assert_allclose(read(path), mv / 1000, rtol=1e-6)


@pytest.mark.parametrize("line_end", ["\r\n", "\n\n", " \n"])
def test_line_ends_do_not_matter(tmp_path, line_end):
    expected = read(write(tmp_path))
    again = read(write(tmp_path, GOOD.replace("\n", line_end)))
    np.testing.assert_array_equal(again, expected)


def test_invalid_samples_are_nan(tmp_path):
    samples = np.arange(-8, 8).reshape(8, 2)
    samples[3, 1] = -32768
    wfdb.wrsamp("r", fs=100, units=["mV"] * 2, sig_name=["I", "II"], d_signal=samples,
                fmt=["16"] * 2, adc_gain=[100.0] * 2, baseline=[0] * 2,
                write_dir=str(tmp_path))  # fmt: skip
    assert_equal_to_wfdb(tmp_path / "r")
    signal = ECGRecords.from_wfdb([tmp_path / "r"]).read_range(0, 0, 8, "keep")
    assert np.argwhere(np.isnan(signal)).tolist() == [[1, 3]]


def test_gain_and_baseline_may_be_left_out(tmp_path):
    header = "r 2 100 5\nr.dat 16 0 16 7 0 0 0 I\nr.dat 16 0 16 7 0 0 0 II\n"
    assert_equal_to_wfdb(write(tmp_path, header))
    samples = np.frombuffer(bytes(range(20)), "<i2").reshape(5, 2).T
    np.testing.assert_allclose(read(tmp_path / "r"), (samples - 7) / 200)


def test_the_length_may_be_left_out(tmp_path):
    expected = read(write(tmp_path))
    path = write(tmp_path, GOOD.replace("100 5\n", "100\n"))
    np.testing.assert_allclose(read(path), expected)


@pytest.mark.parametrize(
    ("header", "n_bytes", "message"),
    [
        ("", 20, "empty"),
        ("\x00\x01\x02garbage", 20, "cannot parse"),
        (GOOD, 19, "truncated"),
        (GOOD, 0, "truncated"),
        (GOOD.replace("r.dat", "../r.dat"), 20, "outside its folder"),
        (GOOD.replace("r.dat", "/etc/passwd"), 20, "outside its folder"),
        (GOOD.replace("r.dat", "..\\r.dat"), 20, "outside its folder"),
        ("m/1 2 100 5\n../s 5\n", 20, "outside its folder"),
        (GOOD.replace(" 5\n", " 99999999999\n"), 20, "more samples than can be"),
        (GOOD.replace("r 2", "r 3"), 20, "cannot|describes"),
        (GOOD.replace("mV", "mmHg"), 20, "not a unit of voltage"),
    ],
)
def test_faulty_records_are_errors_that_name_the_record(tmp_path, header, n_bytes, message):
    path = write(tmp_path, header, n_bytes)
    with pytest.raises(ValueError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_missing_files_are_errors_that_name_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no header file .*r\.hea"):
        read(tmp_path / "r")
    path = write(tmp_path)
    os.remove(f"{path}.dat")
    with pytest.raises(FileNotFoundError, match=r"no signal file .*r\.dat"):
        read(path)


def edf_bytes(signals, rates, *, seconds=1, n_blocks=3, reserved=""):
    """An EDF file; `signals` are int16 arrays of n_blocks * seconds * rate samples."""
    n = len(signals)
    fixed = ["0", "", "", "01.01.85", "00.00.00", 256 * (n + 1), reserved, n_blocks, seconds, n]
    text = "".join(
        f"{field:<{width}}"
        for field, width in zip(fixed, (8, 80, 80, 8, 8, 8, 44, 8, 8, 4), strict=True)
    )
    per_signal = [
        ([f"ECG {name}" for name in ("I", "II", "Slow")][:n], 16),
        ([""] * n, 80),
        (["uV"] * n, 8),
        ([-3276.8] * n, 8),
        ([3276.7] * n, 8),
        ([-32768] * n, 8),
        ([32767] * n, 8),
        ([""] * n, 80),
        ([int(rate * seconds) for rate in rates], 8),
        ([""] * n, 32),
    ]
    text += "".join(f"{value:<{width}}" for values, width in per_signal for value in values)
    data = b""
    for block in range(n_blocks):
        for signal, rate in zip(signals, rates, strict=True):
            size = int(rate * seconds)
            data += signal[block * size : (block + 1) * size].astype("<i2").tobytes()
    return text.encode("ascii") + data


def test_edf_files_are_read(tmp_path):
    rng = np.random.default_rng(0)
    rates = (250, 250, 10)
    signals = [rng.integers(-30000, 30000, 3 * rate) for rate in rates]
    (tmp_path / "a.edf").write_bytes(edf_bytes(signals, rates))
    records = ECGRecords.from_wfdb(["a.edf"], root=tmp_path)
    assert records.lead_names == ("I", "II")
    assert records.sampling_rate == 250
    np.testing.assert_allclose(records[0], np.array(signals[:2]) * 0.1e-3, atol=1e-5)
    assert records[0].shape == (2, 750)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "absurd|number|not an EDF"),
        (b"0" * 300, "truncated|number|not an EDF"),
        (edf_bytes([np.zeros(30)], (10,))[:-1], "truncated"),
        (edf_bytes([np.zeros(30)], (10,), reserved="EDF+D"), "gaps"),
    ],
)
def test_faulty_edf_files_are_errors(tmp_path, content, message):
    (tmp_path / "a.edf").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        ECGRecords.from_wfdb(["a.edf"], root=tmp_path)
