"""
From the ECG to its report
==========================

A small language model reads the ECG as a few vectors that stand before the text like words. One
that has learned is in the box; another one learns from the reports it is given. Whether they read
anything at all is seen only beside baselines, since reports repeat.
"""

# %%
# The writer in the box
# ---------------------
# It writes at once, in English or German, as machines do: it has read machine statements and
# simulated reports, none of a cardiologist. What it writes is a draft for research, and no
# diagnosis.
from merit_sk import MeritReportGenerator
from merit_sk.datasets import make_ecg

findings = ["NORM", "AFIB", "SBRAD", "STACH", "CLBBB", "CRBBB", "IMI", "3AVB"]
train = make_ecg(320, statements=findings, random_state=0)
test = make_ecg(80, statements=findings, random_state=1)

in_the_box = MeritReportGenerator().predict(test.data)
german = MeritReportGenerator(language="de").predict(test.data[:3])
for i, text in enumerate(german):
    print(f"true    {test.reports[i]}\nEnglish {in_the_box[i]}\nGerman  {text}\n")

# %%
# Not all of it is true. The second recording was simulated with fibrillation and no other finding:
# the English adds a fascicular block, the German an old inferior infarct.

# %%
# Learn to write
# --------------
# Another one learns the words of your reports. The encoder stays as it is; the language model that
# is built in needs no download, its vocabulary and its grammar come from the reports.
# ``train.data`` carries them. Of recordings without reports ``fit`` learns nothing and loads the
# writer in the box.
writer = MeritReportGenerator(max_epochs=12, random_state=0)
writer.fit(train.data)
print(f"{writer.history_[0]['train_loss']:.2f} nats per word at first, ", end="")
print(f"{writer.history_[-1]['train_loss']:.2f} at last")

# %%
# Three ways to a report
# ----------------------
# Above each recording: its true report, what the writer that has learned here and the one in the
# box say, and the report of the training record whose embedding is nearest.
import matplotlib.pyplot as plt

from merit_sk.evaluation import report_baselines
from merit_sk.inspection import ECGDisplay

written = report_baselines(writer, train.data, train.reports, test.data, random_state=0)
for i in (1, 4):
    ways = {"true": test.reports[i], "learned": written["generated"][i]}
    ways |= {"in the box": in_the_box[i], "nearest": written["nearest report"][i]}
    title = "\n".join(f"{way}: {text}" for way, text in ways.items())
    ECGDisplay.from_records(test.data, i, title=title)
plt.show()

# %%
# What is it worth?
# -----------------
# A text in the style of reports has words in common with the true one even if it says nothing of
# this patient: see the majority report, and the writer fed the ECG of somebody else or an average
# one. Clinical F1 asks what counts, whether the statements a reader takes from the text are true.
# The reader is a classifier that has learned from the training reports; the true report shows how
# far it gets, and texts in other words, such as those of the writer in the box, it reads less well.
from merit_sk.evaluation import evaluate_reports, report_labeler

seen = train.target.any(axis=0) & test.target.any(axis=0)
labeler = report_labeler().fit(train.reports, train.target[:, seen])
scores = evaluate_reports(
    test.reports,
    written | {"in the box": in_the_box, "true report": test.reports},
    labeler=labeler,
    target=test.target[:, seen],
    n_resamples=300,
    random_state=0,
)
columns = ["bleu_4", "rouge_l", "meteor_exact_stem", "clinical_f1", "n_distinct"]
scores.table()[columns].round(3)

# %%
# Differences, with their intervals over resampled patients, tell which of two is better:
for other in ("nearest report", "majority report", "shuffled ECG", "no ECG"):
    for metric in ("rouge_l", "clinical_f1"):
        print(f"{metric:12} generated - {other:16}", scores.compare("generated", other, metric))

# %%
# Read both metrics of a pair together: here the writer is nearer to the words of the true reports
# than the nearest report is, and less often right in its statements.

# %%
# Other words
# -----------
# Decoding is transformers' own: ``generation={"num_beams": 4}`` searches wider,
# ``{"do_sample": True}`` draws. Age, sex or anything else that is known can be passed as
# ``context=`` to ``fit`` and ``predict``, and ``language_model=`` takes the folder or hub id of any
# causal language model, frozen, tuned in full or by low-rank changes.
writer.set_params(generation={"num_beams": 4})
print(writer.predict(test.data[:2]))
