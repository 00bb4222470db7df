"""scikit-learn's own checks, with no expected failure."""

import tempfile

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from merit_sk import MeritClassifier, MeritEmbedder, MeritMeasurements, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.estimators import XResNetClassifier
from merit_sk.evaluation import LogisticProbe, MerlProbe, RidgeProbe, SummaryFeatures

TINY = {"widths": [8, 8, 16], "patch": 8}


def small_embedder():
    return MeritEmbedder(encoder=TINY, pretrained=None, duration=1, max_epochs=1, random_state=0)


def one_lead_embedder():
    ecg = make_ecg(16, random_state=0)
    X = np.asarray(ecg.data)[:, 1]
    return small_embedder().fit(X, reports=ecg.reports)


class Folder(str):
    """A path that does not show in the names of tests, which are equal in all workers then."""

    def __repr__(self):
        return "'weights'"


ONE_LEAD = one_lead_embedder()
TEMPORARY = tempfile.TemporaryDirectory()
WEIGHTS = Folder(TEMPORARY.name)
ONE_LEAD.save_pretrained(WEIGHTS)
ESTIMATORS = [
    MeritEmbedder(),
    MeritZeroShotClassifier(),
    MeritMeasurements(),
    SummaryFeatures(),
    RidgeProbe(),
    RidgeProbe(alpha=1),
    LogisticProbe(),
    MerlProbe(max_epochs=40, random_state=0),
    small_embedder(),
    MeritEmbedder(pretrained=WEIGHTS),
    MeritZeroShotClassifier(FrozenEstimator(ONE_LEAD)),
    MeritZeroShotClassifier(WEIGHTS),
    MeritMeasurements(small_embedder()),
    MeritClassifier(small_embedder(), max_epochs=1, random_state=0),
    MeritClassifier(ONE_LEAD, max_epochs=1, random_state=0),
    XResNetClassifier(18, max_epochs=1, batch_size=64, duration=0.5, random_state=0),
]


@pytest.mark.filterwarnings("ignore:no word of the phrases", "ignore:the recordings lack")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the recordings lack")
@parametrize_with_checks([MeritClassifier(), XResNetClassifier()])
def test_networks_with_their_defaults(estimator, check):
    check(estimator)


PUBLIC_BUT_NOT_RUN_ABOVE = [
    "check_dataframe_column_names_consistency",
    "check_global_output_transform_pandas",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_get_feature_names_out_error",
    "check_inplace_ensure_writeable",
]


@pytest.mark.parametrize("name", PUBLIC_BUT_NOT_RUN_ABOVE)
def test_further_checks(name):
    getattr(estimator_checks, name)("MeritEmbedder", small_embedder())
