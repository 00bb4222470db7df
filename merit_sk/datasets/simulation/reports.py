"""Reports of simulated recordings, in the words of machines and of cardiologists."""

from .._prompts import phrases
from .._statements import PTBXL_STATEMENTS


def write(codes, numbers, language):
    """Write a report on the statements of a record; ``numbers`` are its uniform random numbers."""
    style = "german" if language == "de" else ("machine" if numbers[0] < 0.6 else "english")
    found = []
    order = {"rhythm": 0, "CD": 1, "HYP": 2, "MI": 3, "STTC": 4}
    for k, code in enumerate(sorted(codes - {"NORM"}, key=lambda c: (order.get(_kind(c), 5), c))):
        choices = phrases(code, style)
        found.append(choices[int(numbers[1 + k % 20] * len(choices))])
    if "NORM" in codes:
        found.append(
            {"machine": "Normal ECG", "english": "normal ECG", "german": "normales ekg"}[style]
        )
    elif style == "machine":
        found.append("Abnormal ECG")
    return ("; " if style == "machine" else ". " if style == "english" else ", ").join(found)


def _kind(code):
    statement = PTBXL_STATEMENTS[code]
    return "rhythm" if statement.rhythm else statement.superclass
