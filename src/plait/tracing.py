"""Traces with OpenTelemetry: a span for each connection that others make to us, each call in a thread, each service's start.

Needs the API, ``pip install plait[otel]``; where spans go is set up with its SDK, by the program or by
``opentelemetry-instrument``.
The span of a connection is the current one in all hooks of its protocol, and so in the timers, coroutines and thread calls
that begin there: they keep the context variables that they were made with. Attributes are named after OpenTelemetry's semantic
conventions (general, network), and ``plait.*`` beyond them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from inspect import iscoroutine
from typing import Any

try:
    from opentelemetry import context as contexts
    from opentelemetry import trace
except ImportError as error:
    raise ImportError("plait.tracing needs OpenTelemetry's API: pip install plait[otel]") from error

from plait import __version__
from plait.deferred import Deferred
from plait.failure import Failure
from plait.instruments import instruments
from plait.service import describe
from plait.transport.address import UNIXAddress

_HOOKS = ("makeConnection", "dataReceived", "readConnectionLost", "writeConnectionLost", "connectionLost")


def instrument(tracerProvider: trace.TracerProvider | None = None) -> None:
    """Make spans from now on, in all of this process; connections that are open get none.

    :param tracerProvider: who makes them; None: the global one, which may be set later.
    :raises RuntimeError: if it is done already.
    """
    if instruments.accepted is not None:
        raise RuntimeError("Plait is instrumented already: call uninstrument() first")
    tracer = trace.get_tracer("plait", __version__, tracerProvider)
    instruments.accepted = lambda connection, protocol: _trace_connection(tracer, connection, protocol)
    instruments.threadCall = lambda function: _traced_call(tracer, function)
    instruments.serviceStart = lambda service, start, begin: _traced_start(tracer, service, start, begin)


def uninstrument() -> None:
    """Make no more spans. Those of open connections end with them."""
    instruments.accepted = instruments.threadCall = instruments.serviceStart = None


def isSetUp() -> bool:
    """Whether there is a global tracer provider, without which spans go nowhere."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _trace_connection(tracer: trace.Tracer, connection: Any, protocol: Any) -> None:
    try:
        hooks = vars(protocol)
    except TypeError:
        return  # it has slots, and no place for what follows
    kind = type(protocol).__qualname__
    attributes = {"plait.protocol": kind, **_addresses(connection)}
    # a trace of its own: what was current when the port was opened has nothing to do with it
    span = tracer.start_span(kind, contexts.Context(), trace.SpanKind.SERVER, attributes)
    within = trace.set_span_in_context(span, contexts.Context())

    def ended(reason: Failure) -> None:
        for name in _HOOKS:  # they hold the protocol, and it holds them
            hooks.pop(name, None)
        try:
            lost(reason)
        finally:
            span.set_attribute("plait.received_bytes", connection.bytesReceived)
            span.set_attribute("plait.sent_bytes", connection.bytesSent)
            if not reason.check("plait.errors.ConnectionDone"):
                _failed(span, reason.value)
            span.end()

    lost = protocol.connectionLost
    for name in _HOOKS:
        hook = getattr(protocol, name, None)
        if hook is not None:
            hooks[name] = _inside(within, ended if name == "connectionLost" else hook)


def _inside(within: contexts.Context, hook: Callable[..., Any]) -> Callable[..., Any]:
    """`hook`, with the span current. It may be entered again while it is under way, and may be ``async def``."""

    def call(*args: Any) -> Any:
        token = contexts.attach(within)
        try:
            result = hook(*args)
        finally:
            contexts.detach(token)
        if not iscoroutine(result):
            return result
        waiting: Any = goes_on(result)
        waiting.__qualname__ = result.__qualname__
        return waiting

    async def goes_on(result: Any) -> Any:
        contexts.attach(within)  # a coroutine has its context for itself
        return await result

    return call


def _addresses(connection: Any) -> dict[str, Any]:
    here, there = connection.getHost(), connection.getPeer()
    if isinstance(here, UNIXAddress):
        return {"network.transport": "unix"}
    return {
        "network.transport": "tcp",
        "network.peer.address": there.host,
        "network.peer.port": there.port,
        "server.address": here.host,
        "server.port": here.port,
    }


def _traced_call(tracer: trace.Tracer, function: Callable[..., Any]) -> Callable[[Callable[[], Any]], Any]:
    asked = time.monotonic()
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    del function  # it is to be free when the call has been made

    def traced(call: Callable[[], Any]) -> Any:
        attributes = {"plait.queued_seconds": time.monotonic() - asked}
        with tracer.start_as_current_span(f"thread {name}", attributes=attributes):
            return call()

    return traced


def _traced_start(
    tracer: trace.Tracer, service: Any, start: Callable[[], Any], begin: Callable[[Any, Any], Deferred[None] | None]
) -> Deferred[None] | None:
    if getattr(start, "__name__", "") != "startService":
        return begin(service, start)
    span = tracer.start_span(f"start {describe(service)}")
    token = contexts.attach(trace.set_span_in_context(span))
    try:
        pending = begin(service, start)
    except BaseException as error:
        _failed(span, error)
        span.end()
        raise
    finally:
        contexts.detach(token)

    def ended(result: Any) -> Any:
        if isinstance(result, Failure):
            _failed(span, result.value)
        span.end()
        return result

    if pending is None:
        span.end()
    else:
        pending.addBoth(ended)
    return pending


def _failed(span: trace.Span, error: BaseException) -> None:
    span.record_exception(error)
    span.set_status(trace.Status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}"))
