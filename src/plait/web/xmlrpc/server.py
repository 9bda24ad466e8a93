"""XML-RPC served: a resource whose ``xmlrpc_`` methods can be called (http://xmlrpc.com/spec.md).

A method's name may have dots: what stands before the first one names a handler that was put there with `putSubHandler`. A method
may return its result, a Deferred of it, or be ``async def``. What it raises is logged, and the caller is told no more than that
something went wrong, unless it is a `Fault`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from plait.deferred import Deferred, maybeDeferred
from plait.failure import Failure
from plait.log import Logger
from plait.web.later import NOT_DONE_YET
from plait.web.resource import Resource
from plait.web.xmlrpc.codec import Fault, dump_response, loads

__all__ = ["XMLRPC", "Handler", "NoSuchFunction", "XMLRPCIntrospection", "addIntrospection", "withRequest"]

F = TypeVar("F", bound=Callable[..., Any])
_PREFIX = "xmlrpc_"
_log = Logger(namespace="plait.web.xmlrpc")


class NoSuchFunction(Fault):
    """There is no function of the name that was called."""


def withRequest(f: F) -> F:
    """Mark an ``xmlrpc_`` method: it gets the request as its first argument."""
    f.withRequest = True  # type: ignore[attr-defined]
    return f


class Handler:
    """One call that is answered later, by an object of its own: a method returns it, and `result` is fired with the value.

    :ivar resource: what was called.
    :ivar result: the Deferred to fire.
    """

    def __init__(self, resource: XMLRPC, *args: Any) -> None:
        self.resource = resource
        self.result: Deferred[Any] = Deferred()
        self.run(*args)

    def run(self, *args: Any) -> None:
        """Begin; to be overridden."""
        self.result.errback(Failure(NotImplementedError("Implement run() in subclasses")))


class XMLRPC(Resource):
    """Answers calls with its methods that are named ``xmlrpc_`` and what callers call them.

    :ivar allowNone: whether None can be returned, an extension that not all clients know.
    :ivar useDateTime: whether times come as `datetime.datetime`.
    :cvar NOT_FOUND: the number of the fault for a function that is not there.
    :cvar FAILURE: the number of the fault for everything else.
    """

    NOT_FOUND = 8001
    FAILURE = 8002

    isLeaf = True
    separator = "."
    allowedMethods: Iterable[bytes] = (b"POST",)

    def __init__(self, allowNone: bool = False, useDateTime: bool = False) -> None:
        super().__init__()
        self.subHandlers: dict[str, XMLRPC] = {}
        self.allowNone = allowNone
        self.useDateTime = useDateTime

    def putSubHandler(self, prefix: str, handler: XMLRPC) -> None:
        """Let `handler` answer what is called as ``prefix.name``."""
        self.subHandlers[prefix] = handler

    def getSubHandler(self, prefix: str) -> XMLRPC | None:
        """The handler for `prefix`, or None."""
        return self.subHandlers.get(prefix)

    def getSubHandlerPrefixes(self) -> list[str]:
        """All prefixes that have a handler."""
        return list(self.subHandlers)

    def lookupProcedure(self, procedurePath: str) -> Callable[..., Any]:
        """The method for what is called as `procedurePath`; may be overridden.

        :raises NoSuchFunction: there is none.
        """
        prefix, dot, rest = procedurePath.partition(self.separator)
        if dot:
            handler = self.getSubHandler(prefix)
            if handler is None:
                raise NoSuchFunction(self.NOT_FOUND, f"no such subHandler {prefix}")
            return handler.lookupProcedure(rest)
        method = getattr(self, _PREFIX + procedurePath, None)
        if method is None:
            raise NoSuchFunction(self.NOT_FOUND, f"procedure {procedurePath} not found")
        if not callable(method):
            raise NoSuchFunction(self.NOT_FOUND, f"procedure {procedurePath} not callable")
        found: Callable[..., Any] = method
        return found

    def listProcedures(self) -> list[str]:
        """The names of the methods of this object that can be called; may be overridden."""
        return [name.removeprefix(_PREFIX) for name in dir(self) if name.startswith(_PREFIX)]

    def render_POST(self, request: Any) -> int | bytes:
        """Answer a call."""
        request.content.seek(0, 0)
        request.setHeader(b"content-type", b"text/xml; charset=utf-8")
        try:
            args, name = loads(request.content.read(), self.useDateTime)
            if name is None:
                raise ValueError("it calls no method")
        except Exception as error:
            self._respond(Fault(self.FAILURE, f"Can't deserialize input: {error}"), request, [])
            return NOT_DONE_YET
        try:
            function = self.lookupProcedure(name)
        except Fault as fault:
            self._respond(fault, request, [])
            return NOT_DONE_YET
        if getattr(function, "withRequest", False):
            args = (request, *args)
        gone: list[Failure] = []
        request.notifyFinish().addErrback(gone.append)
        answer = maybeDeferred(function, *args)
        answer.addCallback(lambda result: result.result if isinstance(result, Handler) else result)
        answer.addErrback(self._explain)
        answer.addCallback(self._respond, request, gone)
        return NOT_DONE_YET

    def _explain(self, failure: Failure) -> Fault:
        if isinstance(failure.value, Fault):
            return failure.value
        _log.failure("A method that was called by XML-RPC failed.", failure=failure)
        return Fault(self.FAILURE, "error")

    def _respond(self, result: Any, request: Any, gone: list[Failure]) -> None:
        if gone:
            return
        try:
            try:
                content = dump_response(result, self.allowNone)
            except Exception as error:
                content = dump_response(Fault(self.FAILURE, f"Can't serialize output: {error}"), self.allowNone)
        except Exception:
            _log.failure("The response to a call by XML-RPC cannot be written.")
        else:
            request.setHeader(b"content-length", b"%d" % len(content))
            request.write(content)
        request.finish()


class XMLRPCIntrospection(XMLRPC):
    """Tells what a server has: ``system.listMethods``, ``system.methodHelp`` and ``system.methodSignature``."""

    def __init__(self, parent: XMLRPC) -> None:
        """:param parent: what to tell of."""
        super().__init__()
        self._parent = parent

    def xmlrpc_listMethods(self) -> list[str]:
        """The names of all methods that can be called here."""
        names: list[str] = []
        todo = [(self._parent, "")]
        while todo:
            handler, prefix = todo.pop(0)
            names += [prefix + name for name in handler.listProcedures()]
            for name in handler.getSubHandlerPrefixes():
                inner = handler.getSubHandler(name)
                if inner is not None:
                    todo.append((inner, prefix + name + handler.separator))
        return names

    xmlrpc_listMethods.signature = [["array"]]  # type: ignore[attr-defined]

    def xmlrpc_methodHelp(self, method: str) -> str:
        """What the method is good for: its attribute `help`, or its docstring."""
        found = self._parent.lookupProcedure(method)
        return inspect.cleandoc(getattr(found, "help", None) or found.__doc__ or "")

    xmlrpc_methodHelp.signature = [["string", "string"]]  # type: ignore[attr-defined]

    def xmlrpc_methodSignature(self, method: str) -> list[list[str]] | str:
        """The types of the result and of the arguments, in each form in which it can be called; "" where unknown."""
        found: list[list[str]] | str = getattr(self._parent.lookupProcedure(method), "signature", None) or ""
        return found

    xmlrpc_methodSignature.signature = [["array", "string"], ["string", "string"]]  # type: ignore[attr-defined]


def addIntrospection(xmlrpc: XMLRPC) -> None:
    """Let callers ask `xmlrpc` what it has."""
    xmlrpc.putSubHandler("system", XMLRPCIntrospection(xmlrpc))
