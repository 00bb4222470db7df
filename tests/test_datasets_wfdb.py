import numpy as np
import pandas as pd
import pytest
from test_records import write_record
from test_wfdb_reader import edf_bytes

from merit_sk.datasets import read_wfdb


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("b", "a", "deep/c"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        write_record(path.parent, path.name, rng.standard_normal((12, 200)))
    with open(tmp_path / "a.hea", "a") as header:
        header.write("# Age: 61\n")
    return tmp_path


def test_folders_are_searched(folder):
    ecg = read_wfdb(folder)
    assert list(ecg.data.record_names) == ["a", "b", "c"]
    assert ecg.data.shape == (3, 12, 200)
    assert list(ecg.frame["Age"].fillna("-")) == ["61", "-", "-"]
    assert ecg.reports is None and ecg.target is None
    assert len(read_wfdb(folder, recursive=False).data) == 2


def test_lists_of_records_keep_their_order(folder):
    ecg = read_wfdb([folder / "b", str(folder / "a.hea")])
    assert list(ecg.data.record_names) == ["b", "a"]


def test_reports_come_from_a_table(folder):
    table = pd.DataFrame({"report": ["first", "second"]}, index=["a", "c"])
    assert list(read_wfdb(folder, table=table).reports) == ["first", None, "second"]
    table.to_csv(folder / "reports.csv")
    assert list(read_wfdb(folder, table=folder / "reports.csv").reports) == [
        "first",
        None,
        "second",
    ]
    renamed = table.rename(columns={"report": "text"})
    assert read_wfdb(folder, table=renamed).reports is None
    assert read_wfdb(folder, table=renamed, report_column="text").reports[0] == "first"
    with pytest.raises(ValueError, match="several rows for the record a"):
        read_wfdb(folder, table=pd.concat([table, table]))


def test_a_table_without_the_name_of_any_record_is_an_error(folder):
    table = pd.DataFrame({"report": ["first"] * 4}, index=["a.hea", "b.hea", "c.hea", "d.hea"])
    message = r"records are named 'a', 'b', 'c', rows 'a\.hea', 'b\.hea', 'c\.hea', \.\.\."
    with pytest.raises(ValueError, match=message):
        read_wfdb(folder, table=table)
    with pytest.raises(ValueError, match="rows none"):
        read_wfdb(folder, table=table[:0])


def test_names_of_digits_keep_their_zeros(folder, tmp_path):
    write_record(tmp_path / "deep", "007", np.ones((12, 200)))
    (tmp_path / "reports.csv").write_text("record,report\n007,first\n")
    ecg = read_wfdb(tmp_path / "deep", table=tmp_path / "reports.csv")
    assert dict(zip(ecg.data.record_names, ecg.reports, strict=True)) == {"007": "first", "c": None}


def test_edf_and_wfdb_may_lie_together(tmp_path):
    signal = np.arange(300) - 150
    (tmp_path / "a.EDF").write_bytes(edf_bytes([signal, signal], (100, 100)))
    rng = np.random.default_rng(0)
    write_record(tmp_path, "b", rng.standard_normal((2, 300)), leads=["II", "I"])
    ecg = read_wfdb(tmp_path)
    assert ecg.data.lead_names == ("I", "II")
    assert np.asarray(ecg.data).shape == (2, 2, 300)
    np.testing.assert_allclose(ecg.data[0][0], signal * 1e-4, atol=1e-5)


def test_leads_can_be_chosen(folder):
    assert read_wfdb(folder, lead_names=["V1", "avr"]).data.lead_names == ("V1", "aVR")
    with pytest.raises(ValueError, match="leads V9 are missing"):
        read_wfdb(folder, lead_names=["V9"])


def test_faulty_records_are_left_out_and_listed(folder):
    (folder / "a.hea").write_text("")
    (folder / "b.dat").unlink()
    with pytest.raises(ValueError, match="is empty"):
        read_wfdb(folder)
    with pytest.warns(UserWarning, match="2 of 3 records cannot be read"):
        ecg = read_wfdb(folder, errors="skip")
    assert list(ecg.data.record_names) == ["c"]
    assert set(ecg.skipped["record"]) == {"a", "b"}


def test_folders_without_records_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="no WFDB header"):
        read_wfdb(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        read_wfdb(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name", ["cpsc2018/Training_WFDB", "cpsc2018_extra", "georgia", "csn", "ptbxl_cinc2021"]
)
def test_real_folders(data_dir, name):
    ecg = read_wfdb(data_dir / name)
    assert ecg.data.lead_names[3:6] == ("aVR", "aVL", "aVF")
    assert np.isfinite(ecg.data[0]).all()
