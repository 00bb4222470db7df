"""Metrics of generated text, computed by established packages."""

import re
from functools import cache

import numpy as np
from sklearn.utils import check_consistent_length

ROUGE_TYPES = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
BLEU_ORDERS = (1, 2, 3, 4)


def _need(module):
    """Import a module of the extra ``report``."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0].replace("_", "-")
        raise ImportError(f"text metrics need {package}: pip install 'merit_sk[report]'") from error


def _check_texts(reports, generated):
    reports, generated = (np.asarray(t, dtype=object).ravel() for t in (reports, generated))
    check_consistent_length(reports, generated)
    for name, texts in {"reports": reports, "generated": generated}.items():
        if not all(isinstance(text, str) for text in texts):
            raise TypeError(f"{name} must hold one string per record")
    return reports, generated


def words(text):
    """Return the words of a text in lower case: letters of any alphabet, and digits.

    Examples
    --------
    >>> from merit_sk.metrics._text import words
    >>> words("QRS(T) abnormal; für V1-V3.")
    ['qrs', 't', 'abnormal', 'für', 'v1', 'v3']
    """
    return re.findall(r"\w+", text.lower())


class _Words:
    tokenize = staticmethod(words)


def _per_record(measure, reports, generated):
    """Apply ``measure(report, generated)`` to every record, once for each distinct pair."""
    measure = cache(measure)
    return np.array([measure(r, g) for r, g in zip(reports, generated, strict=True)])


def rouge(reports, generated):
    """Compute ROUGE-1, ROUGE-2 and ROUGE-L F-measures of each record.

    Computed by ``rouge-score`` on words in lower case, without stemming; umlauts are letters.

    Parameters
    ----------
    reports, generated : array-like of str of shape (n_samples,)

    Returns
    -------
    scores : dict of ndarray of shape (n_samples,)
        ``rouge_1``, ``rouge_2`` and ``rouge_l``.

    References
    ----------
    .. [1] C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries", 2004.

    Examples
    --------
    >>> from merit_sk.metrics import rouge
    >>> scores = rouge(["Sinus rhythm; Normal ECG"], ["Sinus rhythm; Abnormal ECG"])
    >>> scores["rouge_l"]
    array([0.75])
    """
    rouge_score = _need("rouge_score.rouge_scorer")
    reports, generated = _check_texts(reports, generated)
    scorer = rouge_score.RougeScorer(list(ROUGE_TYPES.values()), tokenizer=_Words)

    def measure(report, text):
        scores = scorer.score(report, text)
        return tuple(scores[kind].fmeasure for kind in ROUGE_TYPES.values())

    values = _per_record(measure, reports, generated).reshape(-1, len(ROUGE_TYPES))
    return dict(zip(ROUGE_TYPES, values.T, strict=True))


class _NoSynonyms:
    """Replacement for WordNet without any synonyms, as WordNet is not available offline."""

    @staticmethod
    def synsets(word):
        return []


def meteor_exact_stem(reports, generated):
    """Compute METEOR of each record from exact and stem matches, without synonyms.

    NLTK's METEOR (alpha 0.9, beta 3, gamma 0.5; Porter stems) without WordNet, which would have to
    be downloaded: values are lower than those of the full metric, and comparable only with each
    other.

    Parameters
    ----------
    reports, generated : array-like of str of shape (n_samples,)

    Returns
    -------
    scores : ndarray of shape (n_samples,)

    References
    ----------
    .. [1] S. Banerjee, A. Lavie, "METEOR: an automatic metric for MT evaluation with improved
       correlation with human judgments", 2005.

    Examples
    --------
    >>> from merit_sk.metrics import meteor_exact_stem
    >>> meteor_exact_stem(["premature ventricular complexes"], ["premature ventricular complex"])
    array([0.98148148])
    """
    nltk_meteor = _need("nltk.translate.meteor_score")
    reports, generated = _check_texts(reports, generated)

    def measure(report, text):
        return nltk_meteor.single_meteor_score(words(report), words(text), wordnet=_NoSynonyms)

    return _per_record(measure, reports, generated).astype(float)


def bleu_counts(reports, generated):
    """Count n-grams for BLEU in each record, by sacrebleu (13a tokens, lower case).

    Parameters
    ----------
    reports, generated : array-like of str of shape (n_samples,)

    Returns
    -------
    counts : ndarray of shape (n_samples, 10)
        Matching n-grams of order 1 to 4, n-grams of order 1 to 4, length, length of the report.
    """
    metrics = _need("sacrebleu.metrics")
    reports, generated = _check_texts(reports, generated)
    scorer = metrics.BLEU(lowercase=True, effective_order=True)

    def measure(report, text):
        score = scorer.sentence_score(text, [report])
        return (*score.counts, *score.totals, score.sys_len, score.ref_len)

    return _per_record(measure, reports, generated).reshape(-1, 10)


def bleu_of_counts(counts, order):
    """Compute corpus BLEU, from 0 to 1, of summed counts, without smoothing."""
    bleu_score = _need("sacrebleu.metrics").BLEU.compute_bleu
    *grams, length, report_length = (int(count) for count in counts)
    score = bleu_score(
        grams[:4], grams[4:], length, report_length, smooth_method="none", max_ngram_order=order
    )
    return score.score / 100


def bleu(reports, generated):
    """Compute corpus BLEU-1 to BLEU-4 by sacrebleu (13a tokens, lower case, no smoothing).

    Parameters
    ----------
    reports, generated : array-like of str of shape (n_samples,)

    Returns
    -------
    scores : dict of float
        ``bleu_1`` to ``bleu_4``, from 0 to 1.

    References
    ----------
    .. [1] M. Post, "A call for clarity in reporting BLEU scores", 2018.

    Examples
    --------
    >>> from merit_sk.metrics import bleu
    >>> bleu(["Normal sinus rhythm; Normal ECG"], ["Normal sinus rhythm; Normal ECG"])["bleu_4"]
    1.0
    """
    counts = bleu_counts(reports, generated).sum(axis=0)
    return {f"bleu_{n}": round(bleu_of_counts(counts, n), 12) for n in BLEU_ORDERS}


def bert_score(reports, generated, model, *, batch_size=64):
    """Compute BERTScore F1 of each record with a given model.

    Greedy matching of the last hidden states by cosine; no weights by rarity, no rescaling, special
    tokens left out. Values of different models cannot be compared.

    Parameters
    ----------
    reports, generated : array-like of str of shape (n_samples,)
    model : str or path-like
        Folder or hub id of a transformers encoder.
    batch_size : int, default=64

    Returns
    -------
    scores : ndarray of shape (n_samples,)
        0 where a text is empty.

    References
    ----------
    .. [1] T. Zhang et al., "BERTScore: evaluating text generation with BERT", ICLR 2020.
    """
    reports, generated = _check_texts(reports, generated)
    texts = sorted({*reports, *generated})
    vectors = dict(zip(texts, _token_vectors(texts, model, batch_size), strict=True))

    def measure(report, text):
        a, b = vectors[report], vectors[text]
        if not len(a) or not len(b):
            return 0.0
        cosine = a @ b.T
        recall, precision = cosine.max(axis=1).mean(), cosine.max(axis=0).mean()
        total = precision + recall
        return 2 * precision * recall / total if total > 0 else 0.0

    return _per_record(measure, reports, generated).astype(float)


def _token_vectors(texts, name, batch_size):
    """Return unit vectors of every text's tokens, each (n_tokens, width)."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(name), trust_remote_code=False)
    model = AutoModel.from_pretrained(
        str(name), use_safetensors=True, trust_remote_code=False
    ).eval()
    out = []
    for start in range(0, len(texts), batch_size):
        batch = tokenizer(
            texts[start : start + batch_size], padding=True, truncation=True, max_length=512,
            return_tensors="pt", return_special_tokens_mask=True,
        )  # fmt: skip
        special = batch.pop("special_tokens_mask").bool()
        with torch.inference_mode():
            hidden = model(**batch).last_hidden_state.float()
        hidden = torch.nn.functional.normalize(hidden, dim=-1)
        kept = batch["attention_mask"].bool() & ~special
        out += [h[k].numpy() for h, k in zip(hidden, kept, strict=True)]
    return out
