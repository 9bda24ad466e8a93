"""``plait web``: the web service of this package, with its own options and those of ``plait run`` in one command line."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from plait.daemon import cli
from plait.daemon.parameters import Parameter, parameters_of

_SERVICE = "web"


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``web`` to the commands of ``plait``."""
    parser = commands.add_parser(
        "web",
        help="serve files, an ASGI or WSGI application, or another server's pages",
        usage="plait web (--path FOLDER | --asgi MODULE:APP | --wsgi MODULE:APP | --proxy URL | --forward-proxy) [OPTIONS]",
        description="Serve the web, in the foreground unless --daemon is given.",
        allow_abbrev=False,
    )

    def parse_known_args(args: Any = None, namespace: Any = None) -> Any:
        # The options are those of a function in a module that other commands do not need.
        del parser.parse_known_args
        _complete(parser)
        return parser.parse_known_args(args, namespace)

    parser.parse_known_args = parse_known_args


def _parameters() -> list[Parameter]:
    try:
        from plait.web.service import web
    except ImportError as error:
        print(f"plait web: {error}", file=sys.stderr)
        sys.exit(1)
    return parameters_of(web)


def _complete(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to serve, and where")
    for parameter in _parameters():
        parameter.add_to(group)
    parser.add_argument("--daemon", action="store_true", help="run in the background, with plait.pid and plait.log")
    cli.add_options(parser.add_argument_group("options of plait run"))
    cli.complete(parser, _execute)


def _execute(options: argparse.Namespace) -> int:
    typed = vars(options)
    arguments: list[str] = []
    for parameter in _parameters():
        if parameter.name in typed:
            arguments += _as_typed(parameter, typed[parameter.name])
        options.defaults.pop(parameter.name, None)
    options.nodaemon = not typed.get("daemon", False)
    if options.nodaemon:
        options.defaults["pidfile"] = ""  # a file nobody has asked for, in the folder that may be served
    options.defaults.update(python=None, file=None, config=None)
    options.service, options.arguments = _SERVICE, arguments
    return cli.execute(options)


def _as_typed(parameter: Parameter, value: Any) -> list[str]:
    if parameter.kind is bool:
        return [parameter.option if value else parameter.option.replace("--", "--no-", 1)]
    return [f"{parameter.option}={each}" for each in (value if parameter.many else [value])]
