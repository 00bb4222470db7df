"""Statements of PTB-XL and the phrases that express them."""

import pandas as pd
import pytest
from test_datasets_challenge import CONDITIONS, labels, write_record

from merit_sk.datasets import load_cpsc2018, load_csn, load_georgia
from merit_sk.statements import (
    PTBXL_STATEMENTS,
    PTBXL_TASKS,
    class_prompts,
    statement_prompts,
    task_labels,
)

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


LOADERS = {"cpsc2018": load_cpsc2018, "csn": load_csn, "georgia": load_georgia}


def classes_of_codes(name, codes, folder, conditions=CONDITIONS):
    """All classes of a data set, and those that its loader gives to a record of each code."""
    for code in codes:
        write_record(folder, code, code)
    (folder / "ConditionNames_SNOMED-CT.csv").write_text(conditions, encoding="utf-8")
    ecg = LOADERS[name](folder)
    return ecg.target_names, dict(zip(ecg.frame.index, labels(ecg), strict=True))


@pytest.mark.parametrize(("name", "n"), [("cpsc2018", 9), ("csn", 38), ("georgia", 24)])
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_class_of_another_data_set_has_phrases(name, n, language, tmp_path):
    names, _ = classes_of_codes(name, ["164889003"], tmp_path)
    found = class_prompts(name, names, language)
    assert list(found) == names and len(names) == n
    for label, phrases in found.items():
        assert phrases and all(phrase.strip() for phrase in phrases), label


def test_unknown_data_set_class_and_language():
    with pytest.raises(ValueError, match="name must be one of cpsc2018, csn, georgia, got"):
        class_prompts("chapman", ["AFIB"], "en")
    with pytest.raises(ValueError, match="csn has no class CLBBB: expected some of 1AVB"):
        class_prompts("csn", ["LBBB", "CLBBB"], "en")
    with pytest.raises(ValueError, match="language"):
        class_prompts("csn", ["LBBB"], "fr")


def test_one_code_means_the_same_in_every_data_set(data_dir, tmp_path):
    conditions = (data_dir / "csn" / "ConditionNames_SNOMED-CT.csv").read_text("utf-8-sig")
    # what the challenges score, and the table of CSN does not have
    codes = "164884008 426627000 713426002 445118002 63593006 10370003 427172004 713427006".split()
    codes += [line.rsplit(",", 1)[1].strip() for line in conditions.splitlines()[1:] if line]
    meanings, n_known = {}, {}
    for name in LOADERS:
        _, of_code = classes_of_codes(name, dict.fromkeys(codes), tmp_path / name, conditions)
        for code, found in of_code.items():
            for label in found:
                phrases = class_prompts(name, [label], "en")[label]
                meanings.setdefault(code, set()).add(tuple(phrases))
                n_known[name] = n_known.get(name, 0) + 1
    assert n_known == {"cpsc2018": 9, "csn": 38, "georgia": 27}
    differ = {code: found for code, found in meanings.items() if len(found) > 1}
    # "sinus rhythm" stands for a normal ECG in CPSC2018; CSN counts flat T waves as T wave changes
    assert set(differ) == {"426783006", "164934002"}, differ
