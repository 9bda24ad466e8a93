"""A forward proxy: passes requests on to whichever server they name (RFC 9110, sections 7.6 and 9.3.6).

A stranger who can use it can reach what this machine can reach, so it goes to public addresses only, and makes tunnels to port
443 only, unless it is told otherwise; and who may use it is decided by where it listens.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from plait import errors
from plait.current import getReactor
from plait.endpoints import HostnameEndpoint, connectProtocol
from plait.interfaces import IHalfCloseableProtocol, implementer
from plait.protocol.policies import TimeoutMixin
from plait.protocol.proxy.forward import Proxy, join, part
from plait.web.error import HTTPError
from plait.web.later import NOT_DONE_YET
from plait.web.resource import Resource
from plait.web.upstream import CONNECT_TIMEOUT, Upstream, lengthOf, passedOn

if TYPE_CHECKING:
    from plait.failure import Failure
    from plait.web.request import Request

__all__ = ["ForwardProxyResource"]


class ForwardProxyResource(Resource):
    """For the root of a site: ``Site(ForwardProxyResource())`` is a proxy that browsers and ``curl -x`` can use.

    :param connectPorts: ports to which tunnels (CONNECT) are made; empty for all.
    :param private: go to addresses that are not public (RFC 6890), too: this machine, the local network.
    :param hosts: names and addresses to which it goes, with what is below them (``example.org`` stands for ``www.example.org``,
        too); None for all.
    :param idleTimeout: seconds without a byte either way after which a tunnel is closed; None for never.
    :param reactor: None is the default reactor.
    """

    isLeaf = True

    def __init__(
        self,
        connectPorts: Collection[int] = (443,),
        private: bool = False,
        hosts: Collection[str] | None = None,
        idleTimeout: float | None = 600.0,
        reactor: Any = None,
    ) -> None:
        super().__init__()
        self.connectPorts = connectPorts
        self.private = private
        self.hosts = None if hosts is None else {host.lower().rstrip(".") for host in hosts}
        self.idleTimeout = idleTimeout
        self.reactor = reactor
        # ours alone, so that a request that comes back is known
        self._name = b"plait-" + secrets.token_hex(4).encode()

    async def render(self, request: Request) -> int:
        """Pass the request on. 400, 403, 502, 504 and 508 say why that cannot be."""
        if request.method == b"CONNECT":
            host, port = self._authority(request.uri)
            if self.connectPorts and port not in self.connectPorts:
                raise HTTPError(403, f"no tunnels are made to port {port}")
            tunnel = _Tunnel(self.idleTimeout)
            await self._connect(host, port, tunnel)
            request.upgrade(tunnel.client(), b"HTTP/1.1 200 Connection established\r\n\r\n")
            return NOT_DONE_YET
        host, port, head = self._head(request)
        await self._connect(host, port, Upstream(request, head, b"1.1 " + self._name))
        return NOT_DONE_YET

    def _authority(self, target: bytes) -> tuple[str, int]:
        host, colon, port = target.decode("ascii", "replace").rpartition(":")
        if not (host and colon and port.isdecimal() and 0 < int(port) < 65536):
            raise HTTPError(400, "CONNECT needs HOST:PORT")
        return host.removeprefix("[").removesuffix("]"), int(port)

    def _head(self, request: Request) -> tuple[str, int, bytes]:
        try:
            url = urlsplit(request.uri)
            host, port = (url.hostname or b"").decode("ascii"), url.port or 80
        except ValueError:
            raise HTTPError(400, "the URL is malformed") from None
        if url.scheme != b"http" or not host:
            raise HTTPError(400, "this is a proxy: ask it for a whole URL, http://HOST/PATH, or for a tunnel")
        for value in request.requestHeaders.getRawHeaders(b"via", []):
            if self._name in value:
                raise HTTPError(508, "this request has been here before")
        target = (url.path or b"/") + (b"?" + url.query if url.query else b"")
        lines = [
            b"%b %b HTTP/1.1" % (request.method, target),
            *passedOn(request),
            b"Host: " + url.netloc.rpartition(b"@")[2],
            b"Via: %b %b" % (request.clientproto.removeprefix(b"HTTP/"), self._name),
            *lengthOf(request),
            b"Connection: close",
        ]
        return host, port, b"\r\n".join([*lines, b"", b""])

    async def _connect(self, host: str, port: int, protocol: Any) -> None:
        if self.hosts is not None and not self._is_known(host.lower().rstrip(".")):
            raise HTTPError(403, f"this proxy does not go to {host}")
        endpoint = HostnameEndpoint(
            self.reactor or getReactor(), host, port, CONNECT_TIMEOUT, permit=None if self.private else _is_public
        )
        try:
            await connectProtocol(endpoint, protocol)
        except PermissionError:
            raise HTTPError(403, f"{host} is no public address") from None
        except ValueError:
            raise HTTPError(400, f"{host} is no name of a host") from None
        except (errors.TimeoutError, errors.TCPTimedOutError):
            raise HTTPError(504, f"{host} does not answer") from None
        except (errors.ConnectError, errors.DNSLookupError) as error:
            raise HTTPError(502, f"{host} cannot be reached: {error}") from None

    def _is_known(self, host: str) -> bool:
        assert self.hosts is not None
        return any(host == known or host.endswith("." + known) for known in self.hosts)


def _is_public(address: Any) -> bool:
    ip = ip_address(address.host.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


@implementer(IHalfCloseableProtocol)
class _Tunnel(Proxy, TimeoutMixin):
    """One end of a tunnel. The other one's client has its end when there is a connection for it."""

    noisy = False
    _begun = False

    def __init__(self, idle: float | None) -> None:
        self._idle = idle

    def client(self) -> _Tunnel:
        """The client's end, joined to this one."""
        other = _Tunnel(self._idle)
        other.setPeer(self)
        self.setPeer(other)
        return other

    def connectionMade(self) -> None:
        """Wait for the client's end; that one lets both begin."""
        if self.peer is None:
            self.transport.pauseProducing()
            return
        join(self.transport, self.peer.transport)
        for end in (self, self.peer):
            end.setTimeout(self._idle)
            end.transport.resumeProducing()

    def dataReceived(self, data: bytes) -> None:
        """Carry it over."""
        if self.peer is not None:
            self.peer.transport.write(data)
            self.peer.resetTimeout()
        self.resetTimeout()

    def readConnectionLost(self) -> None:
        """There will be nothing more from here."""
        if self.peer is not None:
            part(self.peer.transport)
            self.peer.transport.loseWriteConnection()

    def writeConnectionLost(self) -> None:
        """All that came from the other end is sent."""

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Close the other end."""
        self.setTimeout(None)
        super().connectionLost(reason)

    def timeoutConnection(self) -> None:
        """Nothing has come for too long."""
        self.transport.abortConnection()
