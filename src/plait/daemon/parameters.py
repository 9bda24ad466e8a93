"""The parameters of a function that makes a service, as options of a command line and as keys of a table.

Its keyword parameters, their annotations, defaults and the docstring say all there is to know: ``port: int = 8080`` is
``--port 8080``. Annotations that are understood: str, int, float, bool (a flag), ``list`` of one of the first three (an option
that can be repeated), ``Literal`` (a choice), and each of these ``| None``.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import re
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from plait.daemon.errors import StartError, UsageError

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class Parameter:
    """One parameter: a value of type `kind`, several of them if `many`; only what is among `choices`, if there are any."""

    name: str
    kind: type
    many: bool = False
    choices: tuple[Any, ...] = ()
    default: Any = None
    required: bool = False
    help: str = ""

    @property
    def option(self) -> str:
        """What it is called on the command line."""
        return "--" + self.name.replace("_", "-")

    def add_to(self, parser: argparse._ActionsContainer) -> None:
        """Make it an option of `parser`. An option that is not typed leaves nothing behind."""
        common: dict[str, Any] = {"dest": self.name, "default": argparse.SUPPRESS, "help": self._help()}
        if self.kind is bool:
            action = argparse.BooleanOptionalAction if self.default else "store_true"
            parser.add_argument(self.option, action=action, **common)
            return
        if self.many:
            common["action"] = "append"
        if self.choices:
            common |= {"choices": self.choices}
        else:
            common |= {"metavar": {int: "N", float: "X"}.get(self.kind, self.name.upper())}
        parser.add_argument(self.option, type=self.kind, required=self.required, **common)

    def _help(self) -> str:
        text = self.help
        if self.many:
            text += " (can be repeated)"
        if not self.required and self.default not in (None, False, [], ()):
            text += f" (default: {self.default})"
        return text.strip().replace("%", "%%")

    def check(self, value: Any) -> Any:
        """`value`, if a table may say that. ValueError with what it has to be."""
        if self.many:
            if not isinstance(value, list):
                raise ValueError(f"has to be a list, not {value!r}")
            return [self._check_one(item) for item in value]
        return self._check_one(value)

    def _check_one(self, value: Any) -> Any:
        if self.kind is float and type(value) is int:
            value = float(value)
        if self.choices:
            if value not in self.choices or type(value) is bool:
                raise ValueError(f"has to be one of {', '.join(map(repr, self.choices))}, not {value!r}")
        elif type(value) is not self.kind:
            shown = {True: "true", False: "false"}.get(value, repr(value)) if type(value) is bool else repr(value)
            raise ValueError(f"has to be {_WORDS[self.kind]}, not {shown}")
        return value


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """What a function can be called with. StartError if that cannot be said on a command line."""
    try:
        signature = inspect.signature(function)
        hints = get_type_hints(function)
    except Exception as error:
        raise StartError(f"the annotations of {_name(function)} cannot be read: {error}") from error
    texts = _parameter_texts(function)
    found = []
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL or parameter.kind is parameter.VAR_KEYWORD:
            continue
        required = parameter.default is parameter.empty
        if parameter.kind is parameter.POSITIONAL_ONLY:
            if required:
                raise StartError(f"{_name(function)} takes {name!r} by position only: make it a keyword parameter")
            continue
        default = None if required else parameter.default
        annotation = hints.get(name, type(default) if default is not None else str)
        try:
            kind, many, choices = _understood(annotation)
        except ValueError:
            raise StartError(
                f"{_name(function)} annotates {name!r} with {annotation}, which is no option: "
                "str, int, float, bool, list[str] or Literal are"
            ) from None
        found.append(Parameter(name, kind, many, choices, default, required, texts.get(name, "")))
    return found


def _understood(annotation: Any) -> tuple[type, bool, tuple[Any, ...]]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        rest = [argument for argument in arguments if argument is not types.NoneType]
        if len(rest) == 1:
            return _understood(rest[0])
    elif origin is Literal:
        kinds = {type(choice) for choice in arguments}
        if len(kinds) == 1 and kinds <= {str, int}:
            return kinds.pop(), False, arguments
    elif origin is list or annotation is list:
        kind, many, choices = _understood(arguments[0] if arguments else str)
        if not many and kind is not bool:
            return kind, True, choices
    elif annotation in (str, int, float, bool):
        return annotation, False, ()
    raise ValueError


def summary_of(thing: object) -> str:
    """The first sentence of a docstring."""
    text = inspect.getdoc(thing) or ""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    sentence = re.match(r"(.+?\.)(?=\s|$)", paragraph)
    return sentence[1] if sentence else paragraph


def _parameter_texts(function: Callable[..., Any]) -> dict[str, str]:
    """What the lines ``:param name: text`` of the docstring say."""
    text = inspect.getdoc(function) or ""
    pattern = re.compile(r"^:param (?:[\w\[\]|. ]+ )?(\w+):((?:.*\n?)(?:^[ \t]+\S.*\n?)*)", re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in pattern.findall(text)}


def _name(function: Any) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', function)}"


def near(word: str, known: Iterable[str]) -> str:
    """``: did you mean …?`` if something known is near, else nothing."""
    found = difflib.get_close_matches(word, list(known), 1)
    return f": did you mean {found[0]}?" if found else ""


class OptionParser(argparse.ArgumentParser):
    """Answers what is wrong with one line, in a `UsageError`."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message} (see {self.prog} --help)")

    def parse_all(self, arguments: list[str]) -> argparse.Namespace:
        """Parse, and suggest what is near to an option that does not exist."""
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            self.error(unknown_argument(unknown[0], self))
        return options


def unknown_argument(word: str, parser: argparse.ArgumentParser) -> str:
    """What to say of an argument that a parser does not know."""
    if not word.startswith("-"):
        return f"unexpected argument {word!r}"
    option = word.partition("=")[0]
    return f"unknown option {option}{near(option, parser._option_string_actions)}"


def to_seconds(text: str) -> float:
    """The type of an option that is a time, for argparse."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds: it has to be 0 or more")
    return seconds
