"""A document as the answer to a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.failure import Failure
from plait.log import Logger
from plait.web.later import NOT_DONE_YET
from plait.web.template.element import Element
from plait.web.template.failures import FailureElement
from plait.web.template.flattening import flatten
from plait.web.template.interfaces import IRenderable
from plait.web.template.tree import Flattenable
from plait.web.template.vocabulary import tags

__all__ = ["renderElement"]

_log = Logger(namespace="plait.web.template")

# Large and red: it may come in the middle of a page that has been sent in part, inside of whatever was open there.
_STYLE = "font-size:800%;background-color:#FFF;color:#F00"


def renderElement(
    request: Any,
    element: IRenderable,
    doctype: bytes | None = b"<!DOCTYPE html>",
    _failElement: Callable[[Failure], Element] | None = None,
) -> int:
    """Answer `request` with `element`, and finish it.

    What is there is sent as soon as it is there. If something goes wrong, it is logged, and the page ends with a line that
    says so, or with the traceback where the site has `displayTracebacks` set. If the client goes away, what the element waits
    for is cancelled.

    :param doctype: goes before it, on a line of its own; None sends none.
    :returns: `NOT_DONE_YET`, for the resource to return.
    """
    if doctype is not None:
        request.write(doctype)
        request.write(b"\n")
    gone = False
    page = flatten(request, element, request.write)

    def client_is_gone(_: Failure) -> None:
        nonlocal gone
        gone = True
        page.cancel()

    request.notifyFinish().addErrback(client_is_gone)

    def explain(failure: Failure) -> Any:
        if gone:
            return None
        _log.failure("An error occurred while rendering the response.", failure=failure)
        site = getattr(request, "site", None)
        shown: Flattenable
        if site is not None and site.displayTracebacks:
            shown = (_failElement or FailureElement)(failure)
        else:
            shown = tags.div("An error occurred while rendering the response.", style=_STYLE)
        return flatten(request, shown, request.write)

    def finish(_: object) -> None:
        if not gone:
            request.finish()

    page.addErrback(explain).addBoth(finish)
    return NOT_DONE_YET
