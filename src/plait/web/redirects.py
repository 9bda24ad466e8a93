"""Resources that lead elsewhere: to another address, or to a resource that is not there yet."""

from __future__ import annotations

from html import escape
from typing import Any

from plait.deferred import Deferred
from plait.failure import Failure
from plait.web.later import NOT_DONE_YET
from plait.web.resource import Resource, getChildForRequest

__all__ = ["DeferredResource", "ParentRedirect", "Redirect", "redirectTo"]

_FOUND = 302

# Who does not follow the Location header follows this, by itself or with a click.
_PAGE = """
<html>
    <head>
        <meta http-equiv="refresh" content="0;URL={url}">
    </head>
    <body bgcolor="#FFFFFF" text="#000000">
    <a href="{url}">click here</a>
    </body>
</html>
"""


def redirectTo(URL: bytes, request: Any) -> bytes:
    """Send the client of `request` to `URL`, with 302 Found.

    :returns: a page that leads there, to be returned from `render`.
    :raises TypeError: `URL` is not bytes.
    """
    if not isinstance(URL, bytes):
        raise TypeError(f"The URL is bytes, not {URL!r}; encode it, and percent-encode what is not ASCII.")
    request.setHeader(b"Content-Type", b"text/html; charset=utf-8")
    request.setResponseCode(_FOUND)
    request.setHeader(b"Location", URL)
    return _PAGE.format(url=escape(URL.decode("utf-8", "replace")).replace("&#x27;", "'")).encode("utf-8")


class Redirect(Resource):
    """Sends whoever asks for it, or for anything below it, to one address."""

    isLeaf = True

    def __init__(self, url: bytes) -> None:
        super().__init__()
        self.url = url

    def render(self, request: Any) -> bytes:
        """Lead to the address."""
        return redirectTo(self.url, request)

    def getChild(self, path: bytes, request: Any) -> Redirect:
        """This resource itself."""
        return self


class ParentRedirect(Resource):
    """Sends whoever asks for it to the folder that it is in: ``/a/b`` and ``/a/`` to ``/a/``, without a query."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        """Lead to the folder."""
        here: bytes = request.prePathURL()
        return redirectTo(here.rpartition(b"/")[0] + b"/", request)


class DeferredResource(Resource):
    """Stands for the resource that a Deferred fires with, and for what is below it."""

    isLeaf = True

    def __init__(self, d: Deferred[Any]) -> None:
        super().__init__()
        self.d = d

    def getChild(self, path: bytes, request: Any) -> DeferredResource:
        """This resource itself."""
        return self

    def render(self, request: Any) -> int:
        """Answer when the Deferred has fired: with what is found at the rest of the path, or with an error's page."""

        def found(resource: Any) -> None:
            request.render(getChildForRequest(resource, request))

        def failed(reason: Failure) -> None:
            request.processingFailed(reason)

        self.d.addCallback(found).addErrback(failed)
        return NOT_DONE_YET
