"""Causal language models: a small one of our own, any other by name, and reports from a prefix."""

import copy
import re
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

SPECIAL = {
    "pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<start>", "eos_token": "<end>",
}  # fmt: skip
MAX_WORDS = 8000
MIN_PATIENTS, MIN_PATIENTS_OF_FEW, FEW_PATIENTS = 5, 2, 20
IGNORED = -100
DIGITS = "0123456789"
_SPACE = " "
_WORD = r" ?[^\W\d]+|\d|[^\w\s]|\s"


@contextmanager
def quiet():
    """Keep transformers from printing progress bars and hints."""
    from transformers.utils import logging

    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()


def learn_tokenizer(texts, groups=None, *, min_patients=None):
    """Return a word-level tokenizer that gives back every text as it was, after a space.

    Words, digits, signs, and spaces that are not before a word, are tokens. Its words can be read
    by whoever has it, so that it knows only those of several patients; any other word is unknown.
    Numbers and dates are digits, one by one.

    Parameters
    ----------
    texts : sequence of str
        One of every recording: also those that are equal.
    groups : sequence or None, default=None
        Patient of each text; None takes every text for another patient's.
    min_patients : int or None, default=None
        Patients who must have a word in their texts; None is 5, and 2 where there are fewer than
        20 patients.

    Returns
    -------
    tokenizer : transformers tokenizer

    Raises
    ------
    ValueError
        If no word is of that many patients.

    Examples
    --------
    >>> from merit_sk.nn.language_model import learn_tokenizer
    >>> tokenizer = learn_tokenizer(["Sinus rhythm; QT 412 ms", "Sinus rhythm; QT 380 ms, Smith"])
    >>> tokenizer.decode(tokenizer("QT 241 ms; Sinus")["input_ids"])
    ' QT 241 ms; Sinus'
    >>> tokenizer.tokenize("Smith")
    ['<unk>']
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = _common_tokens(texts, groups, min_patients)
    vocabulary = {token: i for i, token in enumerate([*SPECIAL.values(), *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizers.Prepend(" ")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **SPECIAL
    )


def _common_tokens(texts, groups, min_patients):
    """Tokens of texts, most frequent first, the words of too few patients left out."""
    groups = range(len(texts)) if groups is None else groups
    if min_patients is None:
        few = len(set(groups)) < FEW_PATIENTS
        min_patients = MIN_PATIENTS_OF_FEW if few else MIN_PATIENTS
    counts, patients = Counter(DIGITS), {}
    for text, group in zip(texts, groups, strict=True):
        tokens = re.findall(_WORD, _SPACE + text)
        counts.update(tokens)
        for word in {token.strip() for token in tokens if _is_word(token)}:
            having = patients.setdefault(word, set())
            if len(having) < min_patients:
                having.add(group)
    common = {word for word, having in patients.items() if len(having) >= min_patients}
    if not common:
        raise ValueError(
            f"no word occurs in the reports of {min_patients} patients (n_samples = "
            f"{len(set(groups))}): too few to learn words from without giving away whose they are"
        )
    kept = [token for token in counts if not _is_word(token) or token.strip() in common]
    return sorted(kept, key=lambda token: (-counts[token], token))[: MAX_WORDS - len(SPECIAL)]


def _is_word(token):
    return token.strip().isalpha() or len(token.strip()) > 1


def has_start(tokenizer):
    """Return whether the start of a text has a token that is not that of its end.

    A report does not begin with the end of a text: a language model such as GPT-2 has learned to
    forget what stands before it.
    """
    return tokenizer.bos_token_id not in (None, tokenizer.eos_token_id)


def small_language_model(tokenizer, n_positions):
    """Untrained GPT-2 of 0.6 million parameters beside those of its words.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    n_positions : int
        Longest prefix and text together.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer), n_positions=n_positions, n_embd=128, n_layer=3, n_head=4,
            resid_pdrop=0.2, embd_pdrop=0.2, attn_pdrop=0.2,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip


def load_language_model(name):
    """Causal language model and tokenizer, from a folder or the Hugging Face hub.

    Parameters
    ----------
    name : str or path-like

    Returns
    -------
    model : transformers PreTrainedModel
        With weights from safetensors only, and no code of the repository's.
    tokenizer : transformers tokenizer

    Raises
    ------
    OSError
        If there is no such model.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(name), trust_remote_code=False)
        with quiet():
            model = AutoModelForCausalLM.from_pretrained(
                str(name), use_safetensors=True, trust_remote_code=False, dtype=torch.float32
            )
    except Exception as error:
        raise OSError(
            f"language model {str(name)!r} could not be loaded as a folder or from the Hugging "
            "Face hub. Offline, download it once elsewhere (`hf download`) and pass its folder, or "
            f"use language_model='builtin'. Reason: {error}"
        ) from error
    if tokenizer.eos_token_id is None:
        raise ValueError(f"the tokenizer of {str(name)!r} has no end-of-text token")
    return model, tokenizer


def add_lora(model):
    """Wrap a language model so that only low-rank changes of its linear maps are trained."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise ImportError("tuning='lora' needs peft: pip install 'merit_sk[lora]'") from error
    from transformers.pytorch_utils import Conv1D

    config = LoraConfig(
        task_type="CAUSAL_LM", target_modules="all-linear", r=16, lora_alpha=32, lora_dropout=0.05,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
    )  # fmt: skip
    return get_peft_model(model, config)


def to_files(model, tokenizer, dtype="float32"):
    """The files of ``save_pretrained`` as a dict from name to bytes."""
    if dtype == "float16":
        model = copy.deepcopy(model).half()
    with tempfile.TemporaryDirectory() as folder, quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def from_files(files):
    """Language model and tokenizer from what ``to_files`` gave."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / Path(name).name).write_bytes(data)
        return load_language_model(folder)


class ReportModel(nn.Module):
    """A language model that reads an ECG as a prefix.

    Parameters
    ----------
    projector : PrefixProjector
    language_model : transformers PreTrainedModel
    frozen : bool, default=False
        Whether only the projector is trained.
    """

    def __init__(self, projector, language_model, frozen=False):
        super().__init__()
        self.projector, self.language_model, self.frozen = projector, language_model, frozen
        if frozen:
            language_model.requires_grad_(False)

    def train(self, mode=True):
        """Set the mode; a frozen language model stays as at test time."""
        super().train(mode)
        if self.frozen:
            self.language_model.eval()
        return self

    def _inputs(self, ecg, ids, mask):
        """Embeddings and mask of the prefix followed by the words."""
        prefix = self.projector(ecg)
        words = self.language_model.get_input_embeddings()(ids)
        return (
            torch.cat([prefix, words], dim=1),
            torch.cat([mask.new_ones(prefix.shape[:2]), mask], dim=1),
        )

    def forward(self, ecg, ids, mask, labels):
        """Negative log-likelihood per token.

        Parameters
        ----------
        ecg : tensor of shape (n, n_features)
        ids, mask, labels : long tensors of shape (n, n_tokens)
            Start, report and end; what is attended to; what is learned (-100: not).

        Returns
        -------
        losses : dict
            With the scalar ``loss``.
        """
        embeds, attention = self._inputs(ecg, ids, mask)
        logits = self.language_model(inputs_embeds=embeds, attention_mask=attention).logits
        logits = logits[:, self.projector.n_prefix - 1 : -1].float()
        return {"loss": F.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED)}

    def check_room(self, openings, n_new):
        """Raise ValueError if prefix, opening and report exceed what the language model reads."""
        room = getattr(self.language_model.config, "max_position_embeddings", None)
        needed = self.projector.n_prefix + max(map(len, openings)) + n_new
        if room is not None and needed > room:
            raise ValueError(
                f"prefix, context, prompt and report together may take {needed} tokens, but the "
                f"language model reads {room}: lower max_new_tokens, or shorten the context"
            )

    def generate(self, ecg, ids, mask, config):
        """Token ids of reports, (n, n_new).

        Parameters
        ----------
        ecg : tensor of shape (n, n_features)
        ids, mask : long tensors of shape (n, n_tokens)
            What comes before the report, padded on the left.
        config : transformers GenerationConfig
        """
        embeds, attention = self._inputs(ecg, ids, mask)
        with quiet():
            return self.language_model.generate(
                inputs_embeds=embeds, attention_mask=attention, generation_config=config
            )


def padded(rows, value, side="right"):
    """Lists of numbers of unequal length as a long tensor."""
    rows = [torch.tensor(row, dtype=torch.long) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(
        rows, batch_first=True, padding_value=value, padding_side=side
    )
