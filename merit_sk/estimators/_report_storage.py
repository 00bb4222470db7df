"""Saving, loading and pickling of report generators."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from sklearn.utils.validation import check_is_fitted

from ._embedder import MeritEmbedder

EMBEDDER, LANGUAGE_MODEL = "embedder", "language_model"
FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")


class ReportSavingMixin:
    """Embedder, projector and language model in a folder or in a pickle; never code."""

    _live = ("model_", "tokenizer_", "net_", "device_")
    _not_saved = ("embedder", "device", "random_state", "generation", "language_model")

    def save_pretrained(self, folder):
        """Write the generator to a folder.

        ``config.json`` and ``model.safetensors`` hold the projector, ``embedder`` and
        ``language_model`` are folders that their own libraries load. All is written to a
        temporary place first: a failure leaves an earlier generator as it was.

        Parameters
        ----------
        folder : path-like
            Made if missing; a generator in it is replaced.
        """
        from ..nn.checkpoint import weights_to_bytes, write_checkpoint
        from ..nn.language_model import to_files

        check_is_fitted(self)
        folder = Path(folder).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder, prefix=".saving."))
        try:
            self.embedder_.save_pretrained(temporary / EMBEDDER)
            files = to_files(self.model_.language_model, self.tokenizer_)
            (temporary / LANGUAGE_MODEL).mkdir()
            for name, data in files.items():
                (temporary / LANGUAGE_MODEL / name).write_bytes(data)
            config = self._description() | {"parts": _digests(temporary)}
            write_checkpoint(temporary, config, weights_to_bytes(self.model_.projector))
            for part in (EMBEDDER, LANGUAGE_MODEL, *_files(temporary)):
                _swap(temporary / part, folder / part, temporary / "old")
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @classmethod
    def from_pretrained(cls, name, *, revision=None, local_files_only=False, device="auto"):
        """Load a generator that ``save_pretrained`` wrote.

        Parameters
        ----------
        name : path-like or str
            A folder, or the id of a repository on the Hugging Face hub.
        revision : str or None, default=None
            Branch, tag or commit on the hub.
        local_files_only : bool, default=False
            Whether to use only what was downloaded before.
        device : str, default="auto"

        Returns
        -------
        generator : MeritReportGenerator
            Fitted.

        Raises
        ------
        OSError
            If there is no such generator.
        ValueError
            If a file is damaged or foreign; the message names it.
        """
        from ..nn.checkpoint import WEIGHTS_NAME, read_checkpoint
        from ..nn.language_model import load_language_model

        folder = _find(name, revision, local_files_only)
        config, weights = read_checkpoint(folder)
        if "parts" not in config:
            raise ValueError(f"{folder} holds no report generator, try MeritEmbedder")
        for part, digest in config["parts"].items():
            if not (folder / part).is_file() or _digest(folder / part) != digest:
                raise ValueError(f"{folder / part} is missing or damaged: save or download again")
        embedder = MeritEmbedder.from_pretrained(folder / EMBEDDER, device=device)
        generator = cls(embedder, **config["parameters"], device=device)
        generator.embedder_ = embedder
        for attribute, value in config["state"].items():
            setattr(generator, attribute, value)
        parts = load_language_model(folder / LANGUAGE_MODEL)
        generator._restore(parts, weights, folder / WEIGHTS_NAME)
        return generator

    def _description(self):
        """Parameters and learned state as plain JSON types."""
        parameters = {k: v for k, v in self.get_params(deep=False).items()
                      if k not in self._not_saved}  # fmt: skip
        generation = self.generation
        parameters["generation"] = (
            generation.to_diff_dict() if hasattr(generation, "to_diff_dict") else generation
        )
        parameters["language_model"] = str(self.language_model)
        names = ("history_", "n_iter_", "n_features_in_", "_seed", "_uses_context",
                 "_marks_start")  # fmt: skip
        return {"parameters": parameters, "state": {name: getattr(self, name) for name in names}}

    def _restore(self, parts, weights, source):
        from ..nn.checkpoint import load_weights
        from ..nn.device import resolve_device

        language_model, self.tokenizer_ = parts
        self.device_ = resolve_device(self.device)
        self._assemble(language_model, frozen=False)
        load_weights(self.model_.projector, weights, source)
        self.model_.to(self.device_).eval()

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" in state:
            from ..nn.checkpoint import weights_to_bytes
            from ..nn.language_model import to_files

            state = {k: v for k, v in state.items() if k not in self._live}
            state["_saved"] = (
                weights_to_bytes(self.model_.projector),
                to_files(self.model_.language_model, self.tokenizer_),
            )
        return state

    def __setstate__(self, state):
        saved = state.pop("_saved", None)
        super().__setstate__(state)
        if saved:
            from ..nn.language_model import from_files

            weights, files = saved
            self._restore(from_files(files), weights, "the pickled weights")


def _files(folder):
    """Names of the files of the projector, the configuration last."""
    return sorted((p.name for p in folder.iterdir() if p.is_file()), reverse=True)


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digests(folder):
    """SHA-256 of every file in the parts, by path inside the folder."""
    paths = [p for part in (EMBEDDER, LANGUAGE_MODEL) for p in (folder / part).iterdir()]
    return {p.relative_to(folder).as_posix(): _digest(p) for p in sorted(paths)}


def _swap(new, target, old):
    """Put a file or folder in the place of another, which is kept aside until the next."""
    shutil.rmtree(old, ignore_errors=True)
    if target.is_dir():
        os.replace(target, old)
    os.replace(new, target)


def _find(name, revision, local_files_only):
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                str(name), revision=revision, local_files_only=local_files_only,
                allow_patterns=list(FILES),
            )
        )  # fmt: skip
    except Exception as error:
        raise OSError(
            f"no report generator {str(name)!r}: there is no such folder, and the Hugging Face hub "
            f"did not give one ({type(error).__name__})"
        ) from error
