"""Damaged records, caches of signals, and data sets."""

import hashlib
import json
from pathlib import Path

import ecg_files
import numpy as np

from merit_sk import ECGRecords, datasets, read_ecg
from merit_sk.signals import STANDARD_LEADS

from .damage import Kind

SOME = 40


def write_record(folder, name, *, fmt="16", leads=("I", "II", "V1"), n_times=40, rate=100, seed=0):
    """Write a WFDB record."""
    import wfdb

    n = len(leads)
    Path(folder).mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=rate,
        units=["mV"] * n,
        sig_name=list(leads),
        p_signal=np.random.default_rng(seed).integers(-1000, 1000, (n_times, n)) / 1000,
        fmt=[fmt] * n,
        comments=["Dx: 164889003"],
        write_dir=str(folder),
    )


def make_wfdb(folder, rng):
    """Write a WFDB record in one of the formats, or of two segments."""
    fmt = rng.choice(("16",) * 8 + ("80", "24", "32", "516", "212", "segments"))
    if fmt == "segments":
        for name in ("s1", "s2"):
            write_record(folder, name)
        (folder / "r.hea").write_text("r/2 3 100 80\ns1 40\ns2 40\n")
        return
    write_record(folder, "r", fmt="16" if fmt == "212" else fmt)
    if fmt == "212":
        header = folder / "r.hea"
        header.write_text(header.read_text().replace(" 16 ", " 212 ", 3))
        (folder / "r.dat").write_bytes(np.random.default_rng(0).bytes(180))


def make_edf(folder, rng):
    """Write an EDF record of two signals."""
    samples = np.random.default_rng(0).integers(-1000, 1000, (2, 30)).astype("<i2")
    fixed = ["0", "", "", "01.01.85", "00.00.00", 768, "", 3, 1, 2]
    fields = zip(fixed, (8, 80, 80, 8, 8, 8, 44, 8, 8, 4), strict=True)
    text = "".join(f"{field:<{width}}" for field, width in fields)
    for values, width in [
        (("ECG I", "ECG II"), 16), (("", ""), 80), (("uV", "uV"), 8), ((-3276.8,) * 2, 8),
        ((3276.7,) * 2, 8), ((-32768,) * 2, 8), ((32767,) * 2, 8), (("", ""), 80), ((10, 10), 8),
        (("", ""), 32),
    ]:  # fmt: skip
        text += "".join(f"{value:<{width}}" for value in values)
    blocks = samples.reshape(2, 3, 10).transpose(1, 0, 2)
    (folder / "r.edf").write_bytes(text.encode() + blocks.tobytes())


def make_cache(folder, rng):
    """Write a cache of signals, some with limb leads left out; at times one of two shards."""
    n = 1030 if rng.randrange(12) == 0 else 6
    X = np.random.default_rng(0).standard_normal((n, 12, 40)).astype(np.float32)
    one, two = X[:4, 0], X[:4, 1]
    X[:4, 2], X[:4, 3] = two - one, -(one + two) / 2
    X[:4, 4], X[:4, 5] = one - two / 2, two - one / 2
    ECGRecords.from_array(X, sampling_rate=100).cache(folder / "r")


def make_ptbxl(folder, rng):
    """Write a PTB-XL of two records."""
    for i in (1, 2):
        path = folder / "records100" / "00000"
        write_record(path, f"0000{i}_lr", leads=STANDARD_LEADS, n_times=1000, seed=i)
    (folder / "ptbxl_database.csv").write_text(
        "ecg_id,patient_id,report,scp_codes,strat_fold,filename_lr,filename_hr\n"
        "1,10.0,sinus rhythm,\"{'NORM': 100.0, 'SR': 0.0}\",1,records100/00000/00001_lr,r1\n"
        "2,11.0,infarct,\"{'IMI': 50.0}\",10,records100/00000/00002_lr,r2\n"
    )
    (folder / "scp_statements.csv").write_text(
        ",description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass\n"
        "NORM,normal ECG,1.0,,,NORM,NORM\nIMI,inferior infarction,1.0,,,MI,IMI\n"
        "SR,sinus rhythm,,,1.0,,\n"
    )


def make_mimic(folder, rng):
    """Write a MIMIC-IV-ECG of two records."""
    rows, statements = [], []
    for i in (1, 2):
        path = f"files/p1000/p1000000{i}/s4000000{i}"
        write_record(
            folder / path, f"4000000{i}", leads=STANDARD_LEADS, n_times=5000, rate=500, seed=i
        )
        rows.append(f"1000000{i},4000000{i},4000000{i},2180,{path}/4000000{i}\n")
        statements.append(f"1000000{i},4000000{i},0,Sinus rhythm,Normal ECG in all,0.6\n")
    head = "subject_id,study_id,file_name,ecg_time,path\n"
    (folder / "record_list.csv").write_text(head + "".join(rows))
    head = "subject_id,study_id,cart_id,report_0,report_1,rr_interval\n"
    (folder / "machine_measurements.csv").write_text(head + "".join(statements))


def make_cpsc2018(folder, rng):
    """Write two original files of CPSC2018."""
    from scipy.io import savemat

    values = np.random.default_rng(0)
    for i in (1, 2):
        ecg = {"sex": "Male", "age": 60, "data": values.standard_normal((12, 50))}
        savemat(folder / f"A000{i}.mat", {"ECG": ecg})
    rows = "A0001,2,,\nA0002,5,1,\n"
    (folder / "REFERENCE.csv").write_text("Recording,First_label,Second_label,Third_label\n" + rows)


def make_csn(folder, rng):
    """Write a CSN of two records."""
    for i in (1, 2):
        write_record(
            folder / "WFDBRecords" / "01", f"JS0000{i}", leads=STANDARD_LEADS, rate=500, seed=i
        )
    (folder / "ConditionNames_SNOMED-CT.csv").write_text(
        "Acronym Name,Full Name,Snomed_CT\nAFIB,Atrial Fibrillation,164889003\n"
        "STTC,ST-T Change,428750005\n"
    )


def make_table(folder, rng):
    """Write a folder of two records with a table of reports."""
    for name in ("r1", "r2"):
        write_record(folder, name)
    (folder / "reports.csv").write_text("record,report,age\nr1,sinus rhythm,6\nr2,infarct,7\n")


def make_device_file(folder, rng):
    """Write a file in one of the formats that devices export."""
    signal = np.random.default_rng(0).integers(-1000, 1000, (12, 300)) / 1000
    samples = ecg_files.integers(signal, 2.5)
    leads = ecg_files.aecg_set(dict(zip(STANDARD_LEADS, samples, strict=True)))
    notes = ecg_files.aecg_annotation("MDC_ECG_TIME_PD_QT", 400, "ms")
    said, file = ["Sinus rhythm", "Normal ECG"], folder / "r"
    diagnosis = ecg_files.muse_diagnosis("Diagnosis", said)
    kind = rng.randrange(7)
    if kind == 0:
        ecg_files.write_dicom(file, ecg_files.dicom_group(samples, STANDARD_LEADS))
        return
    file.write_bytes((
        lambda: ecg_files.muse_bytes(signal, STANDARD_LEADS, diagnosis=diagnosis, n_median=60),
        lambda: ecg_files.philips_bytes(signal, statements=said),
        lambda: ecg_files.mortara_bytes(signal, statements=said),
        lambda: ecg_files.aecg_bytes(ecg_files.aecg_series(leads, annotations=notes)),
        lambda: ecg_files.scp_bytes(samples),
        lambda: ecg_files.ishne_bytes(samples, range(5, 17)),
    )[kind - 1]())  # fmt: skip


def check_records(records, rng):
    """Read records in every way there is."""
    lengths = records.lengths
    assert len(records) == len(lengths) == len(records.record_names)
    assert all(isinstance(name, str) for name in (*records.record_names, *records.lead_names))
    for i in rng.sample(range(len(records)), min(SOME, len(records))):
        signal = records[i]
        assert signal.shape == (len(records.lead_names), lengths[i]), signal.shape
        assert signal.dtype == np.float32
        assert np.isfinite(signal).all()
    some = records[:SOME]
    if some.shape[2] is not None:
        X = np.asarray(some)
        assert X.shape == some.shape
        assert np.isfinite(X).all()
    return some


def check_bunch(ecg, rng):
    """Check a loaded data set."""
    n = len(ecg.data)
    for name in ("target", "reports", "groups", "folds", "frame"):
        assert ecg[name] is None or len(ecg[name]) == n, name
    if ecg.target is not None:
        assert ecg.target.shape == (n, len(ecg.target_names))
        assert set(np.unique(ecg.target)) <= {0, 1}
    if ecg.reports is not None:
        assert ecg.reports.dtype == object
    check_records(ecg.data.repaired(), rng)


def reader_of(name):
    """Return a function that reads one record, and at times caches it."""

    def read(folder, rng):
        records = check_records(ECGRecords.from_wfdb([name], root=folder).repaired(), rng)
        if rng.randrange(50) == 0:
            cached, signal = records.cache(folder / "cached")[0], np.clip(records[0], -3e10, 3e10)
            error = np.abs(np.clip(cached, -3e10, 3e10) - signal).max()
            assert error <= np.abs(signal).max() / 1e4 + 1e-7, (error, np.abs(signal).max())
            for file in (folder / "cached").iterdir():
                file.unlink()
            (folder / "cached").rmdir()

    return read


def read_cache(folder, rng):
    """Open a cache of signals and read it; half of the time its index has a right checksum."""
    cache = folder / "r"
    if rng.randrange(2):
        try:
            meta = json.loads((cache / "meta.json").read_text())
            digest = hashlib.sha256((cache / "names.txt").read_bytes())
            for k in range(min(meta["n_shards"], 5)):
                digest.update((cache / f"shard-{k:05d}.npy").read_bytes())
            whole = (cache / "meta.json").read_bytes()
            meta["index_sha256"] = digest.hexdigest()
            (cache / "meta.json").write_text(json.dumps(meta))
        except (OSError, ValueError, KeyError, TypeError):
            whole = None
    else:
        whole = None
    try:
        records = ECGRecords.from_cache(cache)
        check_records(records, rng)
        assert len(records.check()) <= len(records)
    finally:
        if whole is not None:
            (cache / "meta.json").write_bytes(whole)


def loader(name, **options):
    """Return a function that reads a data set by its loader."""

    def read(folder, rng):
        strict = rng.randrange(2)
        chosen = {key: rng.choice(values) for key, values in options.items()}
        errors = "raise" if strict else "skip"
        check_bunch(getattr(datasets, name)(folder, **chosen, errors=errors), rng)

    return read


def read_device_file(folder, rng):
    """Read a file whose format is found out."""
    check_bunch(read_ecg(folder / "r", with_identity=bool(rng.randrange(2))), rng)


def read_table(folder, rng):
    """Read a folder with its table."""
    check_bunch(datasets.read_wfdb(folder, table=folder / "reports.csv"), rng)


load_ptbxl = loader(
    "load_ptbxl", task=("superclass", "subclass", "all", "rhythm"), min_likelihood=(0, 50)
)
# Another format is another line: how it is written and read, which files are damaged, its share.
KINDS = {
    "WFDB": Kind(make_wfdb, reader_of("r"), share=30),
    "EDF": Kind(make_edf, reader_of("r.edf"), share=50),
    "files of devices": Kind(make_device_file, read_device_file, share=20),
    "cache of signals": Kind(make_cache, read_cache, share=40),
    "PTB-XL": Kind(make_ptbxl, load_ptbxl, r".*\.csv", share=2),
    "MIMIC-IV-ECG": Kind(make_mimic, loader("load_mimic_iv_ecg"), r".*\.csv", share=2),
    "CPSC2018": Kind(make_cpsc2018, loader("load_cpsc2018"), share=3),
    "CSN": Kind(make_csn, loader("load_csn", labels=("correct", "merl")), r".*\.(csv|hea)", 2),
    "table of reports": Kind(make_table, read_table, r".*\.csv", share=3),
}
