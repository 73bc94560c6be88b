"""python -m toolcalling.share export FOLDER --to gguf|serve"""

import argparse
import signal
import sys

from .export import TARGETS, export


def main(arguments):
    """0 where the export is written, else 1."""
    parser = argparse.ArgumentParser(prog="python -m toolcalling.share")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("export", help="a tuned model for another runtime")
    command.add_argument("folder", help="of the model, as notebook 04 saves it")
    command.add_argument("--to", required=True, choices=TARGETS)
    command.add_argument("--task", help="its task, where it names none")
    command.add_argument("--out", help="folder to write, if not one beside the model")
    given = parser.parse_args(arguments)
    # Stopped from outside, too, nothing half-written is left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        export(given.folder, given.to, given.task, given.out)
    except (RuntimeError, ValueError, OSError) as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
