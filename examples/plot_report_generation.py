"""
From the ECG to its report
==========================

A small language model learns to write reports from the reports it is given. It reads the ECG as a
few vectors that stand before the text like words. Whether it reads anything at all is seen only
beside baselines, since reports repeat.
"""

# %%
# Learn to write
# --------------
# The encoder is the one in the box and stays as it is. The language model that is built in needs no
# download: its vocabulary and its grammar come from the reports.
from merit_sk import MeritReportGenerator
from merit_sk.datasets import make_ecg

findings = ["NORM", "AFIB", "SBRAD", "STACH", "CLBBB", "CRBBB", "IMI", "3AVB"]
train = make_ecg(320, statements=findings, random_state=0)
test = make_ecg(80, statements=findings, random_state=1)

writer = MeritReportGenerator(max_epochs=12, random_state=0)
writer.fit(train.data)
print(f"{writer.history_[0]['train_loss']:.2f} nats per word at first, ", end="")
print(f"{writer.history_[-1]['train_loss']:.2f} at last")

# %%
# Three ways to a report
# ----------------------
# Above each recording: its true report, what the model wrote, and the report of the training record
# whose embedding is nearest.
import matplotlib.pyplot as plt

from merit_sk.evaluation import report_baselines
from merit_sk.inspection import ECGDisplay

written = report_baselines(writer, train.data, train.reports, test.data, random_state=0)
for i in (1, 4):
    ways = {"true": test.reports[i], "written": written["generated"][i]}
    ways["nearest"] = written["nearest report"][i]
    title = "\n".join(f"{way}: {text}" for way, text in ways.items())
    ECGDisplay.from_records(test.data, i, title=title)
plt.show()

# %%
# What is it worth?
# -----------------
# A text in the style of reports scores well even if it says nothing of this patient: see the
# majority report, and the model fed the ECG of somebody else or an average one. Clinical F1 asks
# what counts, whether the statements a reader takes from the text are true; the true report shows
# how far a reader can get.
from merit_sk.evaluation import evaluate_reports, report_labeler

seen = train.target.any(axis=0) & test.target.any(axis=0)
labeler = report_labeler().fit(train.reports, train.target[:, seen])
scores = evaluate_reports(
    test.reports,
    written | {"true report": test.reports},
    labeler=labeler,
    target=test.target[:, seen],
    n_resamples=300,
    random_state=0,
)
columns = ["bleu_4", "rouge_l", "meteor_exact_stem", "clinical_f1", "n_distinct"]
scores.table()[columns].round(3)

# %%
# Only differences mean something, with their intervals over resampled patients:
for other in ("nearest report", "majority report", "shuffled ECG", "no ECG"):
    for metric in ("rouge_l", "clinical_f1"):
        print(f"{metric:12} generated - {other:16}", scores.compare("generated", other, metric))

# %%
# Other words
# -----------
# Decoding is transformers' own: ``generation={"num_beams": 4}`` searches wider,
# ``{"do_sample": True}`` draws. Age, sex or anything else that is known can be passed as
# ``context=`` to ``fit`` and ``predict``, and ``language_model=`` takes the folder or hub id of any
# causal language model, frozen, tuned in full or by low-rank changes.
writer.set_params(generation={"num_beams": 4})
print(writer.predict(test.data[:2]))
