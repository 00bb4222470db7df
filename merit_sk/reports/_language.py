"""The language that reports are written in."""

import re

from ..statements import PTBXL_STATEMENTS, statement_prompts


def guess_language(texts):
    """``"en"`` or ``"de"``, whichever of our prompts shares more words with the reports.

    Examples
    --------
    >>> from merit_sk.reports._language import guess_language
    >>> guess_language(["sinusrhythmus, lagetyp normal, kein infarkt"])
    'de'
    """
    words = [set(re.findall(r"[^\W\d_]+", text)) for text in texts]

    def hits(language):
        prompts = (p for code in PTBXL_STATEMENTS for p in statement_prompts(code, language))
        vocabulary = set(re.findall(r"[^\W\d_]+", " ".join(prompts).lower()))
        return sum(len(w & vocabulary) for w in words)

    return "de" if hits("de") > hits("en") else "en"
