"""
Simulated ECGs on paper
=======================

:func:`~merit_sk.datasets.make_ecg` simulates 12-lead ECGs with PTB-XL statements and reports, and
:class:`~merit_sk.inspection.ECGDisplay` draws a recording as it comes out of a recorder: 25 mm/s,
10 mm/mV, four columns of three leads and a rhythm strip. What is drawn for each of the 71
statements stands in :doc:`the table of simulated statements </simulated_statements>`.
"""

from merit_sk.datasets import make_ecg
from merit_sk.inspection import ECGDisplay


def show(*statements):
    """One recording for each entry."""
    ecg = make_ecg(len(statements), statements=statements, sampling_rate=250, random_state=2)
    for k in range(len(statements)):
        ECGDisplay.from_records(ecg.data, k)


# %%
# Normal
# ------
# A P wave before every QRS, R growing from V1 to V5, T waves upright in I, II and V2 to V6.
show("NORM")

# %%
# Conduction
# ----------
# In left bundle branch block the septum is activated from right to left and the left walls late:
# broad deep S in V1 to V3, broad R in I and V6, T opposed to QRS. In right bundle branch block the
# right wall comes last and shows as R' in V1; the second recording has left anterior fascicular
# block as well. In first degree block, the third, the PR interval is long.
show("CLBBB", ("CRBBB", "LAFB"), "1AVB")

# %%
# In third degree block atria and ventricles have clocks of their own, and nothing connects them.
# Here that of the ventricles lies low, so that their complexes are wide.
show("3AVB")

# %%
# Hypertrophy
# -----------
# The first recording has stronger left walls, with a strain pattern of ST and T, the second a
# stronger right wall.
show(("LVH", "ISC_"), "RVH")

# %%
# Infarction
# ----------
# A wall that is lost leaves Q waves, or R waves that are small, in the leads that face it: II, III
# and aVF in an inferior infarction, V1 to V3 in an anteroseptal one. Hearts are turned differently
# from one simulated patient to the next, so that some recordings show less of it.
show("IMI", "ASMI")

# %%
# ST and T
# --------
# In anterolateral ischemia ST is low and T flat or inverted in the lateral leads; digitalis makes
# ST sag.
show("ISCAL", "DIG")

# %%
# Rhythm
# ------
# Atrial fibrillation, atrial flutter, premature ventricular beats in bigeminy, and a pacemaker.
show("AFIB", "AFLT", ("PVC", "BIGU"), "PACE")

# %%
# What was drawn is known
# -----------------------
# ``frame`` holds the true parameters of each record, among them intervals, axis, amplitudes and the
# times of all beats.
ecg = make_ecg(5, random_state=0)
ecg.frame[["statements", "hr", "pr", "qrs", "qt", "axis", "r_V5", "s_V1"]].round(2)

# %%
# Reports come in the words of machines and of cardiologists, in English and German.
for language in ("en", "de"):
    print("\n".join(make_ecg(4, language=language, random_state=2).reports), "\n")
