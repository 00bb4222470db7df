"""Fuzz a parser, guided by which code it reaches: ``python -m tests.torture.fuzz edf --runs 1000``.

Needs atheris (``pip install atheris``). What it finds is written to a file ``crash-...`` here.
"""

import argparse
import random
import sys

from .damage import quiet
from .process import Child, place

# which file of an original is changed, of which kind
TARGETS = {
    "header": ("WFDB", "r.hea"),
    "samples": ("WFDB", "r.dat"),
    "edf": ("EDF", "r.edf"),
    "device": ("files of devices", "r"),
    "matlab": ("CPSC2018", "A0001.mat"),
    "labels": ("CPSC2018", "REFERENCE.csv"),
    "statements": ("PTB-XL", "ptbxl_database.csv"),
    "table": ("table of reports", "reports.csv"),
    "index": ("cache of signals", "r/shard-00000.npy"),
    "meta": ("cache of signals", "r/meta.json"),
    "config": ("saved embedder", "config.json"),
    "checkpoint": ("checkpoint", "training.safetensors"),
}


def main(arguments=None):
    """Fuzz until there were enough runs, or a failure, which ends the process."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.fuzz")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    try:
        import atheris  # noqa: F401
    except ImportError:
        sys.exit("fuzzing needs atheris: pip install atheris")
    with place() as around:  # the fuzzer ends its process without cleaning up
        child = Child(fuzz, around, args)
        child.process.join()
        return child.process.exitcode


def fuzz(around, args):
    """Fuzz in this process, which ends."""
    import atheris

    kind_name, name = TARGETS[args.target]
    with atheris.instrument_imports(include=["merit_sk"], enable_loader_override=False), quiet():
        from . import damage, models, records

        kind, folder, corpus = (
            (records.KINDS | models.KINDS)[kind_name],
            around / "data",
            around / "c",
        )
        wholes = [(files, held) for files, held in damage.originals(kind) if name in files]
        files, held = wholes[0]
        damage.put(folder, files)
        kind.read(folder, random.Random(0))  # what it imports is instrumented
    corpus.mkdir()
    for k, (one, _) in enumerate(wholes):
        (corpus / str(k)).write_bytes(one[name])

    def read(data):
        (folder / name).write_bytes(data)
        try:
            found = kind.read(folder, random.Random(data))
        except (ValueError, OSError) as error:
            assert str(error), "an error without a word"
        else:
            assert not kind.exact or found == held, "not what was saved"

    flags = (f"-runs={args.runs}", f"-max_total_time={args.seconds}", f"-seed={args.seed}",
             "-timeout=20", "-rss_limit_mb=4096", f"-max_len={1 << 17}",
             "-print_final_stats=1")  # fmt: skip
    with quiet():
        atheris.Setup([sys.argv[0], *flags, str(corpus)], read)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
