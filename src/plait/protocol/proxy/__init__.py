"""Proxies: what carries the bytes of one connection over another.

In reading order: `forward` (a port that stands for one on another host), `socks_core` (the SOCKS protocols 4, 4a and 5 as bytes
and events), `socks_server`, `socks_client`. The PROXY protocol, by which a load balancer says who has connected, is
`plait.transport.haproxy`.
"""

from plait.protocol.proxy.forward import Proxy, ProxyClient, ProxyClientFactory, ProxyFactory, ProxyServer
from plait.protocol.proxy.socks_client import SOCKSClientFactory, SOCKSClientProtocol
from plait.protocol.proxy.socks_core import SOCKSClientCore, SOCKSError, SOCKSLogin, SOCKSRequest, SOCKSServerCore
from plait.protocol.proxy.socks_server import SOCKSServer, SOCKSServerFactory

__all__ = [
    "Proxy",
    "ProxyClient",
    "ProxyClientFactory",
    "ProxyFactory",
    "ProxyServer",
    "SOCKSClientCore",
    "SOCKSClientFactory",
    "SOCKSClientProtocol",
    "SOCKSError",
    "SOCKSLogin",
    "SOCKSRequest",
    "SOCKSServer",
    "SOCKSServerCore",
    "SOCKSServerFactory",
]
