import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import wfdb

from merit_sk.datasets import _download, fetch_ptbxl

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
        self.requests = []
        self.mirror = f"http://127.0.0.1:{self.server_port}/files"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.removeprefix("/files/ptb-xl/1.0.3/")
        data = self.server.files.get(path)
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.server.requests.append((path, start))
        if data is None:
            self.send_error(404)
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
        self.wfile.write(data[start:stop])
        self.close_connection = True

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
    monkeypatch.setattr(_download.time, "sleep", lambda seconds: None)
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


def test_a_damaged_copy_is_replaced(server, tmp_path):
    path = tmp_path / "ptb-xl-1.0.3" / "ptbxl_database.csv"
    path.parent.mkdir(parents=True)
    path.write_text("half a fi")
    fetch_ptbxl(tmp_path, mirror=server.mirror)
    assert path.read_text() == DATABASE


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


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MERIT_SK_DATA_HOME", str(tmp_path / "home"))
    assert _download.data_home_folder() == tmp_path / "home"
    assert _download.data_home_folder(tmp_path) == tmp_path
