"""Statements of PTB-XL and the phrases that express them."""

import pandas as pd
import pytest

from merit_sk.statements import PTBXL_STATEMENTS, PTBXL_TASKS, statement_prompts, task_labels

SUPERCLASSES = ["CD", "HYP", "MI", "NORM", "STTC"]


def test_statements_match_the_published_table(data_dir):
    table = pd.read_csv(data_dir / "ptb-xl" / "scp_statements.csv", index_col=0)
    assert sorted(table.index) == list(PTBXL_STATEMENTS)
    for code, statement in PTBXL_STATEMENTS.items():
        row = table.loc[code]
        for task in ("diagnostic", "form", "rhythm"):
            assert getattr(statement, task) == (row[task] == 1), (code, task)
        for ours, theirs in (
            ("superclass", "diagnostic_class"),
            ("subclass", "diagnostic_subclass"),
        ):
            assert (getattr(statement, ours) or "") == (row[theirs] if row.diagnostic == 1 else "")


@pytest.mark.parametrize(
    ("task", "n"), list(zip(PTBXL_TASKS, (71, 44, 23, 5, 19, 12), strict=True))
)
def test_number_of_classes(task, n):
    assert len(set(task_labels(task).values())) == n


def test_unknown_task():
    with pytest.raises(ValueError, match="superclass"):
        task_labels("superclasses")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("code", [*PTBXL_STATEMENTS, *SUPERCLASSES])
def test_every_class_has_several_distinct_phrases(code, language):
    prompts = statement_prompts(code, language)
    assert len(prompts) >= 3
    assert len({p.lower() for p in prompts}) == len(prompts)
    assert all(p == p.strip() and len(p) > 3 for p in prompts)


@pytest.mark.parametrize("language", ["en", "de"])
def test_statements_do_not_share_all_their_phrases(language):
    seen = {}
    for code in PTBXL_STATEMENTS:
        key = frozenset(p.lower() for p in statement_prompts(code, language))
        assert key not in seen, (code, seen[key])
        seen[key] = code


@pytest.mark.parametrize(
    ("code", "phrase"),
    [
        ("CLBBB", "left bundle branch block"),
        ("CRBBB", "right bundle branch block"),
        ("IMI", "inferior infarct"),
        ("AFIB", "atrial fibrillation"),
        ("LVH", "left ventricular hypertrophy"),
        ("1AVB", "with 1st degree av block"),
        ("CD", "left anterior fascicular block"),
        ("NORM", "normal ecg"),
    ],
)
def test_prompts_are_worded_like_real_machine_statements(code, phrase, data_dir):
    assert phrase in [p.lower() for p in statement_prompts(code)]
    table = pd.read_csv(data_dir / "metadata" / "ptbxl_12sl_statements_text_en.csv", nrows=3000)
    assert table.text_en.str.lower().str.contains(phrase, regex=False).any()


def test_german_prompts_are_worded_like_real_reports(data_dir):
    reports = pd.read_csv(data_dir / "metadata" / "ptbxl_database.csv", usecols=["report"]).report
    text = " | ".join(reports.dropna().str.lower().unique())
    for code in ("CLBBB", "CRBBB", "AFIB", "SR", "SBRAD", "LVH", "LVOLT", "PACE", "NORM", "LAFB"):
        assert any(p in text for p in statement_prompts(code, "de")), code


def test_unknown_code_and_language():
    with pytest.raises(ValueError, match="LBBB"):
        statement_prompts("LBBB")
    with pytest.raises(ValueError, match="language"):
        statement_prompts("CLBBB", "fr")
