"""What the parts of a web server promise each other."""

from __future__ import annotations

from typing import Any

from plait.interfaces import Interface

__all__ = ["IRequestEncoder", "IRequestEncoderFactory", "IResource"]


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


class IRequestEncoder(Interface):
    """Changes the body of an answer on its way, piece by piece."""

    def encode(self, data: bytes) -> bytes:
        """What goes out for a piece of the body."""

    def finish(self) -> bytes:
        """What goes out at its end."""


class IRequestEncoderFactory(Interface):
    """Makes encoders."""

    def encoderForRequest(self, request: Any) -> Any:
        """An encoder for the answer to a request, before that is rendered; None for none."""
