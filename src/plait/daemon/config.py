"""The file after ``--config``: a whole deployment in one TOML file.

The table ``[run]`` has the long options of ``plait run``; each ``[services.NAME]`` says which service to run (``use``) and
with which options. What it says is checked against the command line's parser and the signature of the function, and a
mistake is told with its line.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, get_args

from plait.daemon.errors import StartError, UsageError
from plait.daemon.parameters import near
from plait.daemon.plugins import Plugin, find
from plait.daemon.toml import Table
from plait.service import IService, Supervisor
from plait.service.supervision import Restart

# Options that say what is run, which the tables [services.NAME] do here, and those that run nothing.
_NOT_HERE = frozenset(("python", "file", "config", "service", "arguments", "help", "no_save"))

_RESERVED = ("use", "restart", "arguments")


@dataclass(frozen=True)
class Wanted:
    """A service that the file describes: equal to another one if nothing about it has changed."""

    name: str
    table: Mapping[str, Any]
    make: Callable[[], Any] = field(compare=False, repr=False)

    def build(self) -> IService:
        """Make the service, under a supervisor if it says so. StartError if that fails."""
        from plait.daemon.loading import check_service

        _, service = check_service(self.make(), f"what the service {self.name} is made of")
        service.setName(self.name)
        restart: Restart | None = self.table.get("restart")
        if restart is None:
            return service
        supervisor = Supervisor()
        supervisor.addChild(service, restart=restart)
        supervisor.setName(self.name)
        return supervisor


def run_options(table: Table, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """What ``[run]`` says, as the parser of ``plait run`` would have it. StartError if there is a mistake in it."""
    for name in table.content:
        if name not in ("run", "services"):
            raise table.error((name,), f"unknown table or key {name!r}{near(name, ('run', 'services'))}")
    actions = {
        option.removeprefix("--"): action
        for option, action in parser._option_string_actions.items()
        if option.startswith("--") and action.dest not in _NOT_HERE
    }
    options = {}
    for name, value in _table(table, ("run",)).items():
        if name not in actions:
            raise table.error(("run", name), f"plait run has no option {name!r}{near(name, actions)}")
        try:
            options[actions[name].dest] = _option(actions[name], value)
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise table.error(("run", name), f"{name}: {error}") from None
    return options


def _option(action: argparse.Action, value: Any) -> Any:
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise ValueError(f"it is a flag, so it has to be true or false, not {value!r}")
        return value
    numbers = () if action.dest == "umask" else (int, float)  # its digits are octal ones
    if isinstance(value, bool) or not isinstance(value, (str, *numbers)):
        raise ValueError(f"it has to be {'text' if not numbers else 'text or a number'}, not {value!r}")
    if action.choices is not None and value not in action.choices:
        raise ValueError(f"it has to be one of {', '.join(map(repr, action.choices))}, not {value!r}")
    return action.type(str(value)) if callable(action.type) else str(value)


def wanted_services(table: Table, folder: str) -> dict[str, Wanted]:
    """The services of the file, by name, in its order. `folder` can be imported from. StartError if there is a mistake."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
    services = _table(table, ("services",))
    if not services:
        raise table.error(("services",), "it describes no service: write [services.NAME] and use = ...")
    return {name: _wanted(table, name) for name in services}


def _wanted(table: Table, name: str) -> Wanted:
    path = ("services", name)
    says = _table(table, path)
    use = says.get("use")
    if use is None:
        raise table.error(
            path, f"[services.{name}] does not say what to use: the name of a plugin, or package.module:function"
        )
    if not isinstance(use, str):
        raise table.error((*path, "use"), f"use has to be text, not {use!r}")
    restart = says.get("restart")
    if restart is not None and restart not in get_args(Restart):
        raise table.error(
            (*path, "restart"), f"restart has to be one of {', '.join(get_args(Restart))}, not {restart!r}"
        )
    try:
        plugin = _plugin(use)
        function = plugin.load()
    except StartError as error:
        raise table.error((*path, "use"), str(error)) from error
    rest = {key: value for key, value in says.items() if key not in ("use", "restart")}
    if hasattr(function, "makeService"):
        arguments = rest.pop("arguments", [])
        for key in rest:
            raise table.error((*path, key), f"{use} reads a command line: say arguments = [...] in place of {key!r}")
        if not isinstance(arguments, list) or not all(isinstance(argument, str) for argument in arguments):
            raise table.error((*path, "arguments"), f"arguments has to be a list of text, not {arguments!r}")
        return Wanted(name, says, lambda: _made(table, path, plugin, arguments))
    values = _checked(table, path, plugin, rest)
    return Wanted(name, says, lambda: plugin.call(function, values))


def _checked(table: Table, path: tuple[str, ...], plugin: Plugin, says: Mapping[str, Any]) -> dict[str, Any]:
    try:
        parameters = {parameter.name: parameter for parameter in plugin.parameters()}
    except StartError as error:
        raise table.error((*path, "use"), str(error)) from error
    values = {}
    for key, value in says.items():
        if key not in parameters:
            known = [*parameters, *_RESERVED]
            raise table.error((*path, key), f"{plugin.name} has no parameter {key!r}{near(key, known)}")
        try:
            values[key] = parameters[key].check(value)
        except ValueError as error:
            raise table.error((*path, key), f"{key} {error}") from None
    missing = [name for name, parameter in parameters.items() if parameter.required and name not in says]
    if missing:
        raise table.error(path, f"[{'.'.join(path)}] needs {', '.join(missing)}: {plugin.name} has no default for it")
    return values


def _made(table: Table, path: tuple[str, ...], plugin: Plugin, arguments: list[str]) -> Any:
    try:
        return plugin.make(arguments)
    except UsageError as error:
        raise table.error((*path, "arguments"), str(error)) from error


def _plugin(use: str) -> Plugin:
    module_name, colon, function_name = use.partition(":")
    if not colon:
        return find(use)

    def load() -> Any:
        found: Any = import_module(module_name)
        for part in function_name.split("."):
            found = getattr(found, part)
        return found

    return Plugin(use, load)


def _table(table: Table, path: tuple[str, ...]) -> dict[str, Any]:
    content: Any = table.content
    for part in path:
        content = content.get(part, {})
    if not isinstance(content, dict):
        raise table.error(path, f"{'.'.join(path)} has to be a table: [{'.'.join(path)}]")
    return content


def read(path: str, name: str) -> Table:
    """Read the file at `path`, which messages call `name`."""
    return Table(os.path.abspath(path), name)
