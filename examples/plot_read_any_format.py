"""
Read ECG files of any format
============================

A folder as hospitals and devices leave it: WFDB records, GE MUSE XML, DICOM, a file that is broken.
One function reads it, whatever the files are called.
"""

# %%
# A folder of exports
# -------------------
# We write one here. Two simulated patients are stored as WFDB and as GE MUSE XML, which holds eight
# of twelve leads as 16-bit integers in base64, and beside the rhythm strip a median beat. The DICOM
# file is a real recording that comes with pydicom.
import base64
import shutil
import tempfile
from pathlib import Path

import numpy as np
import wfdb
from pydicom.data import get_testdata_file

from merit_sk.datasets import make_ecg

folder = Path(tempfile.mkdtemp())
ecg = make_ecg(2, statements=["NORM", "AFIB"], sampling_rate=500, random_state=0)
names = list(ecg.data.lead_names)

wfdb.wrsamp(
    "monday",
    fs=500,
    units=["mV"] * 12,
    sig_name=[name.lower() for name in names],
    p_signal=ecg.data[0].T.astype(float),
    fmt=["16"] * 12,
    write_dir=str(folder),
)


def lead_of_muse(name, millivolts):
    samples = np.round(millivolts / 0.00488).astype("<i2")
    return f"""<LeadData><LeadSampleCountTotal>{len(samples)}</LeadSampleCountTotal>
<LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>
<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>{name}</LeadID>
<WaveFormData>{base64.b64encode(samples.tobytes()).decode()}</WaveFormData></LeadData>"""


def waveform_of_muse(kind, signal):
    eight = [lead_of_muse(n, x) for n, x in zip(names, signal, strict=True) if n in EIGHT]
    return f"""<Waveform><WaveformType>{kind}</WaveformType><SampleBase>500</SampleBase>
<SampleExponent>0</SampleExponent>{"".join(eight)}</Waveform>"""


EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
(folder / "tuesday.xml").write_text(
    f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE RestingECG SYSTEM "restecg.dtd">
<RestingECG>
<PatientDemographics><PatientID>4711</PatientID><PatientAge>71</PatientAge>
<Gender>FEMALE</Gender><PatientLastName>ROE</PatientLastName></PatientDemographics>
<RestingECGMeasurements><VentricularRate>88</VentricularRate></RestingECGMeasurements>
<Diagnosis><DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag>
<StmtText>Atrial fibrillation</StmtText></DiagnosisStatement></Diagnosis>
{waveform_of_muse("Median", ecg.data[1][:, :600])}
{waveform_of_muse("Rhythm", ecg.data[1])}
</RestingECG>""",
    encoding="latin-1",
)
shutil.copy(get_testdata_file("waveform_ecg.dcm", download=False), folder / "wednesday")
with open(folder / "thursday.xml", "w") as file:
    file.write("<RestingECG><Waveform>")

# %%
# Read it
# -------
# Formats are recognized by what files hold. What cannot be read is an error that names the file,
# or, with ``errors="skip"``, left out and listed.
import warnings

from merit_sk import read_ecg

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found = read_ecg(folder, errors="skip")
print(caught[0].message)

# %%
# All have the twelve leads, in mV and at one rate; III, aVR, aVL and aVF of the MUSE file are
# computed from I and II.
found.data

# %%
# Names and numbers of patients are left out unless ``with_identity=True`` asks for them.
found.frame.drop(columns="path").T

# %%
# Reports come from the files. ``groups`` tells which recordings are of one patient, without saying
# of whom: give it to a splitter such as ``GroupKFold``.
for name, report, group in zip(found.data.record_names, found.reports, found.groups, strict=True):
    print(group, name, report)

# %%
# Use it
# ------
import matplotlib.pyplot as plt

from merit_sk import MeritEmbedder
from merit_sk.inspection import ECGDisplay

print(MeritEmbedder().transform(found.data).shape)
at = list(found.data.record_names).index("wednesday")
ECGDisplay.from_records(
    found.data[[at]].with_duration(10), title="The DICOM file, a real recording"
)
plt.show()
