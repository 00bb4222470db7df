import numpy as np
import pandas as pd
import pytest
import wfdb

from merit_sk.datasets import clean_machine_report, load_mimic_iv_ecg

LEADS = ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"]
STATEMENTS = {
    40689238: ["Sinus rhythm", "Possible inferior infarct - age undetermined", "Abnormal EKG"],
    44458630: ["*** Warning: data quality may affect interpretation ***", "Sinus tachycardia"],
    49036311: ["Normal ECG"],
    45090959: [],
}
SUBJECTS = {40689238: 10000032, 44458630: 10000032, 49036311: 10000117, 45090959: 10000285}


@pytest.fixture
def mimic(tmp_path):
    """A small tree with the names, columns, rate, gain and lead order of the data set."""
    records, measurements = [], []
    for study, subject in SUBJECTS.items():
        folder = f"files/p{subject // 10000}/p{subject}/s{study}"
        (tmp_path / folder).mkdir(parents=True)
        samples = np.random.default_rng(study).integers(-300, 300, (5000, 12))
        wfdb.wrsamp(
            str(study),
            fs=500,
            units=["mV"] * 12,
            sig_name=LEADS,
            d_signal=samples,
            fmt=["16"] * 12,
            adc_gain=[200.0] * 12,
            baseline=[0] * 12,
            write_dir=str(tmp_path / folder),
        )
        time = "2180-07-23 08:44:00"
        records.append((subject, study, study, time, f"{folder}/{study}"))
        reports = STATEMENTS[study] + [np.nan] * (18 - len(STATEMENTS[study]))
        measurements.append((subject, study, 6848296, time, *reports, "0.005-150 Hz", "<not>", 659))
    pd.DataFrame(
        records, columns=["subject_id", "study_id", "file_name", "ecg_time", "path"]
    ).to_csv(tmp_path / "record_list.csv", index=False)
    columns = ["subject_id", "study_id", "cart_id", "ecg_time"]
    columns += [f"report_{i}" for i in range(18)] + ["bandwidth", "filtering", "rr_interval"]
    pd.DataFrame(measurements[::-1], columns=columns).to_csv(
        tmp_path / "machine_measurements.csv", index=False
    )
    return tmp_path


def test_reports_are_cleaned_and_belong_to_their_record(mimic):
    ecg = load_mimic_iv_ecg(mimic)
    assert list(ecg.reports) == [
        "sinus rhythm. possible inferior infarct - age undetermined. abnormal ecg.",
        "warning: data quality may affect interpretation ***. sinus tachycardia.",
        None,
        None,
    ]
    assert load_mimic_iv_ecg(mimic, min_words=1).reports[2] == "normal ecg."
    assert list(ecg.groups) == list(SUBJECTS.values())
    assert list(ecg.frame["rr_interval"]) == [659] * 4
    assert ecg.target is None and ecg.target_names == []


def test_leads_are_put_in_standard_order(mimic):
    ecg = load_mimic_iv_ecg(mimic)
    assert ecg.data.shape == (4, 12, 5000)
    path = str(mimic / ecg.frame["path"].iloc[1])
    expected = wfdb.rdrecord(path, channel_names=list(ecg.data.lead_names))
    by_name = dict(zip(expected.sig_name, expected.p_signal.T, strict=True))
    for lead, signal in zip(ecg.data.lead_names, ecg.data[1], strict=True):
        np.testing.assert_array_equal(signal, by_name[lead].astype(np.float32))


def test_folds_keep_patients_together_whatever_is_loaded(mimic):
    whole = load_mimic_iv_ecg(mimic)
    assert whole.folds[0] == whole.folds[1]
    assert set(whole.folds) <= set(range(1, 11))
    table = pd.read_csv(mimic / "record_list.csv")
    table.iloc[2:].to_csv(mimic / "record_list.csv", index=False)
    part = load_mimic_iv_ecg(mimic)
    np.testing.assert_array_equal(part.folds, whole.folds[2:])
    assert len(part.data) == 2


def test_records_may_be_left_out(mimic):
    frame = load_mimic_iv_ecg(mimic).frame
    (mimic / f"{frame['path'].iloc[0]}.dat").write_bytes(b"")
    with pytest.warns(UserWarning, match="1 of 4 records"):
        ecg = load_mimic_iv_ecg(mimic, errors="skip")
    assert list(ecg.skipped["record"]) == ["40689238"]
    assert len(ecg.data) == len(ecg.reports) == len(ecg.folds) == 3


@pytest.mark.parametrize(
    ("statements", "text"),
    [
        ([], ""),
        ([float("nan")], ""),
        (["***  Sinus\trhythm", "EKG\nnormal ==="], "sinus rhythm. ecg normal ."),
        (["A", float("nan"), "B"], "a. b."),
    ],
)
def test_cleaning(statements, text):
    assert clean_machine_report(statements) == text


def test_tables_are_needed(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"record_list\.csv and no machine_measurements"):
        load_mimic_iv_ecg(tmp_path)
