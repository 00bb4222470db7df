"""Do explanations point to where a finding is? Simulated findings, whose place is known.

    python benchmarks/explanations.py [--data DATA]

For every statement that the simulator draws in certain waves, recordings come in pairs: the same
patient, beats and noise without the finding and with it. The place of the finding are the fewest
cells (lead by part of the beat) that hold four fifths of the mean square difference of a pair,
leads in units of their standard deviation, among the parts that define the statement, as patients
with findings differ in other waves, too. A map is worth the share of its positive mass in these
cells; chance is their share of all cells. The maps are of ``merit-tiny`` and its zero-shot score:

* ``explain``: parts that become normal, one lead at a time (:func:`merit_sk.inspection.explain`);
* lines: the same, but parts become straight lines;
* IG: integrated gradients (M. Sundararajan et al., 2017) of the cosine with the phrases of the
  statement, minus those of a normal ECG, in 16 steps from a flat recording;
* gradient: the gradient of the same times the signal, absolute;
* random: ``explain`` of a random encoder under a logistic regression on shuffled labels.

With DATA, which holds ``ptb-xl/``, parts of the beat are compared on real recordings, in all leads
together.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _tables import add_output, write
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from merit_sk import ECGRecords, MeritEmbedder, MeritZeroShotClassifier
from merit_sk.datasets import load_ptbxl, make_ecg
from merit_sk.inspection import explain
from merit_sk.signals import bandpass
from merit_sk.statements import statement_prompts

PARTS = ["P", "PR", "QRS", "ST", "T", "TP"]
WHERE = {
    "CRBBB CLBBB IRBBB ILBBB LAFB LPFB IVCD QWAVE LVH RVH SEHYP HVOLT": "QRS",
    "WPW": "PR QRS",
    "1AVB": "TP P PR",
    "LAO/LAE RAO/RAE": "P",
    "IMI AMI ASMI ALMI LMI ILMI IPLMI PMI": "QRS ST T",
    "STD_ STE_ INJAS INJIL": "ST",
    "INVT LOWT NT_ TAB_": "T",
    "NDT NST_ DIG ISCAL ISCIN ISCAN ISCLA": "ST T",
    "LNGQT": "T TP",
}
LOCAL = {code: parts.split() for codes, parts in WHERE.items() for code in codes.split()}
REAL = {"CRBBB": "QRS", "CLBBB": "QRS", "LAFB": "QRS", "1AVB": "P, PR", "AFIB": "not QRS"}
STEPS = 16


def place(normal, changed, region_of, parts):
    """Return which cells, leads by regions, hold four fifths of the difference of a pair."""
    square = np.square((changed - normal) / changed.std(axis=1, keepdims=True))
    energy = by_cell(square, region_of)
    energy[:, [name not in parts for name in PARTS]] = 0
    order = np.argsort(-energy, axis=None)
    n = np.searchsorted(np.cumsum(energy.ravel()[order]), 0.8 * energy.sum()) + 1
    there = np.zeros(energy.size, dtype=bool)
    there[order[:n]] = True
    return there.reshape(energy.shape)


def mass(value, there):
    """Return the share of the positive part of a map inside."""
    value = np.clip(value, 0, None)
    return value[there].sum() / value.sum() if value.any() else np.nan


class Gradients:
    """Gradients of the cosine with a statement's phrases, with respect to filtered signals."""

    def __init__(self, embedder, code):
        self.model = embedder.model_.eval()
        vectors = [embedder.embed_text(statement_prompts(c)).mean(axis=0) for c in (code, "NORM")]
        self.direction = torch.from_numpy(vectors[0] - vectors[1]).float()

    def __call__(self, x):
        x = torch.as_tensor(np.array(x), dtype=torch.float32).requires_grad_()
        centered = x - x.mean(dim=2, keepdim=True)
        z = centered / centered.std(dim=2, correction=0, keepdim=True).clamp(min=1e-6)
        maps = self.model.encoder(z, torch.full((len(x),), x.shape[2]))
        (self.model.projection(maps) @ self.direction).sum().backward()
        return x.grad.numpy()

    def integrated(self, x):
        return x * self(np.linspace(1 / STEPS, 1, STEPS)[:, None, None] * x).mean(axis=0)


def by_cell(samples, region_of):
    return np.stack([samples[:, region_of == k].sum(axis=1) for k in range(6)], axis=1)


def simulated(zero, random, lines, code, n, seed):
    """Return the shares of every method and patient, and the chance."""
    pair = [make_ecg(n, statements=[c], random_state=seed).data for c in ("NORM", code)]
    told = explain(zero, pair[1], [code])
    both = np.concatenate([np.asarray(p) for p in pair])
    y = np.random.default_rng(seed).permutation(np.repeat([0, 1], n))
    shuffled = make_pipeline(random, LogisticRegression(max_iter=1000)).fit(both, y)
    maps = {
        "explain": told.values[:, 0],
        "lines": explain(zero, pair[1], [code], reference=lines).values[:, 0],
        "random": explain(shuffled, pair[1]).values[:, 0],
    }
    gradients, rows = Gradients(zero.embedder_, code), []
    filtered = [bandpass(np.asarray(p), 100, 0.5, 40) for p in pair]
    for i, region_of in enumerate(told.region_of):
        there = place(*(np.asarray(p)[i] for p in pair), region_of, LOCAL[code])
        x = filtered[1][i]
        row = {name: mass(value[i], there) for name, value in maps.items()}
        row["IG"] = mass(by_cell(gradients.integrated(x), region_of), there)
        row["gradient"] = mass(by_cell(np.abs(gradients(x[None])[0] * x), region_of), there)
        rows.append(row | {"chance": there.mean()})
    return pd.DataFrame(rows)


def real(zero, data, n):
    """Return the shares of the parts of the beat in all leads together, by statement."""
    ecg, rows = load_ptbxl(data / "ptb-xl", task="all"), {}
    for code, where in REAL.items():
        has = np.flatnonzero(ecg.target[:, ecg.target_names.index(code)])[:n]
        told = explain(zero, ecg.data[has], [code])
        mean = told.together[:, 0].clip(0).mean(axis=0)
        share = pd.Series(mean / mean.sum(), index=told.regions)
        expected = (
            [p for p in told.regions if p != "QRS"] if where == "not QRS" else where.split(", ")
        )
        rows[code] = {"recordings": len(has), "expected": where, "share": share[expected].sum()}
        rows[code] |= share.to_dict()
    return pd.DataFrame(rows).T


def main(args=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, metavar="DATA")
    parser.add_argument("--n", type=int, default=10, help="patients a statement")
    parser.add_argument("--statements", nargs="+", default=list(LOCAL))
    parser.add_argument("--seed", type=int, default=100)
    add_output(parser)
    options = parser.parse_args(args)
    warnings.simplefilter("ignore", UserWarning)
    some = make_ecg(64, statements=["NORM"], random_state=1).data
    lines = ECGRecords.from_array(1e-6 * np.asarray(some), sampling_rate=100)
    zero = MeritZeroShotClassifier().fit(some[:2])
    random = MeritEmbedder(pretrained=None, max_epochs=0, random_state=0).fit(some)
    rows = {}
    for code in options.statements:
        shares = simulated(zero, random, lines, code, options.n, options.seed)
        rows[code] = shares.mean()
        rows[code]["explain / chance"] = rows[code]["explain"] / rows[code]["chance"]
        print(pd.DataFrame({code: rows[code]}).T.round(3).to_string(header=len(rows) == 1))
    table = pd.DataFrame(rows).T
    print(f"\nmean\n{table.mean().round(3).to_string()}")
    times = table.drop(columns=["chance", "explain / chance"]).div(table.chance, axis=0) >= 3
    print(f"\nthree times chance or more, of {len(table)} statements\n{times.sum().to_string()}")
    write(options.output, explanations=table.rename_axis("statement"))
    if options.data:
        of_patients = real(zero, options.data, options.n)
        print(f"\nreal recordings\n{of_patients.to_string()}")
        write(options.output, explanations__real=of_patients.rename_axis("statement"))


if __name__ == "__main__":
    main()
