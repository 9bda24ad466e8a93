"""The patterns of routes, and the tree in which a path finds those that fit it.

A pattern is a path whose segments are text or parameters: ``/users/<int:id>``. In the tree, text is looked up, so that it does
not matter how many routes there are; parameters are tried, the narrower kinds first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from keyword import iskeyword
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import UUID

T = TypeVar("T")

_PARAMETER = re.compile(r"<(?:([^<>:]*):)?([^<>:]*)>")
_INT = re.compile(r"-?[0-9]+")
_FLOAT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Converter:
    """A kind of parameters.

    :ivar parse: makes a value of a decoded segment, or raises ValueError if it is none.
    :ivar types: of the values.
    """

    parse: Callable[[str], Any]
    types: tuple[type, ...]


def _matching(pattern: re.Pattern[str], make: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        if pattern.fullmatch(text) is None:
            raise ValueError(text)
        return make(text)

    return parse


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _some(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


CONVERTERS: dict[str, Converter] = {
    "uuid": Converter(_matching(_UUID, UUID), (UUID,)),
    "int": Converter(_matching(_INT, int), (int,)),
    "float": Converter(_matching(_FLOAT, _finite), (float, int)),
    "str": Converter(_some, (str,)),
    "path": Converter(_some, (str,)),
}
"""The kinds by name, in the order in which they are tried."""

_ORDER = list(CONVERTERS)


@dataclass(frozen=True)
class Pattern:
    """A pattern that is taken apart.

    :ivar parts: text, decoded; or a parameter's kind and name.
    """

    text: str
    parts: tuple[str | tuple[str, str], ...]

    @property
    def names(self) -> list[str]:
        """The names of the parameters, in their order."""
        return [part[1] for part in self.parts if isinstance(part, tuple)]

    @property
    def takesRest(self) -> bool:
        """Whether the last segment stands for all that is left of a path."""
        return self.parts[-1][0] == "path" and isinstance(self.parts[-1], tuple)

    def fill(self, values: Mapping[str, object]) -> str:
        """The path, percent-encoded, that matches with these values.

        :raises ValueError: if a value is missing, not wanted, or would not match.
        """
        names = self.names
        if set(values) != set(names):
            wanted = ", ".join(names) or "nothing"
            raise ValueError(f"The route {self.text} takes {wanted}, not {', '.join(values) or 'nothing'}.")
        return "".join("/" + _segment(self.text, part, values) for part in self.parts)


def _segment(pattern: str, part: str | tuple[str, str], values: Mapping[str, object]) -> str:
    if isinstance(part, str):
        return quote(part, safe="")
    kind, name = part
    value = values[name]
    converter = CONVERTERS[kind]
    try:
        # without an exponent, which a pattern knows not
        text = format(Decimal(str(value)), "f") if isinstance(value, float) else str(value)
        # a dot or two would be taken as a step in the tree by whoever is given the URL (RFC 3986, section 5.2.4)
        if not isinstance(value, converter.types) or {".", ".."} & set(text.split("/")):
            raise ValueError(text)
        converter.parse(text)
        return quote(text, safe="/" if kind == "path" else "")
    except ValueError:
        raise ValueError(f"{value!r} cannot be {name} in the route {pattern}: it is no {kind}.") from None


def parsePattern(text: str) -> Pattern:
    """Take a pattern apart.

    :raises ValueError: if it is none.
    """
    if not isinstance(text, str) or not text.startswith("/"):
        raise ValueError(f"The route {text!r} has to begin with a slash.")
    if "?" in text or "#" in text:
        raise ValueError(f"The route {text} has a query or a fragment; only a path is matched.")
    segments = text[1:].split("/")
    parts = tuple(_part(text, segment) for segment in segments)
    names = [part[1] for part in parts if isinstance(part, tuple)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"The route {text} has two parameters with the name {name}.")
    if any(isinstance(part, tuple) and part[0] == "path" for part in parts[:-1]):
        raise ValueError(f"The route {text} has something behind its path parameter, which takes all that is left.")
    return Pattern(text, parts)


def _part(text: str, segment: str) -> str | tuple[str, str]:
    if "<" not in segment and ">" not in segment:
        return segment
    match = _PARAMETER.fullmatch(segment)
    if match is None:
        raise ValueError(f"The route {text} has {segment}: a parameter is a whole segment, <name> or <kind:name>.")
    kind, name = match[1] if match[1] is not None else "str", match[2]
    if kind not in CONVERTERS:
        raise ValueError(
            f"The route {text} has a parameter of the kind {kind!r}; there are {', '.join(sorted(_ORDER))}."
        )
    if not name.isidentifier() or iskeyword(name):
        raise ValueError(f"The route {text} has a parameter {name!r}; it has to be a name as Python has them.")
    return kind, name


@dataclass
class Tree(Generic[T]):
    """A place in the tree: what is registered there (by method, say), and what is below it."""

    found: dict[bytes, T] = field(default_factory=dict)
    _text: dict[bytes, Tree[T]] = field(default_factory=dict)
    _kinds: dict[str, Tree[T]] = field(default_factory=dict)

    def at(self, pattern: Pattern) -> dict[bytes, T]:
        """What is registered for a pattern. Those that match the same paths have the same."""
        tree = self
        for part in pattern.parts:
            if isinstance(part, str):
                tree = tree._text.setdefault(part.encode(), Tree())
            elif part[0] in tree._kinds:
                tree = tree._kinds[part[0]]
            else:
                following = tree._kinds[part[0]] = Tree()
                tree._kinds = dict(sorted(tree._kinds.items(), key=lambda item: _ORDER.index(item[0])))
                tree = following
        return tree.found

    def matches(
        self, segments: Sequence[bytes], at: int = 0, values: tuple[Any, ...] = ()
    ) -> Iterator[tuple[dict[bytes, T], tuple[Any, ...]]]:
        """What is registered for the patterns that a path fits, the narrowest first, with the values of the parameters.

        :param segments: percent-decoded. Text that is no UTF-8 fits no parameter.
        """
        if at == len(segments):
            if self.found:
                yield self.found, values
            return
        below = self._text.get(segments[at])
        if below is not None:
            yield from below.matches(segments, at + 1, values)
        for kind, below in self._kinds.items():
            end = len(segments) if kind == "path" else at + 1
            try:
                value = CONVERTERS[kind].parse(b"/".join(segments[at:end]).decode())
            except ValueError:
                continue
            yield from below.matches(segments, end, (*values, value))
