"""Weights of MeritEmbedder: found by name, loaded, saved and pickled."""

from ..nn.config import resolve_encoder
from ..reports._features import text_features_from_dict
from ..signals._windows import WindowSpec
from ._storage import StorageMixin, described_in

REPORT_WRITER = "report_writer"


class EmbedderWeightsMixin(StorageMixin):
    """What MeritEmbedder saves, and how it becomes what was saved."""

    _kind = "text", "embedder"
    _in_files = (
        "model_", "net_", "device_", "window_", "text_features_", "language_", "history_",
        "n_iter_", "zero_shot_", "measurements_", "report_writer_", "_looked_at",
    )  # fmt: skip

    def _load(self):
        """Become the model that `pretrained` names, unless other parameters contradict it."""
        from ..nn.checkpoint import find_folder, read_files

        folder = find_folder(self.pretrained)
        config, weights, parts = self._unpacked(read_files(folder), folder)
        with described_in(folder):
            self._refuse_contradictions(config)
            self._restore(config, weights, parts, folder)

    def _refuse_contradictions(self, config):
        window, text = WindowSpec.from_dict(config["window"]), config["text"]
        encoder = resolve_encoder(config["parameters"]["encoder"])
        given_text = None if self.text_encoder == "builtin" else str(self.text_encoder)
        for name, given, theirs in (
            ("encoder", self.encoder is not None and resolve_encoder(self.encoder), encoder),
            ("duration", self.duration is not None and float(self.duration), window.duration),
            ("text_encoder", text is not None and given_text, text and text.get("name", "builtin")),
        ):
            if given and given != theirs:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} contradicts the weights "
                    f"pretrained={str(self.pretrained)!r}, which have {theirs!r}: leave {name} "
                    "out, or train from scratch with pretrained=None"
                )

    @classmethod
    def _saved_parameters(cls, config, name):
        return {"pretrained": name}

    def _parts(self, dtype):
        return {f"{REPORT_WRITER}/{k}": v for k, v in (self.report_writer_ or {}).items()}

    def _pickled_parts(self):
        return self._parts("float32")

    def _description(self):
        return {
            "parameters": {"encoder": self.model_.config.to_dict()},
            "window": self.window_.to_dict(),
            "text": None if self.text_features_ is None else self.text_features_.to_dict(),
            "decoder": self.model_.decoder is not None,
            "language": self.language_,
            "zero_shot": self.zero_shot_,
            "measurements": self.measurements_,
            "history": self.history_,
            "n_features_in": len(self.window_.leads),
        }

    def _restore(self, config, weights, parts, folder):
        from ..nn.checkpoint import WEIGHTS_NAME, load_weights
        from ..nn.device import BlankWeights, resolve_device
        from ..nn.model import MeritModel
        from ..training.pretrain import Weights

        window = WindowSpec.from_dict(config["window"])
        features = config["text"] and text_features_from_dict(config["text"])
        self.device_ = resolve_device(self.device)
        with BlankWeights():
            model = MeritModel(
                resolve_encoder(config["parameters"]["encoder"]), len(window.leads), window.n_times,
                text=None if features is None else (features.kind, features.n_features),
                decoder=config.get("decoder", True),
            )  # fmt: skip
        source = f"{folder}/{WEIGHTS_NAME}"
        load_weights(model, weights, source, optional=model.statistics)
        model.to(self.device_).eval()
        self._become(window, Weights(model, features, config["language"], config["history"]))
        self.zero_shot_ = config.get("zero_shot")
        self.measurements_ = config.get("measurements")
        self.report_writer_ = parts.get(REPORT_WRITER)
        if not hasattr(self, "n_features_in_"):
            self.n_features_in_ = len(window.leads)

    def _become(self, window, weights):
        self.window_ = window
        self.model_, self.net_ = weights.model, weights.net
        self.text_features_, self.language_ = weights.text_features, weights.language
        self.history_, self.n_iter_ = weights.history, len(weights.history)
