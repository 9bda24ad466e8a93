"""A failure as HTML: what was raised, and the lines of source it went through. Only for those who may read the source."""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from typing import Any

from plait.failure import Failure, Frame
from plait.web.template.element import Element, renderer
from plait.web.template.flattening import flattenString
from plait.web.template.interfaces import ITemplateLoader
from plait.web.template.loading import TagLoader, XMLString
from plait.web.template.tree import Flattenable, Tag

__all__ = [
    "FailureElement",
    "FrameElement",
    "SourceFragmentElement",
    "SourceLineElement",
    "StackElement",
    "formatFailure",
]

_TEMPLATE = """<div xmlns:t="http://twistedmatrix.com/ns/twisted.web.template/0.1">
<style type="text/css">
p.error { color: #b00020; font-family: Verdana, Arial, sans-serif; font-weight: bold; }
div { font-family: Verdana, Arial, sans-serif; }
div.snippet { background-color: #fff4f4; padding: 10px; }
div.snippetLine, div.snippetHighlightLine { font-family: Courier, monospace; white-space: pre; }
div.snippetHighlightLine { font-weight: bold; color: #b00020; }
span.lineno { color: #777777; font-weight: normal; }
div.location { margin-top: 10px; }
</style>
<h1>An error occurred while this page was made</h1>
<p class="error"><t:transparent t:render="type"/>: <t:transparent t:render="value"/></p>
<div class="stack" t:render="traceback"><div class="frame" t:render="frames">
<div class="location"><a t:render="filename"/>, line <t:transparent t:render="lineNumber"/>,
in <span class="function" t:render="function"/></div>
<div class="snippet" t:render="source"><div t:render="sourceLines"><span class="lineno" t:render="lineNumber"/>
<code t:render="sourceLine"/></div></div>
</div></div>
<p class="error"><t:transparent t:render="type"/>: <t:transparent t:render="value"/></p>
</div>
"""


class SourceLineElement(Element):
    """One line of source, with its number."""

    def __init__(self, loader: ITemplateLoader | None, number: int, source: str) -> None:
        super().__init__(loader)
        self.number = number
        self.source = source

    @renderer
    def sourceLine(self, request: Any, tag: Tag) -> Flattenable:
        """The line. Its spaces are kept, but it can still be wrapped between any two of them."""
        return tag(self.source.replace("  ", " \N{NO-BREAK SPACE}"))

    @renderer
    def lineNumber(self, request: Any, tag: Tag) -> Flattenable:
        """Its number."""
        return tag(str(self.number))


class SourceFragmentElement(Element):
    """The line that a frame is in, and those round it."""

    def __init__(self, loader: ITemplateLoader | None, frame: Frame) -> None:
        super().__init__(loader)
        self.frame = frame

    @renderer
    def sourceLines(self, request: Any, tag: Tag) -> Flattenable:
        """The tag once for each line, with the CSS class ``snippetLine``, or ``snippetHighlightLine`` for the frame's own."""
        _, filename, here = self.frame[:3]
        lines: list[Flattenable] = []
        for number in range(here - 1, here + 2):
            marked = tag.clone()(class_="snippetHighlightLine" if number == here else "snippetLine")
            source = linecache.getline(filename, number).rstrip("\r\n")
            lines.append(SourceLineElement(TagLoader(marked), number, source))
        return lines


class FrameElement(Element):
    """One frame of a traceback."""

    def __init__(self, loader: ITemplateLoader | None, frame: Frame) -> None:
        super().__init__(loader)
        self.frame = frame

    @renderer
    def filename(self, request: Any, tag: Tag) -> Flattenable:
        """The file of its source."""
        return tag(self.frame[1])

    @renderer
    def lineNumber(self, request: Any, tag: Tag) -> Flattenable:
        """The line in it."""
        return tag(str(self.frame[2]))

    @renderer
    def function(self, request: Any, tag: Tag) -> Flattenable:
        """The name of the function."""
        return tag(self.frame[0])

    @renderer
    def source(self, request: Any, tag: Tag) -> Flattenable:
        """The line, and those round it."""
        return SourceFragmentElement(TagLoader(tag), self.frame)


class StackElement(Element):
    """The frames of a traceback, the outermost first."""

    def __init__(self, loader: ITemplateLoader | None, stackFrames: Sequence[Frame]) -> None:
        super().__init__(loader)
        self.stackFrames = stackFrames

    @renderer
    def frames(self, request: Any, tag: Tag) -> Flattenable:
        """The tag once for each frame."""
        return [FrameElement(TagLoader(tag.clone()), frame) for frame in self.stackFrames]


class FailureElement(Element):
    """A failure, as HTML.

    :ivar failure: the failure.
    """

    loader: ITemplateLoader | None = XMLString(_TEMPLATE)

    def __init__(self, failure: Failure, loader: ITemplateLoader | None = None) -> None:
        """:param loader: a template of one's own, with ``t:render`` of ``type``, ``value`` and ``traceback``."""
        super().__init__(loader)
        self.failure = failure

    @renderer
    def type(self, request: Any, tag: Tag) -> Flattenable:
        """The full name of the exception's class."""
        kind = self.failure.type
        return tag(f"{kind.__module__}.{kind.__qualname__}")

    @renderer
    def value(self, request: Any, tag: Tag) -> Flattenable:
        """What the exception says."""
        return tag(self.failure.getErrorMessage())

    @renderer
    def traceback(self, request: Any, tag: Tag) -> Flattenable:
        """Where it was raised."""
        return StackElement(TagLoader(tag), self.failure.frames)


def formatFailure(myFailure: Failure) -> bytes:
    """`myFailure` as a piece of HTML in ASCII, with its traceback and source.

    :raises FlattenerError: it is no failure.
    """
    results: list[bytes | Failure] = []
    flattenString(None, FailureElement(myFailure)).addBoth(results.append)
    (result,) = results  # there is nothing in it to wait for
    if isinstance(result, Failure):
        result.raiseException()
    return result.decode("utf-8").encode("ascii", "xmlcharrefreplace")
