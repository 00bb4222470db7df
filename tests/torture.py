"""Damaged files and kills in large numbers: ``python tests/torture.py --help``.

Every damaged input must give a record, or an error that the documentation names (`ValueError` or
`OSError`): no other exception, no crash of the process, no hang, no wrong shape, no NaN, no file
opened outside the folder, no more memory than a bound. Every build of a cache that is killed must
end, when it is called again, with the bytes of one that was not.
"""

import argparse
import hashlib
import io
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

TOKENS = (
    b"0 1 -1 16 212 61 8 80 311 508 16x4 16:3 16+24 32x0 x : + ( ) / # ~ ../ ../secret / nan inf "
    b"1e309 9999999 -32768 2147483648 1000000000000 1e-300 mV uV /mmHg I V1 r.dat r2.dat \x00 "
    b"\xb5V r/2 r/0 0/0 , \" ' {} [] null 1e400 true ,, ;"
).split(b" ")
SECONDS_EACH = 20
SPARE_MEMORY = 1 << 30
CHUNK = 2000


class Hang(BaseException):
    """An input took longer than `SECONDS_EACH`."""


def mutate(data, rng):
    """Change bytes, words or lines of a file."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and data:
            data[at - 1] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.choice((1, 3, 20, 10**6))]
        elif kind == 2:
            data[at:at] = rng.choice(TOKENS)
        elif kind == 3:
            words = list(re.finditer(rb"[^\s,]+", data[:20_000]))
            if words:
                word = rng.choice(words)
                data[word.start() : word.end()] = rng.choice(TOKENS)
        elif kind == 4:
            lines = data.split(b"\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            data = bytearray(b"\n".join(lines))
        else:
            numbers = list(re.finditer(rb"\d+", data[:20_000]))
            if numbers:
                number = rng.choice(numbers)
                value = int(number[0][:18]) * rng.choice((0, 2, 1000, 10**12)) + rng.randrange(
                    -1, 2
                )
                data[number.start() : number.end()] = str(value).encode()
    return bytes(data)


def written(write):
    """Files that `write`, given a folder, leaves there: bytes by path."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


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


def edf_file():
    """Bytes of an EDF file of two signals."""
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
    return text.encode() + blocks.tobytes()


def wfdb_originals():
    """Headers and data of a few kinds of records."""
    kinds = {
        fmt: written(lambda folder, fmt=fmt: write_record(folder, "r", fmt=fmt))
        for fmt in ("16", "80", "24", "32", "516")
    }
    header = kinds["16"]["r.hea"].replace(b" 16 ", b" 212 ", 3)
    kinds["212"] = {"r.hea": header, "r.dat": np.random.default_rng(0).bytes(180)}
    segments = {f"s{k}.hea": kinds["16"]["r.hea"].replace(b"r", b"s%d" % k) for k in (1, 2)}
    segments |= {f"s{k}.dat": kinds["16"]["r.dat"] for k in (1, 2)}
    kinds["segments"] = {"r.hea": b"r/2 3 100 80\ns1 40\ns2 40\n", **segments}
    return [kinds["16"]] * 10 + list(kinds.values())


def cache_originals():
    """A cache of two shards, one of them with limb leads left out."""
    from merit_sk import ECGRecords
    from merit_sk.records import _cache

    def write(folder):
        X = np.random.default_rng(0).standard_normal((6, 12, 40)).astype(np.float32)
        X[:4, 2], X[:4, 3] = X[:4, 1] - X[:4, 0], -(X[:4, 0] + X[:4, 1]) / 2
        X[:4, 4], X[:4, 5] = X[:4, 0] - X[:4, 1] / 2, X[:4, 1] - X[:4, 0] / 2
        size, _cache.SHARD_RECORDS = _cache.SHARD_RECORDS, 4
        try:
            ECGRecords.from_array(X, sampling_rate=100).cache(folder / "r")
        finally:
            _cache.SHARD_RECORDS = size

    return [written(write)]


def ptbxl_originals():
    """A PTB-XL of two records."""

    def write(folder):
        for i in (1, 2):
            path = folder / "records100" / "00000"
            write_record(path, f"0000{i}_lr", leads=LEADS, n_times=1000, seed=i)
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

    return [written(write)]


def mimic_originals():
    """A MIMIC-IV-ECG of two records."""

    def write(folder):
        rows, statements = [], []
        for i in (1, 2):
            path = f"files/p1000/p1000000{i}/s4000000{i}"
            write_record(folder / path, f"4000000{i}", leads=LEADS, n_times=5000, rate=500, seed=i)
            rows.append(f"1000000{i},4000000{i},4000000{i},2180,{path}/4000000{i}\n")
            statements.append(f"1000000{i},4000000{i},0,Sinus rhythm,Normal ECG in all,0.6\n")
        head = "subject_id,study_id,file_name,ecg_time,path\n"
        (folder / "record_list.csv").write_text(head + "".join(rows))
        head = "subject_id,study_id,cart_id,report_0,report_1,rr_interval\n"
        (folder / "machine_measurements.csv").write_text(head + "".join(statements))

    return [written(write)]


def cpsc2018_originals():
    """Two original files of CPSC2018."""
    from scipy.io import savemat

    def write(folder):
        rng = np.random.default_rng(0)
        for i in (1, 2):
            ecg = {"sex": "Male", "age": 60, "data": rng.standard_normal((12, 50))}
            savemat(folder / f"A000{i}.mat", {"ECG": ecg})
        rows = "A0001,2,,\nA0002,5,1,\n"
        (folder / "REFERENCE.csv").write_text(
            "Recording,First_label,Second_label,Third_label\n" + rows
        )

    return [written(write)]


def csn_originals():
    """A CSN of two records."""

    def write(folder):
        for i in (1, 2):
            write_record(folder / "WFDBRecords" / "01", f"JS0000{i}", leads=LEADS, rate=500, seed=i)
        (folder / "ConditionNames_SNOMED-CT.csv").write_text(
            "Acronym Name,Full Name,Snomed_CT\nAFIB,Atrial Fibrillation,164889003\n"
            "STTC,ST-T Change,428750005\n"
        )

    return [written(write)]


def table_originals():
    """A folder of two records with a table of reports."""

    def write(folder):
        for name in ("r1", "r2"):
            write_record(folder, name)
        (folder / "reports.csv").write_text("record,report,age\nr1,sinus rhythm,6\nr2,infarct,7\n")

    return [written(write)]


def device_originals():
    """A file in every format that devices export."""
    import ecg_files as write

    signal = np.random.default_rng(0).integers(-1000, 1000, (12, 300)) / 1000
    samples = write.integers(signal, 2.5)
    statements = write.muse_diagnosis("Diagnosis", ["Sinus rhythm", "Normal ECG"])
    leads = write.aecg_set(dict(zip(write.TWELVE, samples, strict=True)))
    notes = write.aecg_annotation("MDC_ECG_TIME_PD_QT", 400, "ms")
    dicom = written(
        lambda folder: write.write_dicom(folder / "r", write.dicom_group(samples, write.TWELVE))
    )
    return [
        {"r": write.muse_bytes(signal, write.TWELVE, diagnosis=statements, n_median=60)},
        {"r": write.philips_bytes(signal, statements=["SINUS RHYTHM"])},
        {"r": write.mortara_bytes(signal, statements=["SINUS RHYTHM"])},
        {"r": write.aecg_bytes(write.aecg_series(leads, annotations=notes))},
        {"r": write.scp_bytes(samples)},
        {"r": write.ishne_bytes(samples, range(5, 17))},
        dicom,
    ]


def check_records(records):
    """Read records in every way there is."""
    lengths = records.lengths
    assert len(records) == len(lengths) == len(records.record_names)
    assert all(isinstance(name, str) for name in (*records.record_names, *records.lead_names))
    for i in range(len(records)):
        signal = records[i]
        assert signal.shape == (len(records.lead_names), lengths[i]), signal.shape
        assert signal.dtype == np.float32
        assert np.isfinite(signal).all()
    if records.shape[2] is not None:
        X = np.asarray(records)
        assert X.shape == records.shape
        assert np.isfinite(X).all()
    records._fingerprint()


def check_bunch(ecg):
    """Check a loaded data set."""
    n = len(ecg.data)
    for name in ("target", "reports", "groups", "folds", "frame"):
        assert ecg[name] is None or len(ecg[name]) == n, name
    if ecg.target is not None:
        assert ecg.target.shape == (n, len(ecg.target_names))
        assert set(np.unique(ecg.target)) <= {0, 1}
    if ecg.reports is not None:
        assert ecg.reports.dtype == object
    check_records(ecg.data.repaired())


def read_wfdb_record(folder, rng):
    from merit_sk import ECGRecords

    check_records(ECGRecords.from_wfdb(["r"], root=folder).repaired())


def read_edf_record(folder, rng):
    from merit_sk import ECGRecords

    check_records(ECGRecords.from_wfdb(["r.edf"], root=folder).repaired())


def read_cache(folder, rng):
    from merit_sk import ECGRecords

    cache = folder / "r"
    if rng.randrange(2):  # damage that the checksum of the index does not show
        try:
            meta = json.loads((cache / "meta.json").read_text())
            digest = hashlib.sha256((cache / "names.txt").read_bytes())
            for k in range(min(meta["n_shards"], 5)):
                digest.update((cache / f"shard-{k:05d}.npy").read_bytes())
            meta["index_sha256"] = digest.hexdigest()
            (cache / "meta.json").write_text(json.dumps(meta))
        except (OSError, ValueError, KeyError, TypeError):
            pass
    records = ECGRecords.from_cache(cache)
    check_records(records)
    assert len(records.check()) <= len(records)


def loader(name, **options):
    """Read a data set by its loader."""

    def read(folder, rng):
        from merit_sk import datasets

        strict = rng.randrange(2)
        chosen = {key: rng.choice(values) for key, values in options.items()}
        check_bunch(getattr(datasets, name)(folder, **chosen, errors="raise" if strict else "skip"))

    return read


def read_folder(folder, rng):
    from merit_sk.datasets import read_wfdb

    check_bunch(read_wfdb(folder, table=folder / "reports.csv"))


def read_device_file(folder, rng):
    from merit_sk import read_ecg

    check_bunch(read_ecg(folder / "r", with_identity=bool(rng.randrange(2))))


PTBXL_OPTIONS = {"task": ("superclass", "subclass", "all", "rhythm"), "min_likelihood": (0, 50)}
# what it is of: originals, reader, which files are damaged, its share of the inputs
KINDS = {
    "wfdb": (wfdb_originals, read_wfdb_record, r".*", 10),
    "edf": (lambda: [{"r.edf": edf_file()}], read_edf_record, r".*", 3),
    "devices": (device_originals, read_device_file, r".*", 5),
    "cache": (cache_originals, read_cache, r".*", 3),
    "ptbxl": (ptbxl_originals, loader("load_ptbxl", **PTBXL_OPTIONS), r".*\.csv", 2),
    "mimic": (mimic_originals, loader("load_mimic_iv_ecg"), r".*\.csv", 1),
    "cpsc2018": (cpsc2018_originals, loader("load_cpsc2018"), r".*", 1),
    "csn": (csn_originals, loader("load_csn", labels=("correct", "merl")), r".*\.(csv|hea)", 1),
    "table": (table_originals, read_folder, r".*\.csv", 1),
}

_watched = []


def _audit(event, args):
    if event == "open" and _watched and not isinstance(args[0], int):
        _watched.append(os.fsdecode(args[0]))


@contextmanager
def watched():
    """List of the files that are opened meanwhile."""
    if not hasattr(_audit, "on"):
        sys.addaudithook(_audit)
        _audit.on = True
    _watched[:] = ["watching"]
    opened = []
    try:
        yield opened
    finally:
        opened += _watched[1:]
        _watched.clear()


def outside(path, folder):
    """Whether an opened file is neither in the folder nor a part of Python."""
    path = os.path.abspath(path)
    python = (sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), "/proc", "/sys", "/dev")
    package = str(Path(__file__).resolve().parents[1] / "merit_sk")
    return not path.startswith((str(folder), package, *python)) or path.endswith("secret.dat")


@contextmanager
def limits(seconds):
    """Raise `Hang` after a while."""

    def hang(*_):
        raise Hang

    old = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def fuzz(kind, n, seed):
    """Read `n` damaged inputs of a kind.

    Returns
    -------
    dict
        How many gave a "record" and how many an "error"; and "failures", texts about the others.
    """
    make, read, damaged, _ = KINDS[kind]
    rng = random.Random(f"{kind} {seed}")
    counts = {"record": 0, "error": 0, "failures": []}
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(place).resolve() / "data"
        originals = make()
        write_record(place, "secret", n_times=40)  # what must not be opened
        for number in range(n):
            files = rng.choice(originals)
            victim = rng.choice([name for name in files if re.fullmatch(damaged, name)])
            changed = mutate(files[victim], rng)
            for name, data in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(changed if name == victim else data)
            what, opened = None, []
            try:
                with limits(SECONDS_EACH), watched() as opened:
                    read(folder, rng)
                counts["record"] += 1
            except (ValueError, OSError) as error:
                counts["error"] += 1
                what = None if str(error) else "an error without a word"
            except Hang:
                what = "hang"
            except BaseException:
                what = traceback.format_exc()
            strange = [path for path in opened if outside(path, folder)]
            if strange:
                what = f"opened {strange}"
            if what:
                counts["failures"].append(
                    f"{kind} {seed} {number} {victim} {changed[:400]!r}: {what}"
                )
            for name in files:
                (folder / name).unlink(missing_ok=True)
    return counts


def work(kind, n, seed):
    """Fuzz in a process of bounded memory and print the outcome."""
    fuzz(kind, 20, -1)  # import what is needed
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + SPARE_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts = fuzz(kind, n, seed)
    counts["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps(counts))


def chunk(kind, n, seed):
    """Outcome of a process that works; whatever becomes of it."""
    command = [sys.executable, __file__, "--worker", kind, str(n), str(seed)]
    start = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60 + n)
        counts = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        counts = {"failures": [f"{kind} {seed}: the process hangs"]}
    except (ValueError, IndexError):
        text = f"{kind} {seed}: the process ended with {done.returncode}: {done.stderr[-2000:]}"
        counts = {"failures": [text]}
    return counts | {"kind": kind, "seconds": time.monotonic() - start}


BUILD = textwrap.dedent(
    """
    import sys
    import numpy as np
    from merit_sk import ECGRecords
    from merit_sk.records import _cache
    _cache.SHARD_RECORDS = 4
    X = np.random.default_rng(0).standard_normal((400, 12, 500)).astype(np.float32)
    records = ECGRecords.from_array(X, sampling_rate=100)
    print("go", flush=True)
    records.cache(sys.argv[1], n_jobs=int(sys.argv[2]))
    """
)


def content(folder):
    """Digest of every file of a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def kill_builds(n, seed, n_jobs=1):
    """Kill builds of a cache at random moments, then let them end.

    Returns
    -------
    dict
        "kills", how many of them hit an "unfinished" build, and "failures".
    """
    rng = random.Random(seed)
    counts = {"kills": 0, "unfinished": 0, "failures": []}
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)

        def start(folder):
            command = [sys.executable, "-c", BUILD, folder, str(n_jobs)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
            process.stdout.readline()
            return process

        began = time.monotonic()
        with start(place / "whole") as process:
            began = time.monotonic()
            process.wait()
        seconds, whole = time.monotonic() - began, content(place / "whole")
        while counts["kills"] < n:
            folder = place / f"killed-{counts['kills']}"
            for _ in range(rng.randrange(1, 4)):
                with start(folder) as process:
                    time.sleep(rng.uniform(0, seconds))
                    if process.poll() is None:
                        os.killpg(process.pid, signal.SIGKILL)
                        counts["kills"] += 1
                    process.wait()
                counts["unfinished"] += not folder.exists()
            with start(folder) as process:
                failed = process.wait()
            if failed or content(folder) != whole:
                counts["failures"].append(f"kill {seed} {folder.name}: another cache")
    return counts


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--n", type=int, default=2000, help="damaged inputs, of all kinds together")
    parser.add_argument("--kills", type=int, default=4, help="builds of a cache to kill")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.worker:
        kind, n, seed = args.worker
        return work(kind, int(n), int(seed))
    total = sum(KINDS[kind][3] for kind in args.kinds)
    tasks = []
    for kind in args.kinds:
        left, k = round(args.n * KINDS[kind][3] / total), 0
        while left > 0:
            tasks.append((kind, min(left, CHUNK), args.seed * 1_000_000 + k))
            left, k = left - CHUNK, k + 1
    failures, table, out = [], {}, io.StringIO()
    with ThreadPoolExecutor(args.jobs) as pool:
        for counts in pool.map(lambda task: chunk(*task), tasks):
            row = table.setdefault(counts["kind"], dict.fromkeys(COLUMNS, 0))
            failures += counts["failures"]
            row["failures"] += len(counts["failures"])
            for name in ("record", "error", "seconds"):
                row[name] += counts.get(name, 0)
            row["peak MB"] = max(row["peak MB"], counts.get("memory", 0) / 1000)
    out.write(f"{'':10}" + "".join(f"{name:>10}" for name in COLUMNS) + "\n")
    for kind, row in table.items():
        out.write(f"{kind:10}" + "".join(f"{row[name]:10.0f}" for name in COLUMNS) + "\n")
    if args.kills:
        counts = kill_builds(args.kills, args.seed)
        failures += counts["failures"]
        out.write(
            f"\n{counts['kills']} kills of a cache, {counts['unfinished']} of them before its end: "
            f"{len(counts['failures'])} differences\n"
        )
    print(out.getvalue())
    for text in failures[:20]:
        print(text[:500], "...", text[-1500:], file=sys.stderr)
    return bool(failures)


COLUMNS = ("record", "error", "failures", "peak MB", "seconds")

if __name__ == "__main__":
    sys.exit(main())
