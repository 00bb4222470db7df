"""A floor under the weights in the package, so that a broken file cannot ship."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import load_ptbxl, make_ecg
from merit_sk.metrics import macro_auc


@pytest.fixture(scope="module")
def real(data_dir):
    ecg = load_ptbxl(data_dir / "ptb-xl", task="superclass")
    return ecg, np.flatnonzero(ecg.folds <= 8), np.flatnonzero(ecg.folds > 8)


def asked(records, y, names, language):
    zero = MeritZeroShotClassifier(classes=[*names], language=language, multi_label=True)
    return macro_auc(y, zero.fit(records).predict_proba(records))


def test_default_probe_on_patients_that_no_pretraining_saw(real):
    ecg, train, test = real
    Z = MeritEmbedder().transform(ecg.data)
    scores = [
        LogisticRegression().fit(Z[train], y).decision_function(Z[test])
        for y in ecg.target[train].T
    ]
    assert macro_auc(ecg.target[test], np.transpose(scores)) > 0.89


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(("leads", "floor"), [(None, 0.87), (["I"], 0.79), (["II"], 0.79)])
@pytest.mark.filterwarnings("ignore:the recordings lack")
def test_words_on_patients_that_no_pretraining_saw(real, leads, floor, language):
    ecg, _, test = real
    records = ecg.data[test] if leads is None else ecg.data[test].with_leads(leads)
    assert asked(records, ecg.target[test], ecg.target_names, language) > floor


@pytest.mark.parametrize("language", ["en", "de"])
def test_words_on_simulated_recordings(language):
    codes = ("AFIB", "CRBBB", "CLBBB", "PVC", "LVH", "NORM")
    drawn = [code for code in codes for _ in range(20)]
    ecg = make_ecg(len(drawn), statements=drawn, random_state=11)
    y = np.array([[code == name for name in codes] for code in drawn]).astype(int)
    assert asked(ecg.data, y, codes, language) > 0.95
