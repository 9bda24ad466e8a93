"""What can go wrong while a template is loaded or rendered."""

from __future__ import annotations

from collections.abc import Sequence
from traceback import StackSummary, format_exception_only, format_list
from typing import Any

from plait.interfaces import provides
from plait.web.template.interfaces import IRenderable
from plait.web.template.tree import Tag

__all__ = [
    "FlattenerError",
    "InvalidTemplate",
    "MissingRenderMethod",
    "MissingTemplateLoader",
    "RenderError",
    "UnfilledSlot",
    "UnsupportedType",
]

# How much of a long text is shown in a message: this many characters from its beginning and from its end.
_SHOWN = 20


class InvalidTemplate(AssertionError, ValueError):
    """A template cannot be loaded: it is not XML, or uses the ``t:`` elements in a way that means nothing."""


class RenderError(Exception):
    """An element cannot be rendered as it is."""


class MissingRenderMethod(RenderError):
    """A template names a render method that its element does not have.

    :ivar element: the element.
    :ivar renderName: what the template asked for.
    """

    def __init__(self, element: object, renderName: str) -> None:
        super().__init__(element, renderName)
        self.element = element
        self.renderName = renderName

    def __repr__(self) -> str:
        return f"{type(self).__name__!r}: {self.element!r} had no render method named {self.renderName!r}"

    __str__ = __repr__


class MissingTemplateLoader(RenderError):
    """An element was to be rendered that has no template.

    :ivar element: the element.
    """

    def __init__(self, element: object) -> None:
        super().__init__(element)
        self.element = element

    def __repr__(self) -> str:
        return f"{type(self).__name__!r}: {self.element!r} had no loader"

    __str__ = __repr__


class UnfilledSlot(ValueError):
    """A slot has nothing to stand in it: nobody filled it, and it has no default."""


class UnsupportedType(ValueError):
    """An object stands in a document that has no form there; `str` turns many into text."""


class FlattenerError(Exception):
    """A document could not be flattened. Its message shows where in the document, from the outside to the inside.

    The error itself is ``args[0]``, and the cause of this one.
    """

    def __init__(self, exception: Exception, roots: Sequence[Any], traceback: StackSummary | list[Any] | None) -> None:
        """:param roots: the nodes in which it happened, the outermost first."""
        super().__init__(exception, roots, traceback)
        self._exception = exception
        self._roots = list(roots)
        self._traceback = traceback

    def _format_root(self, node: Any) -> str:
        if isinstance(node, (bytes, str)):
            short = node
            if len(node) > 2 * _SHOWN:
                if isinstance(node, bytes):
                    short = node[:_SHOWN] + b"<...>" + node[-_SHOWN:]
                else:
                    short = node[:_SHOWN] + "<...>" + node[-_SHOWN:]
            # in ASCII, so that any log and terminal can show it
            return ascii(short)
        if isinstance(node, Tag):
            if node.filename is None:
                return f"Tag <{_text(node.tagName)}>"
            where = f'File "{node.filename}", line {node.lineNumber}, column {node.columnNumber}'
            return f'{where}, in "{_text(node.tagName)}"'
        if provides(IRenderable, node):
            return f"{node!r}"
        return repr(node)

    def __repr__(self) -> str:
        lines = ["Exception while flattening:\n"]
        lines += [f"  {self._format_root(root)}\n" for root in self._roots]
        if self._traceback:
            lines += format_list(self._traceback)
        lines += format_exception_only(type(self._exception), self._exception)
        return "".join(lines)

    __str__ = __repr__


def _text(name: bytes | str) -> str:
    return name.decode("ascii", "backslashreplace") if isinstance(name, bytes) else name
