"""What files of each format hold, field by field and against other readers."""

import warnings

import ecg_files as write
import numpy as np
import pydicom
import pytest
from ecg_files import EIGHT, TWELVE
from ecgdatakit.parsing import FileParser
from pydicom.data import get_testdata_file
from test_read_ecg import edf, from_eight

from merit_sk import read_ecg
from merit_sk.datasets import make_ecg


@pytest.fixture(scope="module")
def signal():
    ecg = make_ecg(1, statements=["AFIB"], sampling_rate=500, random_state=1)
    return np.asarray(ecg.data[0], dtype=float)


@pytest.fixture
def read(tmp_path):
    """Read bytes as a file."""

    def read(data, **options):
        (tmp_path / "file").write_bytes(data)
        return read_ecg(tmp_path / "file", **options)

    return read


def other(path):
    """Signals by lead in mV, as ecgdatakit reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = FileParser.detect_format(path)["parser_class"]().parse(path)
    assert {lead.resolution_unit for lead in record.leads} == {"uV"}
    return record, {
        lead.label: (lead.samples * lead.resolution + lead.offset) / 1000 for lead in record.leads
    }


def assert_as_other_reader(path, ecg):
    record, leads = other(path)
    assert record.leads[0].sampling_rate == ecg.data.sampling_rate
    for name, values in leads.items():
        np.testing.assert_allclose(
            np.asarray(ecg.data.with_leads([name]))[0, 0], values, atol=1e-6, err_msg=name
        )
    return record


# GE MUSE XML


def test_muse_rhythm_and_derived_leads(read, signal, tmp_path):
    ecg = read(write.muse_bytes(signal, TWELVE))
    assert ecg.data.shape == (1, 12, 5000) and ecg.data.sampling_rate == 500
    samples = write.integers(signal, 4.88)[[TWELVE.index(name) for name in EIGHT]]
    np.testing.assert_allclose(ecg.data[0], from_eight(samples, EIGHT, 4.88e-3), atol=1e-6)
    record = assert_as_other_reader(tmp_path / "file", ecg)
    assert len(record.median_beats) == 8
    assert ecg.frame["heart_rate"].item() == record.measurements.heart_rate == 72
    assert ecg.frame["r_axis"].item() == record.measurements.qrs_axis == -12


@pytest.mark.parametrize(
    ("base", "exponent", "rate"), [(250, 0, 250), (5, 2, 500), (5000, -1, 500)]
)
def test_muse_rates(read, base, exponent, rate):
    leads = dict.fromkeys(EIGHT, np.arange(rate * 10))
    data = write.muse_document(write.muse_waveform("Rhythm", leads, base, exponent))
    ecg = read(data)
    assert ecg.data.sampling_rate == rate and ecg.data.shape[2] == rate * 10


def test_muse_waveforms_in_any_order_and_case(read):
    rhythm = write.muse_waveform("RHYTHM", dict.fromkeys(EIGHT, np.arange(5000)))
    median = write.muse_waveform("median", dict.fromkeys(EIGHT, np.arange(600)))
    for waveforms in ((rhythm, median), (median, rhythm), (rhythm,)):
        assert read(write.muse_document(*waveforms)).data.shape == (1, 12, 5000)
    with pytest.raises(ValueError, match="no rhythm strip, only median"):
        read(write.muse_document(median))
    with pytest.raises(ValueError, match="no rhythm strip, only no waveform"):
        read(write.muse_document())
    longer = write.muse_waveform("Rhythm", dict.fromkeys(EIGHT, np.arange(6000)))
    with pytest.warns(UserWarning, match="1 of 1 files hold several rhythm strips"):
        assert read(write.muse_document(rhythm, longer)).data.shape == (1, 12, 5000)


def test_muse_leads(read):
    fifteen = (*TWELVE, "V3R", "V4R", "V7")
    leads = {name: np.arange(500) * k for k, name in enumerate(fifteen)}
    ecg = read(write.muse_document(write.muse_waveform("Rhythm", leads)))
    assert ecg.data.lead_names == TWELVE
    stored = {name.upper(): values for name, values in leads.items()}
    ecg = read(write.muse_document(write.muse_waveform("Rhythm", stored)))
    np.testing.assert_allclose(ecg.data[0][3], leads["aVR"] * 4.88e-3, rtol=1e-6)
    extra = ecg.data.with_leads(["V4R", "III"])[0]
    np.testing.assert_allclose(extra[0], leads["V4R"] * 4.88e-3, rtol=1e-6)


@pytest.mark.parametrize(
    ("units", "per_bit", "millivolts"),
    [("MICROVOLTS", "4.88", 4.88e-3), ("MILLIVOLTS", "0.005", 5e-3), ("uV", "2,5", 2.5e-3)],
)
def test_muse_units(read, units, per_bit, millivolts):
    waveform = write.muse_waveform(
        "Rhythm", dict.fromkeys(EIGHT, np.arange(500)), units=units, per_bit=per_bit
    )
    ecg = read(write.muse_document(waveform))
    np.testing.assert_allclose(ecg.data[0][1], np.arange(500) * millivolts, rtol=1e-6)


def test_muse_encodings(read, signal):
    expected = read(write.muse_bytes(signal, TWELVE), with_identity=True)
    name = expected.frame["patient_name"].item()
    for encoding in ("UTF-8", "windows-1252", "UTF-16"):
        data = write.muse_bytes(signal, TWELVE, encoding=encoding)
        ecg = read(data, with_identity=True)
        assert ecg.frame["patient_name"].item() == name == "ERIKA MÜLLER"
        np.testing.assert_array_equal(ecg.data[0], expected.data[0])
    wrong = write.muse_bytes(signal, TWELVE).replace(b"ISO-8859-1", b"UTF-8")
    assert read(wrong, with_identity=True).frame["patient_name"].item() == name
    control = write.muse_bytes(signal, TWELVE).replace(b"MAC55", b"MAC\x0055\x02")
    assert read(control).frame["device"].item() == "MAC55"
    bare = write.muse_bytes(signal, TWELVE, doctype=False).partition(b"?>")[2].decode("latin-1")
    assert read(bare.encode("utf-8")).data.shape == (1, 12, 5000)
    marked = b"\xef\xbb\xbf<!-- <ECG> -->" + bare.strip().encode("utf-8")
    assert read(marked).data.shape == (1, 12, 5000)


def test_muse_statements(read, signal):
    lines = [
        ("Sinus rhythm",), ("with", ""), ("1st degree A-V block", "ENDSLINE"),
        ("Left axis  deviation", "ENDSLINE"), ("", "ENDSLINE"),
        ("Abnormal ECG.", "ENDSLINE", "USERINSERT"), ("***", "ENDSLINE"),
    ]  # fmt: skip
    diagnosis = write.muse_diagnosis("Diagnosis", lines)
    diagnosis += write.muse_diagnosis("OriginalDiagnosis", ["Normal ECG"])
    ecg = read(write.muse_bytes(signal, TWELVE, diagnosis=diagnosis))
    assert ecg.reports[0] == (
        "Sinus rhythm with 1st degree A-V block. Left axis deviation. Abnormal ECG."
    )
    assert ecg.frame["original_report"].item() == "Normal ECG."
    unflagged = write.muse_diagnosis("Diagnosis", [("One",), ("Two",)])
    assert read(write.muse_bytes(signal, TWELVE, diagnosis=unflagged)).reports[0] == "One. Two."
    original = write.muse_diagnosis("OriginalDiagnosis", ["Normal ECG"])
    assert read(write.muse_bytes(signal, TWELVE, diagnosis=original)).reports is None


def test_muse_gaps(read, signal):
    samples = write.integers(signal, 4.88)
    leads = {name: samples[TWELVE.index(name)].copy() for name in EIGHT}
    leads["V2"][100:103] = -32768
    ecg = read(write.muse_document(write.muse_waveform("Rhythm", leads)))
    with pytest.raises(ValueError, match="NaN"):
        ecg.data[0]
    with pytest.warns(UserWarning, match="3"):
        repaired = ecg.data.repaired()[0]
    assert np.isfinite(repaired).all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<LeadSampleCountTotal>500<", "<LeadSampleCountTotal>501<", "500 samples, announced are"),
        ("MICROVOLTS", "BANANAS", "'BANANAS' where a unit of voltage must be"),
        ("MICROVOLTS", "", "nothing where a unit of voltage must be"),
        (">4.88<", ">x<", "'x' where the LeadAmplitudeUnitsPerBit of lead I must be"),
        (">4.88<", ">0<", "LeadAmplitudeUnitsPerBit of lead I is 0"),
        (">4.88<", ">1e999<", "'1e999' where"),
        ("<SampleBase>500<", "<SampleBase>0<", "sampling rate is 0 Hz"),
        ("<SampleExponent>0<", "<SampleExponent>9<", "sampling rate is 5e"),
        ("<LeadSampleSize>2<", "<LeadSampleSize>4<", "samples of lead I have 4 bytes"),
        ("<LeadID>II<", "<LeadID>I<", "lead I more than once"),
        ("AAA", "A*A", "lead I is not valid base64"),
        ("<LeadOffsetFirstSample>0<", "<LeadOffsetFirstSample>9<", "begin at different samples"),
        ("</Waveform>", "</Waveforms>", "its XML is damaged: mismatched tag"),
    ],
)
def test_damaged_muse_files(read, old, new, message):
    leads = dict.fromkeys(EIGHT, np.zeros(500, dtype=int))
    data = write.muse_document(write.muse_waveform("Rhythm", leads))
    assert read(data).data.shape == (1, 12, 500)
    assert old.encode() in data
    with pytest.raises(ValueError, match=rf"record .*file \(GE MUSE XML\) .*{message}"):
        read(data.replace(old.encode(), new.encode(), 1))


# XML that means harm


def bomb(kind):
    document = write.muse_document(write.muse_waveform("Rhythm", dict.fromkeys(EIGHT, [1] * 500)))
    doctype = b'<!DOCTYPE RestingECG SYSTEM "restecg.dtd">'
    entities = {
        "laughs": b'<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">',
        "file": b'<!ENTITY a SYSTEM "file:///etc/hostname">',
        "parameter": b'<!ENTITY % a SYSTEM "http://127.0.0.1:9/x.dtd"> %a;',
        "quadratic": b'<!ENTITY a "' + b"x" * 5000 + b'">',
    }[kind]
    inside = b"<!DOCTYPE RestingECG [" + entities + b"]>"
    return document.replace(doctype, inside).replace(b"FEMALE", b"&a;" * 1000)


@pytest.mark.parametrize("kind", ["laughs", "file", "parameter", "quadratic"])
def test_entities_are_refused(read, kind):
    with pytest.raises(ValueError, match="declares entities, which are not accepted"):
        read(bomb(kind))


def test_absurd_xml_is_refused(read):
    for data in (
        b"<RestingECG>" + b"<a/>" * 400_000 + b"</RestingECG>",
        b"<RestingECG " + b" ".join(b'a%d="1"' % i for i in range(1_100_000)) + b"/>",
        b"<RestingECG>" + b"<a>" * 400_000,
    ):
        with pytest.raises(ValueError, match="more XML elements than"):
            read(data)
    with pytest.raises(ValueError, match="more than a recording in XML can have"):
        read(b"<RestingECG>" + b" " * (1 << 25) + b"</RestingECG>")
    with pytest.raises(ValueError, match="no rhythm strip"):
        read(b"<RestingECG>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</RestingECG>")


# Philips XML


@pytest.mark.parametrize("xli", [True, False])
def test_philips(read, signal, tmp_path, xli):
    ecg = read(write.philips_bytes(signal, xli=xli, statements=["SINUS RHYTHM", "NORMAL ECG"]))
    np.testing.assert_allclose(ecg.data[0], write.integers(signal, 5) * 5e-3, atol=1e-6)
    assert ecg.reports[0] == "SINUS RHYTHM. NORMAL ECG."
    record = assert_as_other_reader(tmp_path / "file", ecg)
    row = ecg.frame.iloc[0]
    assert (row["heart_rate"], row["qrs_duration"]) == (66, record.measurements.qrs_duration)
    assert "t_axis" not in row


def test_philips_noise_fills_the_code_table(read, tmp_path):
    noise = np.random.default_rng(0).integers(-3000, 3000, (12, 1500)) / 200
    ecg = read(write.philips_bytes(noise))
    np.testing.assert_allclose(ecg.data[0], write.integers(noise, 5) * 5e-3, atol=1e-6)
    assert_as_other_reader(tmp_path / "file", ecg)


def test_philips_offset_and_plain_numbers(read):
    data = write.philips_bytes(np.zeros((12, 500)), xli=False).decode()
    numbers = " ".join(str(1000 + i // 500) for i in range(6000))
    head, rest = data.split('channel="1000">')
    text = (
        f'{head}channel="1000">{numbers}</parsedwaveforms>'
        + rest.partition("</parsedwaveforms>")[2]
    )
    text = text.replace(
        'parsedwaveforms dataencoding="Base64"', 'parsedwaveforms dataencoding="Plain"'
    )
    text = text.replace("<signaloffset>0<", "<signaloffset>1000<")
    ecg = read(text.encode())
    np.testing.assert_allclose(ecg.data[0], np.arange(12)[:, None] * 5e-3 * np.ones(500), atol=1e-6)


def test_philips_bombs(read):
    data = write.philips_bytes(np.zeros((12, 20_000)))
    data = data.replace(b'durationperchannel="40000"', b'durationperchannel="1000"')
    with pytest.raises(ValueError, match="XLI data hold more samples than announced"):
        read(data)
    with pytest.raises(ValueError, match=r"announces 12 leads of 5\d+ samples"):
        read(data.replace(b'durationperchannel="1000"', b'durationperchannel="99999999999"'))
    short = write.philips_bytes(np.zeros((12, 500)))
    with pytest.raises(ValueError, match="a lead has 500 samples, announced are 5000"):
        read(short.replace(b'durationperchannel="1000"', b'durationperchannel="10000"'))
    with pytest.raises(ValueError, match="compression ZIP in Base64 is not supported"):
        read(short.replace(b'compression="XLI"', b'compression="ZIP"'))


# Mortara XML


def test_mortara(read, signal, tmp_path):
    ecg = read(write.mortara_bytes(signal, statements=["Sinus rhythm", "Normal ECG"]))
    np.testing.assert_allclose(ecg.data[0], write.integers(signal, 2.5) * 2.5e-3, atol=1e-6)
    record = assert_as_other_reader(tmp_path / "file", ecg)
    row = ecg.frame.iloc[0]
    assert ecg.reports[0] == "Sinus rhythm. Normal ECG." and row["sex"] == "female"
    assert row["heart_rate"] == record.measurements.heart_rate == 61
    assert (row["qt_interval"], row["r_axis"]) == (380, 15)


def test_damaged_mortara_files(read, signal):
    data = write.mortara_bytes(signal[:, :500])
    for old, new, message in (
        (b'DURATION="500"', b'DURATION="600"', "500 samples, announced are 600"),
        (b'BITS="16"', b'BITS="24"', "24 SIGNED BASE64, which is not supported"),
        (b'SAMPLE_FREQ="500"', b'SAMPLE_FREQ="no"', "'no' where SAMPLE_FREQ must be"),
        (b"<CHANNEL ", b"<CANAL ", None),
    ):
        if message is None:
            with pytest.raises(ValueError, match="no rhythm strip"):
                read(data.replace(old, new))
            continue
        at = data.index(b"<CHANNEL ")
        with pytest.raises(ValueError, match=message):
            read(data[:at] + data[at:].replace(old, new, 1))


# HL7 aECG


def aecg_leads(signal, scale=2.5):
    return dict(zip(TWELVE, write.integers(signal, scale), strict=True))


def test_aecg(read, signal, tmp_path):
    annotations = write.aecg_annotation("MDC_ECG_HEART_RATE", 58, "bpm")
    annotations += write.aecg_annotation("MDC_ECG_TIME_PD_QT", 0.402, "s")
    annotations += write.aecg_annotation("MDC_ECG_INTERPRETATION_STATEMENT", "Sinus bradycardia")
    annotations += write.aecg_annotation("MDC_ECG_INTERPRETATION_STATEMENT", "Normal ECG")
    series = write.aecg_series(write.aecg_set(aecg_leads(signal)), annotations=annotations)
    ecg = read(write.aecg_bytes(series))
    np.testing.assert_allclose(ecg.data[0], write.integers(signal, 2.5) * 2.5e-3, atol=1e-6)
    assert ecg.reports[0] == "Sinus bradycardia. Normal ECG."
    row = ecg.frame.iloc[0]
    assert (row["heart_rate"], row["qt_interval"], row["sex"]) == (58, 402, "male")
    assert_as_other_reader(tmp_path / "file", ecg)


def test_aecg_origin_scale_and_units(read):
    leads = {name: np.arange(500) + k for k, name in enumerate(TWELVE)}
    for unit, scale, origin in (("uV", 5, -200), ("mV", 0.005, -0.2), ("nV", 5000, -200_000)):
        data = write.aecg_set(leads, unit=unit, scale=scale, origin=origin, start=0.0, rate=250)
        ecg = read(write.aecg_bytes(write.aecg_series(data)))
        assert ecg.data.sampling_rate == 250
        np.testing.assert_allclose(ecg.data[0][2], (np.arange(500) + 2) * 5e-3 - 0.2, atol=1e-6)


def test_aecg_series_that_are_no_rhythm(read):
    beat = write.aecg_set(dict.fromkeys(TWELVE, np.full(600, 77)))
    rhythm = write.aecg_set({name: np.arange(5000) for name in TWELVE})
    derived = write.aecg_series(beat, code="REPRESENTATIVE_BEAT")
    inner = derived.replace("component><series", "derivation><derivedSeries", 1)
    inner = inner.replace("</series></component>", "</derivedSeries></derivation>")
    for series in (
        [derived, write.aecg_series(rhythm)],
        [write.aecg_series(rhythm), derived],
        [write.aecg_series(rhythm, derived=inner)],
    ):
        ecg = read(write.aecg_bytes(*series))
        assert ecg.data.shape == (1, 12, 5000) and ecg.data[0].max() > 10
    with pytest.raises(ValueError, match="no rhythm series"):
        read(write.aecg_bytes(derived))
    with pytest.warns(UserWarning, match="1 of 1 files hold several rhythm series"):
        read(write.aecg_bytes(write.aecg_series(rhythm), write.aecg_series(rhythm)))


def test_aecg_leads_one_after_the_other_leave_gaps(read):
    sets = [
        write.aecg_set(
            {name: np.full(1250, k) for name in TWELVE[3 * k : 3 * k + 3]},
            start=f"202005061011{12 + 5 * k // 2:02d}.{'500' if k % 2 else '000'}",
        )
        for k in range(4)
    ]
    ecg = read(write.aecg_bytes(write.aecg_series(*sets)))
    assert ecg.data.shape == (1, 12, 5000)
    with pytest.raises(ValueError, match="NaN"):
        ecg.data[0]
    signal = ecg.data.read_range(0, 0, 5000, on_invalid="keep")
    for k in range(4):
        there = np.isfinite(signal[3 * k : 3 * k + 3])
        assert there[:, 1250 * k : 1250 * (k + 1)].all() and there.sum() == 3 * 1250
    far = [
        write.aecg_set({"I": np.ones(500)}, start="20200506101112"),
        write.aecg_set({"II": np.ones(500)}, start="20210506101112"),
    ]
    with pytest.raises(ValueError, match="too far apart in time"):
        read(write.aecg_bytes(write.aecg_series(*far)))


def test_damaged_aecg_files(read):
    data = write.aecg_bytes(write.aecg_series(write.aecg_set(dict.fromkeys(TWELVE, [1] * 500))))
    for old, new, message in (
        (b"<digits>1 1", b"<digits>1 x", "something else than numbers"),
        (b'<increment value="0.002" unit="s"/>', b'<increment value="0.002"/>', "no unit"),
        (b"TIME_ABSOLUTE", b"PLACE", "no time axis"),
        (b'<scale value="2.5" unit="uV"/>', b"", "nothing where the scale of MDC_ECG_LEAD_I"),
        (b"20200506101112.000", b"20209906101112.000", "which is no time"),
    ):
        assert old in data
        with pytest.raises(ValueError, match=message):
            read(data.replace(old, new, 1))


# DICOM


def test_the_file_of_pydicom():
    path = get_testdata_file("waveform_ecg.dcm", download=False)
    ecg = read_ecg(path)
    assert ecg.data.lead_names == TWELVE and ecg.data.shape == (1, 12, 10_000)
    expected = pydicom.dcmread(path).waveform_array(0).T / 1000
    np.testing.assert_allclose(ecg.data[0], expected, atol=1e-6)
    assert ecg.reports[0] == "RITMO SINUSALE. ECG NORMALE."
    assert ecg.frame["pr_interval"].item() == 161
    assert "642341" not in ecg.frame.drop(columns="path").to_csv()


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1e-3), ("mV", 1.0)])
def test_dicom_scales(tmp_path, signal, unit, factor):
    samples = write.integers(signal, 2.5)
    group = write.dicom_group(samples, TWELVE, sensitivity=2.5, unit=unit)
    for k, channel in enumerate(group.ChannelDefinitionSequence):
        channel.ChannelSensitivityCorrectionFactor = 1 + k / 10
        channel.ChannelBaseline = 10 * k
    write.write_dicom(tmp_path / "a.dcm", group)
    expected = pydicom.dcmread(tmp_path / "a.dcm").waveform_array(0).T * factor
    np.testing.assert_allclose(read_ecg(tmp_path).data[0], expected, rtol=1e-6)


def test_dicom_groups(tmp_path, signal):
    samples = write.integers(signal, 2.5)
    median = write.dicom_group(samples[:, :600], TWELVE, WaveformOriginality="DERIVED")
    label = write.dicom_group(samples[:, :600], TWELVE, MultiplexGroupLabel="MEDIAN BEAT")
    parts = [
        write.dicom_group(
            samples[3 * k : 3 * k + 3, 1250 * k : 1250 * (k + 1)], TWELVE[3 * k : 3 * k + 3],
            MultiplexGroupTimeOffset=2500 * k,
        )
        for k in range(4)
    ]  # fmt: skip
    write.write_dicom(tmp_path / "a.dcm", median, *parts, label)
    records = read_ecg(tmp_path).data
    assert records.shape == (1, 12, 5000)
    found = records.read_range(0, 0, 5000, on_invalid="keep")
    there = np.isfinite(found)
    assert there.sum() == 12 * 1250
    np.testing.assert_allclose(found[there], (samples * 2.5e-3)[there], atol=1e-6)
    write.write_dicom(tmp_path / "a.dcm", median, label)
    with pytest.raises(ValueError, match="no rhythm strip"):
        read_ecg(tmp_path)


def test_dicom_padding_is_a_gap(tmp_path, signal):
    samples = write.integers(signal, 2.5)
    samples[2, 40:50] = -32000
    padding = np.int16(-32000).tobytes()
    group = write.dicom_group(samples, TWELVE)
    group.add_new("WaveformPaddingValue", "OW", padding)
    write.write_dicom(tmp_path / "a.dcm", group)
    found = read_ecg(tmp_path).data.read_range(0, 0, 100, on_invalid="keep")
    assert np.argwhere(np.isnan(found)).tolist() == [[2, t] for t in range(40, 50)]


def test_dicom_in_other_bytes(tmp_path):
    samples = np.arange(6000).reshape(12, 500) - 3000
    for kind, bits, dtype in (("SL", 32, "<i4"), ("US", 16, "<u2"), ("SB", 8, "i1")):
        values = samples if kind == "SL" else samples % 100
        group = write.dicom_group(values, TWELVE, WaveformSampleInterpretation=kind)
        group.WaveformBitsAllocated, group.WaveformData = bits, values.T.astype(dtype).tobytes()
        write.write_dicom(tmp_path / "a.dcm", group, uid="1.2.840.10008.5.1.4.1.1.9.1.2")
        np.testing.assert_allclose(read_ecg(tmp_path).data[0], values * 2.5e-3, atol=1e-5)


def test_dicom_that_is_refused(tmp_path):
    samples = np.ones((12, 500), dtype=int)
    path = tmp_path / "a.dcm"

    def refused(message, group, **options):
        write.write_dicom(path, group, **options)
        with pytest.raises(ValueError, match=rf"a\.dcm \(DICOM\) .*{message}"):
            read_ecg(tmp_path)

    def group(**fields):
        return write.dicom_group(samples, TWELVE, **fields)

    deflated = "1.2.840.10008.1.2.1.99"
    refused("Deflated.* is compressed or unknown", group(), syntax=deflated)
    refused("no DICOM ECG but Hemodynamic", group(), uid="1.2.840.10008.5.1.4.1.1.9.2.1")
    refused("samples are MB of 8 bits", group(
        WaveformSampleInterpretation="MB", WaveformBitsAllocated=8))  # fmt: skip
    refused("truncated, its waveform has", group(NumberOfWaveformSamples=501))
    refused("announces 12 leads of 4000000000", group(NumberOfWaveformSamples=4_000_000_000))
    refused("sampling rate is 0 Hz", group(SamplingFrequency=0))
    refused("lead I: it has 'bpm' where a unit", write.dicom_group(samples, TWELVE, unit="bpm"))
    bare = group()
    del bare.ChannelDefinitionSequence[0].ChannelSensitivity
    refused("lead I has no sensitivity", bare)
    write.write_dicom(path, group())
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"a\.dcm"):
        read_ecg(tmp_path)


# EDF, SCP-ECG, ISHNE


def test_edf_against_edfio(tmp_path, signal):
    import edfio

    for unit, factor in (("uV", 1e-3), ("mV", 1)):
        edf(tmp_path / "a", signal, [f"ECG {name}" for name in TWELVE], unit=unit)
        ecg = read_ecg(tmp_path / "a")
        assert ecg.data.lead_names == TWELVE and ecg.frame["format"].item() == "EDF"
        expected = [s.data * factor for s in edfio.read_edf(tmp_path / "a").signals]
        np.testing.assert_allclose(ecg.data[0], expected, atol=1e-6)
        np.testing.assert_array_equal(ecg.data.read_range(0, 7, 99), ecg.data[0][:, 7:99])
    frame = read_ecg(tmp_path / "a", with_identity=True).frame
    assert frame["patient_id"].item() == "4711" and frame["patient_name"].item() == "Jane Roe"
    assert frame["sex"].item() == "female"


def test_scp(read, signal, tmp_path):
    samples = write.integers(signal, 2.5)
    ecg = read(write.scp_bytes(samples), with_identity=True)
    assert ecg.frame["format"].item() == "SCP-ECG"
    np.testing.assert_allclose(ecg.data[0], samples * 2.5e-3, atol=1e-6)
    assert ecg.frame["patient_id"].item() == "4711" and ecg.frame["sex"].item() == "female"
    eight = samples[[TWELVE.index(name) for name in EIGHT]]
    ecg = read(write.scp_bytes(eight, EIGHT))
    np.testing.assert_allclose(ecg.data[0], from_eight(eight, EIGHT, 2.5e-3), atol=1e-6)
    data = write.scp_bytes(samples)
    with pytest.raises(ValueError, match=r"file \(SCP-ECG\) cannot be read"):
        read(data[: len(data) // 2])


def test_ishne(read, signal, tmp_path):
    samples = write.integers(signal[[0, 1, 7]], 2.5)
    samples[1, 70] = -32768
    data = write.ishne_bytes(samples, [5, 6, 12])
    ecg = read(data)
    assert ecg.frame["format"].item() == "ISHNE" and ecg.data.sampling_rate == 200
    records = ecg.data.with_leads(["I", "II", "V2"])
    part = records.read_range(0, 60, 80, on_invalid="keep")
    assert np.argwhere(np.isnan(part)).tolist() == [[1, 10]]
    records = records.repaired()
    with pytest.warns(UserWarning, match="1"):
        repaired = records[0]
    _, leads = other(tmp_path / "file")
    there = samples != -32768
    np.testing.assert_allclose(repaired[there], np.array(list(leads.values()))[there], atol=1e-6)
    assert "Roe" not in ecg.frame.to_csv() and ecg.frame["sex"].item() == "female"
    assert read(data, with_identity=True).frame["patient_name"].item() == "Jane Roe"
    for wrong in (data[:-1], data[:-4], data[:400]):
        with pytest.raises(ValueError, match=r"file \(ISHNE\) cannot be read"):
            read(wrong)
