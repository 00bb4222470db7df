"""The page of EmbeddingDisplay.to_html, in a browser without a head."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from browser import opened

from merit_sk import ECGRecords
from merit_sk.datasets import make_ecg
from merit_sk.inspection import EmbeddingDisplay

BAD = '</script><script>document.title = "fooled"</script><b>sinus</b> & "rhythm"'


@pytest.fixture(scope="module")
def ecg():
    ecg = make_ecg(30, task="superclass", random_state=0)
    reports = [*ecg.reports[:-1], BAD]
    ecg.data = ECGRecords.from_array(
        np.asarray(ecg.data), sampling_rate=ecg.data.sampling_rate, reports=reports,
        record_names=[f"ecg {i}" for i in range(30)],
    )  # fmt: skip
    return ecg


@pytest.fixture(scope="module")
def display(ecg):
    Z = np.random.default_rng(0).normal(size=(30, 4)) + ecg.target @ np.eye(5, 4)
    yield EmbeddingDisplay.from_embedding(Z, ecg.target, target_names=ecg.target_names)
    plt.close("all")


@pytest.fixture
def page(display, ecg, tmp_path):
    return display.to_html(tmp_path / "map.html", ecg.data)


def drawn(elements):
    """Lines of the thumbnail, as arrays of millimeters."""
    paths = elements.all("path", **{"class": "trace"})
    return [np.array(re.findall(r"[ML]([\d.]+),(-?[\d.]+)", p["d"]), dtype=float) for p in paths]


def test_points_are_there_and_nothing_is_fetched(page, display, ecg, tmp_path):
    text = page.read_text()
    assert not re.search(
        r"https?:|@import|<link|<img|(src|href)=['\"]|url\(|fetch\(|import\(", text
    )
    elements = opened(page, tmp_path)
    points = [c for c in elements.all("circle") if "data-i" in c]
    assert sorted(int(c["data-i"]) for c in points) == list(range(30))
    place = np.array([[c["cx"], c["cy"]] for c in sorted(points, key=lambda c: int(c["data-i"]))])
    for axis, sign in enumerate((1, -1)):  # upward is less of y
        r = np.corrcoef(place[:, axis].astype(float), display.points[:, axis])[0, 1]
        assert r == pytest.approx(sign, abs=1e-3)
    counts = sum(ecg.target[:, ecg.target_names.index("MI")][ecg.target.sum(axis=1) == 1])
    assert f"MI ({counts})" in text
    assert not drawn(elements) and elements.text("name") == ""
    assert "Point at" in elements.text("hint")


def test_hash_shows_the_recording_to_scale(page, ecg, tmp_path):
    elements = opened(page, tmp_path, "#hover=3")
    assert elements.text("name") == "ecg 3"
    assert elements.text("report") == ecg.reports[3]
    names = np.array(ecg.target_names)[ecg.target[3] == 1]
    assert elements.text("labels") == ", ".join(names)
    lines = drawn(elements)
    assert len(lines) == 3
    for line, lead in zip(lines, (1, 6, 10), strict=True):  # II, V1, V5
        signal = np.asarray(ecg.data[3][lead, :500])
        np.testing.assert_allclose(line[:, 0], np.arange(500) * 0.25, atol=0.01)  # 25 mm/s
        height = line[0, 1] - line[:, 1]
        np.testing.assert_allclose(height, 10 * (signal - signal[0]), atol=0.5)  # 10 mm/mV


def test_pointing_at_a_recording_shows_it(page, ecg, tmp_path):
    script = """<script>
      const c = document.querySelector('circle[data-i="5"]').getBoundingClientRect();
      document.getElementById("map").dispatchEvent(new PointerEvent("pointermove", {
        clientX: c.x + c.width / 2 + 1, clientY: c.y + c.height / 2 }));
    </script></body>"""
    copy = tmp_path / "copy.html"
    copy.write_text(page.read_text().replace("</body>", script))
    elements = opened(copy, tmp_path)
    assert elements.text("name") == "ecg 5" and len(drawn(elements)) == 3
    point, (ring,) = elements.all("circle", **{"data-i": "5"})[0], elements.all("circle", id="ring")
    assert (float(ring["cx"]), float(ring["cy"])) == (float(point["cx"]), float(point["cy"]))


def test_reports_are_text_whatever_they_hold(page, tmp_path):
    elements = opened(page, tmp_path, "#hover=29")
    assert elements.text("name") == "ecg 29"
    assert elements.text("report") == BAD
    assert not elements.all("b") and len(elements.all("script")) == 2


def test_gaps_short_records_few_leads_and_other_rates(tmp_path):
    signals = np.full((2, 2, 500), 0.5, dtype=np.float32)
    signals[0, 1, 100:150] = np.nan
    records = ECGRecords.from_array(signals, sampling_rate=250, lead_names=["aVF", "I"])
    display = EmbeddingDisplay([[0, 0], [0, 0]], axis_names=("", ""))
    page = display.to_html(tmp_path / "map.html", records)
    elements = opened(page, tmp_path, "#hover=0")
    lines = drawn(elements)
    assert len(lines) == 2 and len(lines[0]) == 200  # 2 s at 100 Hz
    assert 150 <= len(lines[1]) <= 180
    pieces = [path["d"].count("M") for path in elements.all("path", **{"class": "trace"})]
    assert pieces == [1, 2]
    assert "several or none" not in page.read_text()


def test_other_files_stay(display, ecg, page, tmp_path):
    before = page.read_bytes()
    assert display.to_html(str(page), ecg.data) == page and page.read_bytes() == before
    other = tmp_path / "thesis.html"
    for content in ("", "<html>mine</html>"):
        other.write_text(content)
        with pytest.raises(FileExistsError, match=r"thesis\.html exists"):
            display.to_html(other, ecg.data)
        assert other.read_text() == content
    with pytest.raises(ValueError, match="29 records for 30 points"):
        display.to_html(page, ecg.data[:29])
    with pytest.raises(ValueError, match="labels has 2 entries for 1 points"):
        EmbeddingDisplay([[0, 0]], ["a", "b"]).to_html(page, ecg.data[:1])
    assert page.read_bytes() == before and len({*tmp_path.iterdir()}) == 2
