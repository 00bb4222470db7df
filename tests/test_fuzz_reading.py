"""Damaged files give an error or a record: never a crash, a hang or a wrong shape."""

import json
import subprocess
import sys

import pytest
import torture

from merit_sk import ECGRecords


@pytest.mark.parametrize("kind", torture.KINDS)
def test_damaged_files(kind):
    counts = torture.fuzz(kind, 120, seed=0)
    assert counts["failures"] == []
    assert counts["record"] > 5 and counts["error"] > 5


@pytest.mark.parametrize("samples", [10**8, 10**12])
@pytest.mark.parametrize("fmt", ["16", "212"])
def test_announced_samples_take_no_memory(tmp_path, samples, fmt):
    torture.write_record(tmp_path, "r")
    header = tmp_path / "r.hea"
    text = header.read_text().replace(" 100 40", f" 100 {samples}").replace(" 16 ", f" {fmt} ", 3)
    header.write_text(text)
    code = (
        "import resource, sys, numpy as np\n"
        "from merit_sk import ECGRecords\n"
        "import wfdb\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "reads = np.asarray, lambda records: records[0], lambda records: records.cache('c')\n"
        "for read in reads:\n"
        "    try:\n"
        "        read(ECGRecords.from_wfdb(['r']))\n"
        "        print('read')\n"
        "    except ValueError as error:\n"
        "        assert 'r' in str(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "read" not in out
    assert int(out) < 100_000, f"{out} kB for a record of less than 1 kB"


def test_a_table_with_an_absurd_number_does_not_crash(tmp_path):
    for name, data in torture.ptbxl_originals()[0].items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.replace(b",10.0,", b",1e3090000001,"))
    code = "from merit_sk.datasets import load_ptbxl; load_ptbxl('.')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "ptbxl_database.csv has something else than numbers in patient_id" in done.stderr


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "records100/../../secret"])
@pytest.mark.parametrize("kind", ["ptbxl", "mimic"])
def test_tables_do_not_lead_outside(tmp_path, kind, path):
    from merit_sk.datasets import load_mimic_iv_ecg, load_ptbxl

    torture.write_record(tmp_path, "secret", leads=torture.LEADS, n_times=1000)
    for name, data in getattr(torture, f"{kind}_originals")()[0].items():
        file = tmp_path / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for right in (b"records100/00000/00001_lr", b"files/p1000/p10000001/s40000001/40000001"):
            data = data.replace(right, path.encode())
        file.write_bytes(data)
    load = load_ptbxl if kind == "ptbxl" else load_mimic_iv_ecg
    with pytest.raises(ValueError, match="outside its folder"):
        load(tmp_path / "data")


def test_damaged_matlab_files_do_not_crash(tmp_path):
    for name, data in torture.cpsc2018_originals()[0].items():
        (tmp_path / name).write_bytes(data)
    whole = (tmp_path / "A0001.mat").read_bytes()
    code = (
        "import struct, sys\n"
        "from merit_sk.datasets import load_cpsc2018\n"
        "whole = open('A0001.mat', 'rb').read()\n"
        "for at in range(128, len(whole), 4):\n"
        "    for value in (0, 9, 14, 36105, 2**31 - 1, 2**32 - 1):\n"
        "        changed = whole[:at] + struct.pack('<I', value) + whole[at + 4:]\n"
        "        open('A0001.mat', 'wb').write(changed)\n"
        "        try:\n"
        "            assert load_cpsc2018('.').data[0].shape[0] == 12\n"
        "        except ValueError:\n"
        "            pass\n"
        "    if at > 700:\n"
        "        break\n"
    )
    assert len(whole) > 1000
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, (done.returncode, done.stderr)


def test_damaged_scales_of_a_cache_are_an_error(tmp_path):
    for name, data in torture.cache_originals()[0].items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(8) + data[8:] if name.endswith(".bin") else data)
    records = ECGRecords.from_cache(tmp_path / "r")
    with pytest.raises(ValueError, match=r"damaged.*scale"):
        records[0]


def test_the_command_prints_a_table():
    command = [
        sys.executable,
        torture.__file__,
        "--n",
        "40",
        "--kills",
        "0",
        "--kinds",
        "edf",
        "csn",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line]
    assert lines[0][:3] == ["record", "error", "failures"]
    assert sum(int(n) for line in lines[1:] for n in line[1:3]) == 40


def test_a_crash_and_a_leak_are_failures(monkeypatch):
    def crash(folder, rng):
        open(folder.parent / "secret.dat").close()

    make, _, damaged, share = torture.KINDS["edf"]
    monkeypatch.setitem(torture.KINDS, "edf", (make, crash, damaged, share))
    assert "secret" in torture.fuzz("edf", 1, 0)["failures"][0]
    monkeypatch.setitem(torture.KINDS, "edf", (make, lambda *_: json.loads(3), damaged, share))
    assert "TypeError" in torture.fuzz("edf", 1, 0)["failures"][0]


@pytest.mark.slow
def test_a_hundred_thousand_damaged_files():
    command = [sys.executable, torture.__file__, "--n", "100000", "--kills", "0", "--seed", "100"]
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
