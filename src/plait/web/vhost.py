"""Several sites on one port: by the Host header, or by what a proxy in front writes into the path."""

from __future__ import annotations

from typing import Any

from plait.web.pages import notFound
from plait.web.resource import Resource

__all__ = ["HostResource", "NameVirtualHost", "VHostMonsterResource"]


class NameVirtualHost(Resource):
    """Leads to a resource for each name that the server has.

    :ivar hosts: the resources by name, in lower case and without a port.
    :ivar default: the resource for every other name, and for who names none; None answers 404.
    """

    default: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.hosts: dict[bytes, Any] = {}

    def addHost(self, name: bytes, resrc: Any) -> None:
        """Let `resrc` answer for the host `name`."""
        self.hosts[name.lower()] = resrc

    def removeHost(self, name: bytes) -> None:
        """Answer for the host `name` no more."""
        del self.hosts[name.lower()]

    def _resource_for(self, request: Any) -> Any:
        header: bytes | None = request.getHeader(b"host")
        resource = self.default
        if header is not None:
            resource = self.hosts.get(_name(header.lower()), resource)
        return resource if resource is not None else notFound(message="There is no site of this name here.")

    def render(self, request: Any) -> bytes | int:
        """As the host's resource."""
        answer: bytes | int = self._resource_for(request).render(request)
        return answer

    def getChild(self, path: bytes, request: Any) -> Any:
        """The child of the host's resource, or that resource itself where it is a leaf."""
        resource = self._resource_for(request)
        if resource.isLeaf:
            request.postpath.insert(0, request.prepath.pop())
            return resource
        return resource.getChildWithDefault(path, request)


def _name(header: bytes) -> bytes:
    """The host in a Host header, which may have a port (RFC 9110, section 7.2). An IPv6 address keeps its brackets."""
    if header.startswith(b"["):
        return header.partition(b"]")[0] + b"]"
    return header.partition(b":")[0]


class HostResource(Resource):
    """The part ``/name`` or ``/name:port`` of an address behind a `VHostMonsterResource`."""

    def getChild(self, path: bytes, request: Any) -> Any:
        """What the site has at the rest of the path, as if `path` had been asked for it."""
        name, colon, port = path.rpartition(b":")
        if not colon or not port.isdigit():
            name, port = path, b"443" if request.isSecure() else b"80"
        request.setHost(name, int(port))
        parts = request.uri.split(b"/", len(request.prepath) + 1)
        request.uri = b"/" + parts[-1] if len(parts) > len(request.prepath) + 1 else b"/"
        request.path = b"/" + b"/".join(request.postpath)
        request.prepath.clear()
        return request.site.getResourceFor(request)


class VHostMonsterResource(Resource):
    """Lets a proxy say what its client asked for: ``/vhost/http/example.com/path`` is ``http://example.com/path``.

    Put it where only the proxy can reach it: whoever can may claim any host, and that the connection is safe.
    """

    def getChild(self, path: bytes, request: Any) -> Any:
        """What reads the host, for ``http`` and ``https``; everything else is not there."""
        if path not in (b"http", b"https"):
            return notFound()
        secure = path == b"https"
        request.isSecure = lambda: secure
        return HostResource()
