"""The command ``merit-sk``, also ``python -m merit_sk``."""

import argparse
import importlib
import sys

from ._console import OPTIONS, Console, add_options

# module and one line of help; a module is imported only when it is called
COMMANDS = {
    "read": ("inspection.command", "say what pretrained weights find in ECG files, and draw them"),
    "embed": ("estimators.command", "write the embeddings of a folder of recordings into one file"),
    "pretrain": ("estimators.pretrain_command", "train the encoder on your recordings and reports"),
    "simulate": ("datasets.command", "write a simulated ECG with the statements you name"),
    "compare": ("experiment.command", "pretrain and evaluate models on the same recordings"),
}
EPILOG = """\
merit-sk COMMAND --help says more about a command.

exit codes:
  0    all that was asked for is done
  1    done, but some or all of the recordings could not be read; stderr names them
  2    not done: wrong words, a file that is not there or must not be overwritten, a full disk;
       the last line on stderr says what is wrong and how to mend it
  130  interrupted
"""


def main(arguments=None):
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes those of the process.

    Returns
    -------
    code : int
        0, or 1 if some recordings could not be read.

    Raises
    ------
    SystemExit
        With code 2 if it cannot be done, 130 if it is interrupted.
    """
    words = [*(sys.argv[1:] if arguments is None else arguments)]
    parser = argparse.ArgumentParser(
        prog="merit-sk",
        description="ECG embeddings, statements and experiments. Research software, no medical "
        "device.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, line) in COMMANDS.items():
        command = commands.add_parser(
            name, help=line, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if words[:1] == [name]:
            chosen = importlib.import_module(f".{module}", __package__)
            command.description = chosen.DESCRIPTION
            chosen.add_arguments(command)
            add_options(command)
            command.set_defaults(run=chosen.run, words=words)
    args = parser.parse_args(words)
    args.console = Console(f"merit-sk {args.command}", **{k: getattr(args, k) for k in OPTIONS})
    return args.console.run(lambda: args.run(args))


if __name__ == "__main__":
    sys.exit(main())
