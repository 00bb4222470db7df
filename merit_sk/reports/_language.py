"""The language that reports are written in."""

import re

from ..statements import PTBXL_STATEMENTS, statement_prompts

LANGUAGES = "en", "de"
MIN_SHARE = 0.25


def guess_language(texts):
    """Return ``"en"`` or ``"de"`` if enough words of the reports are of our prompts in it alone.

    Parameters
    ----------
    texts : sequence of str
        Distinct reports.

    Returns
    -------
    language : {"en", "de"} or None
        The one that more of the words speak for, if it is a quarter of them. None otherwise, and
        where both are equal.

    Examples
    --------
    >>> from merit_sk.reports._language import guess_language
    >>> guess_language(["sinusrhythmus, lagetyp normal, kein infarkt"])
    'de'
    >>> guess_language(["rythme sinusal, bloc de branche droit complet"]) is None
    True
    """
    vocabulary = {language: _prompt_words(language) for language in LANGUAGES}
    common = set.intersection(*vocabulary.values())
    n_words, hits = 0, dict.fromkeys(LANGUAGES, 0)
    for text in texts:
        words = _words(text)
        n_words += len(words)
        for language in LANGUAGES:
            hits[language] += len(words & vocabulary[language] - common)
    first, second = sorted(LANGUAGES, key=hits.get, reverse=True)
    if hits[first] == hits[second] or hits[first] < MIN_SHARE * n_words:
        return None
    return first


def _words(text):
    return set(re.findall(r"[^\W\d_]{2,}", text.lower()))


def _prompt_words(language):
    return set().union(
        *(_words(p) for code in PTBXL_STATEMENTS for p in statement_prompts(code, language))
    )
