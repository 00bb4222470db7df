import hashlib
import inspect
import io
import os
import re
import socket
import subprocess
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import wfdb

from merit_sk import datasets
from merit_sk.datasets import fetch_mimic_iv_ecg, fetch_ptbxl

DATABASE = """ecg_id,patient_id,report,scp_codes,strat_fold,filename_lr,filename_hr
1,10.0,sinus rhythm,"{'NORM': 100.0, 'SR': 0.0}",1,records100/00000/00001_lr,records500/1_hr
2,11.0,infarct,"{'IMI': 50.0}",10,records100/00000/00002_lr,records500/2_hr
"""
STATEMENTS = """,description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass
NORM,normal ECG,1.0,,,NORM,NORM
IMI,inferior infarction,1.0,,,MI,IMI
SR,sinus rhythm,,,1.0,,
"""
LEADS = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]


class Server(ThreadingHTTPServer):
    """A PhysioNet of one project, which can misbehave."""

    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        sums = [f"{hashlib.sha256(data).hexdigest()} {path}" for path, data in files.items()]
        self.files = files | {"SHA256SUMS.txt": "\n".join(sums).encode()}
        self.drop, self.corrupt = {}, {}
        self.requests, self.connections = [], 0
        self.mirror = f"http://127.0.0.1:{self.server_port}/files"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.server_close()

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.removeprefix("/files/ptb-xl/1.0.3/")
        data = self.server.files.get(path)
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.server.requests.append((path, start))
        if data is None:
            self.send_error(404)
            return
        if start >= len(data) > 0:
            self.send_error(416)
            return
        if self.server.corrupt.get(path, 0) > 0:
            self.server.corrupt[path] -= 1
            data = bytes(len(data))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        stop = len(data)
        if self.server.drop.get(path, 0) > 0:
            self.server.drop[path] -= 1
            stop = start + (len(data) - start) // 2
            self.close_connection = True
        self.wfile.write(data[start:stop])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "origin"
    folder.mkdir()
    signal = np.random.default_rng(0).standard_normal((1000, 12))
    for name in ("00001_lr", "00002_lr"):
        wfdb.wrsamp(
            name,
            fs=100,
            units=["mV"] * 12,
            sig_name=LEADS,
            p_signal=signal,
            fmt=["16"] * 12,
            write_dir=str(folder),
        )
    files = {f"records100/00000/{path.name}": path.read_bytes() for path in folder.iterdir()}
    return files | {
        "ptbxl_database.csv": DATABASE.encode(),
        "scp_statements.csv": STATEMENTS.encode(),
        "records500/00000/00001_hr.dat": b"not wanted",
    }


@pytest.fixture
def server(files, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with Server(files) as server:
        yield server


def test_a_data_set_is_downloaded_once(server, tmp_path):
    ecg = fetch_ptbxl(tmp_path, mirror=server.mirror)
    assert np.asarray(ecg.data).shape == (2, 12, 1000)
    assert list(ecg.reports) == ["sinus rhythm", "infarct"]
    assert "records500/00000/00001_hr.dat" not in [path for path, _ in server.requests]
    server.requests.clear()
    assert fetch_ptbxl(tmp_path, mirror=server.mirror, task="rhythm").target.sum() == 1
    assert fetch_ptbxl(tmp_path, download_if_missing=False).data.shape == (2, 12, 1000)
    assert server.requests == []


def test_dropped_connections_are_resumed(server, tmp_path):
    path = "records100/00000/00001_lr.dat"
    server.drop[path] = 3
    fetch_ptbxl(tmp_path, mirror=server.mirror)
    starts = [start for name, start in server.requests if name == path]
    assert starts == sorted(starts) and len(starts) == 4 and starts[1] > 0
    received = tmp_path / "ptb-xl-1.0.3" / path
    assert received.read_bytes() == server.files[path]


def test_the_next_call_goes_on_where_one_gave_up(server, tmp_path):
    path = "records100/00000/00002_lr.dat"
    server.drop[path] = 5
    with pytest.raises(ConnectionError, match=r"the next call goes on from there"):
        fetch_ptbxl(tmp_path, mirror=server.mirror)
    assert not (tmp_path / "ptb-xl-1.0.3" / path).exists()
    server.requests.clear()
    ecg = fetch_ptbxl(tmp_path, mirror=server.mirror)
    assert np.isfinite(ecg.data[1]).all()
    (start,) = [start for name, start in server.requests if name == path]
    assert start > 0.9 * len(server.files[path])
    assert "ptbxl_database.csv" not in [name for name, _ in server.requests]


def test_a_corrupt_file_is_downloaded_again(server, tmp_path):
    path = "records100/00000/00001_lr.dat"
    server.corrupt[path] = 2
    fetch_ptbxl(tmp_path, mirror=server.mirror)
    assert (tmp_path / "ptb-xl-1.0.3" / path).read_bytes() == server.files[path]


def test_a_file_that_stays_corrupt_is_an_error(server, tmp_path):
    path = "records100/00000/00001_lr.dat"
    server.corrupt[path] = 99
    with pytest.raises(ValueError, match=r"00001_lr\.dat does not match its published checksum"):
        fetch_ptbxl(tmp_path, mirror=server.mirror)
    assert not list((tmp_path / "ptb-xl-1.0.3").rglob("00001_lr.dat*"))


@pytest.mark.parametrize("earlier", ["", ".replaced-1"])
def test_a_copy_that_differs_is_replaced_and_not_lost(server, tmp_path, earlier):
    folder = tmp_path / "ptb-xl-1.0.3"
    folder.mkdir()
    path = folder / "ptbxl_database.csv"
    path.write_text("my own table")
    if earlier:
        (folder / f"{path.name}{earlier}").write_text("an earlier one")
    with pytest.warns(UserWarning, match=r"ptbxl_database\.csv was not as published"):
        fetch_ptbxl(tmp_path, mirror=server.mirror)
    assert path.read_text() == DATABASE
    kept = [file.read_text() for file in folder.glob("*.replaced-*")]
    assert sorted(kept) == ["an earlier one"] * bool(earlier) + ["my own table"]


def test_parts_of_other_programs_are_left_alone(server, tmp_path):
    folder = tmp_path / "ptb-xl-1.0.3"
    folder.mkdir()
    part = folder / "ptbxl_database.csv.part"
    part.write_text("of a browser")
    fetch_ptbxl(tmp_path, mirror=server.mirror)
    assert part.read_text() == "of a browser"
    assert (folder / "ptbxl_database.csv").read_text() == DATABASE


def with_files(server, paths):
    """Add small files to the project."""
    server.files |= {path: path.encode() for path in paths}
    lines = [f"{hashlib.sha256(path.encode()).hexdigest()} {path}" for path in paths]
    server.files["SHA256SUMS.txt"] += ("\n" + "\n".join(lines)).encode()


def test_connections_are_used_again(server, tmp_path):
    with_files(server, [f"records100/01000/{i}.txt" for i in range(200)])
    fetch_ptbxl(tmp_path, mirror=server.mirror)
    assert len(server.requests) > 200
    assert 1 <= server.connections <= 4


def test_files_wait_in_a_bounded_queue(server, tmp_path, monkeypatch):
    with_files(server, [f"records100/01000/{i}.txt" for i in range(300)])
    submit, waiting = ThreadPoolExecutor.submit, []

    def counted(self, *args):
        waiting.append(submit(self, *args))
        assert sum(not task.done() for task in waiting) <= 80
        return waiting[-1]

    monkeypatch.setattr(ThreadPoolExecutor, "submit", counted)
    fetch_ptbxl(tmp_path, mirror=server.mirror)
    assert len(waiting) == 306


def test_signatures_tell_the_options_of_the_loaders():
    for name in ("ptbxl", "cpsc2018", "georgia", "csn", "mimic_iv_ecg"):
        fetch = inspect.signature(getattr(datasets, f"fetch_{name}")).parameters
        load = inspect.signature(getattr(datasets, f"load_{name}")).parameters
        assert list(fetch) == [
            *("data_home", "download_if_missing", "mirror"),
            *(option for option in load if option != "path"),
        ]
        assert all(fetch[option] == load[option] for option in load if option != "path")
        assert "{" not in getattr(datasets, f"fetch_{name}").__doc__


TOP = "mimic-iv-ecg-diagnostic-electrocardiogram-matched-subset-1.0"
ARCHIVE = f"/static/published-projects/mimic-iv-ecg/{TOP}.zip"


@pytest.fixture
def mimic(files):
    """Files of MIMIC-IV-ECG, by path."""
    paths = [f"files/p1000/p1000003{i}/s4068904{i}/4068904{i}" for i in range(2)]
    found = {"LICENSE.txt": b"not wanted"}
    rows, statements = [], []
    for i, path in enumerate(paths):
        for end in ("hea", "dat"):
            data = files[f"records100/00000/0000{i + 1}_lr.{end}"]
            name = path.rpartition("/")[2].encode()
            if end == "hea":
                data = data.replace(f"0000{i + 1}_lr".encode(), name)
                data = data.replace(b"12 100 1000", b"12 500 1000")
            found[f"{path}.{end}"] = data
        rows.append(f"1000003{i},4068904{i},4068904{i},2180-07-23,{path}")
        statements.append(f"1000003{i},4068904{i},0,Sinus rhythm,Normal ECG")
    head = "subject_id,study_id,file_name,ecg_time,path"
    found["record_list.csv"] = "\n".join([head, *rows]).encode()
    head = "subject_id,study_id,cart_id,report_0,report_1"
    found["machine_measurements.csv"] = "\n".join([head, *statements]).encode()
    return found


def zipped(files, *, sums=True, top=TOP):
    """Bytes of PhysioNet's archive."""
    if sums:
        lines = [f"{hashlib.sha256(data).hexdigest()} {path}" for path, data in files.items()]
        files = files | {"SHA256SUMS.txt": "\n".join(lines).encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{top}/", b"")
        for path, data in files.items():
            archive.writestr(f"{top}/{path}", data)
    return buffer.getvalue()


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".complete")
    }


def wanted(files):
    return {path: data for path, data in files.items() if path != "LICENSE.txt"}


@pytest.mark.parametrize("sums", [True, False])
def test_mimic_comes_as_one_archive(server, mimic, tmp_path, sums):
    server.files[ARCHIVE] = zipped(mimic, sums=sums)
    ecg = fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror, min_words=2)
    assert list(ecg.reports) == ["sinus rhythm. normal ecg."] * 2
    assert list(ecg.groups) == [10000030, 10000031]
    assert server.requests == [(ARCHIVE, 0)]
    assert tree(tmp_path / "mimic-iv-ecg-1.0") == wanted(mimic)
    fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    assert len(server.requests) == 1


def test_the_archive_is_resumed(server, mimic, tmp_path):
    server.files[ARCHIVE] = zipped(mimic)
    server.drop[ARCHIVE] = 7
    with pytest.raises(ConnectionError, match="the next call goes on from there"):
        fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    starts = [start for _, start in server.requests]
    assert len(starts) == 8 and starts == sorted(set(starts))
    assert tree(tmp_path / "mimic-iv-ecg-1.0") == wanted(mimic)


def test_unpacking_goes_on(server, mimic, tmp_path, monkeypatch):
    server.files[ARCHIVE] = zipped(mimic)
    replace, done = os.replace, []

    def stop_at_the_third(part, file):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(file)
        replace(part, file)

    monkeypatch.setattr(os, "replace", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    before = {file: file.stat().st_mtime_ns for file in done}
    monkeypatch.setattr(os, "replace", replace)
    fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    assert {file: file.stat().st_mtime_ns for file in done} == before
    assert len(server.requests) == 1
    assert tree(tmp_path / "mimic-iv-ecg-1.0") == wanted(mimic)


def test_a_damaged_archive_is_an_error_and_downloaded_again(server, mimic, tmp_path):
    whole = zipped(mimic)
    at = whole.index(b"files/p1000/p10000031") + 200
    server.files[ARCHIVE] = whole[:at] + bytes(64) + whole[at + 64 :]
    with pytest.raises(ValueError, match="damaged"):
        fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    server.files[ARCHIVE] = whole[: len(whole) // 2]
    with pytest.raises(ValueError, match="damaged"):
        fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    server.files[ARCHIVE] = whole
    fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    assert tree(tmp_path / "mimic-iv-ecg-1.0") == wanted(mimic)


def test_members_must_match_their_published_checksums(server, mimic, tmp_path):
    published = [f"{hashlib.sha256(b'other').hexdigest()} {path}" for path in mimic]
    files = mimic | {"SHA256SUMS.txt": "\n".join(published).encode()}
    server.files[ARCHIVE] = zipped(files, sums=False)
    with pytest.raises(ValueError, match="does not match its published checksum"):
        fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    assert tree(tmp_path / "mimic-iv-ecg-1.0") == {}


@pytest.mark.parametrize(
    "path", ["../../evil", "/tmp/merit-evil", "files/../../evil", "..\\evil", "C:evil"]
)
def test_members_outside_the_data_set_are_refused(server, mimic, tmp_path, path):
    buffer = io.BytesIO(zipped(mimic))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(path, b"evil")
    server.files[ARCHIVE] = buffer.getvalue()
    with pytest.raises(ValueError, match="outside the data set"):
        fetch_mimic_iv_ecg(tmp_path / "home", mirror=server.mirror)
    assert not [file for file in tmp_path.rglob("*") if "evil" in file.name]
    assert set(tree(tmp_path / "home")) == {"mimic-iv-ecg-1.0/archive.zip.merit-part"}


def test_files_of_the_user_survive_unpacking(server, mimic, tmp_path):
    server.files[ARCHIVE] = zipped(mimic)
    folder = tmp_path / "mimic-iv-ecg-1.0"
    folder.mkdir()
    (folder / "record_list.csv").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    with pytest.warns(UserWarning, match="was not as published"):
        fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    mine = {"record_list.csv.replaced-1": b"mine", "notes.txt": b"mine"}
    assert tree(folder) == wanted(mimic) | mine


def test_an_archive_the_server_lacks_is_named(server, tmp_path):
    with pytest.raises(ConnectionError, match="404"):
        fetch_mimic_iv_ecg(tmp_path, mirror=server.mirror)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fetch", [fetch_ptbxl, fetch_mimic_iv_ecg])
def test_a_full_disk_is_an_error_and_loses_nothing(server, mimic, tmp_path, small_disk, fetch):
    server.files[ARCHIVE] = zipped(mimic)
    large = small_disk / "large"
    large.write_bytes(bytes(220 << 10))
    with pytest.raises(OSError, match="No space left on device") as caught:
        fetch(small_disk, mirror=server.mirror)
    assert not isinstance(caught.value, ConnectionError)
    assert "goes on" in str(caught.value)
    large.unlink()
    (folder,) = small_disk.iterdir()
    whole = {path for path in tree(folder) if not path.endswith(".merit-part")}
    server.requests.clear()
    ecg = fetch(small_disk, mirror=server.mirror)
    assert len(ecg.data) == 2
    assert whole.isdisjoint(path for path, _ in server.requests)
    if fetch is fetch_mimic_iv_ecg:
        assert server.requests[0][1] > 0


def test_a_read_only_disk_is_an_error(server, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(OSError, match="Read-only file system"):
        fetch_ptbxl(small_disk, mirror=server.mirror)


def test_files_the_server_lacks_are_named(server, tmp_path):
    del server.files["scp_statements.csv"]
    with pytest.raises(ConnectionError, match="404"):
        fetch_ptbxl(tmp_path, mirror=server.mirror)


def test_without_a_network_the_error_says_what_to_do(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        mirror = f"http://127.0.0.1:{unused.getsockname()[1]}/files"
    with pytest.raises(ConnectionError, match=r"without a network, copy the files there"):
        fetch_ptbxl(tmp_path, mirror=mirror)
    with pytest.raises(FileNotFoundError, match="download_if_missing=True"):
        fetch_ptbxl(tmp_path, mirror=mirror, download_if_missing=False)


def test_paths_outside_the_data_set_are_refused(server, tmp_path):
    digest = hashlib.sha256(b"x").hexdigest()
    server.files["SHA256SUMS.txt"] += f"\n{digest} ../evil".encode()
    with pytest.raises(ValueError, match="outside the data set"):
        fetch_ptbxl(tmp_path, mirror=server.mirror)


def test_the_folder_follows_the_environment(server, monkeypatch, tmp_path):
    monkeypatch.setenv("MERIT_SK_DATA_HOME", str(tmp_path / "home"))
    fetch_ptbxl(mirror=server.mirror)
    assert (tmp_path / "home" / "ptb-xl-1.0.3" / "ptbxl_database.csv").read_text() == DATABASE
    with pytest.raises(FileNotFoundError, match="other"):
        fetch_ptbxl(tmp_path / "other", download_if_missing=False)
    monkeypatch.delenv("MERIT_SK_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "merit_sk_data"))):
        fetch_ptbxl(download_if_missing=False)
