"""
Where have I seen an ECG like this?
===================================

Recordings that are alike lie close together among embeddings, and so do the words that describe
them. scikit-learn's nearest neighbors search both.
"""

# %%
# Recordings like this one
# ------------------------
# ``readout="projected"`` gives 128 numbers a recording, half a gigabyte for a million of them, in
# the space of the words. On PTB-XL its neighbors share the rhythm more often than those of
# ``"all"``; the same superclass is among five neighbors more often with ``"all"`` (:doc:`/results`,
# "Similar recordings").
#
# The neighbors of a left bundle branch block and of atrial fibrillation with a right one, of which
# the second is drawn:
from sklearn.neighbors import NearestNeighbors

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.inspection import NeighborsDisplay

known = make_ecg(600, random_state=0)
new = make_ecg(2, statements=["CLBBB", ("AFIB", "CRBBB")], random_state=1)

embedder = MeritEmbedder(readout="projected")
Z = embedder.transform(known.data)
search = NearestNeighbors(n_neighbors=5, metric="cosine", algorithm="brute").fit(Z)
distances, neighbors = search.kneighbors(embedder.transform(new.data))
display = NeighborsDisplay.from_records(new.data, known.data, neighbors, distances, index=1)

# %%
# Recordings for a phrase
# -----------------------
# Words are embedded in the same space.
phrases = ["atrial fibrillation with right bundle branch block", "sinus bradycardia"]
far, found = search.kneighbors(embedder.embed_text(phrases), n_neighbors=3)
for phrase, rows in zip(phrases, found, strict=True):
    print(phrase)
    for report in known.data.reports[rows]:
        print("   ", report)
print("distances, words to recordings:", far[:, 0].round(2))
print("distances, recordings to recordings:", distances[:, 0].round(2))

# %%
# The distances differ in size: compare those from words with each other only.

# %%
# Phrases for a recording
# -----------------------
# The other way round, phrases are searched. For probabilities, and a decision on each statement,
# take :class:`~merit_sk.MeritZeroShotClassifier`, which is calibrated.
from merit_sk.statements import PTBXL_STATEMENTS, statement_prompts

phrases = [statement_prompts(code)[0] for code in PTBXL_STATEMENTS]
words = NearestNeighbors(n_neighbors=3, metric="cosine", algorithm="brute")
words.fit(embedder.embed_text(phrases))
_, found = words.kneighbors(embedder.transform(new.data))
for report, rows in zip(new.data.reports, found, strict=True):
    print(report)
    print("   ", "; ".join(phrases[i] for i in rows))

# %%
# How good is the search?
# -----------------------
# :func:`~merit_sk.metrics.macro_retrieval` compares labels of queries and neighbors, each class as
# much as the others. Patients here have one recording each; leave recordings of a query's own
# patient out of what is searched.
from merit_sk.metrics import bootstrap_interval, macro_retrieval

rhythms = ["AFIB", "SBRAD", "STACH", "SR"]
columns = [known.target_names.index(code) for code in rhythms]
queries = make_ecg(150, random_state=2)
_, neighbors = search.kneighbors(embedder.transform(queries.data))
y_query, y_near = queries.target[:, columns], known.target[:, columns][neighbors]
for name, found in {"recall": y_near.max(axis=1), "precision": y_near.mean(axis=1)}.items():
    options = {"groups": queries.groups, "random_state": 0}
    print(f"{name} at 5:", bootstrap_interval(macro_retrieval, y_query, found, **options))
print(f"precision by chance: {known.target[:, columns].mean():.4f}")
