"""What a saved model tells of the reports it learned from."""

import json
import pickle
import tracemalloc

import numpy as np
import pytest

from merit_sk import MeritEmbedder, MeritReportGenerator
from merit_sk.nn.language_model import learn_tokenizer
from merit_sk.statements import PTBXL_STATEMENTS, statement_prompts
from merit_sk.training.batches import Reports

NAME = "Zyxmannsdottir"


@pytest.fixture(scope="module")
def planted(ecg):
    """Reports of 60 recordings; those of one patient, two of them, name the patient."""
    reports = np.array(ecg.reports, dtype=object)
    reports[3] += f"; {NAME}, seen by Dr {NAME}"
    reports[4] += f"; compared to {NAME} of 1987"
    groups = np.arange(60)
    groups[4] = 3
    return ecg.data, reports, groups


@pytest.fixture(scope="module")
def named(planted, tiny):
    data, reports, _ = planted
    return MeritEmbedder(**tiny).fit(data, reports=reports)


def written(folder):
    """Names and contents of all files in a folder."""
    return b"\n".join(
        str(path.relative_to(folder)).encode() + path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )


def assert_says_nothing(data, words):
    for word in words:
        for form in (word, word.lower(), word.upper()):
            for encoding in ("utf-8", "utf-16-le", "utf-32-le"):
                assert form.encode(encoding) not in data, word


@pytest.mark.parametrize("kept", ["folder", "pickle"])
def test_no_word_of_a_report_is_readable_in_an_embedder(named, kept, tmp_path):
    named.save_pretrained(tmp_path)
    data = written(tmp_path) if kept == "folder" else pickle.dumps(named)
    assert_says_nothing(data, [NAME, "rhythm", "fibrillation", "compared", "branch"])


def test_the_hidden_words_are_known(named, tmp_path):
    named.save_pretrained(tmp_path)
    for embedder in (
        named,
        MeritEmbedder.from_pretrained(tmp_path),
        pickle.loads(pickle.dumps(named)),
    ):
        features = embedder.text_features_
        assert features.known("atrial fibrillation") == 1 and features.known(NAME) == 1
        assert features.known("unheard") == 0
        np.testing.assert_array_equal(embedder.embed_text(["af"]), named.embed_text(["af"]))


@pytest.mark.parametrize("kept", ["folder", "pickle"])
def test_a_report_generator_does_not_know_a_name(named, planted, kept, tmp_path):
    data, reports, _ = planted
    reports = reports.copy()
    reports[4] = reports[5]
    generator = MeritReportGenerator(named, max_epochs=1, max_new_tokens=8, random_state=0)
    generator.fit(data, reports=reports)
    generator.save_pretrained(tmp_path)
    found = written(tmp_path) if kept == "folder" else pickle.dumps(generator)
    assert b"rhythm" in found
    assert_says_nothing(found, [NAME])
    assert not any("<unk>" in text for text in generator.predict(data[:4]))


def test_a_word_needs_several_patients(planted):
    _, reports, groups = planted
    reports = [*reports, f"{NAME} again"]
    tokenizer = learn_tokenizer(reports, [*groups, 3], min_patients=2)
    assert NAME not in tokenizer.get_vocab() and f" {NAME}" not in tokenizer.get_vocab()
    assert f" {NAME}" in learn_tokenizer(reports, min_patients=2).get_vocab()
    tokenizer = learn_tokenizer([f"sinus rhythm of patient {i // 4}" for i in range(400)])
    assert tokenizer.decode(tokenizer("rhythm 390")["input_ids"]) == " rhythm 390"


@pytest.mark.parametrize("n_patients, n_having, known", [
    (100, 5, True), (100, 4, False), (19, 2, True), (19, 1, False),
])  # fmt: skip
def test_how_many_patients_a_word_needs(n_patients, n_having, known):
    texts = ["sinus rhythm"] * (n_patients - n_having) + ["sinus rhythm paced"] * n_having
    assert (" paced" in learn_tokenizer(texts).get_vocab()) == known


def test_reports_of_one_patient_give_no_words():
    with pytest.raises(ValueError, match="no word occurs in the reports of 2 patients"):
        learn_tokenizer(["sinus rhythm"] * 30, ["one"] * 30)


def test_hashes_are_the_features_that_the_words_were(learn, tmp_path):
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["sinus rhythm", "left bundle branch block", "sinus bradycardia", "STRASSE straße"]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    words.fit(texts)
    embedder = learn(texts)
    embedder.save_pretrained(tmp_path / "new")
    embedder.save_pretrained(tmp_path / "old")
    path = tmp_path / "old" / "config.json"
    config = json.loads(path.read_text())
    config["text"] = {"kind": "terms", "terms": words.get_feature_names_out().tolist(),
                      "idf": words.idf_.tolist()}  # fmt: skip
    config["format_version"] = 1
    del config["config_sha256"]
    path.write_text(json.dumps(config))
    asked = [*texts, "left rhythm rhythm unheard", ""]
    for model in (embedder, *map(MeritEmbedder.from_pretrained, path.parents[1].iterdir())):
        np.testing.assert_allclose(
            np.sort(model.text_features_.matrix(asked).toarray()),
            np.sort(words.transform(asked).toarray()), rtol=1e-6,
        )  # fmt: skip


def test_no_two_terms_of_the_prompts_share_a_hash(fitted):
    features = fitted.text_features_
    prompts = [text for code in PTBXL_STATEMENTS for language in ("en", "de")
               for text in statement_prompts(code, language=language)]  # fmt: skip
    terms = {term for text in prompts for term in features._analyze(text)}
    assert 1000 < len(terms) == features.learn([*prompts, *prompts]).n_features


def test_terms_of_more_reports_stand_behind(fitted):
    features = fitted.text_features_
    more = features.extended(["rythme sinusal", "fibrillation auriculaire, rythme rapide"])
    n = features.n_features
    assert more.n_features > n and more.known("rythme auriculaire") == 1
    np.testing.assert_array_equal(more.hashes[:n], features.hashes)
    np.testing.assert_array_equal(more.idf[:n], features.idf)
    assert len(set(more.hashes.tolist())) == more.n_features
    for values, expected in zip(more(["af", "sinus"]).values(), features(["af", "sinus"]).values(),
                                strict=True):  # fmt: skip
        np.testing.assert_array_equal(values, expected)


def test_words_that_are_new_say_nothing_before_they_are_learned(named, planted, tmp_path):
    named.save_pretrained(tmp_path)
    data, _, _ = planted
    further = MeritEmbedder(pretrained=str(tmp_path), max_epochs=1, lr=1e-9, random_state=0)
    further.fit(data[:20], reports=["rythme sinusal", "bloc de branche"] * 10)
    texts = ["sinus rhythm", "left bundle branch block"]
    np.testing.assert_allclose(further.embed_text(texts), named.embed_text(texts), atol=1e-4)
    new = further.embed_text(["rythme sinusal", "bloc de branche"])
    np.testing.assert_allclose(new[0], new[1], atol=1e-4)


def test_the_number_of_terms_is_bounded(learn):
    often = [f"common rhythm; number{i}" for i in range(3)]
    features = learn([f"common word{i} word{i}" for i in range(30)] + often).text_features_
    assert features.n_features == 3 and features.known("common rhythm") == 1
    common = " ".join(f"common{i}" for i in range(20))
    texts = [" ".join([common, *(f"w{i}x{j}" for j in range(1000))]) for i in range(15)]
    features = learn(texts).text_features_
    assert features.n_features == 20_000 and features.known(common) == 1


def test_a_long_text_keeps_its_heaviest_terms(learn):
    texts = [" ".join(f"w{i}x{j}" for j in range(200)) for i in range(2)] + ["w0x0 w0x1"] * 17
    features = learn(texts).text_features_
    long = features.matrix([texts[0]])
    assert long.nnz == 256
    assert set(long.indices).isdisjoint(features.matrix([texts[2]]).indices)
    assert features(texts)["terms"].shape == (19, 256)


def test_a_long_report_among_many_takes_little_memory(learn):
    n = 20_000
    reports = np.array([f"sinus rhythm {i % 5000}" for i in range(n)], dtype=object)
    reports[7] = "sinus rhythm; " * 360
    features = learn(["sinus rhythm"] * 2).text_features_
    tracemalloc.start()
    out = Reports(reports, features, np.arange(n))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6, peak  # 20,000 x 5,000 characters x 4 bytes are 400 MB
    batch = out.batch(np.arange(5, 9))
    assert batch["text_index"].unique().numel() == 4 and len(batch["text"]["terms"]) == 4
