"""Resources: what answers requests. They form a tree that a request's path is followed down."""

from __future__ import annotations

from typing import Any

from plait.interfaces import Interface, implementer
from plait.web.error import UnsupportedMethod
from plait.web.pages import notFound
from plait.web.status import RESPONSES

__all__ = ["IResource", "Resource", "getChildForRequest"]


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


@implementer(IResource)
class Resource:
    """Something at a path. Override `render_GET` and its kin for what it answers, `getChild` for what is below it.

    A render method is given the `plait.web.request.Request`, and returns the body (bytes), `plait.web.later.NOT_DONE_YET` if it
    has or will have written and finished the answer itself, or a Deferred of one of these; or it is an ``async def``, which may
    return None when it has written the answer itself.

    Attributes: `isLeaf` (true: no child is asked for, all of the path that is left is this resource's own affair), `children`,
    `streamsBody` (of the root of a site, true: requests are rendered before their body has come, see `Request.stream`).
    """

    isLeaf: bool = False
    streamsBody = False
    allowedMethods: Any = None
    server: Any = None

    def __init__(self) -> None:
        self.children: dict[bytes, Any] = {}

    # -- the tree

    def listStaticNames(self) -> list[bytes]:
        """The names under which there are children for good."""
        return list(self.children)

    listNames = listStaticNames

    def listStaticEntities(self) -> list[tuple[bytes, Any]]:
        """The same, with the children."""
        return list(self.children.items())

    listEntities = listStaticEntities

    def getStaticEntity(self, name: bytes) -> Any:
        """The child of that name that is there for good, or None."""
        return self.children.get(name)

    def getDynamicEntity(self, name: bytes, request: Any) -> Any:
        """A child that is made when it is asked for, or None."""
        return None if name in self.children else self.getChild(name, request)

    def putChild(self, path: bytes, child: Any) -> None:
        """Let a resource be the child of that name: one part of a path, decoded; ``b""`` is what a slash at the end leads to.

        :raises TypeError: if `path` is no bytes.
        """
        if not isinstance(path, bytes):
            raise TypeError(f"The segment of a path is bytes, not {path!r}.")
        self.children[path] = child
        child.server = self.server

    def delEntity(self, path: bytes) -> None:
        """Take a child away."""
        del self.children[path]

    def getChild(self, path: bytes, request: Any) -> Any:
        """A child that is not there for good; here, a page that says there is none.

        :param path: one part of the request's path, decoded. It may be anything, "..", too.
        """
        return notFound(message="No such child resource.")

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """The child of that name: one that was put there, else what `getChild` says."""
        child = self.children.get(path)
        return self.getChild(path, request) if child is None else child

    # -- answering

    def render(self, request: Any) -> Any:
        """Call the method for the request's method. UnsupportedMethod if there is none."""
        method = request.method
        name = _METHODS.get(method) or f"render_{method.decode('latin-1') if isinstance(method, bytes) else method}"
        render = getattr(self, name, None)
        if render is None:
            raise UnsupportedMethod(self._allowed())
        return render(request)

    def _allowed(self) -> list[bytes]:
        return _computed(self) if self.allowedMethods is None else list(self.allowedMethods)

    def render_HEAD(self, request: Any) -> Any:
        """As for GET: the body is not sent."""
        return self.render_GET(request)

    def render_GET(self, request: Any) -> Any:
        """What a plain resource has to say: nothing."""
        raise UnsupportedMethod(self._allowed())


_METHODS = {
    name: f"render_{name.decode()}" for name in (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH")
}


def _computed(resource: Resource) -> list[bytes]:
    """The methods for which the resource has a render method."""
    names = {name.removeprefix("render_") for name in dir(resource) if name.startswith("render_")}
    if type(resource).render_GET is Resource.render_GET:
        names -= {"GET", "HEAD"}
    return sorted(name.encode("ascii", "replace") for name in names)


def getChildForRequest(resource: Any, request: Any) -> Any:
    """Follow a request's path down from `resource`; `prepath` and `postpath` of the request tell how far that has come."""
    postpath, prepath = request.postpath, request.prepath
    while postpath and not resource.isLeaf:
        part = postpath.pop(0)
        prepath.append(part)
        resource = resource.getChildWithDefault(part, request)
    return resource


def answer_unsupported(request: Any, error: UnsupportedMethod, resource: Any) -> bytes:
    """The answer to a method that a resource does not know (RFC 9110, sections 15.5.6 and 15.6.2). Returns the body."""
    allowed = [method if isinstance(method, bytes) else str(method).encode() for method in error.allowedMethods]
    known = request.method in _METHODS
    request.setResponseCode(405 if known else 501)
    if known:
        request.setHeader(b"allow", b", ".join(sorted(allowed)))
    request.setHeader(b"content-type", b"text/html; charset=utf-8")
    code = request.code
    page = b"<!DOCTYPE html><html><head><title>%d - %b</title></head><body><h1>%b</h1></body></html>"
    return page % (code, RESPONSES[code], RESPONSES[code])
