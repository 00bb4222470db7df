"""Damaged files give an error or a record: never a crash, a hang or a wrong shape."""

import random
import subprocess
import sys

import pytest
from torture.records import make_cache, make_cpsc2018, make_mimic, make_ptbxl, write_record

from merit_sk import ECGRecords
from merit_sk.signals import STANDARD_LEADS


@pytest.mark.parametrize("samples", [10**8, 10**12])
@pytest.mark.parametrize("fmt", ["16", "212"])
def test_announced_samples_take_no_memory(tmp_path, samples, fmt):
    write_record(tmp_path, "r")
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
    make_ptbxl(tmp_path, random)
    table = tmp_path / "ptbxl_database.csv"
    table.write_text(table.read_text().replace(",10.0,", ",1e3090000001,"))
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

    write_record(tmp_path, "secret", leads=STANDARD_LEADS, n_times=1000)
    (tmp_path / "data").mkdir()
    make, load, right = {
        "ptbxl": (make_ptbxl, load_ptbxl, "records100/00000/00001_lr"),
        "mimic": (make_mimic, load_mimic_iv_ecg, "files/p1000/p10000001/s40000001/40000001"),
    }[kind]
    make(tmp_path / "data", random)
    for table in (tmp_path / "data").glob("*.csv"):
        table.write_text(table.read_text().replace(right, path))
    with pytest.raises(ValueError, match="outside its folder"):
        load(tmp_path / "data")


def test_damaged_matlab_files_do_not_crash(tmp_path):
    make_cpsc2018(tmp_path, random)
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
    make_cache(tmp_path, random.Random(0))
    for shard in (tmp_path / "r").glob("*.bin"):
        shard.write_bytes(bytes(8) + shard.read_bytes()[8:])
    records = ECGRecords.from_cache(tmp_path / "r")
    with pytest.raises(ValueError, match=r"damaged.*scale"):
        records[0]
