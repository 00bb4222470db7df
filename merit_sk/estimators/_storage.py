"""Saving, loading, pickling and copying of estimators that hold a network."""

from sklearn.utils.validation import check_is_fitted

from ..nn.config import resolve_encoder
from ..reports._features import text_features_from_dict
from ..signals._leads import canonical_lead_name
from ..signals._windows import WindowSpec


class PretrainedMixin:
    """Weights as safetensors and JSON, in folders and in pickles; never code or live tensors."""

    def save_pretrained(self, folder, *, dtype="float32"):
        """Write the model to a folder as ``config.json`` and ``model.safetensors``.

        Parameters
        ----------
        folder : path-like
            Made if missing; a model in it is replaced.
        dtype : {"float32", "float16"}, default="float32"
            Of the weights on disk. Half precision takes half the space and rounds matrices to
            three digits; computing is always in single precision.
        """
        from ..nn.checkpoint import weights_to_bytes, write_checkpoint

        check_is_fitted(self)
        write_checkpoint(folder, self._description(), weights_to_bytes(self.model_, dtype))

    @classmethod
    def from_pretrained(cls, name, *, revision=None, local_files_only=False, device="auto"):
        """Load a model that ``save_pretrained`` wrote.

        Parameters
        ----------
        name : path-like or str
            A model that comes with the package (``"merit-tiny"``), a folder, or the id of a
            repository on the Hugging Face hub; looked for in this order.
        revision : str or None, default=None
            Branch, tag or commit on the hub.
        local_files_only : bool, default=False
            Whether to use only what was downloaded before.
        device : str, default="auto"

        Returns
        -------
        embedder : MeritEmbedder
            Fitted; wrap it in :class:`sklearn.frozen.FrozenEstimator` to keep it so in a search.

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
        >>> embedder = MeritEmbedder(max_epochs=0, random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     embedder.save_pretrained(folder)
        ...     again = MeritEmbedder.from_pretrained(folder)
        >>> bool((again.transform(X) == embedder.transform(X)).all())
        True
        """
        saved = _read(name, *cls._kind, revision=revision, local_files_only=local_files_only)
        embedder = cls(**saved[0]["parameters"], device=device)
        embedder._restore(*saved)
        return embedder

    def _load_pretrained(self):
        """Become the model that `pretrained` names, unless other parameters contradict it."""
        config, weights, source = _read(self.pretrained, *self._kind)
        window, text = WindowSpec.from_dict(config["window"]), config["text"]
        rate, leads, duration = self.sampling_rate, self.leads, self.duration
        encoder = resolve_encoder(config["parameters"]["encoder"])
        given_text = None if self.text_encoder == "builtin" else str(self.text_encoder)
        for name, given, theirs in (
            ("encoder", self.encoder is not None and self._config, encoder),
            ("sampling_rate", rate is not None and float(rate), window.sampling_rate),
            ("leads", leads is not None and tuple(map(canonical_lead_name, leads)), window.leads),
            ("duration", duration is not None and float(duration), window.duration),
            ("text_encoder", text is not None and given_text, text and text.get("name", "builtin")),
        ):
            if given and given != theirs:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} contradicts the weights "
                    f"pretrained={str(self.pretrained)!r}, which have {theirs!r}: leave {name} out"
                )
        self._restore(config, weights, source)

    _kind = "text", "embedder"
    _not_saved = (
        "device", "callbacks", "random_state", "encoder", "pretrained", "checkpoint_dir", "cache",
    )  # fmt: skip
    _in_description = (
        "model_", "net_", "device_", "window_", "text_features_", "language_", "history_",
        "n_iter_", "n_features_in_", "_config",
    )  # fmt: skip

    def _description(self):
        parameters = {k: v for k, v in self.get_params().items() if k not in self._not_saved}
        parameters["encoder"] = self.model_.config.to_dict()
        for name in ("leads", "text_encoder"):
            value = parameters[name]
            parameters[name] = value if value is None or isinstance(value, str) else list(value)
        return {
            "parameters": parameters,
            "window": self.window_.to_dict(),
            "text": None if self.text_features_ is None else self.text_features_.to_dict(),
            "language": self.language_,
            "history": self.history_,
            "n_features_in": self.n_features_in_,
        }

    def _restore(self, config, weights, source):
        from torch.random import fork_rng

        from ..nn.checkpoint import load_weights

        self._check_parameters()
        self._config = resolve_encoder(config["parameters"]["encoder"])
        self.window_ = WindowSpec.from_dict(config["window"])
        self.text_features_ = config["text"] and text_features_from_dict(config["text"])
        self.history_, self.n_iter_ = config["history"], len(config["history"])
        self.language_ = config["language"]
        self.n_features_in_ = config["n_features_in"]
        with fork_rng(devices=[]):
            self._build_model(keep=False)
        load_weights(self.model_, weights, source)
        self.model_.eval()

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" in state:
            from ..nn.checkpoint import weights_to_bytes

            state = {k: v for k, v in state.items() if k not in self._in_description}
            state["_saved"] = self._description(), weights_to_bytes(self.model_)
        return state

    def __setstate__(self, state):
        saved = state.pop("_saved", None)
        super().__setstate__(state)
        if saved:
            self._restore(*saved, "the pickled weights")

    def __copy__(self):
        """Other parameters, the same weights."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new


def _read(name, key, kind, **where):
    """Description, weights and the path of an estimator, of a kind whose description has a key."""
    from ..nn.checkpoint import WEIGHTS_NAME, find_checkpoint, read_checkpoint

    folder = find_checkpoint(name, **where)
    config, weights = read_checkpoint(folder)
    if key not in config:
        raise ValueError(f"{folder} holds no {kind} but another estimator of merit_sk")
    return config, weights, folder / WEIGHTS_NAME
