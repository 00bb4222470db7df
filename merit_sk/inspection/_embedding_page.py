"""The page of `EmbeddingDisplay.to_html`: a map on which pointing at a recording shows its ECG."""

import base64
import json
from collections import Counter
from html import escape
from string import Template

import numpy as np

from ._style import COLORS, MUTED

MARK = '<meta name="generator" content="merit_sk EmbeddingDisplay">'
_WIDTH, _HEIGHT, _MARGIN = 720, 540, 12
_LEADS, _SECONDS, _RATE = ("II", "V1", "V5"), 5, 100
_SPEED, _GAIN, _ROW = 25, 10, 22  # mm/s, mm/mV, mm
_GAP = -128  # in place of samples that are not there

_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">$mark
<meta name="viewport" content="width=device-width"><title>Map of $n recordings</title><style>
:root { color-scheme: light dark; --back: #fff; --ink: #222; --dim: #666; --line: #ccc;
        --paper: #fff8f7; --grid: #efb7b2; --last: #000; --rest: $muted; }
@media (prefers-color-scheme: dark) {
  :root { --back: #16181b; --ink: #e6e6e6; --dim: #9a9a9a; --line: #3c4045;
          --paper: #1d1a1b; --grid: #55393a; --last: #fff; --rest: #5f6368; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.2rem auto; padding: 0 1.2rem;
       max-width: 84rem; background: var(--back); color: var(--ink); }
main { display: grid; grid-template-columns: minmax(20rem, 3fr) minmax(18rem, 2fr); gap: 1.6rem; }
@media (max-width: 50rem) { main { grid-template-columns: 1fr; } }
svg { display: block; width: 100%; height: auto; }
#map { border: 1px solid var(--line); cursor: crosshair; }
#map circle { fill-opacity: .85; }
#ring { fill: none; stroke: var(--ink); stroke-width: 2; }
.axis { color: var(--dim); font-size: .8rem; margin: .3rem 0; }
ul { list-style: none; padding: 0; margin: .6rem 0; display: flex; flex-wrap: wrap;
     gap: .1rem 1.1rem; font-size: .85rem; }
li i { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .4em; }
h1 { font-size: 1.05rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
p { margin: .3rem 0; } #hint, #labels { color: var(--dim); }
#report { white-space: pre-wrap; overflow-wrap: anywhere; }
#ecg { background: var(--paper); margin: .6rem 0; }
#ecg path { fill: none; stroke: var(--ink); stroke-width: .4; stroke-linejoin: round; }
#ecg path.fine { stroke: var(--grid); stroke-width: .1; }
#ecg path.coarse { stroke: var(--grid); stroke-width: .3; }
#ecg text { font-size: 4px; fill: var(--ink); }
$colors
</style></head><body>
<main><section>
<svg id="map" viewBox="0 0 $width $height" role="img" aria-label="Map of $n recordings">
$circles
<circle id="ring" r="0" cx="0" cy="0"/></svg>
<p class="axis">$axes</p>
<ul>$legend</ul>
</section><section id="card">
<p id="hint">Point at a recording to see its ECG.</p>
<h1 id="name"></h1><p id="labels"></p>
<div id="paper"></div>
<p class="axis" id="scale" hidden>first $seconds s, $speed mm/s, $gain mm/mV</p>
<p id="report"></p>
</section></main>
<script type="application/json" id="data">$data</script>
<script>
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const map = document.getElementById("map"), ring = document.getElementById("ring");
const points = [...map.querySelectorAll("circle[data-i]")].sort((a, b) => a.dataset.i - b.dataset.i)
  .map(c => [+c.getAttribute("cx"), +c.getAttribute("cy"), +c.getAttribute("r")]);
const space = map.namespaceURI, mm = data.speed / data.rate;

function add(parent, kind, attributes, text) {
  const node = document.createElementNS(space, kind);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  if (text !== undefined) node.textContent = text;
  return parent.appendChild(node);
}

function lines(step, width, height) {
  let path = "";
  for (let x = 0; x <= width; x += step) path += "M" + x + ",0V" + height;
  for (let y = 0; y <= height; y += step) path += "M0," + y + "H" + width;
  return path;
}

function draw(record) {
  const width = data.speed * data.seconds, height = data.row * data.leads.length;
  const svg = document.createElementNS(space, "svg");
  svg.id = "ecg";
  svg.setAttribute("viewBox", "0 0 " + width + " " + height);
  add(svg, "path", { class: "fine", d: lines(1, width, height) });
  add(svg, "path", { class: "coarse", d: lines(5, width, height) });
  const bytes = Int8Array.from(atob(record.signal), c => c.charCodeAt(0) << 24 >> 24);
  const n = bytes.length / data.leads.length;
  data.leads.forEach((lead, row) => {
    const base = (row + 0.55) * data.row;
    let path = "", down = false;
    for (let t = 0; t < n; t++) {
      const value = bytes[row * n + t];
      if (value === data.gap) { down = false; continue; }
      const y = base - value * record.step * data.gain;
      path += (down ? "L" : "M") + (t * mm).toFixed(2) + "," + y.toFixed(2);
      down = true;
    }
    add(svg, "path", { class: "trace", d: path });
    add(svg, "text", { x: 1, y: row * data.row + 5 }, lead);
  });
  document.getElementById("paper").replaceChildren(svg);
}

function show(i) {
  const record = data.records[i], [x, y, r] = points[i];
  ring.setAttribute("cx", x); ring.setAttribute("cy", y); ring.setAttribute("r", r + 3);
  document.getElementById("hint").hidden = true;
  document.getElementById("scale").hidden = false;
  for (const name of ["name", "labels", "report"])
    document.getElementById(name).textContent = record[name];
  draw(record);
}

let current = -1;
map.addEventListener("pointermove", event => {
  const box = map.getBoundingClientRect(), scale = box.width / map.viewBox.baseVal.width;
  const px = (event.clientX - box.left) / scale, py = (event.clientY - box.top) / scale;
  let best = -1, least = 14 * 14;
  points.forEach(([x, y], i) => {
    const d = (x - px) ** 2 + (y - py) ** 2;
    if (d < least) { least = d; best = i; }
  });
  if (best >= 0 && best !== current) show(current = best);
});
function follow() {
  const found = /^#hover=(\\d+)$$/.exec(location.hash);
  if (found && found[1] in data.records) show(current = +found[1]);
}
addEventListener("hashchange", follow);
follow();
</script></body></html>
""")


def embedding_page(points, groups, texts, records, *, axis_names, legend):
    """Return the page.

    Parameters
    ----------
    points : ndarray of shape (n_samples, 2)
    groups : sequence of int or None
        Number of each point's color; None is gray.
    texts : sequence of str
        Labels of each recording, to be read.
    records : ECGRecords
    axis_names : tuple of two str
    legend : list of (int or None, str)
        Numbers of colors and what they stand for.

    Returns
    -------
    str
    """
    # "<" would let a report end the script
    data = json.dumps(_content(texts, records)).replace("<", "\\u003c")
    return _PAGE.substitute(
        mark=MARK, n=f"{len(records):,}", width=_WIDTH, height=_HEIGHT, muted=MUTED, data=data,
        seconds=_SECONDS, speed=_SPEED, gain=_GAIN, axes=_axes(axis_names),
        circles="\n".join(_circles(points, groups)), colors=_colors(),
        legend=_legend(legend, Counter(groups)),
    )  # fmt: skip


def _content(texts, records):
    """Return what the script of the page reads."""
    leads = [lead for lead in _LEADS if lead in records.lead_names]
    leads = leads or list(records.lead_names[: len(_LEADS)])
    shown = records.with_leads(leads).resampled(_RATE)
    reports = [""] * len(records) if records.reports is None else records.reports
    each = [
        {"name": str(name), "labels": str(text), "report": report or "", **_signal(shown, i)}
        for i, (name, text, report) in enumerate(
            zip(records.record_names, texts, reports, strict=True)
        )
    ]
    return {
        "leads": leads, "rate": _RATE, "seconds": _SECONDS, "speed": _SPEED, "gain": _GAIN,
        "row": _ROW, "gap": _GAP, "records": each,
    }  # fmt: skip


def _axes(names):
    ways = zip(("across", "upward"), names, strict=True)
    return "; ".join(f"{way}: {escape(name)}" for way, name in ways if name)


def _legend(entries, counts):
    return "".join(
        f'<li><i class="{_color(k)}"></i>{escape(name)} ({counts[k]:,})</li>'
        for k, name in entries
        if counts[k]
    )


def _colors():
    """Return a style for each color; black is white on a dark page."""
    values = {f"c{k}": color for k, color in enumerate(COLORS)}
    values |= {f"c{len(COLORS) - 1}": "var(--last)", "gray": "var(--rest)"}
    return "\n".join(f".{k} {{ fill: {v}; background: {v}; }}" for k, v in values.items())


def _color(group):
    return "gray" if group is None else f"c{group}"


def _circles(points, groups):
    """Yield a circle for each point, the gray ones below the others."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.array([_WIDTH, _HEIGHT]) - 2 * _MARGIN
    place = _MARGIN + (points - low) / np.where(high > low, high - low, 1) * room
    place[:, 1] = _HEIGHT - place[:, 1]
    radius = np.clip(90 / np.sqrt(len(points)), 2, 5)
    for i in sorted(range(len(points)), key=lambda i: groups[i] is not None):
        x, y = place[i]
        yield (
            f'<circle data-i="{i}" class="{_color(groups[i])}" '
            f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'
        )


def _signal(records, i):
    """Return the beginning of a recording as bytes of `step` mV."""
    signal = records.read_range(i, 0, _SECONDS * _RATE, on_invalid="keep")
    there = np.isfinite(signal)
    step = max(float(np.abs(signal[there]).max(initial=0)), 0.1) / 127
    digital = np.where(there, np.rint(np.where(there, signal, 0) / step), _GAP).astype(np.int8)
    return {"step": round(step, 6), "signal": base64.b64encode(digital.tobytes()).decode()}
