"""A document becomes bytes, piece by piece, waiting where a part of it is not there yet.

The tree is walked with a stack of its own, so that neither its depth nor the number of Deferreds in it is limited by
Python's. What is written is collected up to `BUFFER_SIZE` bytes, and sent on before anything is waited for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterator
from traceback import extract_tb
from types import GeneratorType
from typing import Any, NamedTuple, TypeAlias

from plait.deferred import Deferred
from plait.failure import Failure
from plait.interfaces import provides
from plait.web.template import escaping
from plait.web.template.errors import FlattenerError, UnfilledSlot, UnsupportedType
from plait.web.template.interfaces import IRenderable
from plait.web.template.tree import CDATA, VOID_ELEMENTS, CharRef, Comment, Flattenable, Tag, slot

__all__ = ["BUFFER_SIZE", "flatten", "flattenString"]

# What a connection sends at one go; bytes.
BUFFER_SIZE = 16384


_Slots: TypeAlias = tuple[dict[str, Flattenable], Any] | None
_Path: TypeAlias = tuple[Any, Any] | None


class _Place:
    """Where a node stands, which decides how it is written."""

    __slots__ = ("depth", "factory", "is_value", "path", "slots")

    def __init__(self, depth: int, is_value: bool, factory: Any, slots: _Slots, path: _Path) -> None:
        # How many attributes there are round it, each in a tag in the value of the next: what is written is escaped for each.
        self.depth = depth
        # It is in an attribute's value itself, not in a tag in there.
        self.is_value = is_value
        # The object that is asked for render methods.
        self.factory = factory
        # What slots are filled with: of the nearest tag, then of those round it.
        self.slots = slots
        # The nodes round it, the nearest first.
        self.path = path

    def within(self, node: Any) -> _Place:
        return _Place(self.depth, self.is_value, self.factory, self.slots, (node, self.path))


class _Writer:
    """Collects what is written, and hands it on in larger pieces."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, data: bytes, depth: int) -> None:
        for _ in range(depth):
            data = escaping.attribute(data)
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= BUFFER_SIZE:
            self.flush()

    def flush(self) -> None:
        if self._size:
            pieces, self._pieces, self._size = self._pieces, [], 0
            self._write(b"".join(pieces))


class _Markup(bytes):
    """A node that is written as it is."""

    __slots__ = ()


class _Flattening:
    """One document on its way."""

    def __init__(self, request: Any, root: Flattenable, write: Callable[[bytes], object]) -> None:
        self._request = request
        self._writer = _Writer(write)
        # What is still to be done, the next last.
        self._stack: list[tuple[Any, _Place]] = [(root, _Place(0, False, None, None, None))]

    async def run(self) -> None:
        """Write the whole document.

        :raises FlattenerError: for whatever was wrong.
        """
        stack = self._stack
        while stack:
            node, place = stack.pop()
            try:
                later = self._step(node, place)
                if later is not None:
                    self._writer.flush()
                    stack.append((await later, place.within(node)))
            except Exception as error:
                path = place.within(node).path
                raise FlattenerError(error, _roots(path), extract_tb(sys.exc_info()[2])) from error
        self._writer.flush()

    def _step(self, node: Any, place: _Place) -> Deferred[Any] | None:
        """Write `node`, or put the parts of it on the stack. Returns what to wait for, where it is not there yet."""
        kind = type(node)
        if kind is _Markup:
            self._writer.add(node, place.depth)
        elif kind is str or kind is bytes or isinstance(node, (str, bytes)):
            data = node.encode("utf-8") if isinstance(node, str) else node
            # In an attribute's value, the attribute's own escaping does it.
            self._writer.add(data if place.is_value else escaping.text(data), place.depth)
        elif isinstance(node, Tag):
            self._tag(node, place)
        elif isinstance(node, (GeneratorType, _Remaining)):
            self._next_of(node, place)
        elif isinstance(node, (list, tuple)):
            inner = place.within(node)
            self._stack += [(part, inner) for part in reversed(node)]
        elif isinstance(node, slot):
            self._stack.append((_filling(node, place), place.within(node)))
        elif isinstance(node, CDATA):
            self._writer.add(b"<![CDATA[%b]]>" % escaping.cdata(node.data).encode("utf-8"), place.depth)
        elif isinstance(node, Comment):
            self._writer.add(b"<!--%b-->" % escaping.comment(node.data).encode("utf-8"), place.depth)
        elif isinstance(node, CharRef):
            # The reference belongs to the attribute itself, whose escaping would take it for text.
            self._writer.add(b"&#%d;" % node.ordinal, place.depth - place.is_value)
        elif isinstance(node, Deferred):
            return _observed(node)
        elif isinstance(node, Coroutine):
            return _observed(Deferred.fromCoroutine(node))
        elif provides(IRenderable, node):
            inner = _Place(place.depth, place.is_value, node, place.slots, (node, place.path))
            self._stack.append((node.render(self._request), inner))
        else:
            raise UnsupportedType(f"A {kind.__name__} cannot stand in a document: {node!r}. Make it a str.")
        return None

    def _tag(self, tag: Tag, place: _Place) -> None:
        slots = place.slots if tag.slotData is None else (tag.slotData, place.slots)
        path = (tag, place.path)
        if tag.render is not None:
            if place.factory is None:
                raise ValueError(
                    f'Tag wants to be rendered by method "{tag.render}" but is not contained in any IRenderable'
                )
            clone = tag.clone(False)
            clone.render = None
            inner = _Place(place.depth, place.is_value, place.factory, slots, path)
            self._stack.append((place.factory.lookupRenderMethod(tag.render)(self._request, clone), inner))
            return
        if not tag.tagName:
            inner = _Place(place.depth, place.is_value, place.factory, slots, path)
            self._stack += [(child, inner) for child in reversed(tag.children)]
            return
        inner = _Place(place.depth, False, place.factory, slots, path)
        name = escaping.name(tag.tagName)
        parts: list[tuple[Any, _Place]] = []
        opening = b"<" + name
        if tag.attributes:
            value_place = _Place(place.depth + 1, True, place.factory, slots, path)
            for key, value in tag.attributes.items():
                parts.append((_Markup(opening + b' %b="' % escaping.name(key)), inner))
                parts.append((value, value_place))
                opening = b'"'
        if not tag.children and name.decode("ascii") in VOID_ELEMENTS:
            parts.append((_Markup(opening + b" />"), inner))
        else:
            parts.append((_Markup(opening + b">"), inner))
            parts += [(child, inner) for child in tag.children]
            parts.append((_Markup(b"</%b>" % name), inner))
        parts.reverse()
        self._stack += parts

    def _next_of(self, node: Any, place: _Place) -> None:
        remaining = node if type(node) is _Remaining else _Remaining(node, place.within(node))
        for part in remaining.iterator:
            self._stack.append((remaining, place))
            self._stack.append((part, remaining.place))
            return


class _Remaining(NamedTuple):
    """The rest of a generator, of which one part is taken when the part before it is written."""

    iterator: Iterator[Any]
    place: _Place


def _filling(node: slot, place: _Place) -> Flattenable:
    frame = place.slots
    while frame is not None:
        values, frame = frame
        if node.name in values:
            return values[node.name]
    if node.default is None:
        raise UnfilledSlot(node.name)
    return node.default


def _observed(source: Deferred[Any]) -> Deferred[Any]:
    """What `source` comes to, for us to wait for. `source` keeps its result, so that it can stand in a document twice."""
    result: Deferred[Any] = Deferred(lambda _: source.cancel())

    def tell(value: Any) -> Any:
        if isinstance(value, Failure):
            result.errback(value)
        else:
            result.callback(value)
        return value

    source.addBoth(tell)
    return result


def _roots(path: tuple[Any, Any] | None) -> list[Any]:
    """The nodes of a path from the outside to the inside, without the bits that are ours."""
    roots = []
    while path is not None:
        node, path = path
        if not isinstance(node, (_Markup, _Remaining)):
            roots.append(node)
    roots.reverse()
    return roots


def flatten(request: Any, root: Flattenable, write: Callable[[bytes], object]) -> Deferred[None]:
    """Write `root` as UTF-8, in pieces, as far and as soon as it is there.

    :param request: handed to whatever is rendered; None where there is none.
    :param root: the document: text, tags, elements, lists and generators of those, Deferreds and coroutines of them.
    :param write: called with bytes.
    :returns: fires with None when all is written. It fails with `FlattenerError`, and part of the document may have been
        written then. Cancelled, it cancels what it waits for.
    """
    return Deferred.fromCoroutine(_Flattening(request, root, write).run())


def flattenString(request: Any, root: Flattenable) -> Deferred[bytes]:
    """Like `flatten`, with the whole document as the result."""
    pieces: list[bytes] = []
    return flatten(request, root, pieces.append).addCallback(lambda _: b"".join(pieces))
