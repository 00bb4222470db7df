"""Weights of MeritReportGenerator: put together, loaded, saved and pickled."""

from ._given_embedder import EMBEDDER, embedder_files
from ._storage import StorageMixin

LANGUAGE_MODEL = "language_model"


class ReportGeneratorWeightsMixin(StorageMixin):
    """What MeritReportGenerator saves, and how it becomes what was saved."""

    _kind = "state", "report generator"
    _in_files = ("model_", "tokenizer_", "net_", "device_")
    _state = (
        "history_", "n_iter_", "n_features_in_", "_seed", "_uses_context", "_marks_start",
        "_reads_voltages", "_came_with_weights",
    )  # fmt: skip

    @classmethod
    def _from_files(cls, files, folder, name, **parameters):
        generator = super()._from_files(files, folder, name, **parameters)
        generator.embedder = generator.embedder_
        return generator

    def _weights(self):
        return self.model_.projector

    def _parts(self, dtype):
        return embedder_files(self.embedder_, dtype) | self._language_model(dtype)

    def _pickled_parts(self):
        return self._language_model("float32")

    def _language_model(self, dtype):
        from ..nn.language_model import to_files

        files = to_files(self.model_.language_model, self.tokenizer_, dtype)
        return {f"{LANGUAGE_MODEL}/{k}": v for k, v in files.items()}

    def _description(self):
        parameters = self._plain_parameters("generation")
        generation = self.generation
        if hasattr(generation, "to_diff_dict"):
            generation = generation.to_diff_dict()
        parameters |= {"generation": generation, "n_prefix": self.model_.projector.n_prefix}
        return {
            "parameters": parameters, "state": {name: getattr(self, name) for name in self._state}
        }  # fmt: skip

    def _restore(self, config, weights, parts, folder):
        from ..nn.checkpoint import WEIGHTS_NAME, load_weights
        from ..nn.device import resolve_device
        from ..nn.language_model import from_files
        from ._embedder import MeritEmbedder

        if EMBEDDER in parts:
            where = f"{folder}/{EMBEDDER}"
            self.embedder_ = MeritEmbedder._from_files(
                parts[EMBEDDER], where, where, device=self.device
            )
        for attribute, value in config["state"].items():
            setattr(self, attribute, value)
        language_model, self.tokenizer_ = from_files(parts[LANGUAGE_MODEL])
        self.net_ = None
        self.device_ = resolve_device(self.device)
        self._assemble(language_model, frozen=False, n_prefix=config["parameters"]["n_prefix"])
        load_weights(self.model_.projector, weights, f"{folder}/{WEIGHTS_NAME}")
        self.model_.to(self.device_).eval()

    def _assemble(self, language_model, frozen, n_prefix):
        """Put an untrained projector before the language model."""
        from ..nn.language_model import ReportModel
        from ..nn.prefix import MapReader, PrefixProjector

        embedder = self.embedder_.model_
        words = language_model.get_input_embeddings().weight
        projector = PrefixProjector(
            MapReader(embedder, self._reads_voltages).n_summary, embedder.encoder.stage_dims[-1],
            n_prefix, words.shape[1], scale=words.detach().std().item(), dropout=0.2,
        )  # fmt: skip
        self.model_ = ReportModel(projector, language_model, frozen)
