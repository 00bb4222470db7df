"""ReconstructionDisplay: masked spans of a recording and their reconstruction."""

import numpy as np

from ..signals._leads import STANDARD_LEADS
from ._style import COLORS, axes_for

_SPACING = 7.0  # standard deviations between two leads
_SHADE = "#DCE8F2"


class ReconstructionDisplay:
    """A recording with masked spans shaded and reconstructed.

    Leads stand one below the other. Black: the recording. Orange, in the shaded spans: the
    reconstruction.

    Parameters
    ----------
    signal, reconstruction : array-like of shape (n_leads, n_times)
        Recording and reconstruction in the same unit. Each lead is drawn in units of the standard
        deviation of its recording.
    mask : array-like of bool of shape (n_leads, n_times)
        Masked samples.
    sampling_rate : float
        In Hz.
    lead_names : sequence of str, default=None
        Names of the leads; the standard 12 by default.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        For each lead the recording and the reconstruction.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.inspection import ReconstructionDisplay
    >>> signal = np.sin(np.arange(200) / 10) * np.ones((2, 1))
    >>> mask = np.zeros(signal.shape, dtype=bool)
    >>> mask[0, 50:100] = True
    >>> display = ReconstructionDisplay(
    ...     signal, signal, mask, sampling_rate=100, lead_names=["I", "II"]).plot()
    >>> len(display.lines_)
    4
    """

    def __init__(self, signal, reconstruction, mask, *, sampling_rate, lead_names=None):
        self.signal = signal
        self.reconstruction = reconstruction
        self.mask = mask
        self.sampling_rate = sampling_rate
        self.lead_names = lead_names

    @classmethod
    def from_estimator(cls, embedder, X, index=0, *, random_state=None, ax=None):
        """Mask part of one recording, reconstruct it and plot both.

        Parameters
        ----------
        embedder : MeritEmbedder
            Fitted, with masked modeling.
        X : ECGRecords or array-like of shape (n_samples, n_leads, n_times)
            Recordings.
        index : int, default=0
            Which one.
        random_state : int, RandomState instance or None, default=None
            Seed for the mask.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : ReconstructionDisplay
        """
        filled = embedder.reconstruct(X[index : index + 1], random_state=random_state)
        return cls(
            filled.signal[0],
            filled.reconstruction[0],
            filled.mask[0],
            sampling_rate=embedder.window_.sampling_rate,
            lead_names=embedder.window_.leads,
        ).plot(ax=ax)

    def plot(self, ax=None):
        """Draw recording and reconstruction.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        self : ReconstructionDisplay
        """
        signal, filled, mask, names = self._checked()
        std = signal.std(axis=1, keepdims=True)
        unit, center = np.where(std > 0, std, 1), signal.mean(axis=1, keepdims=True)
        signal, filled = (signal - center) / unit, (filled - center) / unit
        self.ax_ = ax = axes_for(ax, (11, 1.2 + 0.55 * len(signal)))
        self.figure_ = ax.figure
        seconds = np.arange(signal.shape[1]) / self.sampling_rate
        base = -_SPACING * np.arange(len(signal))
        self.lines_ = []
        for k in range(len(signal)):
            band = (base[k] - 0.4 * _SPACING, base[k] + 0.4 * _SPACING)
            ax.fill_between(seconds, *band, where=mask[k], color=_SHADE, linewidth=0, zorder=0)
            self.lines_ += ax.plot(seconds, base[k] + signal[k], color="black", linewidth=0.8)
            inside = np.where(mask[k], base[k] + filled[k], np.nan)
            self.lines_ += ax.plot(seconds, inside, color=COLORS[1], linewidth=1.4)
        self._finish(ax, seconds, base, names)
        return self

    def _finish(self, ax, seconds, base, names):
        ax.set_yticks(base, names)
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.set(xlim=(0, seconds[-1]), ylim=(base[-1] - 0.8 * _SPACING, 0.9 * _SPACING))
        ax.set(xlabel="time (s)", ylabel="lead, in its standard deviations")
        self.lines_[0].set_label("recording")
        self.lines_[1].set_label("reconstruction of the shaded spans")
        ax.legend(handles=self.lines_[:2], frameon=False, ncols=2, loc="lower left",
                  bbox_to_anchor=(0, 1))  # fmt: skip

    def _checked(self):
        arrays = [np.asarray(a) for a in (self.signal, self.reconstruction, self.mask)]
        if arrays[0].ndim != 2 or len({a.shape for a in arrays}) != 1:
            raise ValueError(
                "signal, reconstruction and mask must have one shape (n_leads, n_times); got "
                f"{', '.join(str(a.shape) for a in arrays)}."
            )
        names = STANDARD_LEADS if self.lead_names is None else self.lead_names
        if len(names) != len(arrays[0]):
            raise ValueError(f"{len(arrays[0])} leads but {len(names)} names: give lead_names.")
        signal, filled, mask = arrays
        return signal.astype(float), filled.astype(float), mask.astype(bool), list(names)
