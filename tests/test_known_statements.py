"""Statements known beside reports, vocabularies of sources, voltages, sets of leads."""

import numpy as np
import pandas as pd
import pytest
import torch

from merit_sk import ECGRecords, MeritEmbedder
from merit_sk.datasets import make_ecg, mix_simulated
from merit_sk.nn.objective import statement_loss
from merit_sk.signals import STANDARD_LEADS
from merit_sk.statements import statement_prompts
from merit_sk.training.augment import LEAD_SETS, keep_lead_set
from merit_sk.training.batches import Reports

SMALL = {
    "encoder": {"widths": [16, 16, 32], "patch": 8, "voltages": True}, "pretrained": None,
    "structure_weight": 0, "lr": 3e-3, "random_state": 0, "readout": "projected",
}  # fmt: skip


@pytest.fixture(scope="module")
def ecg():
    shown = [["AFIB"], ["CLBBB"], ["NORM"], ["LVH"], ["PACE"]] * 40
    return make_ecg(len(shown), statements=shown, random_state=1)


@pytest.fixture(scope="module")
def truth(ecg):
    return pd.DataFrame(ecg.target, columns=ecg.target_names)


def entries(reports, **more):
    """What is scored, by statement: a list of (present, weight), one a recording."""
    features = MeritEmbedder().fit(np.zeros((1, 12, 1000))).text_features_
    learned = Reports(reports, features, np.arange(len(reports)), **more)
    batch = learned.batch(np.arange(len(reports)))
    parts = zip(batch["present"].T.tolist(), batch["scored"].T.tolist(), strict=True)
    return {
        name: list(zip(*part, strict=True)) for name, part in zip(learned.bank, parts, strict=True)
    }


def test_a_known_statement_is_every_phrase_for_it_in_both_languages():
    truth = pd.DataFrame({"AFIB": [1, 0, np.nan, 1], "CLBBB": [0, 1, np.nan, np.nan]})
    found = entries(np.array(["a; b", "a", "b", "c"] * 1, dtype=object), truth=truth)
    for code, expected in {"AFIB": [1, 0, 0, 1], "CLBBB": [0, 1, 0, 0]}.items():
        phrases = statement_prompts(code, "en") + statement_prompts(code, "de")
        weights = np.array([[weight for _, weight in found[phrase]] for phrase in phrases])
        for phrase in phrases:
            assert [there for there, _ in found[phrase]] == expected
        np.testing.assert_allclose(weights.sum(axis=0), 3 * truth[code].notna(), rtol=1e-6)


def test_reports_of_one_source_say_nothing_about_words_of_another():
    reports = np.array(["af; sinus", "af", "flimmern", "flimmern; sinus"] * 3, dtype=object)
    sources = np.array(["en", "en", "de", "de"] * 3)
    found = entries(reports, sources=sources)
    assert [weight for _, weight in found["af"]][:4] == [1, 1, 0, 0]
    assert [weight for _, weight in found["flimmern"]][:4] == [0, 0, 1, 1]
    assert found["sinus"][:4] == [(1, 1), (0, 1), (0, 1), (1, 1)]
    assert all(weight == 1 for row in entries(reports).values() for _, weight in row)


def test_what_is_not_scored_has_no_part_in_the_loss():
    z, bank = (torch.nn.functional.normalize(torch.randn(3, 4), dim=1) for _ in range(2))
    scored = torch.tensor([[1.0, 0.0, 1.0]] * 3)
    losses = [
        statement_loss(z, bank, present, torch.tensor(5.0), torch.tensor(-1.0), scored)
        for present in (torch.zeros(3, 3), torch.tensor([[0.0, 1.0, 0.0]] * 3))
    ]
    assert losses[0] == losses[1]
    assert losses[0] < statement_loss(
        z, bank, torch.zeros(3, 3), torch.tensor(5.0), torch.tensor(-1.0)
    )


def test_unknown_statements_change_nothing(ecg, truth):
    few, reports = ecg.data[:40], ecg.reports[:40]
    plain = MeritEmbedder(max_epochs=1, **SMALL).fit(few, reports=reports)
    told = MeritEmbedder(max_epochs=1, **SMALL)
    told.fit(few, reports=reports, statements=truth[:40].astype(float) * np.nan)
    assert told.history_[0]["train_loss"] == pytest.approx(
        plain.history_[0]["train_loss"], rel=1e-6
    )


@pytest.mark.parametrize("change, error, message", [
    (lambda t: t.to_numpy(), TypeError, "must be a DataFrame"),
    (lambda t: t[:-1], ValueError, "one row per record"),
    (lambda t: t.rename(columns={"AFIB": "flimmern"}), ValueError, "flimmern"),
    (lambda t: t.replace({"AFIB": {1: 2}}), ValueError, "AFIB of record 0 is 2"),
])  # fmt: skip
def test_wrong_statements(ecg, truth, change, error, message):
    embedder = MeritEmbedder(max_epochs=1, **SMALL)
    with pytest.raises(error, match=message):
        embedder.fit(ecg.data, reports=ecg.reports, statements=change(truth))


def test_statements_need_reports(ecg, truth):
    X = np.asarray(ecg.data)
    embedder = MeritEmbedder(max_epochs=1, **SMALL | {"structure_weight": "auto"})
    with pytest.raises(ValueError, match="beside reports"):
        embedder.fit(X, statements=truth)


def test_voltages_reach_the_space_of_texts(ecg):
    embedder = MeritEmbedder(max_epochs=1, **SMALL).fit(ecg.data, reports=ecg.reports)
    X = np.asarray(ecg.data[:4])
    assert np.abs(embedder.transform(X) - embedder.transform(0.3 * X)).max() > 1e-3
    plain = MeritEmbedder(max_epochs=1, **SMALL | {"encoder": {"widths": [16, 16], "patch": 4}})
    plain.fit(ecg.data, reports=ecg.reports)
    np.testing.assert_allclose(plain.transform(X), plain.transform(0.3 * X), atol=1e-5)


def test_standardized_recordings_have_no_voltages(ecg):
    from merit_sk.signals import bandpass, zscore

    embedder = MeritEmbedder(max_epochs=1, **SMALL).fit(ecg.data, reports=ecg.reports)
    X = zscore(bandpass(np.asarray(ecg.data[:4]), 100, 0.5, 40))
    found = embedder.transform(X), embedder.transform(2 * X)
    np.testing.assert_allclose(*found, atol=1e-4)


@pytest.mark.parametrize("leads", [STANDARD_LEADS, STANDARD_LEADS[::-1]])
def test_a_quarter_keeps_a_set_of_leads(leads):
    torch.manual_seed(0)
    x = torch.randn(400, 12, 50)
    out = keep_lead_set(x, leads)
    kept = (out != 0).any(dim=2)
    few = ~kept.all(dim=1)
    assert 60 < few.sum() < 140
    names = {frozenset(np.array(leads)[row]) for row in kept[few].numpy()}
    assert names == set(map(frozenset, LEAD_SETS))
    assert torch.equal(out[~few], x[~few])


def test_a_recording_of_other_leads_is_left():
    torch.manual_seed(0)
    x = torch.zeros(200, 12, 50)
    x[:, 4] = 1.0  # aVL, which is in one of the sets only
    assert (keep_lead_set(x, STANDARD_LEADS) != 0).any(dim=2).any(dim=1).all()
    other = torch.ones(50, 12, 50)
    assert torch.equal(keep_lead_set(other, [*STANDARD_LEADS[:11], "V7"]), other)


def test_mixed_in_simulated_recordings(ecg):
    real = ecg.data[:3].resampled(250).with_leads(["V1", "II"])
    mixed = mix_simulated(real, ["a", None, "c"], n_simulated=1200, repeats=2, random_state=0)
    assert mixed.data.shape == (1206, 2, 2500) and mixed.data.lead_names == real.lead_names
    np.testing.assert_array_equal(np.asarray(mixed.data[-3:]), np.asarray(real))
    np.testing.assert_array_equal(np.asarray(mixed.data[-6:-3]), np.asarray(real))
    assert mixed.reports[-6:].tolist() == ["a", "", "c"] * 2
    kinds, numbers = np.unique(mixed.sources, return_counts=True)
    assert dict(zip(kinds, numbers, strict=True)) == {
        "real": 6, "simulated, de": 500, "simulated, en": 700,
    }  # fmt: skip
    assert mixed.statements[:1200].notna().all(axis=None)
    assert mixed.statements[1200:].isna().all(axis=None)
    german = mixed.reports[mixed.sources == "simulated, de"]
    assert sum("sinusrhythmus" in text for text in german) > 100
    again = mix_simulated(real, n_simulated=1200, repeats=2, random_state=0)
    np.testing.assert_array_equal(np.asarray(again.data[:5]), np.asarray(mixed.data[:5]))


def test_mixed_in_simulated_recordings_can_be_learned_from(ecg):
    mixed = mix_simulated(ecg.data[:20], n_simulated=40, repeats=1, random_state=0)
    learned = MeritEmbedder(max_epochs=1, **SMALL).fit(
        mixed.data, reports=mixed.reports, sources=mixed.sources, statements=mixed.statements
    )
    assert learned.embed_text(["vorhofflimmern"]).shape == (1, 128)


def test_recordings_of_several_lengths_are_not_mixed(tmp_path):
    from wfdb import wrsamp

    for name, n in {"a": 500, "b": 600}.items():
        wrsamp(name, 100, ["mV"], ["I"], np.zeros((n, 1)), fmt=["16"], write_dir=str(tmp_path))
    records = ECGRecords.from_wfdb([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(ValueError, match="with_duration"):
        mix_simulated(records, n_simulated=10)


def test_what_cannot_be_mixed(ecg):
    with pytest.raises(ValueError, match="n_simulated"):
        mix_simulated(ecg.data, n_simulated=0)
    with pytest.raises(TypeError, match=r"ECGRecords\.from_array"):
        mix_simulated(np.asarray(ecg.data), n_simulated=10)
    with pytest.raises(ValueError, match="one entry per record"):
        mix_simulated(ecg.data, ["a"], n_simulated=10)
