"""What a notebook shows of an `ECGRecords`."""

from collections import Counter
from html import escape

import numpy as np

_LOOKED_AT = 8  # records that are read to find flat leads
_SECONDS = 5.0
_WIDTH, _HEIGHT, _POINTS = 460, 90, 460
_STYLE = "text-align:left;padding:1px 12px 1px 0"


def records_html(records):
    """Return a drawing of the first record, and a table of all.

    Parameters
    ----------
    records : ECGRecords

    Returns
    -------
    str
    """
    rows = {"records": f"{len(records):,}"}
    if len(records):
        rows["length"] = _range(records.lengths / records.sampling_rate, "s")
        rows["sampling rate"] = _rates(records)
    rows["leads"] = ", ".join(records.lead_names)
    rows["unit"] = "mV"
    if records.reports is not None:
        missing = sum(not report for report in records.reports)
        rows["reports"] = f"{len(records) - missing:,}, missing {missing:,}"
    drawing = ""
    if len(records):
        rows["flat leads"], drawing = _looked_at(records)
    table = "".join(
        f'<tr><th style="{_STYLE}">{escape(name)}</th><td style="{_STYLE}">{escape(text)}</td></tr>'
        for name, text in rows.items()
    )
    return f"<div>{drawing}<table>{table}</table></div>"


def _range(values, unit):
    low, high = values.min(), values.max()
    return f"{low:g} {unit}" if low == high else f"{low:g} to {high:g} {unit}"


def _rates(records):
    counts = Counter(np.asarray(records._source.rates).tolist())
    text = f"{records.sampling_rate:g} Hz"
    if list(counts) == [records.sampling_rate]:
        return text
    stored = ", ".join(f"{count:,} at {rate:g} Hz" for rate, count in sorted(counts.items()))
    return f"{text}, resampled from {stored}"


def _looked_at(records):
    """Say which leads are flat in some records, and draw the first one."""
    chosen = np.unique(np.linspace(0, len(records) - 1, _LOOKED_AT).astype(int))
    flat, damaged, drawing = Counter(), 0, ""
    for i in chosen:
        rate = float(records._source.rates[i])  # resampling bends the ends of a flat line
        stop = max(1, int(_SECONDS * rate))
        try:
            signal = records.resampled(rate).read_range(i, 0, stop, on_invalid="keep")
        except (OSError, ValueError):
            damaged += 1
            continue
        values = np.nan_to_num(signal)
        still = (values == values[:, :1]).all(axis=1)
        flat.update(name for name, f in zip(records.lead_names, still, strict=True) if f)
        drawing = drawing or _svg(records, signal, stop)
    text = ", ".join(f"{name} in {count}" for name, count in flat.items()) or "none"
    text += f" (first {_SECONDS:g} s of {len(chosen)} records looked at)"
    return text + (f", {damaged} cannot be read" if damaged else ""), drawing


def _svg(records, signal, stop):
    names = records.lead_names
    lead = names.index("II") if "II" in names else 0
    y = signal[lead]
    finite = np.isfinite(y)
    if not finite.any():
        return ""
    low, high = y[finite].min(), y[finite].max()
    times = np.linspace(0, len(y) - 1, min(_POINTS, len(y))).astype(int)
    scale = (_HEIGHT - 10) / max(high - low, 1e-3)
    points = " ".join(
        f"{t / stop * _WIDTH:.1f},{_HEIGHT - 5 - (y[t] - low) * scale:.1f}"
        for t in times
        if finite[t]
    )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f"<title>Lead {escape(names[lead])} of the first record</title>"
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1"/></svg>'
    )
