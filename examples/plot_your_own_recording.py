"""
Your own recording in five lines
================================

An ECG file in, the most likely statements, an embedding and a picture out. The weights come with
the package, so nothing is downloaded and nothing is trained.
"""

# %%
# An ECG file
# -----------
# Take one of yours, :doc:`in any format <plot_read_any_format>`. Here a simulated patient with
# atrial fibrillation and a right bundle branch block is written to a folder first, at 500 Hz.
import tempfile

import wfdb

from merit_sk.datasets import make_ecg

patient = make_ecg(1, statements=[("AFIB", "CRBBB")], sampling_rate=500, random_state=7).data
folder = tempfile.mkdtemp()
wfdb.wrsamp(
    "mine",
    fs=500,
    units=["mV"] * 12,
    sig_name=list(patient.lead_names),
    p_signal=patient[0].T.astype(float),
    fmt=["16"] * 12,
    write_dir=folder,
)

# %%
# Five lines
# ----------
# The weights in the package answer for all 71 statements of PTB-XL. Rate, lead order and units are
# read from the file.
from merit_sk import MeritZeroShotClassifier, read_ecg

ecg = read_ecg(folder).data
zero = MeritZeroShotClassifier().fit(ecg)
chances = zero.predict_proba(ecg)[0]
embedding = zero.embedder_.transform(ecg)
print(ecg, embedding.shape)

# %%
# The most likely statements
# --------------------------
# A probability is that of PTB-XL's statement for a recording like those of PTB-XL (folds 1 to 9),
# where the statement is as frequent as there. Elsewhere it is off, see
# :ref:`sphx_glr_auto_examples_plot_calibrated_zero_shot.py`, and it is no diagnosis: the
# :doc:`model card </model_card>` says how far each statement can be trusted.
from merit_sk.statements import PTBXL_STATEMENTS

for k in chances.argsort()[::-1][:6]:
    code = zero.classes_[k]
    print(f"{chances[k]:.3f}  {code:6s} {PTBXL_STATEMENTS[code].description}")

# %%
import matplotlib.pyplot as plt

from merit_sk.inspection import ECGDisplay, ZeroShotDisplay

ECGDisplay.from_records(ecg, title="mine")
ZeroShotDisplay.from_estimator(zero, ecg, truth=["AFIB", "CRBBB"])
plt.show()

# %%
# In German, and from a single lead
# ---------------------------------
# The weights have read reports in both languages. Leads that are not there are taken as missing,
# with a warning: an embedding of lead I alone :doc:`knows less <plot_lead_from_a_watch>`.
import warnings

german = MeritZeroShotClassifier(language="de").fit(ecg)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    one_lead = german.predict_proba(ecg.with_leads(["I"]))[0]
print(caught[0].message)
for name, values in {"12 leads": german.predict_proba(ecg)[0], "lead I": one_lead}.items():
    print(name, *(f"{zero.classes_[k]} {values[k]:.3f}" for k in values.argsort()[::-1][:4]))

# %%
# The same from the command line: ``merit-sk read mine``.
