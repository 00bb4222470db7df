"""Saving, loading, pickling and copying of estimators that hold a network."""

from sklearn.utils.validation import check_is_fitted

from ._reports import text_features_from_dict
from ._windows import WindowSpec


class PretrainedMixin:
    """Weights as safetensors and JSON, in folders and in pickles; never code or live tensors."""

    def save_pretrained(self, folder):
        """Write the model to a folder as ``config.json`` and ``model.safetensors``.

        Parameters
        ----------
        folder : path-like
            Made if missing; a model in it is replaced.
        """
        from .nn.checkpoint import weights_to_bytes, write_checkpoint

        check_is_fitted(self)
        write_checkpoint(folder, self._description(), weights_to_bytes(self.model_))

    @classmethod
    def from_pretrained(cls, name, *, revision=None, local_files_only=False, device="auto"):
        """Load a model that ``save_pretrained`` wrote.

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
        embedder : MeritEmbedder
            Fitted; wrap it in :class:`sklearn.frozen.FrozenEstimator` to keep it so in a search.

        Raises
        ------
        OSError
            If there is no such model.
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
        from .nn.checkpoint import WEIGHTS_NAME, find_checkpoint, read_checkpoint

        folder = find_checkpoint(name, revision=revision, local_files_only=local_files_only)
        config, weights = read_checkpoint(folder)
        embedder = cls(**config["parameters"], device=device)
        embedder._restore(config, weights, folder / WEIGHTS_NAME)
        return embedder

    _not_saved = ("device", "callbacks", "random_state", "encoder", "checkpoint_dir", "cache")
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
        from .nn.checkpoint import load_weights

        self._check_parameters()
        self.window_ = WindowSpec.from_dict(config["window"])
        self.text_features_ = config["text"] and text_features_from_dict(config["text"])
        self.history_, self.n_iter_ = config["history"], len(config["history"])
        self.language_ = config["language"]
        self.n_features_in_ = config["n_features_in"]
        self._build_model(keep=False)
        load_weights(self.model_, weights, source)
        self.model_.eval()

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" in state:
            from .nn.checkpoint import weights_to_bytes

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
