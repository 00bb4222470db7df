"""``python -m merit_sk RECORD``."""

import numpy as np
import pytest

from merit_sk.__main__ import main


@pytest.fixture(scope="module")
def weights(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    fitted.save_pretrained(folder)
    return str(folder)


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_a_file_in_statements_embedding_and_picture_out(weights, tmp_path, capsys):
    record = tmp_path / "new" / "ecg"
    main([str(record), "--simulate", "AFIB", "--pretrained", weights, "--top", "7"])
    out = capsys.readouterr().out
    assert "ECGRecords(1 x 12 leads x 5000 samples at 500 Hz)" in out
    chances = [float(line.split()[0]) for line in out.splitlines() if line.startswith("   ")]
    assert len(chances) == 7 and chances == sorted(chances, reverse=True)
    assert "Embedding: 216 numbers" in out
    assert record.with_suffix(".png").stat().st_size > 10_000


@pytest.mark.filterwarnings("ignore:no word of the phrases")
def test_one_lead(weights, tmp_path, capsys):
    import wfdb

    wfdb.wrsamp(
        "one", fs=250, units=["mV"], sig_name=["I"], fmt=["16"], write_dir=str(tmp_path),
        p_signal=np.sin(np.arange(7500) / 20)[:, None],
    )  # fmt: skip
    picture = tmp_path / "picture.png"
    main([str(tmp_path / "one.hea"), "--pretrained", weights, "--output", str(picture)])
    out = capsys.readouterr().out
    assert out.count("lack 11 of the model's 12 leads") == 1 and picture.exists()


@pytest.mark.parametrize("arguments, message", [
    (["nothing"], "nothing"), (["nothing", "--pretrained", "nowhere"], "nothing"),
    (["x", "--simulate", "XYZ"], "XYZ"),
])  # fmt: skip
def test_errors_are_one_line(weights, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["--pretrained", weights, *arguments])
    err = capsys.readouterr().err
    assert message in err.splitlines()[-1] and "Traceback" not in err
