"""Concepts in the space that recordings share with text: phrases that mean the same, averaged."""

import numpy as np

from ..statements import statement_prompts


def concept_vectors(embedder, concepts):
    """Return a unit vector for each concept, in the direction of the mean of its phrases.

    Parameters
    ----------
    embedder : MeritEmbedder
        Pretrained with reports.
    concepts : sequence of sequences of str
        Phrases of each.

    Returns
    -------
    vectors : ndarray of shape (n_concepts, n_dimensions)
    """
    texts = embedder.embed_text([phrase for phrases in concepts for phrase in phrases])
    parts = np.split(texts, np.cumsum([len(phrases) for phrases in concepts])[:-1])
    means = np.stack([part.mean(axis=0) for part in parts])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def statement_vectors(embedder, codes, language):
    """Return the unit vectors of statements, by our phrases in a language."""
    return concept_vectors(embedder, [statement_prompts(code, language) for code in codes])
