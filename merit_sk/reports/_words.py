"""Words of reports, weighted: one way for the text tower, for search and for reading labels."""


def word_features(n_words=2, **options):
    """Return a vectorizer of words and runs of words, in TF-IDF with sublinear counts.

    Parameters
    ----------
    n_words : int, default=2
        Longest run of words.
    **options : dict
        Further arguments of :class:`sklearn.feature_extraction.text.TfidfVectorizer`.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        ngram_range=(1, n_words), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", **options
    )
