"""Write ``simulated_statements.rst``: what ``make_ecg`` draws for each statement, and why.

    python docs/simulated_statements.py

Ranges come from the table that the simulator uses; this file adds the criterion and its source.
"""

from pathlib import Path

from merit_sk.datasets.simulation.findings import FINDINGS
from merit_sk.statements import PTBXL_STATEMENTS

SOURCES = {
    "Surawicz 2009": "Surawicz et al., AHA/ACCF/HRS recommendations for the standardization and "
    "interpretation of the electrocardiogram, part III: intraventricular conduction disturbances. "
    "Circulation 119:e235 (2009), doi:10.1161/CIRCULATIONAHA.108.191095",
    "Rautaharju 2009": "Rautaharju et al., part IV: the ST segment, T and U waves, and the QT "
    "interval. Circulation 119:e241 (2009), doi:10.1161/CIRCULATIONAHA.108.191096",
    "Hancock 2009": "Hancock et al., part V: electrocardiogram changes associated with "
    "cardiac chamber hypertrophy. Circulation 119:e251 (2009), "
    "doi:10.1161/CIRCULATIONAHA.108.191097",
    "Wagner 2009": "Wagner et al., part VI: acute ischemia/infarction. Circulation 119:e262 "
    "(2009), doi:10.1161/CIRCULATIONAHA.108.191098",
    "Thygesen 2018": "Thygesen et al., fourth universal definition of myocardial infarction. "
    "Circulation 138:e618 (2018), doi:10.1161/CIR.0000000000000617",
    "Kusumoto 2019": "Kusumoto et al., 2018 ACC/AHA/HRS guideline on bradycardia and cardiac "
    "conduction delay. Circulation 140:e382 (2019), doi:10.1161/CIR.0000000000000628",
    "Hindricks 2021": "Hindricks et al., 2020 ESC guidelines for atrial fibrillation. Eur. "
    "Heart J. 42:373 (2021), doi:10.1093/eurheartj/ehaa612",
    "Brugada 2020": "Brugada et al., 2019 ESC guidelines for supraventricular tachycardia. Eur. "
    "Heart J. 41:655 (2020), doi:10.1093/eurheartj/ehz467",
    "Sokolow 1949": "Sokolow, Lyon, The ventricular complex in left ventricular hypertrophy. Am. "
    "Heart J. 37:161 (1949)",
    "Surawicz 2008": "Surawicz, Knilans, Chou's electrocardiography in clinical practice, 6th "
    "edition, Saunders (2008)",
    "PTB-XL": "No criterion of its own: the statement is used as in PTB-XL, Wagner et al., "
    "Scientific Data 7:154 (2020), doi:10.1038/s41597-020-0495-6",
}

_MI = "Q waves or missing R in {} leads: the wall's vector is lost or reversed; ST and T vary"
_ISC = "T inverted, ST depressed in {} leads; T flatter in all"
_INJ = "Marked horizontal ST depression in {} leads"

# code: (what is drawn, source)
CRITERIA = {
    "1AVB": ("PR above 200 ms, every P conducted", "Kusumoto 2019"),
    "2AVB": (
        "Every n-th P (n = 2 to 4) dropped, PR constant or lengthening before",
        "Kusumoto 2019",
    ),
    "3AVB": ("Atria and ventricles on clocks of their own; narrow or wide escape", "Kusumoto 2019"),
    "ABQRS": ("R waves smaller in inferior leads and V1 to V3; mostly beside an infarct", "PTB-XL"),
    "AFIB": (
        "No P; irregular RR; waves of 4.8 to 7.6 Hz, largest in V1; T flat, ST often depressed",
        "Hindricks 2021",
    ),
    "AFLT": (
        "Saw-tooth at 235 to 345/min, negative in II, III, aVF; RR its multiple",
        "Brugada 2020",
    ),
    "ALMI": (_MI.format("anterior and lateral"), "Thygesen 2018"),
    "AMI": (_MI.format("V1 to V4"), "Thygesen 2018"),
    "ANEUR": ("Anteroseptal infarct with lasting ST elevation", "Wagner 2009"),
    "ASMI": (_MI.format("V1 to V3"), "Thygesen 2018"),
    "BIGU": ("Every second beat premature, ventricular or atrial", "Surawicz 2008"),
    "CLBBB": (
        "QRS of 120 ms or more; septum from right to left, late left walls one after the other; "
        "T opposed",
        "Surawicz 2009",
    ),
    "CRBBB": (
        "QRS of 120 ms or more; late right wall: rsR' in V1, broad S in I and V6",
        "Surawicz 2009",
    ),
    "DIG": ("Sagging ST, flat T, short QT", "Rautaharju 2009"),
    "EL": ("Flat T, large U, longer QT, as in hypokalaemia", "Rautaharju 2009"),
    "HVOLT": ("All potentials larger, T and duration normal", "PTB-XL"),
    "ILBBB": ("QRS of 110 to 120 ms, pattern of CLBBB", "Surawicz 2009"),
    "ILMI": (_MI.format("inferior and lateral"), "Thygesen 2018"),
    "IMI": (_MI.format("II, III, aVF"), "Thygesen 2018"),
    "INJAL": (_INJ.format("anterolateral"), "Wagner 2009"),
    "INJAS": (_INJ.format("anteroseptal"), "Wagner 2009"),
    "INJIL": (_INJ.format("inferolateral"), "Wagner 2009"),
    "INJIN": (_INJ.format("inferior"), "Wagner 2009"),
    "INJLA": (_INJ.format("lateral"), "Wagner 2009"),
    "INVT": ("T inverted in lateral leads", "Rautaharju 2009"),
    "IPLMI": (_MI.format("inferior and lateral") + "; tall R in V1, V2", "Thygesen 2018"),
    "IPMI": (_MI.format("inferior") + "; tall R in V1, V2", "Thygesen 2018"),
    "IRBBB": ("QRS below 120 ms, late right wall: rSr' in V1", "Surawicz 2009"),
    "ISCAL": (_ISC.format("anterolateral"), "Rautaharju 2009"),
    "ISCAN": (_ISC.format("anterior"), "Rautaharju 2009"),
    "ISCAS": (_ISC.format("anteroseptal"), "Rautaharju 2009"),
    "ISCIL": (_ISC.format("inferolateral"), "Rautaharju 2009"),
    "ISCIN": (_ISC.format("inferior"), "Rautaharju 2009"),
    "ISCLA": (_ISC.format("lateral"), "Rautaharju 2009"),
    "ISC_": ("Strain: ST depressed, T flat or inverted in I, aVL, V5, V6", "Hancock 2009"),
    "IVCD": ("QRS of 110 ms or more without the pattern of a bundle", "Surawicz 2009"),
    "LAFB": (
        "Axis left of -30 to -45 degrees: inferior walls first (r in II, III, aVF), high lateral "
        "ones and base last (deep S there)",
        "Surawicz 2009",
    ),
    "LAO/LAE": ("P of 120 ms or more, notched; terminal P negative in V1", "Hancock 2009"),
    "LMI": (_MI.format("I, aVL, V5, V6"), "Thygesen 2018"),
    "LNGQT": ("QTc above 470 ms", "Rautaharju 2009"),
    "LOWT": ("All T waves small", "Rautaharju 2009"),
    "LPFB": (
        "Axis right of 90 degrees: high lateral walls first, inferior ones last",
        "Surawicz 2009",
    ),
    "LPR": ("PR above 200 ms, mild", "Kusumoto 2019"),
    "LVH": (
        "Left walls stronger, all voltages larger: S in V1 + R in V5 or V6 raised; often slight "
        "ST depression and flat T in I, V5, V6",
        "Sokolow 1949",
    ),
    "LVOLT": ("All potentials 30 to 42 % of normal", "Surawicz 2008"),
    "NDT": ("T flat, its axis turned", "Rautaharju 2009"),
    "NORM": ("All parameters of a healthy heart, fitted to normal PTB-XL records", "PTB-XL"),
    "NST_": ("Slight ST depression, flatter T", "Rautaharju 2009"),
    "NT_": ("T flat", "Rautaharju 2009"),
    "PAC": ("Early P of other shape, conducted; the sinus node is reset", "Surawicz 2008"),
    "PACE": (
        "Stimulus, then activation from the right apex; alone or after each P",
        "Surawicz 2009",
    ),
    "PMI": ("Posterior wall lost: tall R in V1, V2", "Wagner 2009"),
    "PRC(S)": ("Premature ventricular beats", "PTB-XL"),
    "PSVT": ("Regular narrow QRS at 150 to 210/min, no P", "Brugada 2020"),
    "PVC": (
        "Early beat from a ventricular site, wide, T opposed; compensatory pause",
        "Surawicz 2008",
    ),
    "QWAVE": ("Q waves in III and aVF; mostly beside an infarct", "Thygesen 2018"),
    "RAO/RAE": ("Right atrium stronger: tall P in II, positive in V1", "Hancock 2009"),
    "RVH": ("Right wall stronger: R in V1, axis to the right, T negative in V1", "Hancock 2009"),
    "SARRH": ("Sinus rate swings by 10 to 24 % with respiration", "Surawicz 2008"),
    "SBRAD": ("Sinus rate below 58/min", "Kusumoto 2019"),
    "SEHYP": ("Strong septum: deep narrow Q in I, V5, V6", "Hancock 2009"),
    "SR": ("P before each QRS, upright in II; 52 to 98/min", "Surawicz 2008"),
    "STACH": ("Sinus rate above 100/min", "Brugada 2020"),
    "STD_": ("Slight ST depression in I, II, V4 to V6; T flatter", "Rautaharju 2009"),
    "STE_": ("Slight ST elevation in V2 to V4", "Rautaharju 2009"),
    "SVARR": ("P of changing shape and irregular cycles", "Brugada 2020"),
    "SVTAC": ("Regular narrow QRS at 140 to 200/min, no P", "Brugada 2020"),
    "TAB_": ("T flat, its axis turned", "Rautaharju 2009"),
    "TRIGU": ("Every third beat premature, ventricular or atrial", "Surawicz 2008"),
    "VCLVH": ("All voltages larger, left walls most; ST and T little changed", "Sokolow 1949"),
    "WPW": ("PR below 120 ms, delta wave, wide QRS, T opposed", "Surawicz 2009"),
}

_HEAD = """.. Written by simulated_statements.py; do not edit.

What the simulator draws
========================

:func:`merit_sk.datasets.make_ecg` draws PTB-XL's 71 statements by changing the parameters of a
healthy person. The table says for each what appears on paper, what that rests on, and which
parameters change: ``to`` a value in the range, ``by`` a factor, ``plus`` an amount, at ``least``
or at ``most`` a value. Names with a dot belong to one wall of the ventricles. Criteria are those of
the sources; ranges within them are our choice, adjusted by comparing average beats with those of
PTB-XL.

``depression`` is an ST vector in mV that points away from the left ventricle: ST falls in I, II and
V4 to V6 and rises in aVR and V1. Infarcts are old ones, seen in Q and R; some are made acute, with
raised ST over the lost walls. Whoever has any finding is older, has an axis further to the left and
T waves that are flatter and turned forwards, and differs more from others than the healthy do.
Flatness does not multiply: of the patient and the statements, the one with the flattest T holds.

"""


def _ranges(changes):
    def one(name, change):
        values = f"{change.low:g}" + (f"..{change.high:g}" if change.high != change.low else "")
        return f"{name} {change.operation} {values}"

    return "; ".join(one(*item) for item in changes.items()) or "none"


def main():
    order = list(SOURCES)
    lines = [_HEAD, ".. list-table::", "   :header-rows: 1", "   :widths: 10 22 34 34", ""]
    rows = [("Code", "Statement", "What is drawn", "Parameters")]
    for code, statement in PTBXL_STATEMENTS.items():
        drawn, source = CRITERIA[code]
        number = order.index(source) + 1
        rows.append(
            (f"``{code}``", statement.description, f"{drawn} [{number}]", _ranges(FINDINGS[code]))
        )
    for row in rows:
        lines += [f"   {'* -' if k == 0 else '  -'} {cell}" for k, cell in enumerate(row)]
    lines += ["", "Sources", "-------", ""]
    lines += [f"[{k}] {text}\n" for k, text in enumerate(SOURCES.values(), 1)]
    text = "\n".join(lines).rstrip() + "\n"
    Path(__file__).with_suffix(".rst").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
