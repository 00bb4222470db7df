"""
Another hospital, another coding
================================

A model that learned from one data set meets another one: other recorders, more noise, other names
for what it knows. Which classes mean the same has to be said, and then there are two ways to carry
a model over, with labels and with words.
"""

# %%
# Two data sets
# -------------
# The first is labeled with PTB-XL's superclasses. The second was recorded at 500 Hz with three
# times the noise, and is labeled with the codes of CSN. Both are simulated here;
# :func:`~merit_sk.datasets.load_ptbxl` and :func:`~merit_sk.datasets.load_csn` give the real ones.
from merit_sk.datasets import make_ecg

here = make_ecg(600, task="superclass", random_state=0)

codes = {"LVH": "LVH", "CLBBB": "LBBB", "CRBBB": "RBBB", "INVT": "TWO", "STACH": "ST"}
there = make_ecg(200, statements=list(codes), noise=3, sampling_rate=500, random_state=1)
columns = [there.target_names.index(code) for code in codes]
there.target, there.target_names = there.target[:, columns], list(codes.values())
there.folds = None
print(here.data, "and", there.data)

# %%
# What means the same
# -------------------
# The published map takes ST depression (STDD) for a conduction disturbance, and sinus rhythm (SR)
# for a normal ECG. The corrected one does not.
from merit_sk.evaluation import category_map

for version in ("published", "corrected"):
    print(version, category_map("ptbxl", "csn", version=version))

# %%
# A model, pretrained on the first set
# ------------------------------------
# From scratch, so that it knows the first set alone.
from merit_sk import MeritEmbedder

train = here.folds <= 8
embedder = MeritEmbedder(pretrained=None, max_epochs=10, structure_weight=0, random_state=0)
embedder.fit(here.data[train], reports=here.reports[train])

# %%
# Carried over with labels, and with words
# ----------------------------------------
# The probe learns the superclasses of the first set; a class of the second set takes the score of
# the superclass it belongs to. Zero-shot is asked for each class of the second set in words, so
# left and right bundle branch block need not share a score. Both are judged on the same classes.
from merit_sk.evaluation import evaluate_shift
from merit_sk.statements import statement_prompts

mapping = category_map("ptbxl", "csn")
phrases = {name: statement_prompts(code) for code, name in codes.items()}
probe = evaluate_shift(embedder, here, there, mapping=mapping)
words = evaluate_shift(
    embedder, here, there, mapping=mapping, protocol="zero_shot", classes=phrases
)
print("probe carried over:", probe.auc)
print("zero-shot:         ", words.auc)

# %%
import pandas as pd

aucs = {"probe carried over": probe, "zero-shot": words}
print(
    pd.DataFrame({name: r.to_frame().set_index("target").auc for name, r in aucs.items()}).round(3)
)

# %%
# Labels carry over better here than words, of which the model has read few: for hypertrophy and T
# waves, that is, while bundle branch blocks are told as well in words. But ST, sinus tachycardia,
# is in neither column: no superclass of PTB-XL means it. In words it can be asked for all the same.
from merit_sk.evaluation import evaluate_zero_shot
from merit_sk.inspection import ZeroShotDisplay

display = ZeroShotDisplay.from_result(evaluate_zero_shot(embedder, there, classes=phrases))
