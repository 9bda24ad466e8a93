"""The command ``plait``: its parser, to which each room that has a command adds its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from plait import __version__
from plait.daemon.parameters import unknown_argument

# The modules whose `add_command` adds a command. They load what the command needs only when it is used.
_COMMANDS = (
    "plait.daemon.cli",
    "plait.daemon.webcommand",
    "plait.daemon.listing",
    "plait.daemon.inspection.command",
    "plait.auth.passwd",
    "plait.testing.runner.cli",
)

# The status of a command that was typed wrongly.
USAGE_ERROR = 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse prints all options first; the one line that matters is then the last of thirty.
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """The parser for all of ``plait``."""
    parser = _Parser(
        prog="plait",
        description="Run network applications made with Plait, and their tests.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"plait {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for module in _COMMANDS:
        import_module(module).add_command(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (those of the process if None). Returns the status to exit with."""
    parser = make_parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        used = getattr(options, "parser", parser)
        used.error(unknown_argument(unknown[0], used))
    if options.command is None:
        parser.print_help()
        return 0
    status: int = options.execute(options)
    return status
