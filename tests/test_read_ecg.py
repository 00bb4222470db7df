"""`read_ecg`: any files, by what they hold."""

import os
import warnings

import ecg_files as write
import numpy as np
import pandas as pd
import pytest
import wfdb
from ecg_files import EIGHT, TWELVE

from merit_sk import ECGRecords, read_ecg
from merit_sk.datasets import make_ecg


@pytest.fixture(scope="module")
def ecg():
    """One recording of 10 s at 500 Hz whose limb leads add up."""
    return make_ecg(1, statements=["NORM"], sampling_rate=500, random_state=0)


@pytest.fixture(scope="module")
def signal(ecg):
    return np.asarray(ecg.data[0], dtype=float)


def from_eight(samples, names, scale):
    """The 12 leads in mV from integers of eight, after Einthoven and Goldberger."""
    lead = dict(zip(names, np.asarray(samples) * scale, strict=True))
    one, two = lead["I"], lead["II"]
    lead |= {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    return np.array([lead[name] for name in TWELVE])


def edf(path, signal, names, unit="uV", rate=500):
    import edfio

    factor = {"uV": 1000, "mV": 1}[unit]
    bound = 5000 if unit == "uV" else 5
    edfio.Edf(
        [
            edfio.EdfSignal(
                lead * factor, sampling_frequency=rate, label=name, physical_dimension=unit,
                physical_range=(-bound, bound),
            )
            for name, lead in zip(names, signal, strict=True)
        ],
        patient=edfio.Patient(code="4711", sex="F", name="Jane_Roe"),
    ).write(path)  # fmt: skip


def wfdb_record(folder, name, signal, names=TWELVE, units="mV"):
    wfdb.wrsamp(
        name, fs=500, units=[units] * len(names), sig_name=list(names), p_signal=signal.T,
        fmt=["16"] * len(names), adc_gain=[1000.0] * len(names), baseline=[0] * len(names),
        write_dir=str(folder), comments=["Age: 61", "Sex: Male", "Patient name: Roe, Jane"],
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path, signal):
    """One recording in every format that is written here."""
    folder = tmp_path / "exports"
    (folder / "deep").mkdir(parents=True)
    wfdb_record(folder, "a", signal)
    edf(folder / "b.rec", signal, TWELVE)
    diagnosis = write.muse_diagnosis("Diagnosis", ["Normal sinus rhythm", "Normal ECG"])
    (folder / "c.xml").write_bytes(write.muse_bytes(signal, TWELVE, diagnosis=diagnosis))
    (folder / "deep" / "d").write_bytes(write.philips_bytes(signal, statements=["SINUS RHYTHM"]))
    (folder / "e.txt").write_bytes(write.mortara_bytes(signal, statements=["Sinus rhythm"]))
    leads = dict(zip(TWELVE, write.integers(signal, 2.5), strict=True))
    (folder / "f.xml").write_bytes(write.aecg_bytes(write.aecg_series(write.aecg_set(leads))))
    group = write.dicom_group(write.integers(signal, 2.5), TWELVE)
    write.write_dicom(folder / "g.xml", group, statements=["Sinus rhythm", "Normal ECG"])
    (folder / "readme.md").write_text("Exports of Monday")
    (folder / "notes.csv").write_text("a,b\n")
    return folder


FORMATS = ["WFDB", "EDF", "GE MUSE XML", "Mortara XML", "HL7 aECG", "DICOM", "Philips XML"]


def test_a_mixture_is_read_by_content(folder, signal):
    ecg = read_ecg(folder)
    assert ecg.frame["format"].to_dict() == dict(
        zip(["a", "b", "c", "e", "f", "g", "d"], FORMATS, strict=True)
    )
    assert ecg.data.shape == (7, 12, 5000) and ecg.data.lead_names == TWELVE
    assert np.abs(np.asarray(ecg.data) - signal).max() < 0.01
    reports = dict(zip(ecg.data.record_names, ecg.reports, strict=True))
    assert reports == {
        "a": None, "b": None, "c": "Normal sinus rhythm. Normal ECG.", "d": "SINUS RHYTHM.",
        "e": "Sinus rhythm.", "f": None, "g": "Sinus rhythm. Normal ECG.",
    }  # fmt: skip
    assert ecg.target is None and ecg.folds is None and ecg.target_names == []


def test_files_patterns_and_lists(folder):
    whole = read_ecg(folder)
    names = ["c.xml", "a", "a.hea", "a.dat", "deep/d"]
    ecg = read_ecg([folder / name for name in names])
    assert list(ecg.data.record_names) == ["c", "a", "a", "a", "d"]
    np.testing.assert_array_equal(ecg.data[0], whole.data[2])
    assert list(read_ecg(str(folder / "*.xml")).data.record_names) == ["c", "f", "g"]
    assert len(read_ecg(str(folder / "**/*")).data) == 7
    assert len(read_ecg(str(folder / "**"), n_jobs=2).data) == 7
    assert len(read_ecg([folder, folder / "a", folder / "*.xml"]).data) == 11
    one = read_ecg(folder / "deep" / "d").data
    assert one.shape == (1, 12, 5000)


def test_paths_that_name_nothing(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no recording in .*empty"):
        read_ecg(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="no recording matches"):
        read_ecg(str(folder / "*.nothing"))
    with pytest.raises(FileNotFoundError, match=r"missing\.xml"):
        read_ecg(folder / "missing.xml")
    with pytest.raises(FileNotFoundError, match="the list is empty"):
        read_ecg([])
    with pytest.raises(ValueError, match=r"readme\.md is in none of the formats"):
        read_ecg([folder / "readme.md"])


def test_records_behave_as_others_do(folder, tmp_path):
    records = read_ecg(folder).data
    part = records[[5, 2]].with_leads(["V1", "aVF"]).with_duration(2)
    assert part.shape == (2, 2, 1000)
    np.testing.assert_array_equal(part[1], records[2][[6, 5], :1000])
    np.testing.assert_array_equal(records.read_range(4, 100, 200), records[4][:, 100:200])
    assert records.resampled(100).shape == (7, 12, 1000)
    cached = records.cache(tmp_path / "cache")
    assert np.abs(np.asarray(cached) - np.asarray(records)).max() < 0.001
    assert records.cache(tmp_path / "cache").shape == records.shape
    assert records.check().empty


def test_a_file_that_changes_is_noticed(folder, signal):
    records = read_ecg(folder).data
    (folder / "c.xml").write_bytes(write.muse_bytes(signal[:, :4000], TWELVE))
    with pytest.raises(ValueError, match=r"c\.xml: 4000 samples at 500 Hz, expected 5000"):
        records[2]
    other = read_ecg(folder).data
    assert records[:2]._fingerprint() == other[:2]._fingerprint()


def test_nothing_tells_who_it_is(folder):
    frame = read_ecg(folder).frame
    text = frame.drop(columns="path").to_csv()
    for word in ("4711", "Roe", "Jane", "MÜLLER", "ERIKA", "1950", "1957", "1965", "2020"):
        assert word not in text
    assert frame.loc["a", "age"] == 61 and frame.loc["a", "sex"] == "male"
    assert list(frame.loc[["c", "d", "e", "g"], "age"]) == [63, 70, 55, 70]
    assert set(frame["sex"].dropna()) == {"male", "female"}


def test_identity_on_request(folder):
    frame = read_ecg(folder, with_identity=True).frame
    number = frame["patient_id"].fillna("")
    assert number.to_dict() == {name: "" if name == "a" else "4711" for name in frame.index}
    assert frame.loc["c", "patient_name"] == "ERIKA MÜLLER"
    assert frame.loc["d", "patient_name"] == "Jane Roe"
    assert frame.loc["g", "patient_name"].split() == ["Roe", "Jane"]
    assert frame.loc["a", "Patient name"] == "Roe, Jane"
    assert frame.loc["c", "birth_date"] == "03-04-1957"


def test_groups_are_patients(folder):
    groups = read_ecg(folder).groups
    assert groups[0] not in groups[1:] and len(set(groups[1:])) == 1


def test_placeholders_are_no_patient(tmp_path, signal):
    for i, patient in enumerate(["", "0000", "Anonymous", "17", "17"]):
        data = write.muse_bytes(signal, TWELVE, patient=patient)
        (tmp_path / f"{i}.xml").write_bytes(data)
    groups = read_ecg(tmp_path).groups.tolist()
    assert len(set(groups[:3])) == 3 and groups[3] == groups[4] not in groups[:3]


def test_reports_and_labels_of_the_user(folder, tmp_path):
    names = list("abcdefg")
    table = pd.DataFrame({"report": list("ABCDEFG"), "other": 0}, index=names)
    table.index.name = "record"
    assert list(read_ecg(folder, reports=table).reports) == list("ABCDEFG")
    renamed = table.rename({"c": "c.xml", "f": "somewhere/f.xml"})
    renamed[::-1].to_csv(tmp_path / "reports.csv")
    assert list(read_ecg(folder, reports=tmp_path / "reports.csv").reports) == list("ABCDEFG")
    assert list(read_ecg(folder, reports={"c": "text"}).reports) == [
        None,
        None,
        "text",
        *4 * [None],
    ]
    paths = [folder / "c.xml", folder / "a"]
    assert list(read_ecg(paths, reports=["x", None]).reports) == ["x", None]
    with pytest.raises(ValueError, match="one entry for each of the 2 records, got 3"):
        read_ecg(paths, reports=["x", "y", "z"])
    with pytest.raises(ValueError, match=r"no row with the name of a record.*'a'.*'nobody'"):
        read_ecg(folder, reports={"nobody": "text"})
    ecg = read_ecg(folder, labels=pd.DataFrame({"AF": [1, 0] * 3 + [1], "MI": 0}, index=names))
    assert ecg.target_names == ["AF", "MI"]
    assert ecg.target.tolist() == [[1, 0], [0, 0], [1, 0], [0, 0], [1, 0], [0, 0], [1, 0]]
    ecg = read_ecg(paths, labels=[["AF", "MI"], []])
    assert ecg.target.tolist() == [[1, 1], [0, 0]] and ecg.target_names == ["AF", "MI"]
    ecg = read_ecg(paths, labels={"a": "MI", "c": "AF"})
    assert ecg.target.tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="nothing about 6 of 7 records, the first is a"):
        read_ecg(folder, labels={"c": "AF"})
    with pytest.raises(ValueError, match="0 or 1 in every column, but are not in MI"):
        read_ecg(paths, labels=pd.DataFrame({"AF": [0, 1], "MI": [0, 2]}, index=["a", "c"]))


def test_names_that_occur_twice_are_no_names(tmp_path, signal):
    (tmp_path / "deep").mkdir()
    for where in (tmp_path, tmp_path / "deep"):
        (where / "c.xml").write_bytes(write.muse_bytes(signal, TWELVE))
    assert len(read_ecg(tmp_path, reports=["x", "y"]).data) == 2
    with pytest.raises(ValueError, match="c more than once"):
        read_ecg(tmp_path, reports={"c": "x"})


def test_damaged_files_are_named(folder):
    data = (folder / "c.xml").read_bytes()
    (folder / "c.xml").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"c\.xml \(GE MUSE XML\) cannot be read: its XML is dam"):
        read_ecg(folder)
    (folder / "h.dcm").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"2 of 8 records cannot be read.*the first because.*c\.xml"
                      ) as caught:  # fmt: skip
        ecg = read_ecg(folder, errors="skip", reports=None)
    assert len(caught) == 1 and len(ecg.data) == 6
    assert list(ecg.skipped["record"]) == ["c.xml", "h.dcm"]
    with pytest.raises(ValueError, match="errors must be"):
        read_ecg(folder, errors="ignore")


def test_faults_of_a_list_leave_reports_with_their_records(folder):
    (folder / "c.xml").write_bytes(b"<RestingECG>")
    paths = [folder / "a", folder / "c.xml", folder / "deep" / "d"]
    with pytest.warns(UserWarning, match="1 of 3 records"):
        ecg = read_ecg(paths, errors="skip", reports=["A", "C", "D"], labels=["x", "y", "z"])
    assert list(ecg.reports) == ["A", "D"] and ecg.target_names == ["x", "z"]


def test_a_file_that_claims_to_be_an_ecg_must_be_one(folder):
    (folder / "pom.xml").write_text("<project/>")
    with pytest.raises(ValueError, match=r"pom\.xml is in none of the formats"):
        read_ecg(folder)


def test_links_do_not_lead_outside(folder, tmp_path, signal):
    (tmp_path / "secret.xml").write_bytes(write.muse_bytes(signal, TWELVE))
    os.symlink(tmp_path / "secret.xml", folder / "link.xml")
    with pytest.raises(ValueError, match=r"link\.xml is a link to a file outside the folder"):
        read_ecg(folder)
    assert len(read_ecg([folder / "link.xml"]).data) == 1
    (folder / "link.xml").unlink()
    os.symlink(folder / "c.xml", folder / "inside.xml")
    assert len(read_ecg(folder).data) == 8
    os.rename(folder / "a.dat", tmp_path / "a.dat")
    os.symlink(tmp_path / "a.dat", folder / "a.dat")
    with pytest.raises(ValueError, match="a is a link to a file outside the folder"):
        read_ecg(folder)


def test_a_few_leads_do_not_pass_in_silence(folder, signal):
    group = write.dicom_group(write.integers(signal[[0, 7]], 2.5), ["I", "V2"])
    write.write_dicom(folder / "h.dcm", group)
    with pytest.warns(UserWarning, match="1 of 8 records, the first is h, lack some of the 12"):
        ecg = read_ecg(folder)
    assert ecg.data.lead_names == ("I", "V2")


def test_names_in_lower_case(tmp_path, signal):
    for i in range(200):
        wfdb_record(tmp_path, f"{i:03d}", signal[:, i : i + 500], [n.lower() for n in TWELVE])
    ecg = read_ecg(tmp_path)
    assert ecg.data.shape == (200, 12, 500) and ecg.data.lead_names == TWELVE
    np.testing.assert_allclose(ecg.data[7], signal[:, 7:507], atol=6e-4)


def test_without_the_package_of_a_format(folder, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pydicom", None)
    for errors in ("raise", "skip"):
        with pytest.raises(ImportError, match=r"DICOM is read with pydicom.*merit_sk\[formats\]"):
            read_ecg(folder, errors=errors)


def test_real_recordings(data_dir, tmp_path):
    """Real signals come back from every format as its resolution has them."""
    paths = sorted((data_dir / "ptb-xl" / "records500").rglob("*.hea"))[:3]
    real = ECGRecords.from_wfdb([str(path)[:-4] for path in paths])
    for i, x in enumerate(np.asarray(real, dtype=float)):
        (tmp_path / f"{i}-ge.xml").write_bytes(write.muse_bytes(x, TWELVE, per_bit=1))
        (tmp_path / f"{i}-philips.xml").write_bytes(write.philips_bytes(x, resolution=1))
        (tmp_path / f"{i}-mortara.xml").write_bytes(write.mortara_bytes(x, per_millivolt=1000))
        samples = write.integers(x, 1)
        leads = dict(zip(TWELVE, samples, strict=True))
        series = write.aecg_series(write.aecg_set(leads, scale=1))
        (tmp_path / f"{i}-aecg.xml").write_bytes(write.aecg_bytes(series))
        group = write.dicom_group(samples, TWELVE, sensitivity=1)
        write.write_dicom(tmp_path / f"{i}-dicom", group)
    ecg = read_ecg(tmp_path)
    assert ecg.data.shape == (15, 12, 5000)
    kinds = [name.split("-")[1] for name in ecg.data.record_names]
    for name, kind, x in zip(ecg.data.record_names, kinds, ecg.data, strict=True):
        expected = real[int(name[0])]
        if kind == "ge":
            samples = write.integers(expected, 1)[[TWELVE.index(n) for n in EIGHT]]
            expected = from_eight(samples, EIGHT, 1e-3)
        np.testing.assert_allclose(x, expected, atol=1e-6, err_msg=name)


def test_good_files_are_read_without_a_warning(folder):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        np.asarray(read_ecg(folder).data)
    assert [str(w.message) for w in caught] == []


def test_notebooks_show_what_there_is(folder, signal):
    flat = signal[:, :2500].copy()
    flat[8] = 0.25
    data = write.muse_bytes(flat[:, ::2], TWELVE)
    (folder / "h<b>.xml").write_bytes(data.replace(b"Base>500<", b"Base>250<"))
    ecg = read_ecg(folder)
    html = ecg.data._repr_html_()
    for text in (
        "<svg", "<td", ">8<", "5 to 10 s", "500 Hz, resampled from 1 at 250 Hz, 7 at 500 Hz", "mV",
        "V6", "4, missing 4", "V3 in 1 (first 5 s of 8 records looked at)",
    ):  # fmt: skip
        assert text in html, text
    (folder / "c.xml").write_bytes(b"broken")
    assert "1 cannot be read" in ecg.data._repr_html_()
    assert "<b>" not in ecg.data.with_leads(["II"])._repr_html_()
    assert "svg" not in ecg.data[:0]._repr_html_()
    named = ECGRecords.from_array(np.zeros((1, 1, 9)), sampling_rate=3, lead_names=["<b>"])
    assert "<b>" not in named._repr_html_() and "&lt;b&gt; in 1" in named._repr_html_()
