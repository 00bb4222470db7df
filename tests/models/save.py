"""Save a small model and what it says, for later versions to be held to.

python tests/models/save.py VERSION
"""

import sys
from pathlib import Path

import numpy as np

from merit_sk import MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import make_ecg


def main(version):
    from test_pretrained import probe_signal

    folder = Path(__file__).parent / version
    english, german = (make_ecg(64, language=x, duration=2, random_state=0) for x in ("en", "de"))
    X = np.concatenate([english.data, german.data])
    embedder = MeritEmbedder(
        encoder={"widths": [8, 8, 16], "patch": 8, "decoder_width": 8, "projection": 16},
        pretrained=None, duration=2, max_epochs=2, random_state=0,
    ).fit(X, reports=[*english.reports, *german.reports])  # fmt: skip
    embedder.save_pretrained(folder, dtype="float16")
    again, X = MeritEmbedder.from_pretrained(folder), probe_signal().astype(np.float32)
    zero = MeritZeroShotClassifier(folder, classes=["AFIB", "NORM"]).fit(X)
    np.savez(
        folder / "expected.npz",
        stages=again.transform(X),
        text=again.embed_text(["sinus rhythm", "Vorhofflimmern"]),
        zero_shot=zero.predict_proba(X),
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main(sys.argv[1])
