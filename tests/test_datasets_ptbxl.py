import shutil

import numpy as np
import pandas as pd
import pytest

from merit_sk.datasets import load_ptbxl

N_CLASSES = {
    "superclass": 5,
    "subclass": 23,
    "diagnostic": 44,
    "form": 19,
    "rhythm": 12,
    "all": 71,
}


@pytest.fixture
def tables(tmp_path, data_dir):
    """A folder with the whole table of PTB-XL and no signal."""
    shutil.copy(data_dir / "metadata" / "ptbxl_database.csv", tmp_path)
    shutil.copy(data_dir / "ptb-xl" / "scp_statements.csv", tmp_path)
    return tmp_path


@pytest.mark.parametrize("task", N_CLASSES)
def test_tables_are_enough_for_everything_but_signals(tables, task):
    ecg = load_ptbxl(tables, task=task)
    assert ecg.target.shape == (21799, N_CLASSES[task])
    assert ecg.target_names == sorted(ecg.target_names)
    assert ecg.data.shape == (21799, 12, 1000)
    assert len(ecg.reports) == len(ecg.groups) == len(ecg.folds) == len(ecg.frame) == 21799
    assert set(ecg.folds) == set(range(1, 11))


@pytest.mark.parametrize(
    ("task", "published"),
    [
        ("superclass", (17084, 2146, 2158)),
        ("subclass", (17084, 2146, 2158)),
        ("form", (7197, 901, 880)),
        ("rhythm", (16832, 2100, 2098)),
    ],
)
def test_labeled_records_are_as_many_as_published(tables, task, published):
    ecg = load_ptbxl(tables, task=task)
    labeled = ecg.target.any(axis=1)
    folds = ecg.folds
    counts = [(labeled & part).sum() for part in (folds <= 8, folds == 9, folds == 10)]
    assert tuple(counts) == published


def test_superclasses_are_as_many_as_published(tables):
    ecg = load_ptbxl(tables)
    assert dict(zip(ecg.target_names, ecg.target.sum(axis=0), strict=True)) == {
        "CD": 4898,
        "HYP": 2649,
        "MI": 5469,
        "NORM": 9514,
        "STTC": 5235,
    }


def test_no_patient_is_in_two_folds(tables):
    ecg = load_ptbxl(tables)
    assert pd.Series(ecg.folds).groupby(ecg.groups).nunique().max() == 1


def test_likelihood_counts_for_diagnostic_statements_only(tables):
    everything, certain = (load_ptbxl(tables, task="all", min_likelihood=q) for q in (0, 100))
    codes = everything.frame["scp_codes"]
    norm, rhythm = (everything.target_names.index(name) for name in ("NORM", "SR"))
    expected = [row.get("NORM", -1) >= 100 for row in codes]
    np.testing.assert_array_equal(certain.target[:, norm], expected)
    assert certain.target[:, norm].sum() < everything.target[:, norm].sum()
    np.testing.assert_array_equal(certain.target[:, rhythm], everything.target[:, rhythm])


def test_reports_come_from_a_column_a_file_or_a_series(data_dir, tables):
    german = load_ptbxl(tables)
    assert german.reports[1] == "sinusbradykardie sonst normales ekg"
    english = load_ptbxl(
        tables, reports=data_dir / "metadata" / "ptbxl_12sl_statements_text_en.csv"
    )
    assert english.reports[0] == "Normal sinus rhythm; Normal ECG"
    mine = load_ptbxl(tables, reports=pd.Series({2: "bradycardia"}))
    assert list(mine.reports[:3]) == [None, "bradycardia", None]
    assert load_ptbxl(tables, reports=None).reports is None
    with pytest.raises(FileNotFoundError, match=r"neither a column .* nor a file"):
        load_ptbxl(tables, reports="nothing")


def test_signals_are_read_when_they_are_asked_for(data_dir):
    ecg = load_ptbxl(data_dir / "ptb-xl")
    part = ecg.data[ecg.folds == 10]
    X = np.asarray(part[:5])
    assert X.shape == (5, 12, 1000)
    np.testing.assert_allclose(X[:, 2], X[:, 1] - X[:, 0], atol=0.003)
    np.testing.assert_allclose(X[:, 3], -(X[:, 0] + X[:, 1]) / 2, atol=0.003)


def test_missing_signals_are_named(tables):
    ecg = load_ptbxl(tables, sampling_rate=500)
    with pytest.raises(FileNotFoundError, match="00003_hr"):
        ecg.data[2]


def test_missing_signals_can_be_left_out(data_dir):
    with pytest.warns(UserWarning, match="of 987 records cannot be read"):
        ecg = load_ptbxl(data_dir / "ptb-xl", sampling_rate=500, errors="skip")
    n = len(ecg.data)
    assert n + len(ecg.skipped) == 987 and n >= 100
    assert len(ecg.target) == len(ecg.frame) == len(ecg.groups) == len(ecg.folds) == n
    assert np.asarray(ecg.data[:3]).shape == (3, 12, 5000)
    assert ecg.skipped["reason"].str.contains("there is no header file").all()


def test_wrong_arguments_are_refused_at_once(tmp_path, data_dir):
    with pytest.raises(FileNotFoundError, match=r"no ptbxl_database\.csv"):
        load_ptbxl(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        load_ptbxl(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="task must be one of superclass"):
        load_ptbxl(data_dir / "ptb-xl", task="super")
    with pytest.raises(ValueError, match="100 or 500"):
        load_ptbxl(data_dir / "ptb-xl", sampling_rate=250)
    with pytest.raises(ValueError, match="errors must be"):
        load_ptbxl(data_dir / "ptb-xl", errors="ignore")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("ptbxl_database.csv", "scp_codes", "codes", "no column scp_codes"),
        ("ptbxl_database.csv", "'NORM': 100.0", "NORM 100", "scp_codes .* for the record"),
        ("scp_statements.csv", "diagnostic_subclass", "subclass", "no column diagnostic_subclass"),
    ],
)
def test_tables_of_another_form_are_named(data_dir, tmp_path, file, old, new, message):
    for name in ("ptbxl_database.csv", "scp_statements.csv"):
        text = (data_dir / "ptb-xl" / name).read_text()
        (tmp_path / name).write_text(text.replace(old, new) if name == file else text)
    with pytest.raises(ValueError, match=f"{file} has {message}"):
        load_ptbxl(tmp_path)
