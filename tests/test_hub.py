"""Publishing a model and loading it by its id, from a stand-in for the Hugging Face hub."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def _sha(data):
    return hashlib.sha1(data).hexdigest()


class Hub(BaseHTTPRequestHandler):
    """Keeps what is committed, and gives it back."""

    protocol_version = "HTTP/1.1"

    def _answer(self, content, *, status=200, kind="application/json", **headers):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        address = f"http://127.0.0.1:{self.server.server_port}/somebody/model"
        if self.path.endswith("/repos/create"):
            return self._answer({"url": address})
        if self.path.endswith("/validate-yaml"):
            self.server.card = json.loads(body)["content"]
            return self._answer({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            files = json.loads(body)["files"]
            plain = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                     for f in files]  # fmt: skip
            return self._answer({"files": plain})
        for line in body.splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                value = entry["value"]
                self.server.files[value["path"]] = base64.b64decode(value["content"])
        return self._answer({"commitUrl": f"{address}/commit/{COMMIT}", "commitOid": COMMIT})

    def do_GET(self):
        if "/resolve/" in self.path:
            name = self.path.split("/resolve/")[1].partition("/")[2]
            if name not in self.server.files:
                return self._answer(b"", status=404, X_Error_Code="EntryNotFound")
            data = self.server.files[name]
            return self._answer(data, kind="application/octet-stream", ETag=f'"{_sha(data)}"',
                                X_Repo_Commit=COMMIT)  # fmt: skip
        if "/tree/" in self.path:
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": _sha(data)}
                for name, data in self.server.files.items()
            ]
            return self._answer(tree)
        names = [{"rfilename": name} for name in self.server.files]
        return self._answer({"id": "somebody/model", "sha": COMMIT, "siblings": names})

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.files, server.card = {}, None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


CODE = """
import sys
import numpy as np
from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg

ecg = make_ecg(6, duration=2, random_state=0)
embedder = MeritEmbedder(pretrained=None, encoder={"widths": [8, 8], "patch": 4}, duration=2,
                         max_epochs=1, random_state=0).fit(ecg.data, reports=ecg.reports)
url = embedder.push_to_hub("somebody/model", token="hf_x")
again = MeritEmbedder("somebody/model").fit(ecg.data)
assert (again.transform(ecg.data) == embedder.transform(ecg.data)).all()
assert MeritEmbedder.from_pretrained("somebody/model").pretrained == "somebody/model"
embedder.save_pretrained(sys.argv[1], push_to_hub=True, repo_id="somebody/model", token="hf_x")
MeritZeroShotClassifier("somebody/model", classes={"AF": "atrial fibrillation"}).fit(ecg.data)
print(url)
"""


def test_a_model_is_published_and_loaded_by_its_id(hub, tmp_path):
    environment = {
        **os.environ, "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    found = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "saved")], env=environment,
        capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert COMMIT in found.stdout
    assert {"README.md", "config.json", "model.safetensors"} <= set(hub.files)
    for said in ("100 Hz", "mV", "aVF", "License", "library_name: merit_sk"):
        assert said in hub.files["README.md"].decode()
    assert hub.card.startswith("---")


def test_an_edited_card_and_other_files_stay(fitted, tmp_path):
    fitted.save_pretrained(tmp_path)
    card = tmp_path / "README.md"
    fitted.save_pretrained(tmp_path)
    card.write_text("# My model\n")
    (tmp_path / "notes.txt").write_text("mine")
    fitted.save_pretrained(tmp_path)
    assert card.read_text() == "# My model\n"
    assert (tmp_path / "notes.txt").read_text() == "mine"
