"""The recipe of ``merit-tiny`` with sets of leads by distillation.

    python benchmarks/distillation.py --data PATH --work FOLDER --output FOLDER

As ``merit_tiny.py``, whose arguments these are. Of recordings of which at least half of the leads
are hidden, the unit vector in the space shared with text is also drawn to the one that an average
of the network over its training has of all leads. A run that is interrupted starts its average
anew.
"""

import json

import merit_tiny
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from merit_sk.nn.checkpoint import write_text
from merit_sk.nn.model import MeritModel
from merit_sk.training import pretrain

DECAY, WEIGHT = 0.999, 1.0


class Distilled(MeritModel):
    """A model whose vectors of few leads are drawn to an average model's of all."""

    average = last = None

    def projection(self, maps, voltages=None):
        self.last = super().projection(maps, voltages)
        return self.last

    def forward(self, signal, n_valid, view=None, **more):
        if view is None or not self.training:
            return super().forward(signal, n_valid, view=view, **more)
        if self.average is None:
            average = AveragedModel(self, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
            object.__setattr__(self, "average", average.requires_grad_(False))  # not a part of it
        self.average.update_parameters(self)
        self.last = None
        out = super().forward(signal, n_valid, view=view, **more)
        few = 2 * view.any(dim=2).sum(dim=1) <= signal.any(dim=2).sum(dim=1)
        if self.last is not None and bool(few.any()):
            whole = self.average.module.eval()
            with torch.no_grad():
                target = whole.projection(whole.encoder(signal[few], n_valid[few]))
            distance = 1 - (self.last[few] * target).sum(dim=1).mean()
            out["loss"] = out["loss"] + WEIGHT * distance
        return out


def main(arguments=None):
    args = merit_tiny.parse(arguments)
    kept, pretrain.MeritModel = pretrain.MeritModel, Distilled
    try:
        merit_tiny.main(arguments)
    finally:
        pretrain.MeritModel = kept
    path = args.output / "recipe.json"
    recipe = json.loads(path.read_text()) | {"command": "python benchmarks/distillation.py"}
    write_text(path, json.dumps(recipe, indent=1))


if __name__ == "__main__":
    main()
