"""What the parts of a web server promise each other."""

from __future__ import annotations

from typing import Any

from plait.interfaces import Interface

__all__ = ["IResource"]


class IResource(Interface):
    """Answers requests, and leads to what is below it."""

    isLeaf: bool
    """Whether the rest of the path is its own affair, in the request's `postpath`."""

    def getChildWithDefault(self, name: bytes, request: Any) -> Any:
        """The resource that `name`, the next segment of the path, leads to."""

    def putChild(self, path: bytes, child: Any) -> None:
        """Let `child` be what `path` leads to."""

    def render(self, request: Any) -> bytes | int:
        """Answer `request`.

        :returns: the body; or `plait.web.later.NOT_DONE_YET`, and the resource writes to the request and finishes it.
        """
