"""Saving, loading, publishing, pickling and copying of estimators that hold a network."""

import contextlib
import json
from pathlib import Path

import numpy as np
from huggingface_hub import ModelHubMixin
from sklearn.utils.validation import check_is_fitted

from ._model_card import MARK, model_card

README = "README.md"


def list_pretrained():
    """Return the names of the weights that come with the package.

    Returns
    -------
    names : list of str
        What `pretrained` and `embedder` take, beside folders and ids on the Hugging Face hub.

    Examples
    --------
    >>> from merit_sk import list_pretrained
    >>> list_pretrained()
    ['merit-tiny']
    """
    from ..nn.checkpoint import bundled_weights

    return bundled_weights()


class StorageMixin(ModelHubMixin, library_name="merit_sk", tags=["ecg", "electrocardiogram"]):
    """Weights as safetensors and JSON, in folders and in pickles; never code or live tensors.

    Subclasses say what the model is (`_description`, `_weights`, `_parts`) and how to become it
    (`_restore`). Parameters that concern a machine and not the model are never saved.
    """

    _fitted_attribute = "model_"
    _runtime = (
        "device", "n_jobs", "verbose", "callbacks", "random_state", "checkpoint_dir", "cache",
        "embedder",
    )  # fmt: skip

    def __new__(cls, *args, **kwargs):
        """Return an instance without a record of its arguments, which `get_params` gives."""
        return object.__new__(cls)

    def save_pretrained(
        self, save_directory, *, dtype="float32", repo_id=None, push_to_hub=False, **hub_kwargs
    ):
        """Write the fitted model to a folder.

        ``config.json`` describes the model, ``model.safetensors`` holds the weights, and
        ``README.md`` is a model card to complete, which is not replaced once it was edited. At
        every moment the folder holds the model that was there or the new one.

        No report is stored, and words of reports only as hashes, unless a language model must be
        able to write them. Weights may still tell something of the recordings they were trained
        on; do not publish what your patients have not agreed to.

        Parameters
        ----------
        save_directory : path-like
            Made if missing; a model in it is replaced, other files stay.
        dtype : {"float32", "float16"}, default="float32"
            Number format of the weights on disk. Half precision takes half the space and rounds
            matrices to three digits; computing is always in single precision.
        repo_id : str or None, default=None
            Repository for `push_to_hub`; None takes the name of the folder.
        push_to_hub : bool, default=False
            Whether to publish the model on the Hugging Face hub as well.
        **hub_kwargs
            Further arguments of `push_to_hub`.

        Returns
        -------
        url : str or None
            Of the commit on the hub.

        Raises
        ------
        OSError
            If the folder cannot be written, for example because the disk is full; what was in it
            is as it was.
        """
        from ..nn.checkpoint import write_files

        check_is_fitted(self, self._fitted_attribute)
        folder = Path(save_directory)
        files, card = self._files(dtype), folder / README
        if not card.exists() or MARK in card.read_text(encoding="utf-8", errors="replace"):
            files = {README: model_card(self).encode(), **files}
        write_files(folder, files)
        if push_to_hub:
            return self.push_to_hub(repo_id or folder.name, **hub_kwargs)
        return None

    @classmethod
    def from_pretrained(
        cls, name, *, revision=None, local_files_only=False, device="auto", force_download=False,
        token=None, cache_dir=None, **parameters,
    ):  # fmt: skip
        """Load a model that ``save_pretrained`` wrote.

        Parameters
        ----------
        name : path-like or str
            Weights that come with the package (``"merit-tiny"``), a folder, or the id of a
            repository on the Hugging Face hub; looked for in this order.
        revision : str or None, default=None
            Branch, tag or commit on the hub.
        local_files_only : bool, default=False
            Whether to use only what was downloaded before.
        device : str, default="auto"
            Where to compute; ``"auto"`` takes an accelerator if there is one.
        force_download : bool, default=False
            Whether to download again what was downloaded before.
        token : str, bool or None, default=None
            Access token for the hub; None takes that of ``hf auth login``.
        cache_dir : path-like or None, default=None
            Where downloads are kept.
        **parameters
            Of the estimator; others are at their defaults or as saved.

        Returns
        -------
        estimator : object
            Fitted.

        Raises
        ------
        OSError
            If there is no such model; the message says where was looked.
        ValueError
            If a file is damaged or foreign; the message names it.

        Examples
        --------
        >>> import tempfile
        >>> from merit_sk import MeritEmbedder
        >>> from merit_sk.datasets import make_ecg
        >>> X = make_ecg(8, random_state=0).data
        >>> embedder = MeritEmbedder(pretrained=None, max_epochs=0, random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     embedder.save_pretrained(folder)
        ...     again = MeritEmbedder.from_pretrained(folder)
        >>> bool((again.transform(X) == embedder.transform(X)).all())
        True
        """
        from ..nn.checkpoint import find_folder, read_files

        folder = find_folder(
            name, revision=revision, local_files_only=local_files_only, token=token,
            force_download=force_download, cache_dir=cache_dir,
        )  # fmt: skip
        given = str(name if revision is None else folder)
        return cls._from_files(read_files(folder), folder, given, device=device, **parameters)

    @classmethod
    def _from_files(cls, files, folder, name, **parameters):
        config, weights, parts = cls._unpacked(files, folder)
        with described_in(folder):
            estimator = cls(**cls._saved_parameters(config, name) | parameters)
            estimator._restore(config, weights, parts, folder)
        return estimator

    @classmethod
    def _unpacked(cls, files, folder):
        from ..nn.checkpoint import unpack

        config, weights, parts = unpack(files, folder)
        key, kind = cls._kind
        if key not in config:
            raise ValueError(f"{folder} holds no {kind} but another estimator of merit_sk")
        return config, weights, parts

    @classmethod
    def _saved_parameters(cls, config, name):
        """Return the parameters of the estimator that was saved."""
        known = set(cls._get_param_names()) - set(cls._runtime)
        return {k: v for k, v in config["parameters"].items() if k in known}

    def _files(self, dtype="float32", parts=None):
        from ..nn.checkpoint import pack, weights_to_bytes

        network = self._weights()
        weights = None if network is None else weights_to_bytes(network, dtype)
        config = {"estimator": type(self).__name__} | self._description()
        return pack(config, weights, self._parts(dtype) if parts is None else parts)

    def _weights(self):
        """Return the module whose weights are saved, or None."""
        return self.model_

    def _parts(self, dtype):
        """Return the files of models that this one is made of, by path."""
        return {}

    def _pickled_parts(self):
        """Return those parts that are no attributes of their own in a pickle."""
        return {}

    def _plain_parameters(self, *left_out):
        """Return the parameters that are saved, as plain JSON types."""
        parameters = self.get_params(deep=False)
        kept = {k: v for k, v in parameters.items() if k not in (*self._runtime, *left_out)}
        return json.loads(json.dumps(kept, default=_plain))

    def _place(self):
        """Move the network to the device that the parameter `device` means by now."""
        from ..nn.device import resolve_device

        device = resolve_device(self.device)
        if device != self.device_:
            self.model_.to(device)
            self.device_ = device

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" in state:
            state = {k: v for k, v in state.items() if k not in self._in_files}
            state["_saved"] = self._files(parts=self._pickled_parts())
        return state

    def __setstate__(self, state):
        saved = state.pop("_saved", None)
        super().__setstate__(state)
        if saved:
            self._restore(*self._unpacked(saved, "the pickled model"), "the pickled model")

    def __copy__(self):
        """Return an estimator with parameters of its own and the same weights."""
        new = object.__new__(type(self))
        vars(new).update(vars(self))
        return new


@contextlib.contextmanager
def described_in(folder):
    """Name the configuration that is to blame; those of format 1 have no checksum."""
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder}/config.json does not describe a model of this kind ({error!r}): save or "
            "download the model again"
        ) from error


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)
