"""Pages for a status that is not a success: a heading and a sentence, escaped.

They stand for a whole branch of the tree of resources: whatever is asked for below them, they answer.
"""

from __future__ import annotations

from typing import Any

from plait.web.template.element import Element
from plait.web.template.loading import TagLoader
from plait.web.template.rendering import renderElement
from plait.web.template.vocabulary import tags

__all__ = ["ErrorPage", "errorPage", "forbidden", "notFound"]


class ErrorPage:
    """The page that `errorPage` makes."""

    isLeaf = False

    def __init__(self, code: int, brief: str, detail: str) -> None:
        self.code = code
        self.brief = brief
        self.detail = detail

    def render(self, request: Any) -> int:
        """Answer with the status and the page."""
        request.setResponseCode(self.code)
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        head = tags.head(tags.title(f"{self.code} - {self.brief}"))
        body = tags.body(tags.h1(self.brief), tags.p(self.detail))
        return renderElement(request, Element(TagLoader(tags.html(head, body))))

    def getChild(self, path: bytes, request: Any) -> ErrorPage:
        """This page itself."""
        return self

    getChildWithDefault = getChild

    def putChild(self, path: bytes, child: object) -> None:
        """:raises TypeError: always; there is nothing below an error's page."""
        raise TypeError("An error's page has no children.")


def errorPage(code: int, brief: str, detail: str) -> ErrorPage:
    """A resource that answers with a status and a page that explains it.

    :param code: the status, such as 404.
    :param brief: the heading and title.
    :param detail: the text.
    """
    return ErrorPage(code, brief, detail)


def notFound(brief: str = "No Such Resource", message: str = "Sorry. No luck finding that resource.") -> ErrorPage:
    """A resource that answers with 404, and a page that explains it."""
    return ErrorPage(404, brief, message)


def forbidden(brief: str = "Forbidden Resource", message: str = "Sorry, resource is forbidden.") -> ErrorPage:
    """A resource that answers with 403, and a page that explains it."""
    return ErrorPage(403, brief, message)
