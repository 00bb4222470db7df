"""ECGDisplay: a recording on ECG paper."""

import numpy as np

from ..signals._leads import STANDARD_LEADS, canonical_lead_name

_ROWS = 3
_GAIN, _SPEED = 10.0, 25.0  # mm/mV, mm/s
_ROW_HEIGHT = 25.0  # mm
_GRID = "#e8a0a0"


class ECGDisplay:
    """A recording on ECG paper: 25 mm/s, 10 mm/mV, 3 rows of 4 leads and a rhythm strip.

    Parameters
    ----------
    signal : array-like of shape (n_leads, n_times)
        Recording in mV.
    sampling_rate : float
        In Hz.
    lead_names : sequence of str, optional
        Names of the leads; the standard 12 by default. With the standard 12, in any order, leads
        are laid out as usual on paper; otherwise one below the other.
    title : str, optional
        Text above the recording, e.g. its report.
    rhythm_lead : str, default="II"
        Lead of the strip below the 12 leads.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
    lines_ : list of matplotlib Line2D
        One for each trace.
    traces_ : list of tuple (lead, samples, box)
        What each trace shows: the name of its lead, a slice of the recording, and where on the
        axes, (left, right, bottom, top).

    Examples
    --------
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.inspection import ECGDisplay
    >>> ecg = make_ecg(1, statements=["CLBBB"], random_state=0)
    >>> display = ECGDisplay.from_records(ecg.data, 0)
    >>> len(display.lines_)
    13
    """

    def __init__(self, signal, *, sampling_rate, lead_names=None, title=None, rhythm_lead="II"):
        self.signal = signal
        self.sampling_rate = sampling_rate
        self.lead_names = lead_names
        self.title = title
        self.rhythm_lead = rhythm_lead

    @classmethod
    def from_records(cls, records, index=0, *, title=None, rhythm_lead="II", ax=None):
        """Plot one recording of an :class:`~merit_sk.ECGRecords`.

        Parameters
        ----------
        records : ECGRecords
            Recordings with their sampling rate and lead names.
        index : int, default=0
            Which one.
        title : str, optional
            Text above it; the report by default, if there is one.
        rhythm_lead : str, default="II"
            Lead of the strip below the 12 leads.
        ax : matplotlib Axes, optional
            Where to plot; a new figure by default.

        Returns
        -------
        display : ECGDisplay
        """
        if title is None and records.reports is not None:
            title = records.reports[index]
        return cls(
            records[index],
            sampling_rate=records.sampling_rate,
            lead_names=records.lead_names,
            title=title,
            rhythm_lead=rhythm_lead,
        ).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the recording.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to plot; a new figure, true to scale, by default.

        Returns
        -------
        self : ECGDisplay
        """
        import matplotlib.pyplot as plt

        traces = self.layout()
        width = max(x[-1] for _, x, _, _ in traces) * _SPEED
        rows = 1 + max(row for _, _, _, row in traces)
        if ax is None:
            size = ((width + 10) / 25.4, (rows * _ROW_HEIGHT + 15) / 25.4)
            _, ax = plt.subplots(figsize=size, layout="constrained")
        self._paper(ax, width, rows)
        self.lines_, self.traces_ = [], []
        for name, seconds, millivolts, row in traces:
            base = (rows - row - 0.55) * _ROW_HEIGHT
            x = seconds * _SPEED
            self.lines_ += ax.plot(x, base + millivolts * _GAIN, color="black", linewidth=0.7)
            first = round(seconds[0] * self.sampling_rate)
            bottom = (rows - row - 1) * _ROW_HEIGHT
            box = (x[0], x[-1], bottom, bottom + _ROW_HEIGHT)
            self.traces_.append((name, slice(first, first + len(seconds)), box))
            ax.text(x[0] + 1, base + 0.36 * _ROW_HEIGHT, name, fontsize=8, va="center")
        if self.title:
            ax.set_title(self.title, fontsize=8, loc="left", wrap=True)
        ax.set_xlabel("25 mm/s, 10 mm/mV", fontsize=7, loc="right")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _checked(self):
        signal = np.asarray(self.signal, dtype=float)
        if signal.ndim != 2:
            raise ValueError(f"signal must have shape (n_leads, n_times); got {signal.shape}.")
        names = STANDARD_LEADS if self.lead_names is None else self.lead_names
        if len(names) != len(signal):
            raise ValueError(
                f"signal has {len(signal)} leads but {len(names)} names: give lead_names."
            )
        return signal, [canonical_lead_name(name) for name in names]

    def layout(self):
        """Return where each trace stands on paper.

        Returns
        -------
        traces : list of tuple (lead, seconds, millivolts, row)
        """
        signal, names = self._checked()
        seconds = np.arange(signal.shape[1]) / self.sampling_rate
        by_name = dict(zip(names, signal, strict=True))
        if set(by_name) != set(STANDARD_LEADS):
            return [
                (name, seconds, trace, row) for row, (name, trace) in enumerate(by_name.items())
            ]
        traces = []
        bounds = np.linspace(0, len(seconds), 5).astype(int)
        for k, name in enumerate(STANDARD_LEADS):
            column, row = divmod(k, _ROWS)
            part = slice(bounds[column], bounds[column + 1])
            traces.append((name, seconds[part], by_name[name][part], row))
        rhythm = canonical_lead_name(self.rhythm_lead)
        return [*traces, (rhythm, seconds, by_name[rhythm], _ROWS)]

    @staticmethod
    def _paper(ax, width, rows):
        right, height = np.ceil(width / 5) * 5, rows * _ROW_HEIGHT
        for step, line in ((1, 0.15), (5, 0.5)):
            style = {"color": _GRID, "linewidth": line, "zorder": 0}
            ax.vlines(np.arange(0, right + step, step), 0, height, **style)
            ax.hlines(np.arange(0, height + step, step), 0, right, **style)
        ax.set(xlim=(0, right), ylim=(0, height), aspect="equal", xticks=[], yticks=[])
