"""Do simulated pairs help real ones? Pretrain on real pairs with and without them.

    python benchmarks/simulated_and_real.py --data PATH

One run, on the folder that ``simulated_to_real.py`` describes and
``metadata/ptbxl_12sl_statements_text_en.csv``: real records of folds 1 to 8 with their machine
statements, alone; with simulated pairs, shuffled; and with simulated pairs in batches of their own
(``origins``). Every encoder sees each real pair ``--epochs`` times and each simulated one once.
Probes are trained on folds 1 to 8 and tested on folds 9 and 10.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from simulated_to_real import load_real, probe, probes, report_zero_shot, zero_shot

from merit_sk import MeritEmbedder
from merit_sk.datasets import make_ecg
from merit_sk.signals import bandpass, zscore


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder described above")
    parser.add_argument("--n-simulated", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--structure-weight", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=1)
    args = parser.parse_args()

    x, labels, folds = load_real(args.data)
    table = args.data / "metadata" / "ptbxl_12sl_statements_text_en.csv"
    texts = pd.read_csv(table, index_col=0)["text_en"].reindex(labels.index).to_numpy(object)
    train = np.flatnonzero(folds <= 8)
    repeated = np.tile(train, args.epochs)
    ecg = make_ecg(args.n_simulated, random_state=args.seed)
    simulated = zscore(bandpass(np.asarray(ecg.data), 100, 0.5, 40))
    both = np.concatenate([x[repeated], simulated])
    reports = np.concatenate([texts[repeated], ecg.reports])
    origins = np.repeat(["real", "simulated"], [len(repeated), len(simulated)])

    def pretrain(name, epochs, X, reports, origins=None):
        embedder = MeritEmbedder(
            max_epochs=epochs, structure_weight=args.structure_weight, random_state=args.seed,
            n_jobs=args.n_jobs,
        )  # fmt: skip
        start = time.process_time()
        embedder.fit(X, reports=reports, origins=origins)
        seconds = time.process_time() - start
        z = embedder.transform(x)
        probes(name, z, labels, folds)
        few = [probe(z, labels, folds, 20, seed).mean() for seed in range(20)]
        print(f"{'':22s} 20 labels {np.mean(few):.4f}, {seconds:.0f} s of CPU", flush=True)
        return embedder

    print(f"{len(train)} real pairs, {len(simulated)} simulated ones")
    pretrain("random encoder", 0, x[train], texts[train])
    alone = pretrain("real pairs", args.epochs, x[train], texts[train])
    pretrain("and simulated, mixed", 1, both, reports)
    apart = pretrain("and simulated, apart", 1, both, reports, origins)
    test = folds > 8
    for name, embedder in (("real pairs", alone), ("and simulated, apart", apart)):
        print(f"\n{name}: zero-shot on folds 9 and 10")
        report_zero_shot(zero_shot(embedder, x[test], labels[test]), labels[test])


if __name__ == "__main__":
    main()
