"""Features of reports for the text tower."""

import re
from array import array
from collections import Counter

import numpy as np

MAX_FEATURES = 20_000
MAX_TERMS_PER_TEXT = 256
FEW_TEXTS = 20


class TermFeatures:
    """TF-IDF of words and word pairs, learned from the reports; nothing is downloaded.

    A term is known by the 32-bit MurmurHash3 of its letters alone, so that no word of a report can
    be read in a saved model. A hash does not prove that a word was not there: whoever guesses one
    can look whether its hash is among those of the model.

    Parameters
    ----------
    hashes : array-like of int
        Those of the terms, in the order of the columns.
    idf : array-like of float
        Weights of the terms, in the same order.

    Examples
    --------
    >>> from merit_sk.reports._features import TermFeatures
    >>> features = TermFeatures.learn(["sinus rhythm", "sinus tachycardia"])
    >>> features.n_features, features.known("sinus bradycardia")
    (5, 0.5)
    >>> features(["sinus rhythm"])["terms"].shape
    (1, 3)
    """

    kind = "terms"
    _options = dict(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")

    def __init__(self, hashes, idf):
        from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

        self.hashes = np.asarray(hashes, dtype=np.uint32)
        self.idf = np.asarray(idf, dtype=float)
        # two terms of one hash, in a model saved with its words: both have the first one's column
        self._column = {h: j for j, h in reversed(list(enumerate(self.hashes.tolist())))}
        self._analyze = CountVectorizer(**self._options).build_analyzer()
        self._tfidf = TfidfTransformer(sublinear_tf=True)
        self._tfidf.idf_ = self.idf

    @classmethod
    def learn(cls, texts):
        """Learn the terms that occur in at least two of ``texts`` (in one, if fewer than 20).

        Of more than 20,000 those in most texts are kept.
        """
        return cls([], []).extended(texts)

    def extended(self, texts):
        """Return features that know the terms of more reports, in columns behind those there are.

        Parameters
        ----------
        texts : sequence of str
            Distinct reports, in any language. Terms are taken as in ``learn``; 20,000 at most with
            those that are known.

        Returns
        -------
        features : TermFeatures
            The weight of a new term is from these reports, that of an old one stays.

        Examples
        --------
        >>> from merit_sk.reports._features import TermFeatures
        >>> features = TermFeatures.learn(["sinus rhythm"])
        >>> features.extended(["rythme sinusal"]).n_features - features.n_features
        3
        """
        counts = Counter()
        for text in texts:
            counts.update(set(self._hashed(text)))
        min_count = 2 if len(texts) >= FEW_TEXTS else 1
        new = [(-n, h) for h, n in counts.items() if n >= min_count and h not in self._column]
        new = sorted(new)[: max(MAX_FEATURES - self.n_features, 0)]
        if not new and not self.n_features:
            raise ValueError("the reports hold no words to learn from")
        new = sorted((h, -negative) for negative, h in new)
        idf = [np.log((1 + len(texts)) / (1 + n)) + 1 for _, n in new]
        return TermFeatures([*self.hashes, *(h for h, _ in new)], [*self.idf, *idf])

    @property
    def n_features(self):
        return len(self.hashes)

    def known(self, text):
        """Share of the words of ``text`` that occurred in the training reports."""
        hashes = _hash_all(re.findall(r"\w+", text.lower()))
        return float(np.mean([h in self._column for h in hashes])) if hashes else 0.0

    def _hashed(self, text):
        return _hash_all(self._analyze(text))

    def matrix(self, texts):
        """Features of texts as a sparse matrix; of a long one the 256 terms with most weight."""
        from scipy.sparse import csr_matrix

        starts, columns, column = array("q", [0]), array("i"), self._column
        for text in texts:
            columns.extend(column[h] for h in self._hashed(text) if h in column)
            starts.append(len(columns))
        parts = np.ones(len(columns)), np.asarray(columns), np.asarray(starts)
        counts = csr_matrix(parts, shape=(len(texts), self.n_features))
        counts.sum_duplicates()
        out = self._tfidf.transform(counts, copy=False)
        for row in np.flatnonzero(np.diff(out.indptr) > MAX_TERMS_PER_TEXT):
            weights = out.data[out.indptr[row] : out.indptr[row + 1]]
            weights[np.argsort(-weights, kind="stable")[MAX_TERMS_PER_TEXT:]] = 0
        out.eliminate_zeros()
        return out.astype(np.float32)

    def padded(self, rows):
        """What the text tower takes, from rows of the matrix."""
        lengths = np.diff(rows.indptr)
        there = np.arange(max(lengths.max(initial=0), 1)) < lengths[:, None]
        terms = np.zeros(there.shape, dtype=np.int64)
        weights = np.zeros(there.shape, dtype=np.float32)
        terms[there], weights[there] = rows.indices, rows.data
        return {"terms": terms, "weights": weights}

    def __call__(self, texts):
        return self.padded(self.matrix(texts))

    def to(self, device):
        """Return self: words are counted on the CPU."""
        return self

    def to_dict(self):
        return {"kind": self.kind, "hashes": self.hashes.tolist(), "idf": self.idf.tolist()}


def _hash_all(terms):
    from sklearn.utils import murmurhash3_32

    return [murmurhash3_32(term, positive=True) for term in terms]


class SentenceFeatures:
    """Mean token embedding of a frozen Hugging Face encoder, by hub id or folder.

    Parameters
    ----------
    name : str
    n_features : int or None, default=None
        Numbers of an embedding, so that the encoder is loaded only for a text; None loads it to
        look.
    """

    kind = "sentence"

    def __init__(self, name, n_features=None):
        self.name = str(name)
        self._loaded, self._n_features, self._device = None, n_features, "cpu"

    def _load(self):
        if self._loaded is None:
            from transformers import AutoModel, AutoTokenizer

            try:
                tokenizer = AutoTokenizer.from_pretrained(self.name, trust_remote_code=False)
                model = AutoModel.from_pretrained(
                    self.name, use_safetensors=True, trust_remote_code=False
                ).eval()
            except Exception as error:
                raise OSError(
                    f"text encoder {self.name!r} could not be loaded as a folder or from the "
                    "Hugging Face hub. Offline, download it once elsewhere (`hf download`) and "
                    f"pass its folder, or use text_encoder='builtin'. Reason: {error}"
                ) from error
            self._loaded = tokenizer, model.to(self._device)
        return self._loaded

    @property
    def n_features(self):
        if self._n_features is None:
            self._n_features = self._load()[1].config.hidden_size
        return self._n_features

    def known(self, text):
        """A subword model knows every word."""
        return 1.0

    def extended(self, texts):
        """Return self: a subword model knows every word."""
        return self

    def to(self, device):
        """Run the encoder on a device from now on."""
        self._device = device
        if self._loaded is not None:
            self._loaded[1].to(device)
        return self

    def matrix(self, texts):
        """Sentence embeddings of texts, (n_texts, n_features)."""
        import torch

        tokenizer, model = self._load()
        out = [np.empty((0, self.n_features), dtype=np.float32)]
        for text in texts:  # alone, as padding and neighbors change the rounding
            words = tokenizer(str(text), truncation=True, max_length=256, return_tensors="pt")
            with torch.inference_mode():
                hidden = model(**words.to(self._device)).last_hidden_state
            out.append(hidden.mean(dim=1).float().cpu().numpy())
        return np.concatenate(out)

    def padded(self, rows):
        """Return what the text tower takes, from rows of the matrix."""
        return {"sentence": rows}

    def __call__(self, texts):
        return self.padded(self.matrix(texts))

    def to_dict(self):
        return {"kind": self.kind, "name": self.name, "n_features": self.n_features}

    def __getstate__(self):
        return self.__dict__ | {"_loaded": None, "_device": "cpu"}


def text_features_from_dict(saved):
    """Rebuild the features that ``to_dict`` described, also by a version that kept the words."""
    if saved["kind"] == "terms":
        hashes = _hash_all(saved["terms"]) if "terms" in saved else saved["hashes"]
        return TermFeatures(hashes, saved["idf"])
    return SentenceFeatures(saved["name"], saved.get("n_features"))


def learn_text_features(text_encoder, texts):
    """Features for ``text_encoder``: ``"builtin"``, or a Hugging Face folder or hub id."""
    return (
        TermFeatures.learn(texts) if text_encoder == "builtin" else SentenceFeatures(text_encoder)
    )


def tensors(features):
    """Features of texts as tensors."""
    import torch

    return {name: torch.from_numpy(values) for name, values in features.items()}
