"""Documents as answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from plait.deferred import CancelledError, Deferred
from plait.errors import ConnectionLost
from plait.log import capturedLogs
from plait.web.later import NOT_DONE_YET
from plait.web.template import Element, FlattenerError, TagLoader, renderElement, tags
from tests.web.requests import FakeRequest


def test_an_element_is_sent_as_it_comes() -> None:
    request = FakeRequest()
    later: Deferred[Any] = Deferred()
    assert renderElement(request, Element(TagLoader(tags.p("a", later)))) is NOT_DONE_YET
    assert request.written == b"<!DOCTYPE html>\n<p>a"
    later.callback("b")
    assert request.written == b"<!DOCTYPE html>\n<p>ab</p>"
    assert request.finished


def test_without_a_document_type() -> None:
    request = FakeRequest()
    renderElement(request, Element(TagLoader(tags.p)), doctype=None)
    assert request.written == b"<p></p>"


@pytest.mark.parametrize("shown", [False, True])
def test_an_error_is_logged_and_shown_to_those_who_may_see_it(shown: bool) -> None:
    request = FakeRequest()
    request.site = SimpleNamespace(displayTracebacks=shown)
    with capturedLogs() as seen:
        renderElement(request, Element(TagLoader(tags.p("before", tags.b(render="missing")))))
    (event,) = [event for event in seen if event["log_namespace"] == "plait.web.template"]
    assert event["log_failure"].check(FlattenerError)
    assert request.finished
    assert request.written.startswith(b"<!DOCTYPE html>\n<div")
    assert (b"no render method named" in request.written) is shown
    assert (b"An error occurred while rendering the response.</div>" in request.written) is not shown


def test_what_a_client_that_has_gone_waited_for_is_cancelled() -> None:
    request = FakeRequest()
    cancelled: list[Any] = []
    later: Deferred[Any] = Deferred(cancelled.append)
    later.addErrback(lambda failure: failure.trap(CancelledError))
    renderElement(request, Element(TagLoader(tags.p("a", later))))
    written = request.written
    request.connectionLost(ConnectionLost())
    assert cancelled == [later]
    assert (request.written, request.finished) == (written, False)
