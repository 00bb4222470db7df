"""Features of reports for the text tower."""

import re

import numpy as np

MAX_TERMS = 256


class TermFeatures:
    """TF-IDF words and word pairs, learned from the reports; nothing is downloaded.

    Parameters
    ----------
    terms : list of str
    idf : array-like of float
    """

    kind = "terms"

    def __init__(self, terms, idf):
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.terms, self.idf = list(terms), np.asarray(idf, dtype=float)
        vocabulary = {term: j for j, term in enumerate(self.terms)}
        self._vectorizer = TfidfVectorizer(vocabulary=vocabulary, **self._options)
        self._vectorizer.idf_ = self.idf

    _options = dict(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")

    @classmethod
    def learn(cls, texts):
        """Learn the terms that occur in at least two of ``texts`` (in one, if fewer than 20)."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(min_df=2 if len(texts) >= 20 else 1, **cls._options)
        try:
            vectorizer.fit(texts)
        except ValueError as error:
            raise ValueError("the reports hold no words to learn from") from error
        terms = vectorizer.get_feature_names_out()
        return cls(terms.tolist(), vectorizer.idf_)

    @property
    def n_features(self):
        return len(self.terms)

    def known(self, text):
        """Share of the words of ``text`` that occurred in the training reports."""
        words = re.findall(r"\w+", text.lower())
        return np.mean([word in self._vectorizer.vocabulary for word in words]) if words else 0.0

    def __call__(self, texts):
        matrix = self._vectorizer.transform(texts).tocsr()
        lengths = np.minimum(np.diff(matrix.indptr), MAX_TERMS)
        width = max(int(lengths.max(initial=0)), 1)
        terms = np.zeros((len(texts), width), dtype=np.int64)
        weights = np.zeros((len(texts), width), dtype=np.float32)
        for i, (start, length) in enumerate(zip(matrix.indptr, lengths, strict=False)):
            terms[i, :length] = matrix.indices[start : start + length]
            weights[i, :length] = matrix.data[start : start + length]
        return {"terms": terms, "weights": weights}

    def extended(self, texts):
        return self

    def to_dict(self):
        return {"kind": self.kind, "terms": self.terms, "idf": self.idf.tolist()}


class SentenceFeatures:
    """Mean token embedding of a frozen Hugging Face encoder, by hub id or folder.

    Parameters
    ----------
    name : str
    """

    kind = "sentence"

    def __init__(self, name):
        self.name = str(name)
        self._loaded = None

    def _load(self):
        if self._loaded is None:
            from transformers import AutoModel, AutoTokenizer

            try:
                tokenizer = AutoTokenizer.from_pretrained(self.name)
                model = AutoModel.from_pretrained(self.name, use_safetensors=True).eval()
            except Exception as error:
                raise OSError(
                    f"text encoder {self.name!r} could not be loaded as a folder or from the "
                    "Hugging Face hub. Offline, download it once elsewhere (`hf download`) and "
                    f"pass its folder, or use text_encoder='builtin'. Reason: {error}"
                ) from error
            self._loaded = tokenizer, model
        return self._loaded

    @property
    def n_features(self):
        return self._load()[1].config.hidden_size

    def known(self, text):
        """A subword model knows every word."""
        return 1.0

    def __call__(self, texts):
        import torch

        tokenizer, model = self._load()
        out = []
        for text in texts:  # alone, as padding and neighbors change the rounding
            words = tokenizer(str(text), truncation=True, max_length=256, return_tensors="pt")
            with torch.inference_mode():
                out.append(model(**words).last_hidden_state.mean(dim=1).float().numpy())
        return {"sentence": np.concatenate(out)}

    def to_dict(self):
        return {"kind": self.kind, "name": self.name}

    def __getstate__(self):
        return {"name": self.name, "_loaded": None}


def text_features_from_dict(saved):
    """Rebuild the features that ``to_dict`` described."""
    if saved["kind"] == "terms":
        return TermFeatures(saved["terms"], saved["idf"])
    return SentenceFeatures(saved["name"])


def learn_text_features(text_encoder, texts):
    """Features for ``text_encoder``: ``"builtin"``, or a Hugging Face folder or hub id."""
    return (
        TermFeatures.learn(texts) if text_encoder == "builtin" else SentenceFeatures(text_encoder)
    )


def tensors(features):
    """Features of texts as tensors."""
    import torch

    return {name: torch.from_numpy(values) for name, values in features.items()}
