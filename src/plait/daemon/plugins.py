"""Services that installed packages offer: ``plait run NAME [OPTIONS]``.

A package offers one by an entry point in the group ``plait.services``. It names a function that returns a service, whose
keyword parameters are the options; or an object in the shape of Twisted's IServiceMaker: with ``tapname``, ``description``,
``options`` (a class whose instances have ``parseOptions``) and ``makeService(options)``. Further sources of such objects
are in `plait.daemon.sources`: the import alias adds those of ``twisted/plugins``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from plait.daemon.errors import StartError, UsageError, user_traceback
from plait.daemon.parameters import OptionParser, Parameter, near, parameters_of, summary_of
from plait.daemon.sources import sources
from plait.errors import OptionError

GROUP = "plait.services"


@dataclass(frozen=True)
class Plugin:
    """A service that can be run by its name."""

    name: str
    _load: Callable[[], Any]

    def load(self) -> Any:
        """The function, or the object with ``makeService``. StartError if it cannot be imported, or is neither."""
        try:
            found = self._load()
        except SystemExit as error:
            raise StartError(f"the plugin {self.name} cannot be loaded: it ended the program ({error!r})") from error
        except Exception as error:
            raise StartError(
                f"the plugin {self.name} cannot be loaded: {type(error).__name__}: {_line(error)}"
            ) from error
        if not callable(getattr(found, "makeService", found)):
            raise StartError(f"the plugin {self.name} is {found!r}, and neither a function nor a service maker")
        return found

    def summary(self) -> str:
        """One line about it, even if it cannot be loaded."""
        try:
            found = self.load()
        except StartError as error:
            return f"({error})"
        return " ".join(str(getattr(found, "description", None) or summary_of(found)).split())

    def make(self, arguments: list[str]) -> Any:
        """The service, with the options that the command line says. UsageError if that is wrong."""
        found = self.load()
        if hasattr(found, "makeService"):
            return call(self.name, lambda: found.makeService(_parsed(self.name, found, arguments)))
        return self.call(found, vars(self.parser(found).parse_all(arguments)))

    def call(self, function: Callable[..., Any], options: dict[str, Any]) -> Any:
        """The service that a function returns. StartError with the traceback if it raises."""
        return call(self.name, lambda: function(**options))

    def parameters(self) -> list[Parameter]:
        """What a table may say for it. StartError for a service maker, whose options only its own class can read."""
        found = self.load()
        if hasattr(found, "makeService"):
            raise StartError(f"the plugin {self.name} reads a command line: give it as arguments = [...]")
        return parameters_of(found)

    def parser(self, function: Callable[..., Any]) -> OptionParser:
        """What parses the options of a function."""
        parser = OptionParser(
            prog=f"plait run {self.name}",
            usage=f"plait run [...] {self.name} [OPTIONS]",
            description=summary_of(function),
            allow_abbrev=False,
        )
        for parameter in parameters_of(function):
            parameter.add_to(parser)
        return parser

    def print_help(self) -> None:
        """Print the options."""
        found = self.load()
        if hasattr(found, "makeService"):
            print(call(self.name, lambda: str(found.options())))
        else:
            self.parser(found).print_help()


def all_plugins() -> dict[str, Plugin]:
    """All that there are, by name, sorted. None is imported for that."""
    found: dict[str, Plugin] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, Plugin(point.name, point.load))
    for source in sources:
        for name, load in source():
            found.setdefault(name, Plugin(name, load))
    return dict(sorted(found.items()))


def find(name: str) -> Plugin:
    """The plugin of that name. UsageError if there is none."""
    plugins = all_plugins()
    if name in plugins:
        return plugins[name]
    known = near(name, plugins) or (f": there are {', '.join(plugins)}" if plugins else ": no package offers any")
    raise UsageError(f"there is no service {name!r} to run{known}")


def listing() -> str:
    """The list for ``--help``: a line for each plugin."""
    plugins = all_plugins()
    if not plugins:
        return f"services: no installed package offers any (entry points in the group {GROUP})"
    width = max(map(len, plugins))
    lines = [f"  {name:<{width}}  {plugin.summary()}".rstrip() for name, plugin in plugins.items()]
    return "\n".join(["services (plait run NAME --help tells their options):", *lines])


def call(name: str, make: Callable[[], Any]) -> Any:
    """Make the service. UsageError if it says that an option is wrong; StartError with the traceback if it fails otherwise."""
    try:
        return make()
    except StartError:
        raise
    except OptionError as error:
        raise UsageError(f"plait run {name}: {_line(error)}") from error
    except Exception as error:
        raise StartError(f"the service {name} could not be made:\n{user_traceback(error)}") from error


def _parsed(name: str, maker: Any, arguments: list[str]) -> Any:
    options = maker.options()
    try:
        options.parseOptions(list(arguments))
    except Exception as error:
        if not any(kind.__name__ == "UsageError" for kind in type(error).__mro__):
            raise
        known = getattr(options, "longOpt", ())
        word = next((argument for argument in arguments if argument.lstrip("-").partition("=")[0] in str(error)), "")
        hint = near(word.partition("=")[0], ["--" + option.rstrip("=") for option in known]) if word else ""
        raise UsageError(f"plait run {name}: {_line(error)}{hint} (see plait run {name} --help)") from error
    return options


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


class ListingHelp(argparse.Action):
    """``--help`` of ``plait run``: its options, and what there is to run. Only then are the plugins looked for."""

    def __init__(self, option_strings: list[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *rest: Any) -> None:
        """Print it, and end."""
        parser.epilog = listing()
        parser.print_help()
        parser.exit()
