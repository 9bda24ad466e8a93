"""The nodes of a document: tags, and what can stand between and in them.

A tree is made in Python with `Tag`, or `tags` which has one for each element of HTML, or loaded from XML. It is plain data:
what it becomes as bytes is in `flattening`.
"""

from __future__ import annotations

import warnings
from collections.abc import Coroutine, Generator, Iterable
from types import CoroutineType, GeneratorType
from typing import Any, TypeAlias, Union

from plait.deferred import Deferred
from plait.web.template.interfaces import IRenderable

__all__ = ["CDATA", "VOID_ELEMENTS", "CharRef", "Comment", "Flattenable", "Tag", "slot", "voidElements"]

Flattenable: TypeAlias = Union[
    bytes,
    str,
    "slot",
    "CDATA",
    "Comment",
    "CharRef",
    "Tag",
    tuple["Flattenable", ...],
    list["Flattenable"],
    Generator["Flattenable", None, None],
    Coroutine[Any, Any, "Flattenable"],
    Deferred["Flattenable"],
    IRenderable,
]
"""All that can stand in a document."""

# The HTML elements that have no end tag (HTML standard, 13.1.2), with those that older versions had.
_VOID = "area base basefont br col command embed frame hr img input isindex keygen link meta param source track wbr"
VOID_ELEMENTS = frozenset(_VOID.split())
voidElements = tuple(sorted(VOID_ELEMENTS))


class slot:
    """A place that is filled later, with `Tag.fillSlots` on a tag round it.

    :ivar name: what the filler calls it.
    :ivar default: what stands there if it is not filled; None makes that an error.
    """

    def __init__(
        self,
        name: str,
        default: Flattenable | None = None,
        filename: str | None = None,
        lineNumber: int | None = None,
        columnNumber: int | None = None,
    ) -> None:
        """`filename`, `lineNumber` and `columnNumber` say where it stands in the template, for messages."""
        self.name = name
        self.children: list[Tag] = []
        self.default = default
        self.filename = filename
        self.lineNumber = lineNumber
        self.columnNumber = columnNumber

    def __repr__(self) -> str:
        return f"slot({self.name!r})"


class Tag:
    """An element: its name, its attributes and its children. Called, it takes more of both and returns itself.

    :ivar tagName: ``"p"``; the empty name makes a transparent tag, of which only the children show.
    :ivar attributes: the value of each attribute, anything that can be flattened.
    :ivar children: what stands in it.
    :ivar render: the name of the method that renders it, asked from the element round it.
    :ivar slotData: what its slots are filled with, or None.
    """

    def __init__(
        self,
        tagName: bytes | str,
        attributes: dict[bytes | str, Flattenable] | None = None,
        children: Iterable[Flattenable] | None = None,
        render: str | None = None,
        filename: str | None = None,
        lineNumber: int | None = None,
        columnNumber: int | None = None,
    ) -> None:
        """`filename`, `lineNumber` and `columnNumber` say where it stands in the template, for messages."""
        self.tagName = tagName
        self.attributes: dict[bytes | str, Flattenable] = {} if attributes is None else attributes
        self.children: list[Flattenable] = [] if children is None else list(children)
        self.render = render
        self.filename = filename
        self.lineNumber = lineNumber
        self.columnNumber = columnNumber
        self.slotData: dict[str, Flattenable] | None = None

    def fillSlots(self, **slots: Flattenable) -> Tag:
        """Fill the slots in this tag, by their names. Returns this tag."""
        if self.slotData is None:
            self.slotData = {}
        self.slotData.update(slots)
        return self

    def __call__(self, *children: Flattenable, **attributes: Flattenable) -> Tag:
        """Add children and attributes. Returns this tag.

        An attribute whose name is a word of Python's is written with an underscore behind it: ``tags.p(class_="note")``.
        `render` names the method that renders the tag.

        :raises TypeError: `render` is not a str.
        """
        self.children.extend(children)
        for name, value in attributes.items():
            if name == "render":
                if not isinstance(value, str):
                    raise TypeError(f'Value for "render" attribute must be str, got {value!r}')
                self.render = value
            else:
                self.attributes[name.removesuffix("_")] = value
        return self

    def clone(self, deep: bool = True) -> Tag:
        """The same tag again, to be changed without changing this one.

        :param deep: clone the tags and lists in it too.
        """
        clone = Tag(
            self.tagName,
            attributes=_cloned_values(self.attributes) if deep else dict(self.attributes),
            children=[_cloned(child) for child in self.children] if deep else self.children,
            render=self.render,
            filename=self.filename,
            lineNumber=self.lineNumber,
            columnNumber=self.columnNumber,
        )
        if self.slotData is not None:
            clone.slotData = _cloned_values(self.slotData) if deep else dict(self.slotData)
        return clone

    def clear(self) -> Tag:
        """Take all children out. Returns this tag."""
        self.children = []
        return self

    def __repr__(self) -> str:
        parts = [repr(self.tagName)]
        if self.attributes:
            parts.append(f"attributes={self.attributes!r}")
        if self.children:
            parts.append(f"children={self.children!r}")
        return f"Tag({', '.join(parts)})"


def _cloned_values(values: dict[Any, Flattenable]) -> dict[Any, Flattenable]:
    return {key: _cloned(value) for key, value in values.items()}


def _cloned(node: Flattenable) -> Flattenable:
    if isinstance(node, Tag):
        return node.clone()
    if isinstance(node, (list, tuple)):
        return [_cloned(part) for part in node]
    if isinstance(node, slot):
        same = slot(node.name, node.default, node.filename, node.lineNumber, node.columnNumber)
        same.children = [child.clone() for child in node.children]
        return same
    if isinstance(node, GeneratorType):
        _warn_of_sharing("generator", "the generator can be consumed only once")
    elif isinstance(node, CoroutineType):
        _warn_of_sharing("coroutine", "the coroutine can run only once")
    return node


def _warn_of_sharing(what: str, why: str) -> None:
    # The clone and the original share the one thing, and whichever is flattened second finds it used up.
    warnings.warn(
        f"Cloning a Tag which contains a {what} is unsafe, since {why}; this is deprecated since Twisted 21.7.0 and "
        "will raise an exception in the future",
        DeprecationWarning,
        stacklevel=2,
    )


class CDATA:
    """Text in a CDATA section, which XML takes as it is.

    :ivar data: the text.
    """

    def __init__(self, data: str) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"CDATA({self.data!r})"


class Comment:
    """A comment, ``<!-- ... -->``.

    :ivar data: its text.
    """

    def __init__(self, data: str) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"Comment({self.data!r})"


class CharRef:
    """A character by its number, so that it goes out in ASCII: ``CharRef(160)`` is ``&#160;``.

    :ivar ordinal: the character's code point.
    """

    def __init__(self, ordinal: int) -> None:
        self.ordinal = ordinal

    def __repr__(self) -> str:
        return f"CharRef({self.ordinal})"
