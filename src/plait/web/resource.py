"""The tree of resources: what a path leads to, and what answers the request for it.

A path is walked one segment at a time, from the site's root: `Resource.getChildWithDefault` leads from one resource to the
next, until there are no segments left or a resource says that it is a leaf.
"""

from __future__ import annotations

from typing import Any

from plait.interfaces import implementer
from plait.web.error import UnsupportedMethod
from plait.web.interfaces import IResource
from plait.web.pages import notFound

__all__ = ["IResource", "Resource", "getChildForRequest"]

_PREFIX = "render_"


@implementer(IResource)
class Resource:
    """Answers a method with the method of that name, ``render_GET`` for GET; leads to the children that it was given.

    :cvar isLeaf: whether the rest of the path is its own affair.
    :cvar allowedMethods: the methods that it answers; None for those that it has a ``render_`` method for.
    """

    isLeaf: bool = False
    allowedMethods: Any = None
    server: Any = None

    def __init__(self) -> None:
        self.children: dict[bytes, Any] = {}

    # The methods of a mapping, as Twisted's resources have them: a static entity is known by its name.

    def listStaticNames(self) -> list[bytes]:
        """The names of the children that were put here."""
        return list(self.children)

    def listStaticEntities(self) -> list[tuple[bytes, Any]]:
        """The children that were put here, with their names."""
        return list(self.children.items())

    def listNames(self) -> list[bytes]:
        """The names of all children; a subclass that makes some as they are asked for may add them."""
        return self.listStaticNames()

    def listEntities(self) -> list[tuple[bytes, Any]]:
        """All children with their names."""
        return self.listStaticEntities()

    def getStaticEntity(self, name: bytes) -> Any:
        """The child that was put here as `name`, or None."""
        return self.children.get(name)

    def putChild(self, path: bytes, child: Any) -> None:
        """Let `child` be what `path` leads to.

        :param path: one segment, unquoted; the empty one is what a slash at the end leads to.
        :raises TypeError: `path` is not bytes.
        """
        if not isinstance(path, bytes):
            raise TypeError(f"The segment of a path is bytes, not {path!r}.")
        self.children[path] = child
        child.server = self.server

    def delEntity(self, name: bytes) -> None:
        """Forget the child `name`."""
        del self.children[name]

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """The child that was put here as `path`; else what `getChild` says."""
        child = self.children.get(path)
        return child if child is not None else self.getChild(path, request)

    def getChild(self, path: bytes, request: Any) -> Any:
        """What `path` leads to where no child was put; to be overridden. Here, a page that says that there is nothing."""
        return notFound(message="No such child resource.")

    def render(self, request: Any) -> bytes | int:
        """Answer `request` with the method for its method.

        :raises UnsupportedMethod: there is none.
        """
        method: str | bytes = request.method
        name = method.decode("latin-1") if isinstance(method, bytes) else method
        handler = getattr(self, _PREFIX + name, None)
        if handler is None:
            raise UnsupportedMethod(self._allowed())
        answer: bytes | int = handler(request)
        return answer

    def render_HEAD(self, request: Any) -> bytes | int:
        """As GET: the request leaves the body out."""
        return self.render_GET(request)

    def render_GET(self, request: Any) -> bytes | int:
        """:raises UnsupportedMethod: always, unless it is overridden."""
        raise UnsupportedMethod(self._allowed())

    def _allowed(self) -> list[bytes]:
        if self.allowedMethods is not None:
            return list(self.allowedMethods)
        names = {name.removeprefix(_PREFIX) for name in dir(self) if name.startswith(_PREFIX)}
        if type(self).render_GET is Resource.render_GET:
            names -= {"GET", "HEAD"}
        return sorted(name.encode("latin-1") for name in names)


def getChildForRequest(resource: Any, request: Any) -> Any:
    """What the rest of the request's path leads to from `resource`. The segments that are used go from the request's `postpath`
    to its `prepath`.
    """
    while request.postpath and not resource.isLeaf:
        segment = request.postpath.pop(0)
        request.prepath.append(segment)
        resource = resource.getChildWithDefault(segment, request)
    return resource
