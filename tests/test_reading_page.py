"""The page of `merit-sk read --html`, in a browser without a head."""

import json
import re

import ecg_files
import numpy as np
import pytest
from browser import assert_fetches_nothing, opened

from merit_sk.__main__ import main
from merit_sk.datasets import make_ecg, read_ecg

PATIENT = "Zyxmannsdottir"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three good recordings, one of them with a patient's name, and two that are broken."""
    folder = tmp_path_factory.mktemp("exports")
    main(["simulate", str(folder / "af"), "AFIB", "--quiet"])
    main(["simulate", str(folder / "cut"), "NORM", "--quiet"])
    (folder / "cut.dat").write_bytes((folder / "cut.dat").read_bytes()[:100])
    (folder / "bad.dcm").write_bytes(b"<b>no ECG</b>")
    x = np.asarray(make_ecg(1, statements=["NORM"], sampling_rate=500, random_state=1).data)[0]
    statements = [f"Sinus rhythm, {PATIENT}; 63 &lt;i&gt;years"]
    muse = ecg_files.muse_bytes(
        x, ecg_files.TWELVE, diagnosis=ecg_files.muse_diagnosis("Diagnosis", statements)
    ).replace("MÜLLER".encode("latin-1"), PATIENT.upper().encode())
    (folder / f"{PATIENT}_1.xml").write_bytes(muse)
    write_lead_one(folder / "one")
    return folder


def write_lead_one(path):
    import wfdb

    x = np.asarray(make_ecg(1, sampling_rate=500, random_state=2).data)[0, :1]
    wfdb.wrsamp(path.name, 500, ["mV"], ["I"], p_signal=x.T.astype(float), fmt=["16"],
                write_dir=str(path.parent))  # fmt: skip


@pytest.fixture(scope="module")
def page(folder, tmp_path_factory):
    page = tmp_path_factory.mktemp("page") / "page.html"
    assert main(["read", str(folder), "--html", str(page), "--quiet"]) == 1
    return page


def mm(path):
    """Points of a trace in mm of the paper."""
    x0, y0, sx, sy = map(float, re.findall(r"-?[\d.]+", path["transform"]))
    first, steps = path["d"].split("l", 1)
    numbers = [int(n) for n in re.findall(r"-?\d+", steps)]
    y = np.cumsum([int(first.split()[1]), *numbers[1::2]])
    return x0 + sx * np.arange(len(y)), y0 + sy * y


def test_every_recording_is_drawn_to_scale(page, folder, tmp_path):
    elements = opened(page, tmp_path)
    assert len(elements.all("svg", **{"class": "ecg"})) == 3
    traces = [p for p in elements.all("path", **{"class": "trace"}) if "transform" in p]
    assert len(traces) == 13 + 13 + 1
    signal = read_ecg(folder / "af.hea").data.resampled(250)[0]
    rhythm = traces[-2]  # the files come by name, upper case first; the last one has one trace
    x, y = mm(rhythm)
    assert rhythm["data-lead"] == "II" and len(x) == 2500
    np.testing.assert_allclose(np.diff(x), 0.1, atol=1e-6)  # 25 mm/s
    np.testing.assert_allclose(y[0] - y, 10 * (signal[1] - signal[1, 0]), atol=0.03)  # 10 mm/mV
    papers = {g["id"] for g in elements.all("g")}
    assert {u["href"][1:] for u in elements.all("use")} == papers and len(papers) == 2


def test_nothing_is_fetched(page, tmp_path):
    assert not re.search(
        r"https?:|@import|<link|<img|src=|url\(|fetch\(|import\(", page.read_text()
    )
    assert_fetches_nothing(page, tmp_path)


def acted(page, tmp_path, script):
    """The page after a script, which sees the first paper as `svg`."""
    copy = tmp_path / "copy.html"
    script = f"""<script>closed[0].open = true; const svg = document.querySelector("svg.ecg");
      const middle = () => {{ const b = svg.getBoundingClientRect();
        return {{ clientX: b.x + b.width / 2, clientY: b.y + b.height / 2, bubbles: true,
          cancelable: true, pointerId: 1 }}; }};
      const press = key => svg.dispatchEvent(new KeyboardEvent("keydown", {{ key }}));
      svg.setPointerCapture = () => {{}};
      {script}</script></body>"""
    copy.write_text(page.read_text().replace("</body>", script))
    elements = opened(copy, tmp_path)
    return np.array(elements.all("svg", **{"role": "img"})[0]["viewbox"].split(), dtype=float)


def test_zoom_and_pan(page, tmp_path):
    home = acted(page, tmp_path, "")
    wheel = 'svg.dispatchEvent(new WheelEvent("wheel", {{deltaY: -1, ctrlKey: {}, ...middle()}}));'
    near = acted(page, tmp_path, wheel.format("true"))
    assert near[2] < 0.8 * home[2] and near[3] / near[2] == pytest.approx(home[3] / home[2], 1e-3)
    np.testing.assert_allclose(near[:2] + near[2:] / 2, home[2:] / 2, atol=0.1)  # about the pointer
    assert (acted(page, tmp_path, wheel.format("false")) == home).all()  # the page is scrolled
    plus = 'document.querySelectorAll("figcaption button")[1].click();'
    button = acted(page, tmp_path, plus)
    assert button[2] == pytest.approx(home[2] / 1.5, rel=1e-3)
    assert (acted(page, tmp_path, 'press("+");') == button).all()
    assert (acted(page, tmp_path, 'press("+"); press("0");') == home).all()
    right = acted(page, tmp_path, 'press("+"); press("ArrowRight");')
    assert right[0] > button[0] and (right[1:] == button[1:]).all()
    drag = """svg.dispatchEvent(new PointerEvent("pointerdown", middle()));
      svg.dispatchEvent(new PointerEvent("pointermove", {...middle(),
        clientX: middle().clientX + 40}));"""
    moved = acted(page, tmp_path, plus + drag)
    assert moved[0] < button[0] and moved[2] == button[2]
    assert (acted(page, tmp_path, drag) == home).all()  # nothing beyond the paper


def test_broken_files_are_rows_with_their_error(page, tmp_path):
    elements = opened(page, tmp_path)
    errors = [t for _, a, t in elements.found if a.get("class") == "error"]
    assert len(errors) == 2 and "bad.dcm is in none of the formats" in errors[0]
    assert "truncated" in errors[1]
    assert "not a medical device" in elements.text("device")


def test_statements_measurements_and_hints(page, folder, tmp_path, capsys):
    assert main(["read", str(folder / "af"), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    text = page.read_text()
    section = text[text.index(">af</span>") :].split("</details>")[0]
    for s in [s for s in content["statements"] if s["found"]]:
        assert s["description"] in section and f"{s['probability']:.3f}" in section
    assert f"{content['heart_rate']:.0f}/min" in section and "10 s at 500 Hz" in section
    assert section.count('class="bar"') >= 10
    assert "lack 11 of the model&#x27;s 12 leads" in text


def test_no_name_of_a_patient_and_no_markup_of_a_report(page, tmp_path):
    text = page.read_text()
    assert PATIENT.lower() not in text.lower()
    assert "…_1" in text
    assert "<i>" not in text and "&lt;i&gt;" in text and "<b>no" not in text


def test_filter(page, tmp_path):
    copy = tmp_path / "copy.html"
    script = """<script>const field = document.querySelector("input"); field.value = "AFIB";
      field.dispatchEvent(new Event("input"));</script></body>"""
    copy.write_text(page.read_text().replace("</body>", script))
    elements = opened(copy, tmp_path)
    rows = [a for _, a, _ in elements.found if "record" in a.get("class", "").split()]
    shown = [a["data-find"] for a in rows if "hidden" not in a]
    assert len(rows) == 5 and shown and all("AFIB" in find for find in shown)


def test_a_page_is_replaced_and_nothing_else(folder, tmp_path, capsys):
    page, record = tmp_path / "page.html", tmp_path / "ecg.html"
    words = ["read", str(folder / "af.hea"), "--quiet", "--html"]
    assert main([*words, str(page)]) == 0 and main([*words, str(page)]) == 0
    record.write_bytes((folder / f"{PATIENT}_1.xml").read_bytes())
    before = record.read_bytes()
    page.write_text("mine")
    for path, more in ((page, []), (record, ["--force"]), (folder / "af.dat", ["--force"])):
        with pytest.raises(SystemExit) as error:
            main([*words, str(path), *more])
        assert error.value.code == 2 and path.name in capsys.readouterr().err
    assert page.read_text() == "mine" and record.read_bytes() == before
    assert main([*words, str(page), "--force"]) == 0 and "<svg" in page.read_text()


def test_too_many_for_a_page(tmp_path, capsys):
    for k in range(501):
        (tmp_path / f"{k}.dcm").touch()
    with pytest.raises(SystemExit):
        main(["read", str(tmp_path), "--html", str(tmp_path / "page.html")])
    assert "a page holds 500 recordings at most" in capsys.readouterr().err
