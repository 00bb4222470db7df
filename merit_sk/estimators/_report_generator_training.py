"""Training of MeritReportGenerator: its network before training, and the run."""

LANGUAGE_LR = {"builtin": 1.0, "frozen": 0.0, "lora": 0.2, "full": 0.05}


class ReportGeneratorTrainingMixin:
    """What ``fit`` of MeritReportGenerator does where it learns to write."""

    def _build_model(self, ecg, before, reports, groups):
        from ..nn.language_model import (
            add_lora,
            has_start,
            learn_tokenizer,
            load_language_model,
            small_language_model,
        )

        if self.language_model == "builtin":
            self.tokenizer_ = learn_tokenizer([*reports, *before], [*groups, *groups])
            before_length = max(len(ids) for ids in self._tokens(before))
            n_positions = self.n_prefix + before_length + self.max_new_tokens + 64
            model = small_language_model(self.tokenizer_, n_positions)
        else:
            model, self.tokenizer_ = load_language_model(self.language_model)
            if self.tuning == "lora":
                model = add_lora(model)
        self._marks_start = has_start(self.tokenizer_)
        frozen = self.language_model != "builtin" and self.tuning == "frozen"
        self._assemble(model, frozen, self.n_prefix)
        self.model_.projector.standardize(ecg)
        self.model_.to(self.device_)

    def _train(self, ecg, before, reports):
        from ..training.engine import train
        from ..training.report_net import ReportDataset, ReportNet

        end = self.tokenizer_.eos_token_id
        ids = [[*row[: self.max_new_tokens - 1], end] for row in self._tokens(reports)]
        kind = "builtin" if self.language_model == "builtin" else self.tuning
        settings = dict(
            max_epochs=self.max_epochs, batch_size=self.batch_size, lr=self.lr, weight_decay=0.05,
            device=str(self.device_), seed=self._seed,
            optimizer__param_groups=[("language_model.*", {"lr": self.lr * LANGUAGE_LR[kind]})],
        )  # fmt: skip
        openings = self._opening(before)
        self.model_.check_room(openings, max(map(len, ids)))
        data = ReportDataset(ecg, openings, ids)
        trained = train(
            self.model_, data, settings=settings, verbose=self.verbose, net=ReportNet
        )  # fmt: skip
        if kind == "lora":
            self.model_.language_model = self.model_.language_model.merge_and_unload()
        self.net_, self.history_ = trained.net, trained.history
        self.n_iter_ = len(self.history_)
