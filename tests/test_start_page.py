"""What docs/index.rst says of its example is so."""

import doctest
import warnings
from pathlib import Path

import numpy as np
import pytest

from merit_sk import MeritReportGenerator, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg
from merit_sk.inspection import explain

PAGE = Path(__file__).parents[1] / "docs" / "index.rst"
PATIENT = 'make_ecg(1, statements=[("AFIB", "CRBBB")], sampling_rate=500, random_state=2)'


@pytest.fixture(scope="module")
def patient():
    assert PATIENT in PAGE.read_text()
    return eval(PATIENT, {"make_ecg": make_ecg}).data


@pytest.fixture(scope="module")
def zero(patient):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return MeritZeroShotClassifier().fit(patient)


def test_report(patient):
    names = {"patient": patient, "MeritReportGenerator": MeritReportGenerator}
    found = doctest.DocTestParser().get_doctest(PAGE.read_text(), names, "index.rst", None, 0)
    result = doctest.DocTestRunner().run(found)
    assert result.attempted == 1 and not result.failed


def test_both_are_found_and_come_first(zero, patient):
    order = np.argsort(-zero.predict_proba(patient)[0])
    assert [zero.classes_[j] for j in order[:2]] == ["AFIB", "CRBBB"]
    given = {name for name, yes in zip(zero.classes_, zero.predict(patient)[0], strict=True) if yes}
    assert given > {"AFIB", "CRBBB"}


def test_qrs_in_v1_speaks_most_for_the_block(zero, patient):
    table = explain(zero, patient).to_frame(0, "CRBBB")
    assert table.loc["together"].idxmax() == "QRS"
    assert table.drop("together").stack().idxmax() == ("V1", "QRS")
