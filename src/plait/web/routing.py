"""Routes: functions that answer the requests for the paths that fit a pattern; for services that speak JSON, and others.

`App` is a resource like others: the root of a site, or somewhere in a tree, with children of its own.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from plait.web.error import HTTPError
from plait.web.events import EventStream, sendEvents
from plait.web.json import JSON, encodeJSON, jsonError
from plait.web.later import NOT_DONE_YET
from plait.web.patterns import Pattern, Tree, parsePattern
from plait.web.request import Request
from plait.web.resource import Resource, getChildForRequest
from plait.web.status import RESPONSES

__all__ = ["App"]

Handler = TypeVar("Handler", bound=Callable[..., Any])

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class _Route:
    pattern: Pattern
    handler: Callable[..., Any]
    names: tuple[str, ...]


class App(Resource):
    """Answers requests by functions, chosen by path and method.

    A pattern is a path, whose segments may be parameters: ``<name>`` (a str), ``<int:name>``, ``<float:name>``, ``<uuid:name>``
    and, as the last one, ``<path:name>`` (all that is left, with its slashes). Segments are percent-decoded one by one. What fits
    several patterns goes to that whose first segment that differs is the narrowest: text, uuid, int, float, str, path. A child
    (`putChild`) comes before routes.

    A handler is called as ``handler(request, name=value)``. It may be an ``async def``, or return a Deferred of its result:

    - a dict or a list: JSON;
    - a str: ``text/plain``, bytes: ``application/octet-stream``, unless `Request.setHeader` has set another content type;
    - None: 204, unless another status is set; or it has written the answer itself;
    - a tuple of one of these and a status, and perhaps a mapping of headers;
    - an async generator, or an `plait.web.events.EventStream`: server-sent events;
    - another resource, which answers in its place; if the pattern ends with a path, a child of that resource, by that path;
    - `plait.web.later.NOT_DONE_YET`.

    It may raise `plait.web.error.HTTPError`. Errors are told as ``{"error": "..."}``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tree: Tree[_Route] = Tree()
        self._named: dict[str, _Route] = {}
        self._functions: dict[str, _Route | None] = {}
        self._routes = _Routes(self._tree)

    # -- defining

    def route(
        self, pattern: str, methods: Iterable[str] = ("GET",), name: str | None = None
    ) -> Callable[[Handler], Handler]:
        """A decorator: let a function answer requests for `pattern` with one of `methods`.

        :param name: for `urlFor`; None is that of the function.
        :raises ValueError: if the pattern or a method is none, or taken.
        :raises TypeError: if the function does not take the parameters.
        """
        parsed = parsePattern(pattern)
        if isinstance(methods, str):
            raise ValueError(f"The methods of a route are several, such as ({methods!r},).")
        verbs = [_method(pattern, method) for method in methods]
        if not verbs:
            raise ValueError(f"The route {pattern} has no methods.")

        def add(handler: Handler) -> Handler:
            self._add(_Route(parsed, handler, tuple(parsed.names)), verbs, name)
            return handler

        return add

    def _add(self, route: _Route, verbs: list[bytes], name: str | None) -> None:
        _check_handler(route)
        other = None if name is None else self._named.get(name)
        if other is not None:
            raise ValueError(f"There is a route with the name {name} already: {other.pattern.text}.")
        found = self._tree.at(route.pattern)
        for verb in verbs:
            if verb in found:
                what = f"{verb.decode()} {route.pattern.text}"
                raise ValueError(f"The route {what} is there already, as {found[verb].pattern.text}.")
        found.update(dict.fromkeys(verbs, route))
        if name is not None:
            self._named[name] = route
            return
        # one function may be at several paths, the first is its URL; of several with one name none is meant
        own = getattr(route.handler, "__name__", "")
        first = self._functions.setdefault(own, route)
        if first is not None and first.handler is not route.handler:
            self._functions[own] = None

    def get(self, pattern: str, name: str | None = None) -> Callable[[Handler], Handler]:
        """`route` for GET, and so for HEAD."""
        return self.route(pattern, ("GET",), name)

    def post(self, pattern: str, name: str | None = None) -> Callable[[Handler], Handler]:
        """`route` for POST."""
        return self.route(pattern, ("POST",), name)

    def put(self, pattern: str, name: str | None = None) -> Callable[[Handler], Handler]:
        """`route` for PUT."""
        return self.route(pattern, ("PUT",), name)

    def patch(self, pattern: str, name: str | None = None) -> Callable[[Handler], Handler]:
        """`route` for PATCH."""
        return self.route(pattern, ("PATCH",), name)

    def delete(self, pattern: str, name: str | None = None) -> Callable[[Handler], Handler]:
        """`route` for DELETE."""
        return self.route(pattern, ("DELETE",), name)

    def urlFor(self, name: str, request: Request | None = None, /, **values: object) -> str:
        """The path of a route, percent-encoded.

        :param request: one that this app answers: the path then begins with where the app is. None: at the root.
        :raises KeyError: if there is no route with that name, or several are of functions with it.
        :raises ValueError: if `values` are not those of its parameters.
        """
        route = self._named.get(name) or self._functions.get(name)
        if route is None:
            several = name in self._functions
            what = "are several routes" if several else "is no route"
            raise KeyError(f"There {what} with the name {name}{': give them names (name=)' if several else ''}.")
        above = [] if request is None else request.prepath
        return "".join("/" + quote(part, safe="") for part in above) + route.pattern.fill(values)

    # -- answering

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """A child that was put there; or else what answers by the routes."""
        child = self.children.get(path)
        if child is not None:
            return child
        request.postpath.insert(0, request.prepath.pop())
        return self._routes

    def render(self, request: Any) -> Any:
        """Answer for the path of the app itself, without a slash: by the route ``/``."""
        return self._routes.render(request)


def _method(pattern: str, method: str) -> bytes:
    if not isinstance(method, str) or _TOKEN.fullmatch(method) is None:
        raise ValueError(f"The route {pattern} has {method!r} as a method; that is a word such as GET.")
    return method.upper().encode()


def _check_handler(route: _Route) -> None:
    try:
        signature = inspect.signature(route.handler)
    except (TypeError, ValueError):
        return  # something of C, which does not tell
    try:
        signature.bind(None, **dict.fromkeys(route.names))
    except TypeError as error:
        call = ", ".join(["request", *(f"{name}=" for name in route.names)])
        what = getattr(route.handler, "__qualname__", repr(route.handler))
        raise TypeError(f"{what} cannot be called as ({call}) for the route {route.pattern.text}: {error}.") from None


class _Routes(Resource):
    """All that is below an app, but for its children."""

    isLeaf = True

    def __init__(self, tree: Tree[_Route]) -> None:
        super().__init__()
        self._tree = tree

    def render(self, request: Request) -> Any:
        request.errorAs = jsonError
        route, values = self._find(request)
        if route is None:
            return b""
        result = route.handler(request, **dict(zip(route.names, values, strict=True)))
        if isinstance(result, Awaitable):
            return _later(request, route, result)
        return _answer(request, route, result)

    def _find(self, request: Request) -> tuple[_Route | None, tuple[Any, ...]]:
        """The route, and the values of its parameters; None if OPTIONS is answered already."""
        method = request.method
        allowed: set[bytes] = set()
        other: tuple[_Route | None, tuple[Any, ...]] | None = None
        for found, values in self._tree.matches(request.postpath or [b""]):
            if method in found:
                return found[method], values
            allowed.update(found)
            if b"GET" in found:
                allowed.add(b"HEAD")
                if method == b"HEAD" and other is None:
                    other = found[b"GET"], values
        if other is not None:
            return other
        if not allowed:
            raise HTTPError(404, "there is nothing at this path")
        allow = b", ".join(sorted(allowed | {b"OPTIONS"})).decode()
        if method != b"OPTIONS":
            raise HTTPError(405, f"this path takes {allow}", {"allow": allow})
        request.setResponseCode(204)
        request.setHeader("allow", allow)
        return None, ()


async def _later(request: Request, route: _Route, result: Awaitable[Any]) -> Any:
    return _answer(request, route, await result)


def _answer(request: Request, route: _Route, result: Any) -> Any:
    """What a handler has returned, as what a render method returns."""
    if isinstance(result, tuple):
        result = _with_status(request, result)
    if isinstance(result, (dict, list)):
        return _body(request, JSON, encodeJSON(result))
    if isinstance(result, str):
        return _body(request, b"text/plain; charset=utf-8", result.encode())
    if isinstance(result, (bytes, bytearray, memoryview)):
        return _body(request, b"application/octet-stream", bytes(result))
    if result is None:
        if request.startedWriting or request.finished:
            return _finish(request)
        if request.code == 200:
            request.setResponseCode(204)
        return b""
    if isinstance(result, AsyncIterable):
        return sendEvents(request, result)
    if isinstance(result, EventStream) or (type(result) is int and result == NOT_DONE_YET):
        return NOT_DONE_YET
    if callable(getattr(result, "render", None)):
        _let(request, route, result)
        return NOT_DONE_YET
    raise TypeError(f"the handler of {route.pattern.text} has returned {type(result).__name__}, which is no answer")


def _with_status(request: Request, result: tuple[Any, ...]) -> Any:
    """Set what stands behind the first of the tuple, and return that."""
    value, status, headers = (*result, None, None)[:3] if 2 <= len(result) <= 3 else (None, None, None)
    if type(status) is not int or not 200 <= status <= 599 or not (headers is None or isinstance(headers, Mapping)):
        raise TypeError(f"a handler's tuple is (value, status) or (value, status, headers), not {result!r:.100}")
    request.setResponseCode(status, RESPONSES.get(status))
    for name, content in (headers or {}).items():
        request.setHeader(name, content)
    return value


def _body(request: Request, kind: bytes, body: bytes) -> bytes:
    if not request.responseHeaders.hasHeader(b"content-type"):
        request.setHeader(b"content-type", kind)
    return body


def _finish(request: Request) -> Any:
    if not request.finished and not request._disconnected:
        request.finish()
    return NOT_DONE_YET


def _let(request: Request, route: _Route, resource: Any) -> None:
    """Let another resource answer; behind a path it is asked for its child."""
    pattern = route.pattern
    at = len(pattern.parts) - 1 if pattern.takesRest else len(request.postpath)
    request.prepath += request.postpath[:at]
    del request.postpath[:at]
    request.render(getChildForRequest(resource, request))
