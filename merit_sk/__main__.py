"""The command ``merit-sk``, also ``python -m merit_sk``."""

import argparse
import importlib
import sys

# module and one line of help; a module is imported only when it is called
COMMANDS = {
    "read": ("inspection.command", "say what pretrained weights find in ECG files, and draw them"),
    "embed": ("estimators.command", "write the embeddings of a folder of recordings into one file"),
    "simulate": ("datasets.command", "write a simulated ECG with the statements you name"),
    "compare": ("experiment.command", "pretrain and evaluate models on the same recordings"),
}


def main(arguments=None):
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes those of the process.
    """
    words = [*(sys.argv[1:] if arguments is None else arguments)]
    parser = argparse.ArgumentParser(
        prog="merit-sk",
        description="ECG embeddings, statements and experiments. Research software, no medical "
        "device.",
        epilog="merit-sk COMMAND --help says more about a command.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, line) in COMMANDS.items():
        command = commands.add_parser(
            name, help=line, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if words[:1] == [name]:
            chosen = importlib.import_module(f".{module}", __package__)
            command.description = chosen.DESCRIPTION
            chosen.add_arguments(command)
            command.set_defaults(run=chosen.run, parser=command, words=words)
    args = parser.parse_args(words)
    try:
        args.run(args)
    except (OSError, ValueError) as error:
        args.parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
