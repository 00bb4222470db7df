"""The page of `merit-sk read --html`: ECGs on paper to zoom into, and what is found in them."""

from html import escape
from string import Template

import numpy as np

from .. import __version__
from ._ecg import ECGDisplay
from ._reading import FLAGS, MEASURED, UNCALIBRATED, UNFAMILIAR, measures, without

MARK = '<meta name="generator" content="merit_sk read">'
MOST = 500  # recordings in a page
_CHIPS = 4
_RATE, _SECONDS = 250.0, 10.0
_SPEED, _GAIN, _ROW = 25, 10, 25  # mm/s, mm/mV, mm
_LEFT, _EDGE = 10, 5  # mm, of which the calibration pulse takes the first
_STEP = 0.02  # mm, of the numbers that are written

_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">$mark
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width"><title>$title</title><style>
:root { color-scheme: light dark; --back: #f6f7f8; --card: #fff; --ink: #1c1e21; --dim: #63686e;
  --line: #d9dce0; --paper: #fffafa; --fine: #f6d5d3; --coarse: #e9a19c; --trace: #111;
  --bar: #0072b2; --rest: #aab4bd; --warn: #8a4b00; --warnback: #fff3e0; --bad: #b3261e; }
@media screen and (prefers-color-scheme: dark) { :root { --back: #131518; --card: #1b1e22;
  --ink: #e7e8ea; --dim: #9aa0a6; --line: #33383e; --paper: #17191b; --fine: #34292a;
  --coarse: #5d4041; --trace: #f2f2f2; --bar: #56b4e9; --rest: #59636c; --warn: #ffc77d;
  --warnback: #33270f; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1.4rem 1rem 3rem;
  max-width: 76rem; background: var(--back); color: var(--ink); }
h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: .95rem; margin: 0 0 .4rem; }
p { margin: .35rem 0; } .dim { color: var(--dim); }
#device { border-left: 3px solid var(--warn); padding-left: .7rem; margin: .7rem 0 1.1rem; }
#tools { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0 0 .8rem; }
input { font: inherit; padding: .3rem .6rem; min-width: 16rem; color: inherit;
  background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
button { font: inherit; font-size: .85rem; padding: .2rem .65rem; color: inherit; cursor: pointer;
  background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
button:hover { border-color: var(--dim); }
.record { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  margin: 0 0 .6rem; }
summary, .broken { padding: .6rem .9rem; display: flex; flex-wrap: wrap; align-items: baseline;
  gap: .2rem .7rem; }
summary { cursor: pointer; list-style: none; } summary::-webkit-details-marker { display: none; }
details > summary::before { content: "▸"; color: var(--dim); }
details[open] > summary::before { content: "▾"; }
.name { font-weight: 600; overflow-wrap: anywhere; }
.chip { font-size: .84rem; padding: 0 .5rem; border-radius: 1rem; border: 1px solid var(--bar); }
.flag { font-size: .84rem; padding: 0 .5rem; border-radius: 1rem; color: var(--warn);
  background: var(--warnback); }
.error { color: var(--bad); overflow-wrap: anywhere; }
.body { padding: .2rem .9rem 1rem; }
.sides { display: grid; grid-template-columns: minmax(20rem, 3fr) minmax(15rem, 2fr);
  gap: 1.2rem 2rem; margin-top: 1rem; }
@media screen and (max-width: 46rem) { .sides { grid-template-columns: 1fr; } }
.notes { background: var(--warnback); color: var(--warn); border-radius: .4rem; margin: 0 0 .8rem;
  padding: .5rem .8rem .5rem 1.8rem; }
figure { margin: 0; } figcaption { display: flex; flex-wrap: wrap; gap: .4rem; min-height: 1.9rem;
  align-items: center; font-size: .85rem; color: var(--dim); margin-bottom: .35rem; }
figcaption span { margin-right: auto; }
svg.ecg { display: block; width: 100%; height: auto; background: var(--paper);
  border: 1px solid var(--coarse); border-radius: .3rem; }
svg.ecg:focus { outline: 2px solid var(--bar); }
svg.moving { cursor: grabbing; } svg.near { cursor: grab; touch-action: none; }
svg path { fill: none; } .fine { stroke: var(--fine); stroke-width: .12; }
.coarse { stroke: var(--coarse); stroke-width: .22; }
.trace { stroke: var(--trace); stroke-width: 1.15px; vector-effect: non-scaling-stroke;
  stroke-linejoin: round; }
svg text { font: 600 3.2px system-ui, sans-serif; fill: var(--trace); stroke: var(--paper);
  stroke-width: .8px; paint-order: stroke; user-select: none; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
td, th { text-align: left; padding: .16rem .6rem .16rem 0; vertical-align: baseline;
  font-weight: normal; }
td.p { text-align: right; width: 3.4rem; } td.track { width: 34%; }
tr.found th { font-weight: 600; } tr.sub td { color: var(--dim); padding-top: .5rem; }
.bar { position: relative; height: .75rem; background: var(--line); border-radius: .2rem; }
.bar i { position: absolute; inset: 0 auto 0 0; background: var(--rest); border-radius: .2rem; }
.found .bar i { background: var(--bar); }
.bar b { position: absolute; top: -.15rem; bottom: -.15rem; width: 2px; background: var(--ink); }
footer { margin-top: 1.6rem; font-size: .87rem; color: var(--dim); max-width: 60rem; }
@page { size: A4 landscape; margin: 10mm; }
@media print { html { font-size: 8pt; }
  body { padding: 0; max-width: none; font: 8pt/1.25 system-ui, sans-serif; background: none; }
  header { display: flex; gap: 1.5rem; align-items: baseline; } header * { margin: 0 !important; }
  #tools, figcaption button, summary::before { display: none !important; }
  figcaption { min-height: 0; margin: 0; } .record { border: 0; margin: 0; }
  details { break-after: page; } details:last-of-type { break-after: auto; }
  figure, tr, .broken { break-inside: avoid; }
  .body, summary, .broken { padding: .1rem 0; } .sides { margin-top: .4rem; gap: 0 1.5rem; }
  table { font-size: 8pt; } td, th { padding-top: 0; padding-bottom: 0; } h2 { margin: 0; }
  .bar { height: .5rem; } tr.sub td { padding-top: 0; } td.track { width: 42%; }
  svg.ecg { width: var(--mm); max-width: none; }
  svg.ecg, .bar, .bar i, .bar b { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
</style></head><body>
<header><h1>$title</h1>
<p class="dim">$subtitle</p>
<p id="device">Research software, not a medical device: nothing here is a diagnosis.</p></header>
<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>
$papers
</defs></svg>
<main>
$sections
</main>
<footer><p>A bar is the probability of a statement, as in a population like that of PTB-XL; the mark
on it is the operating point of that statement, above which it counts as found. Operating points
differ: a rare finding is called at a lower probability than a frequent one. The heart rate is that
of the median RR interval. Flat, clipped, noisy and wandering leads are hints where to look.</p>
<p>Paper: $speed mm/s, $gain mm/mV; the pulse on the left is 1 mV. The first $seconds s are drawn,
at up to $rate samples a second. To zoom: the buttons, + and − after a click on the paper, or Ctrl
and the wheel; the wheel alone after a click. To move: drag, or the arrow keys. Esc or 0 shows all.
Printed in landscape, the paper is true to scale.</p>
<p>Written by merit_sk $version with the weights $weights. What is in the files about the patient's
name is left out; texts of reports are shown as they are otherwise.</p></footer>
<script>
"use strict";
function paper(svg) {
  const home = ["x", "y", "width", "height"].map(k => svg.viewBox.baseVal[k]);
  let [x, y, width] = home;
  const ratio = home[3] / home[2];
  function show() {
    width = Math.min(home[2], Math.max(home[2] / 20, width));
    x = Math.min(home[2] - width, Math.max(0, x));
    y = Math.min(home[3] - width * ratio, Math.max(0, y));
    svg.setAttribute("viewBox", [x, y, width, width * ratio].map(v => +v.toFixed(3)).join(" "));
    svg.classList.toggle("near", width < home[2]);
  }
  function at(event) {
    const box = svg.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }
  function zoom(factor, [across, down] = [0.5, 0.5]) {
    const before = width;
    width = Math.min(home[2], Math.max(home[2] / 20, width / factor));
    x += (before - width) * across;
    y += (before - width) * ratio * down;
    show();
  }
  function all() { [x, y, width] = home; show(); }
  const bar = svg.closest("figure").querySelector("figcaption");
  for (const [text, label, act] of [["−", "zoom out", () => zoom(1 / 1.5)],
      ["+", "zoom in", () => zoom(1.5)], ["all", "show all", all]]) {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = text; button.title = label;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", act);
    bar.append(button);
  }
  svg.setAttribute("tabindex", "0");
  svg.addEventListener("wheel", event => {
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== svg) return;
    event.preventDefault();
    zoom(Math.exp(-Math.sign(event.deltaY) * 0.25), at(event));
  }, { passive: false });
  svg.addEventListener("dblclick", event => zoom(2, at(event)));
  let held = null;
  svg.addEventListener("pointerdown", event => {
    if (event.button) return;
    held = [event.clientX, event.clientY];
    if (width < home[2]) svg.setPointerCapture(event.pointerId);
    svg.classList.add("moving");
  });
  svg.addEventListener("pointermove", event => {
    if (!held) return;
    const scale = width / svg.getBoundingClientRect().width;
    x -= (event.clientX - held[0]) * scale;
    y -= (event.clientY - held[1]) * scale;
    held = [event.clientX, event.clientY];
    show();
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"])
    svg.addEventListener(end, () => { held = null; svg.classList.remove("moving"); });
  const step = (dx, dy) => { x += dx * width / 8; y += dy * width * ratio / 8; show(); };
  const keys = { "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: all,
    Escape: () => { all(); svg.blur(); }, ArrowLeft: () => step(-1, 0),
    ArrowRight: () => step(1, 0), ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1) };
  svg.addEventListener("keydown", event => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
}
document.querySelectorAll("svg.ecg").forEach(paper);
const records = [...document.querySelectorAll(".record")];
const closed = [...document.querySelectorAll("details")];
if (records.length > 1) {
  const tools = document.createElement("div");
  tools.id = "tools";
  const field = document.createElement("input");
  field.type = "search"; field.placeholder = "name or finding";
  field.setAttribute("aria-label", "show recordings with this name or finding");
  const count = document.createElement("span");
  count.className = "dim";
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\\s+/);
    let n = 0;
    for (const record of records) {
      const text = (record.dataset.find || "").toLowerCase();
      record.hidden = !words.every(word => text.includes(word));
      n += !record.hidden;
    }
    count.textContent = field.value ? n + " of " + records.length : "";
  });
  tools.append(field);
  for (const [text, open] of [["open all", true], ["close all", false]]) {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = text;
    button.addEventListener("click", () => closed.forEach(one => { one.open = open; }));
    tools.append(button);
  }
  tools.append(count);
  document.querySelector("main").before(tools);
}
addEventListener("beforeprint", () => closed.forEach(one => { one.open = true; }));
</script></body></html>
""")


class ReadingPage:
    """A page to which readings are added.

    Parameters
    ----------
    weights : str
        Name of the weights that were asked.
    top : int
        Statements to show of each recording.
    calibrated : bool
        Whether probabilities are calibrated.
    """

    def __init__(self, weights, top, calibrated):
        self.weights = weights
        self.top = top
        self.calibrated = calibrated
        self._sections, self._sizes = [], set()
        self._n_faulty = 0

    def add(self, reading):
        """Draw a reading."""
        if reading.ecg is None:
            self._n_faulty += 1
            self._sections.append(_broken(reading.content))
            return
        svg, size = _svg(reading)
        self._sizes.add(size)
        self._sections.append(_section(reading, svg, self.top))

    def html(self):
        """Return the page."""
        n = len(self._sections)
        text = "What merit_sk reads in ECG files"
        if self._n_faulty:
            text += f"; {self._n_faulty} of {n} cannot be read"
        if not self.calibrated:
            text += f"; {UNCALIBRATED}"
        sections = "\n".join(self._sections)
        if n == 1:
            sections = sections.replace("<details", "<details open", 1)
        return _PAGE.substitute(
            mark=MARK, title=f"{n:,} recording{'s' if n > 1 else ''}", subtitle=text,
            sections=sections,
            papers="\n".join(_paper(*size) for size in sorted(self._sizes)),
            speed=_SPEED, gain=_GAIN, seconds=f"{_SECONDS:g}", rate=f"{_RATE:g}",
            version=__version__, weights=escape(str(self.weights)),
        )  # fmt: skip


def _broken(content):
    find = escape(f"{content['path']} cannot be read")
    return (
        f'<div class="record broken" data-find="{find}"><span class="name">'
        f"{escape(content['path'])}</span>"
        f'<span class="error">cannot be read: {escape(content["error"])}</span></div>'
    )


def _section(reading, svg, top):
    content = reading.content
    name, path = (without(reading.words, content[key]) for key in ("record", "path"))
    chips = "".join(
        f'<span class="chip" title="{s["probability"]:.3f}">{escape(s["description"])}</span>'
        for s in reading.found[:_CHIPS]
    )
    if len(reading.found) > _CHIPS:
        chips += f'<span class="dim">and {len(reading.found) - _CHIPS} less probable</span>'
    chips = chips or '<span class="dim">nothing above its operating point</span>'
    flags = [f"{flag.removesuffix('_leads')} leads" for flag in FLAGS if content[flag]]
    flags = ["unfamiliar"] * reading.unfamiliar + flags
    marks = "".join(f'<span class="flag">{escape(flag)}</span>' for flag in flags)
    codes = " ".join(f"{s['code']} {s['description']}" for s in reading.found)
    find = escape(" ".join([path, codes, *flags]))
    heart = content["heart_rate"]
    rate = f'<span class="dim">{heart:.0f}/min</span>' if heart == heart else ""
    notes = [UNFAMILIAR] * reading.unfamiliar + content["notes"]
    notes = "".join(f"<li>{escape(note)}</li>" for note in notes)
    notes = notes and f'<ul class="notes">{notes}</ul>'
    report = content["report"]
    report = f"<h2>Report in the file</h2><p>{escape(report)}</p>" if report else ""
    written = content["written_report"]
    written = f"<h2>Report, written by the weights</h2><p>{escape(written)}</p>" if written else ""
    seconds = min(_SECONDS, content["duration"])
    return f"""<details class="record" data-find="{find}"><summary>\
<span class="name" title="{escape(path)}">{escape(name)}</span>\
{rate}{chips}{marks}</summary><div class="body">{notes}
<figure><figcaption><span>{_SPEED} mm/s, {_GAIN} mm/mV, \
{"first " if seconds < content["duration"] else ""}{seconds:.4g} s</span></figcaption>
{svg}</figure>
<div class="sides"><section>{written}<h2>Statements</h2>{_statements(reading, top)}</section>
<section><h2>Recording</h2>{_facts(reading)}{report}</section></div></div></details>"""


def _statements(reading, top):
    lines, found = [], None
    for s in reading.shown(top):
        if s["found"] != found:
            found = s["found"]
            title = "above their operating points" if found else "below"
            lines.append(f'<tr class="sub"><td colspan="4">{title}</td></tr>')
        chance, point = 100 * s["probability"], 100 * s["operating_point"]
        lines.append(
            f'<tr class="{"found" if found else "next"}"><th>{escape(s["description"])}</th>'
            f'<td class="dim">{escape(s["code"])}</td>'
            f'<td class="track"><div class="bar" title="operating point {point / 100:.3f}">'
            f'<i style="width:{chance:.2f}%"></i><b style="left:{point:.2f}%"></b></div></td>'
            f'<td class="p">{chance / 100:.3f}</td></tr>'
        )
    return f"<table>{''.join(lines)}</table>"


def _facts(reading):
    content, rows = reading.content, {}
    heart = content["heart_rate"]
    rows["Heart rate"] = f"{heart:.0f}/min" if heart == heart else "no beats found"
    for name, text in measures(content).items():
        rows[f"{name[0].upper()}{name[1:]}, estimated"] = text
    rows["Length"] = f"{content['duration']:.4g} s at {content['sampling_rate']:g} Hz"
    rows["Leads"] = ", ".join(content["leads"])
    for flag in FLAGS:
        if content[flag]:
            rows[flag.replace("_", " ").capitalize()] = ", ".join(content[flag])
    if content["invalid"]:
        rows["Missing samples"] = f"{100 * content['invalid']:.2g} %"
    if content["amplitude"] == content["amplitude"]:
        rows["Amplitude"] = f"{content['amplitude']:.2f} mV, median of the leads"
    if content["familiarity"] is not None:
        rows["Familiar"] = "no" if reading.unfamiliar else "yes, like recordings of pretraining"
    rows["File"] = f"{without(reading.words, content['path'])}, {content['format']}"
    for key, value in content["in_file"].items():
        if value == value:
            text = f"{value:g}" if isinstance(value, (int, float)) else str(value)
            unit = MEASURED.get(key, " years" if key == "age" else "")
            name = f"{key.replace('_', ' ')} in the file" if key in MEASURED else key
            name = name.replace("qrs", "QRS").replace("qt", "QT").replace("pr ", "PR ")
            rows[name[0].upper() + name[1:]] = without(reading.words, text) + unit
    lines = (
        f'<tr><th class="dim">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in rows.items()
    )
    return f"<table>{''.join(lines)}</table>"


def _svg(reading):
    """Return the drawing of the first ten seconds, and (width, height) of its paper in mm."""
    ecg = reading.ecg
    if ecg.sampling_rate > _RATE:
        ecg = ecg.resampled(_RATE)
    rate = ecg.sampling_rate
    signal = ecg.read_range(0, 0, round(_SECONDS * rate))
    traces = ECGDisplay(signal, sampling_rate=rate, lead_names=ecg.lead_names).layout()
    rows = 1 + max(row for *_, row in traces)
    long = max(seconds[-1] for _, seconds, *_ in traces) * _SPEED
    width = int(_LEFT + _EDGE + np.ceil(max(long, 50) / 5) * 5)
    height = int(rows * _ROW + 2 * _EDGE)
    lines = []
    for row in range(rows):
        y = _base(row)
        lines.append(f'<path class="trace" d="M2,{y}h2v{-_GAIN}h4v{_GAIN}h2"/>')
    for lead, seconds, millivolts, row in traces:
        x, scale = _LEFT + seconds[0] * _SPEED, _SPEED / rate
        lines.append(
            f'<path class="trace" data-lead="{escape(lead)}" transform="translate({x:.3f} '
            f'{_base(row)}) scale({scale:.5g} {_STEP})" d="{_path(millivolts)}"/>'
            f'<text x="{x + 1:.2f}" y="{_base(row) - 9:.2f}">{escape(lead)}</text>'
        )
    name = escape(f"ECG of {without(reading.words, reading.content['record'])}")
    svg = (
        f'<svg class="ecg" viewBox="0 0 {width} {height}" style="--mm:{width}mm" role="img" '
        f'aria-label="{name}"><use href="#paper-{width}-{height}"/>{"".join(lines)}</svg>'
    )
    return svg, (width, height)


def _base(row):
    """Height of the zero line of a row, on a thick line of the paper."""
    return row * _ROW + 20


def _path(millivolts):
    """Return the steps of a trace: one to the right a sample, and up or down in `_STEP` mm."""
    y = np.rint(-np.asarray(millivolts, dtype=float) * _GAIN / _STEP).clip(-1e6, 1e6).astype(int)
    steps = np.diff(y)
    return f"M0 {y[0]}l" + "".join(f" 1{'' if d < 0 else ' '}{d}" for d in steps.tolist())


def _paper(width, height):
    """Return the grid of a sheet, drawn once for all recordings of its size."""
    grids = []
    for kind, step in (("fine", 1), ("coarse", 5)):
        across = "".join(f"M{x},0V{height}" for x in range(0, width + 1, step))
        down = "".join(f"M0,{y}H{width}" for y in range(0, height + 1, step))
        grids.append(f'<path class="{kind}" d="{across}{down}"/>')
    return f'<g id="paper-{width}-{height}">{"".join(grids)}</g>'
