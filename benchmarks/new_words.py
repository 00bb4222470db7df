"""Another hospital's words: going on from ``merit-tiny`` with reports in a vocabulary of its own.

    python benchmarks/new_words.py

Every word of simulated reports, and of the phrases that ask, is replaced by one that no language
has. Classes are asked for in these words, before and after pretraining goes on with pairs of
recordings and such reports, and in English as what could be reached. Recordings that test are
other ones. Macro AUC over statements with ten positives.
"""

import argparse
import hashlib
import re
import warnings

import numpy as np
import pandas as pd
from _tables import add_output, write

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.metrics import macro_auc
from merit_sk.statements import statement_prompts

SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]


def made_up(text):
    """Replace every word by three syllables that depend on the word alone."""

    def other(word):
        digest = hashlib.sha256(word[0].lower().encode()).digest()
        return "".join(SYLLABLES[byte % len(SYLLABLES)] for byte in digest[:3])

    return re.sub(r"[^\W\d]+", other, text)


def zero_shot(embedder, ecg, translate):
    """Return the macro AUC of cosines with the average phrase of each statement."""
    enough = np.flatnonzero(ecg.target.sum(axis=0) >= 10)
    phrases = [[translate(p) for p in statement_prompts(ecg.target_names[j])] for j in enough]
    text = np.stack([embedder.embed_text(some).mean(axis=0) for some in phrases])
    text /= np.maximum(np.linalg.norm(text, axis=1, keepdims=True), 1e-12)
    Z = embedder.set_params(readout="projected").transform(ecg.data)
    return macro_auc(ecg.target[:, enough], Z @ text.T), len(enough)


def main(args=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=2000, help="pairs")
    parser.add_argument("--n-test", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser)
    options = parser.parse_args(args)
    warnings.simplefilter("ignore", UserWarning)
    pairs = make_ecg(options.n, random_state=2 * options.seed + 1)
    test = make_ecg(options.n_test, random_state=2 * options.seed + 2)
    reports = [made_up(report) for report in pairs.reports]
    print(f"{pairs.reports[0]!r} becomes {reports[0]!r}")
    rows = []
    for name, told in {"untouched": None, "going on": reports}.items():
        embedder = MeritEmbedder(random_state=options.seed).fit(pairs.data, reports=told)
        for words, translate in {"English": str, "made-up words": made_up}.items():
            auc, n = zero_shot(embedder, test, translate)
            rows.append({"weights": name, "asked in": words, "statements": n, "macro AUC": auc})
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    write(options.output, new_words=table)


if __name__ == "__main__":
    main()
