import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from merit_sk.datasets import load_cpsc2018, load_csn, load_georgia

HEADER = "{name} 12 500 100\n" + "".join(
    f"{{name}}.mat 16+24 1000/mV 16 0 0 0 0 {lead}\n"
    for lead in "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6".split()
)


def write_record(folder, name, dx):
    folder.mkdir(parents=True, exist_ok=True)
    signal = np.arange(1200).reshape(12, 100).astype(np.int16)
    savemat(folder / f"{name}.mat", {"val": signal}, format="4")
    header = HEADER.format(name=name) + f"#Age: 60\n#Sex: Male\n#Dx: {dx}\n"
    (folder / f"{name}.hea").write_text(header)


def labels(ecg):
    return [
        {name for name, on in zip(ecg.target_names, row, strict=True) if on} for row in ecg.target
    ]


CONDITIONS = """Acronym Name,Full Name,Snomed_CT
1AVB,1 degree atrioventricular block,270492004
AFIB,Atrial Fibrillation,164889003
AF,Atrial Flutter,164890007
STTC,ST-T Change,428750005
ST,Sinus Tachycardia,427084000
SB,Sinus Bradycardia,426177001
LVQRSAL,lower voltage QRS in all lead,251146004
APB,atrial premature beats,284470004
IDC,Interior differences conduction,698252002
IVB,Intraventricular block,698252002
"""


@pytest.fixture
def csn(tmp_path):
    (tmp_path / "ConditionNames_SNOMED-CT.csv").write_text(CONDITIONS, encoding="utf-8-sig")
    folder = tmp_path / "WFDBRecords" / "01" / "010"
    for name, dx in {
        "JS00001": "426177001,270492004,428750005",
        "JS00002": "164889003,698252002",
        "JS00003": "426177001,284470004,251146004",
        "JS00004": "426177001",
        "JS00005": "427084000,999",
    }.items():
        write_record(folder, name, dx)
    return tmp_path


def test_csn_labels_are_those_of_the_codes(csn):
    ecg = load_csn(csn)
    assert len(ecg.target_names) == 38
    assert labels(ecg) == [{"1AVB", "STTC"}, {"AFIB"}, {"APB"}, set(), {"ST"}]
    assert list(ecg.groups) == [f"JS0000{i}" for i in range(1, 6)]
    assert ecg.data.shape == (5, 12, 100)


def test_csn_labels_as_published_with_merl(csn):
    ecg = load_csn(csn, labels="merl")
    assert list(ecg.frame.index) == ["JS00001", "JS00002", "JS00003"]
    assert labels(ecg) == [{"1AVB", "AVB", "VB", "STTC", "ST"}, {"AFIB", "AF"}, {"APB", "SA"}]


def test_csn_needs_its_table(tmp_path):
    with pytest.raises(FileNotFoundError, match="ConditionNames"):
        load_csn(tmp_path)


def test_real_csn(data_dir):
    ecg = load_csn(data_dir / "csn")
    assert ecg.data.shape == (len(ecg.frame), 12, 5000)
    assert np.isfinite(np.asarray(ecg.data)).all()
    assert ecg.target[:, ecg.target_names.index("SR")].sum() == 7
    published = load_csn(data_dir / "csn", labels="merl")
    assert set(published.frame.index) < set(ecg.frame.index)


def test_cpsc2018_in_wfdb_format(data_dir):
    ecg = load_cpsc2018(data_dir / "cpsc2018")
    reference = pd.read_csv(data_dir / "cpsc2018" / "REFERENCE.csv", index_col="Recording")
    number = {2: "AFIB", 5: "CRBBB", 7: "VPC"}
    expected = [{number[reference["First_label"][name]]} for name in ecg.frame.index]
    assert labels(ecg) == expected
    assert ecg.target_names == sorted(ecg.target_names)
    assert np.asarray(ecg.data.with_duration(10)).shape == (len(ecg.frame), 12, 5000)


def test_cpsc2018_as_originally_published(data_dir, tmp_path):
    ecg = load_cpsc2018(data_dir / "cpsc2018" / "original_mat")
    assert ecg.target.shape == (5, 9)
    assert labels(ecg)[:2] == [{"PAC"}, {"1AVB"}]
    assert ecg.data[0].shape == (12, ecg.data.lengths[0])
    np.testing.assert_allclose(ecg.data[0][2], ecg.data[0][1] - ecg.data[0][0], atol=0.01)
    short = ecg.data.with_duration(5).resampled(100)
    cached = short.cache(tmp_path / "ecg")
    np.testing.assert_allclose(np.asarray(cached), np.asarray(short), atol=1e-3)


@pytest.mark.parametrize("compressed", [True, False])
def test_matlab_files_are_read_as_scipy_does(data_dir, tmp_path, compressed):
    from scipy.io import loadmat

    originals = sorted((data_dir / "cpsc2018" / "original_mat").glob("*.mat"))
    expected = [loadmat(path)["ECG"][0, 0] for path in originals]
    for path, fields in zip(originals, expected, strict=True):
        ecg = {name: fields[name] for name in fields.dtype.names}
        savemat(tmp_path / path.name, {"x": [1, 2], "ECG": ecg}, do_compression=compressed)
    shutil.copy(data_dir / "cpsc2018" / "REFERENCE.csv", tmp_path)
    for folder in (originals[0].parent, tmp_path):
        found = load_cpsc2018(folder)
        assert list(found.frame.index) == [path.stem for path in originals]
        for signal, row, fields in zip(found.data, found.frame.itertuples(), expected, strict=True):
            np.testing.assert_array_equal(signal, fields["data"].astype(np.float32))
            assert (row.Sex, row.Age) == (fields["sex"].item(), fields["age"].item())


def test_cpsc2018_faulty_originals_are_named_or_left_out(data_dir, tmp_path):
    shutil.copytree(data_dir / "cpsc2018" / "original_mat", tmp_path / "mat")
    shutil.copy(data_dir / "cpsc2018" / "REFERENCE.csv", tmp_path)
    (tmp_path / "mat" / "A1982.mat").write_bytes(b"not a mat file")
    with pytest.raises(ValueError, match=r"A1982\.mat cannot be read"):
        load_cpsc2018(tmp_path / "mat")
    with pytest.warns(UserWarning, match="1 of 5 records"):
        ecg = load_cpsc2018(tmp_path / "mat", errors="skip")
    assert list(ecg.skipped["record"]) == ["A1982"]
    assert len(ecg.data) == len(ecg.target) == 4


def test_cpsc2018_needs_records(tmp_path):
    with pytest.raises(FileNotFoundError, match="neither WFDB headers nor"):
        load_cpsc2018(tmp_path)


@pytest.mark.parametrize("name", ["georgia", "cpsc2018_extra", "ptbxl_cinc2021"])
def test_sets_of_the_challenges(data_dir, name):
    ecg = load_georgia(data_dir / name)
    assert ecg.target.shape == (len(ecg.data), 24)
    assert ecg.target_names == sorted(ecg.target_names)
    for signal, length in zip(ecg.data, ecg.data.lengths, strict=True):
        assert signal.shape == (12, length)
        assert np.abs(signal).max() < 40


def test_codes_scored_as_the_same_are_one_class(tmp_path):
    write_record(tmp_path, "E1", "713427006,427172004")
    write_record(tmp_path, "E2", "59118001,17338001,1")
    assert labels(load_georgia(tmp_path)) == [{"RBBB", "PVC"}] * 2


def test_faulty_records_are_left_out_and_listed(tmp_path):
    for name in ("E1", "E2", "E3", "E4"):
        write_record(tmp_path, name, "164889003")
    (tmp_path / "E1.hea").write_text("nonsense")
    (tmp_path / "E2.mat").write_bytes(b"")
    (tmp_path / "E3.hea").write_text(
        (tmp_path / "E3.hea").read_text().replace("E3.mat", "../E3.mat")
    )
    with pytest.raises(ValueError, match="E1"):
        load_georgia(tmp_path)
    with pytest.warns(UserWarning, match="3 of 4 records"):
        ecg = load_georgia(tmp_path, errors="skip")
    assert list(ecg.frame.index) == ["E4"]
    reasons = dict(zip(ecg.skipped["record"], ecg.skipped["reason"], strict=True))
    assert set(reasons) == {"E1", "E2", "E3"}
    assert "truncated" in reasons["E2"] and "outside its folder" in reasons["E3"]
