"""make_ecg as a data set: interface, reproducibility, statements and reports."""

import itertools

import numpy as np
import pytest

from merit_sk.datasets import make_ecg, stream_ecg
from merit_sk.statements import PTBXL_STATEMENTS, task_labels


def test_bunch_is_like_the_loaders():
    ecg = make_ecg(20, task="superclass", random_state=0)
    assert ecg.data.shape == (20, 12, 1000)
    assert ecg.target.shape == (20, 5)
    assert ecg.target_names == ["CD", "HYP", "MI", "NORM", "STTC"]
    assert ecg.data.sampling_rate == 100
    assert list(ecg.data.reports) == list(ecg.reports)
    assert len(np.unique(ecg.groups)) == 20
    assert set(ecg.folds) <= set(range(1, 11))
    assert len(ecg.frame) == 20
    assert "Simulated" in ecg.DESCR


def test_signals_are_plausible_millivolts():
    x = np.asarray(make_ecg(200, random_state=0).data)
    span = np.ptp(x, axis=2).max(axis=1)
    assert np.isfinite(x).all()
    assert 1 < np.median(span) < 4
    assert span.max() < 25


def test_same_seed_same_ecgs_other_seed_others():
    one, two, other = (make_ecg(5, random_state=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(np.asarray(one.data), np.asarray(two.data))
    assert list(one.reports) == list(two.reports)
    assert np.abs(np.asarray(one.data) - np.asarray(other.data)).max() > 0.1


def test_a_record_depends_on_seed_and_number_only():
    few, many = make_ecg(3, random_state=1), make_ecg(70, random_state=1)
    np.testing.assert_allclose(np.asarray(few.data), np.asarray(many.data[:3]), atol=2e-3)
    assert list(few.reports) == list(many.reports[:3])


def test_stream_yields_the_records_of_make_ecg_without_end():
    whole = make_ecg(12, random_state=2)
    batches = list(itertools.islice(stream_ecg(4, random_state=2), 4))
    joined = np.concatenate([np.asarray(b.data) for b in batches])
    assert len(joined) == 16
    np.testing.assert_allclose(joined[:12], np.asarray(whole.data), atol=2e-3)
    assert [r for b in batches for r in b.reports][:12] == list(whole.reports)
    assert batches[3].groups.tolist() == [12, 13, 14, 15]


@pytest.mark.parametrize(("rate", "duration"), [(100, 2.5), (250, 10), (500, 5), (360, 30)])
def test_any_rate_and_duration(rate, duration):
    ecg = make_ecg(3, sampling_rate=rate, duration=duration, random_state=0)
    assert ecg.data.shape == (3, 12, round(rate * duration))
    assert ecg.data.sampling_rate == rate


def test_rate_samples_the_same_potentials():
    settings = dict(statements=["NORM", "AFIB", "AFLT", "CLBBB", "WPW"], noise=0, random_state=0)
    slow = make_ecg(5, sampling_rate=100, **settings)
    fast = make_ecg(5, sampling_rate=500, **settings)
    np.testing.assert_allclose(np.asarray(fast.data)[:, :, ::5], np.asarray(slow.data), atol=0.02)


@pytest.mark.parametrize("code", list(PTBXL_STATEMENTS))
def test_every_statement_can_be_asked_for(code):
    ecg = make_ecg(2, statements=[code], random_state=0, duration=4)
    assert ecg.target[:, ecg.target_names.index(code)].all()
    assert np.isfinite(np.asarray(ecg.data)).all()
    assert all(ecg.reports)


def test_statements_are_shown_in_turn_and_nothing_else():
    ecg = make_ecg(4, statements=["NORM", ("CRBBB", "LAFB")], random_state=0)
    assert ecg.frame.statements.tolist() == [("NORM", "SR"), ("CRBBB", "LAFB", "SR")] * 2


def test_drawn_statements_cover_all_and_normal_is_alone():
    ecg = make_ecg(1500, random_state=0, duration=1)
    present = ecg.target.sum(axis=0)
    assert (present > 0).sum() == 71
    normal = ecg.target[:, ecg.target_names.index("NORM")] == 1
    assert 0.2 < normal.mean() < 0.6
    superclass = task_labels("superclass")
    for codes in ecg.frame.statements[normal]:
        assert {superclass[c] for c in codes if c in superclass} == {"NORM"}, codes
    for codes in ecg.frame.statements:
        assert sum(PTBXL_STATEMENTS[c].rhythm for c in codes) >= 1


@pytest.mark.parametrize("language", ["en", "de"])
def test_reports_are_many_and_name_what_is_shown(language):
    ecg = make_ecg(1500, language=language, random_state=0, duration=1)
    assert len(set(ecg.reports)) > 700
    words = {
        "en": {
            "CLBBB": ("left bundle", "lbbb"),
            "AFIB": ("atrial fib",),
            "LAFB": ("left an", "left ax"),
        },
        "de": {
            "CLBBB": ("linksschenkel",),
            "AFIB": ("vorhofflimmern",),
            "LAFB": ("hemiblock", "linkstyp"),
        },
    }[language]
    words["PACE"] = {"en": ("paced", "pacemaker"), "de": ("schrittmacher",)}[language]
    for code, stems in words.items():
        shown = [r for r, s in zip(ecg.reports, ecg.frame.statements, strict=True) if code in s]
        assert shown
        for report in shown:
            assert any(stem in report.lower() for stem in stems), (code, report)


def test_reports_say_only_what_is_true():
    ecg = make_ecg(1500, random_state=1, duration=1)
    rows = zip(ecg.reports, ecg.frame.statements, ecg.frame.itertuples(), strict=True)
    for report, codes, row in rows:
        text = report.lower()
        if "atrial flutter with 2:1" in text:
            assert row.flutter_ratio == 2
        if "left axis deviation" in text:
            assert row.axis < -30
        if "rapid ventricular response" in text:
            assert "AFIB" in codes and row.hr > 100
        if "bundle branch block" in text:
            assert {"CLBBB", "CRBBB", "ILBBB", "IRBBB"} & set(codes), report
        if "normal ecg" in text and "abnormal" not in text:
            assert "NORM" in codes, report


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(statements=["LBBB"]), "LBBB"),
        (dict(statements="AFIB"), "list"),
        (dict(statements=[]), "empty"),
        (dict(statements=[("AFIB", "AFLT")]), "several rhythms"),
        (dict(statements=[("AFIB", "1AVB")]), "together"),
        (dict(statements=[("NORM", "IMI")]), "NORM"),
        (dict(n_samples=0), "n_samples"),
        (dict(sampling_rate=-1), "sampling_rate"),
        (dict(duration=0), "duration"),
        (dict(language="fr"), "language"),
        (dict(noise=-1), "noise"),
        (dict(task="class"), "task"),
    ],
)
def test_errors_say_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_ecg(**{"n_samples": 2, **arguments})


def test_global_random_state_is_left_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    make_ecg(2, random_state=5)
    np.testing.assert_array_equal(before, np.random.get_state()[1])
