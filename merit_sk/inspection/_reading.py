"""What the weights find in a file: what `merit-sk read` prints, writes and draws."""

import os
import re
import warnings
from functools import lru_cache

from ..datasets import read_ecg
from ..estimators import MeritMeasurements, MeritReportGenerator, MeritZeroShotClassifier
from ..signals._quality import warn_about_signals
from ..statements import PTBXL_STATEMENTS

FLAGS = ("flat_leads", "clipped_leads", "noisy_leads", "wandering_leads")
MEASURED = {
    "heart_rate": "/min", "pr_interval": "ms", "qrs_duration": "ms", "qt_interval": "ms",
    "qtc_interval": "ms", "p_axis": "°", "r_axis": "°", "t_axis": "°",
}  # fmt: skip
MEASURES = {
    "pr_interval": ("PR", " ms"), "qrs_duration": ("QRS", " ms"), "qt_interval": ("QT", " ms"),
    "qtc_interval": ("QTc", " ms"), "qrs_axis": ("axis", "°"),
    "sokolow_lyon": ("Sokolow-Lyon", " mV"), "cornell": ("Cornell", " mV"),
}  # fmt: skip
UNCALIBRATED = (
    "these weights are not calibrated: their probabilities are rough, and 0.5 is every operating "
    "point; see merit_sk.calibrate_zero_shot"
)
UNFAMILIAR = (
    "Unlike the recordings of pretraining: do not trust these answers. Are the leads in order, the "
    "sampling rate and the unit right, is it an ECG of rest?"
)


class Reading:
    """A file and what is found in it.

    Attributes
    ----------
    content : dict
        As ``merit-sk read --json`` prints it.
    ecg : ECGRecords or None
        The recording, gaps interpolated; None if it cannot be read.
    zero : MeritZeroShotClassifier or None
    words : tuple of str
        That tell who the patient is, as far as the file names them.
    """

    def __init__(self, found, embedder, language):
        self.ecg = self.zero = None
        self.words = ()
        path = os.path.relpath(found.path)
        self.content = {"record": found.name, "path": path, "format": found.format, "error": None}
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("ignore")
                warnings.simplefilter("always", UserWarning)
                self._read(found, embedder, language)
        except (OSError, ValueError, ImportError) as error:
            self.ecg = None
            text = " ".join((str(error) or type(error).__name__).split())
            text = text.replace(found.path, path)
            self.content["error"] = text if path in text else f"{path}: {text}"
            return
        notes = dict.fromkeys(str(warning.message) for warning in caught)
        self.content["notes"] = [text.replace(found.path, path) for text in notes]

    def _read(self, found, embedder, language):
        if found.fault is not None:
            raise found.fault
        file = read_ecg([found.path], with_identity=True)
        ecg, facts = file.data.repaired(), file.frame.iloc[0]
        self.words = _telling(facts)
        report = None if file.reports is None else file.reports[0]
        row = file.data.summary().iloc[0]
        if row.fault:
            raise ValueError(row.fault)
        warn_about_signals(embedder._source(ecg))
        zero = MeritZeroShotClassifier(embedder, classes="all", language=language).fit(ecg)
        self.content |= {
            "duration": row.duration, "sampling_rate": row.sampling_rate,
            "leads": list(ecg.lead_names),
            **{flag: [name for name in row[flag].split(", ") if name] for flag in FLAGS},
            "invalid": row.invalid, "amplitude": row.amplitude, "heart_rate": row.heart_rate,
            "measured": _measured(embedder, ecg),
            "in_file": {
                key: facts[key] for key in ("age", "sex", "device", *MEASURED)
                if key in facts and facts[key] is not None
            },
            "report": report and without(self.words, report),
            "written_report": _written(embedder, ecg, language),
            "familiarity": _familiarity(embedder, ecg),
            "statements": _statements(zero, ecg),
        }  # fmt: skip
        self.ecg, self.zero = ecg, zero

    @property
    def found(self):
        """The statements above their operating points, the most probable one first."""
        return [s for s in self.content.get("statements", ()) if s["found"]]

    @property
    def unfamiliar(self):
        """Whether the recording is unlike those of pretraining."""
        return (self.content.get("familiarity") or 0) < 0

    def shown(self, top):
        """Return all statements that are found and, up to `top`, the next ones."""
        return self.content["statements"][: max(top, len(self.found))]


def _familiarity(embedder, ecg):
    complete = set(embedder.window_.leads) <= set(ecg.lead_names)
    if complete and hasattr(embedder, "decision_function"):
        return float(embedder.decision_function(ecg)[0])
    return None


def _measured(embedder, ecg):
    """What the weights measure, by name; nothing if they hold no measurements."""
    if embedder.measurements_ is None:
        return {}
    return MeritMeasurements(embedder).fit(ecg).measure(ecg).iloc[0].to_dict()


def _written(embedder, ecg, language):
    """The report that the weights write, or None if they hold no writer."""
    if embedder.report_writer_ is None:
        return None
    return _writer(embedder, language).predict(ecg)[0]


@lru_cache(maxsize=1)
def _writer(embedder, language):
    """The writer of the weights, loaded once for all recordings."""
    return MeritReportGenerator(embedder, language=language)._ready()


def measures(content):
    """Return what is measured as texts with their units, by name; the rate stands elsewhere."""
    found = {}
    for key, value in content["measured"].items():
        if key in MEASURES and value == value:
            name, unit = MEASURES[key]
            digits = 2 if unit == " mV" else 0
            found[name] = f"{value:.{digits}f}{unit}"
    return found


def _statements(zero, ecg):
    """All statements: those that are found first, each kind by its probability."""
    rows = [
        {"code": str(code), "description": PTBXL_STATEMENTS[code].description,
         "probability": float(chance), "operating_point": float(point),
         "found": bool(chance > point)}
        for code, chance, point in zip(
            zero.classes_, zero.predict_proba(ecg)[0], zero.thresholds_, strict=True
        )
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (not row["found"], -row["probability"]))


def _telling(facts):
    """Words of the patient's name, and the number."""
    text = " ".join(str(facts.get(key) or "") for key in ("patient_name", "patient_id"))
    return tuple(dict.fromkeys(re.findall(r"[^\W_]{2,}", text)))


def without(words, text):
    """Return a text without the given words, in whatever case."""
    if not words:
        return text
    pattern = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.sub(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", "…", text, flags=re.I)
