"""The error pages of ``twisted.web.resource``. They take pieces of HTML and escape nothing, and so `plait.web.pages` took their
place; a program that still makes one is told so.
"""

from __future__ import annotations

import warnings
from typing import Any

from plait.web import pages
from plait.web.resource import Resource

__all__ = ["ErrorPage", "ForbiddenResource", "NoResource"]

_PAGE = """
<html>
  <head><title>{code} - {brief}</title></head>
  <body>
    <h1>{brief}</h1>
    <p>{detail}</p>
  </body>
</html>
"""


class _StandsFor(type):
    """Programs ask what they were given with isinstance: a page of today is one of these, if it has the status."""

    status: int | None

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return isinstance(instance, pages.ErrorPage) and cls.status in (None, instance.code)


class ErrorPage(Resource, metaclass=_StandsFor):
    """Answers with a status, and a page that explains it in HTML."""

    status: int | None = None
    _replacement = "errorPage"

    def __init__(self, status: int, brief: str, detail: str) -> None:
        warnings.warn(
            f"twisted.web.resource.{type(self).__name__} was deprecated in Twisted 22.10.0; please use "
            f"twisted.web.pages.{self._replacement} instead, which properly escapes HTML.",
            DeprecationWarning,
            stacklevel=2 if type(self) is ErrorPage else 3,
        )
        super().__init__()
        self.code = status
        self.brief = brief
        self.detail = detail

    def render(self, request: Any) -> bytes:
        """The page."""
        request.setResponseCode(self.code)
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        page = _PAGE.format(code=self.code, brief=self.brief, detail=self.detail)
        return page.encode("utf-8")

    def getChild(self, path: bytes, request: Any) -> ErrorPage:
        """This page itself."""
        return self


class NoResource(ErrorPage):
    """Answers with 404."""

    status = 404
    _replacement = "notFound"

    def __init__(self, message: str = "Sorry. No luck finding that resource.") -> None:
        super().__init__(404, "No Such Resource", message)


class ForbiddenResource(ErrorPage):
    """Answers with 403."""

    status = 403
    _replacement = "forbidden"

    def __init__(self, message: str = "Sorry, resource is forbidden.") -> None:
        super().__init__(403, "Forbidden Resource", message)
