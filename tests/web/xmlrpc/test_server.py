"""A resource that is called."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import pytest

from plait.deferred import Deferred, fail, succeed
from plait.errors import ConnectionLost
from plait.log import capturedLogs
from plait.web.error import UnsupportedMethod
from plait.web.later import NOT_DONE_YET
from plait.web.xmlrpc import XMLRPC, Fault, Handler, NoSuchFunction, addIntrospection, withRequest
from tests.web.requests import FakeRequest


class Doubling(Handler):
    def run(self, *args: Any) -> None:
        self.result.callback(args[0] * 2)


class Service(XMLRPC):
    xmlrpc_number = 3

    def xmlrpc_add(self, a: int, b: int) -> int:
        """
        The sum
        of two.
        """
        return a + b

    xmlrpc_add.signature = [["int", "int", "int"]]  # type: ignore[attr-defined]

    def xmlrpc_later(self, value: Any) -> Deferred[Any]:
        return succeed(value)

    async def xmlrpc_coroutine(self, value: Any) -> Any:
        return await succeed(value)

    def xmlrpc_double(self, value: int) -> Handler:
        return Doubling(self, value)

    def xmlrpc_fault(self) -> Fault:
        return Fault(12, "hello")

    def xmlrpc_raised_fault(self) -> None:
        raise Fault(13, "raised")

    def xmlrpc_broken(self) -> Deferred[Any]:
        return fail(RuntimeError("a secret"))

    def xmlrpc_none(self) -> None:
        return None

    @withRequest
    def xmlrpc_method(self, request: Any, other: str) -> str:
        return f"{request.method.decode()} {other}"

    def hidden(self) -> str:
        raise AssertionError("A method without the prefix was called.")


def call(resource: XMLRPC, name: str, *args: Any, allow_none: bool = False) -> Any:
    """What a client gets that calls."""
    return answer(resource, xmlrpc.client.dumps(args, name, allow_none=allow_none).encode())


def answer(resource: XMLRPC, content: bytes) -> Any:
    request = FakeRequest(b"POST", content=content)
    assert resource.render(request) is NOT_DONE_YET
    assert request.finished
    assert request.responseHeaders.getRawHeaders("content-type") == ["text/xml; charset=utf-8"]
    assert request.responseHeaders.getRawHeaders("content-length") == [str(len(request.written))]
    ((value,), _) = xmlrpc.client.loads(request.written)
    return value


@pytest.fixture
def logged() -> Any:
    with capturedLogs() as seen:
        yield seen


@pytest.mark.parametrize(
    ("name", "args", "result"),
    [
        ("add", (2, 3), 5),
        ("later", ("ä",), "ä"),
        ("coroutine", ([1],), [1]),
        ("double", (4,), 8),
        ("method", ("x",), "POST x"),
    ],
)
def test_results(name: str, args: tuple[Any, ...], result: Any) -> None:
    assert call(Service(), name, *args) == result


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("fault", 12, "hello"),
        ("raised_fault", 13, "raised"),
        ("missing", 8001, "procedure missing not found"),
        ("hidden", 8001, "procedure hidden not found"),
        ("number", 8001, "procedure number not callable"),
        ("a.b", 8001, "no such subHandler a"),
        ("none", 8002, "Can't serialize output"),
    ],
)
def test_faults(name: str, code: int, said: str) -> None:
    with pytest.raises(Fault, match=said) as caught:
        call(Service(), name)
    assert caught.value.faultCode == code


def test_an_error_is_logged_and_not_told(logged: list[dict[str, Any]]) -> None:
    for name, args in (("broken", ()), ("add", (1,)), ("add", (1, "x"))):
        with pytest.raises(Fault) as caught:
            call(Service(), name, *args)
        assert (caught.value.faultCode, caught.value.faultString) == (8002, "error")
    assert [event["log_failure"].type for event in logged if "log_failure" in event] == [
        RuntimeError,
        TypeError,
        TypeError,
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"foo", b"<!DOCTYPE x []><methodCall/>", xmlrpc.client.dumps((1,), methodresponse=True).encode()],
)
def test_what_is_no_call(content: bytes) -> None:
    with pytest.raises(Fault, match="Can't deserialize input"):
        answer(Service(), content)


def test_only_post() -> None:
    with pytest.raises(UnsupportedMethod) as caught:
        Service().render(FakeRequest(b"GET"))
    assert list(caught.value.allowedMethods) == [b"POST"]


def test_none_where_it_is_allowed() -> None:
    assert call(Service(allowNone=True), "none") is None


def test_a_client_that_has_gone_is_not_written_to() -> None:
    class Slow(XMLRPC):
        def __init__(self) -> None:
            super().__init__()
            self.result: Deferred[Any] = Deferred()

        def xmlrpc_slow(self) -> Deferred[Any]:
            return self.result

    resource = Slow()
    request = FakeRequest(b"POST", content=xmlrpc.client.dumps((), "slow").encode())
    resource.render(request)
    request.connectionLost(ConnectionLost())
    resource.result.callback("late")
    assert (request.written, request.finished) == (b"", False)


def test_introspection() -> None:
    service, inner = Service(), Service()
    addIntrospection(service)
    service.putSubHandler("inner", inner)
    names = call(service, "system.listMethods")
    assert {"add", "inner.add", "system.listMethods", "system.methodHelp", "system.methodSignature"} <= set(names)
    assert call(service, "inner.add", 1, 2) == 3
    assert call(service, "system.methodHelp", "inner.add") == "The sum\nof two."
    assert call(service, "system.methodHelp", "later") == ""
    assert call(service, "system.methodSignature", "add") == [["int", "int", "int"]]
    assert call(service, "system.methodSignature", "later") == ""
    with pytest.raises(Fault, match="not found"):
        call(service, "system.methodHelp", "missing")


def test_a_lookup_of_ones_own() -> None:
    class Own(XMLRPC):
        def lookupProcedure(self, procedurePath: str) -> Any:
            if procedurePath == "weird name":
                return lambda: "found"
            raise NoSuchFunction(23, "nothing")

    assert call(Own(), "weird name") == "found"
    with pytest.raises(NoSuchFunction):
        Own().lookupProcedure("x")
    with pytest.raises(Fault, match="nothing"):
        call(Own(), "x")


def test_a_handler_that_does_nothing(logged: list[dict[str, Any]]) -> None:
    class Lazy(XMLRPC):
        def xmlrpc_lazy(self) -> Handler:
            return Handler(self)

    with pytest.raises(Fault, match="error"):
        call(Lazy(), "lazy")
    (event,) = [event for event in logged if event["log_namespace"] == "plait.web.xmlrpc"]
    assert event["log_failure"].check(NotImplementedError)
