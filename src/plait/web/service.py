"""The ready web server: what ``plait web`` and ``plait run web`` run."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, Literal
from urllib.parse import urlsplit

from plait.current import getReactor
from plait.endpoints import quoteStringArgument
from plait.errors import OptionError
from plait.service import MultiService, Service, StreamServerEndpointService
from plait.web.accesslog import jsonLogFormatter
from plait.web.limits import Limits
from plait.web.site import Site
from plait.web.static import File


def web(
    *,
    path: str | None = None,
    asgi: str | None = None,
    wsgi: str | None = None,
    proxy: str | None = None,
    forward_proxy: bool = False,
    listen: list[str] | None = None,
    https: int | None = None,
    certificate: str | None = None,
    key: str | None = None,
    certificates: str | None = None,
    access_log: str | None = None,
    access_log_format: Literal["combined", "json"] = "combined",
    index: list[str] | None = None,
    hidden: bool = False,
    listing: bool = True,
    tracebacks: bool = False,
    timeout: float = 60.0,
    max_body: int | None = None,
    private: bool = False,
    only_to: list[str] | None = None,
    tunnel_port: list[str] | None = None,
) -> MultiService:
    """Serves files, an ASGI or WSGI application, or what another web server has.

    :param path: the folder (or file) to serve
    :param asgi: the ASGI application to serve, MODULE:NAME
    :param wsgi: the WSGI application to serve, MODULE:NAME
    :param proxy: the URL whose pages to pass on, http://host:port/
    :param forward_proxy: be a proxy for whole URLs and tunnels (curl -x), for this machine only unless --listen says more
    :param listen: where to listen: a port, or an endpoint such as tcp:8080:interface=127.0.0.1
        (default: tcp:8080, if --https is not given)
    :param https: the port to serve HTTPS at
    :param certificate: the PEM file of the certificate and its chain, for --https
    :param key: the PEM file of its key; if it is not in the same file
    :param certificates: a folder with certificates for several host names, for --https
    :param access_log: the file to which to write a line for each answer, '-' is standard output
    :param access_log_format: the form of these lines
    :param index: a file that stands for its folder, instead of index.html and its kin
    :param hidden: serve files that begin with a dot, too
    :param listing: list folders that have no index file
    :param tracebacks: show the traceback of an error to the visitor: to develop
    :param timeout: seconds after which an idle connection is closed
    :param max_body: bytes that a request's body may have
        (default: 104857600; as many as it takes for an ASGI application)
    :param private: let the forward proxy go to addresses that are not public, too
    :param only_to: a host to which alone the forward proxy goes, with all below it
    :param tunnel_port: a port to which the forward proxy makes tunnels, or 'all' (default: 443)
    """
    places = (
        ("path", path),
        ("asgi", asgi),
        ("wsgi", wsgi),
        ("proxy", proxy),
        ("forward-proxy", forward_proxy or None),
    )
    chosen = [name for name, value in places if value is not None]
    if len(chosen) != 1:
        given = f", not {' and '.join('--' + name for name in chosen)}" if chosen else ""
        raise OptionError(f"say what to serve with one of --path, --asgi, --wsgi, --proxy and --forward-proxy{given}")
    if not forward_proxy and (private or only_to or tunnel_port):
        raise OptionError("--private, --only-to and --tunnel-port are for --forward-proxy")
    reactor = getReactor()
    service = MultiService()
    root: Any
    if path is not None:
        root = _files(path, index, hidden, listing)
    elif asgi is not None:
        from plait.web.asgi import ASGIResource

        root = ASGIResource(_load(asgi, "--asgi", ("app", "application")))
        service.addService(_Lifespan(root))
    elif wsgi is not None:
        from plait.web.wsgi import WSGIResource

        root = WSGIResource(reactor, reactor.getThreadPool(), _load(wsgi, "--wsgi", ("application", "app")))
    elif forward_proxy:
        root = _forward_proxy(private, only_to, tunnel_port or ["443"])
        listen = listen or (None if https is not None else ["tcp:8080:interface=127.0.0.1"])
    else:
        assert proxy is not None
        root = _proxy(proxy)
    formatter = jsonLogFormatter if access_log_format == "json" else None
    limits = Limits() if max_body is None else Limits(maxBody=max_body, maxStreamedBody=max_body)
    site = Site(root, timeout=timeout or None, logFormatter=formatter, limits=limits)
    site.displayTracebacks = tracebacks
    if access_log == "-":
        site.logFile = sys.stdout
    elif access_log is not None:
        site.logPath = os.path.abspath(access_log)
    for place in _places(listen, https, certificate, key, certificates):
        service.addService(StreamServerEndpointService(place, site))
    return service


def _files(path: str, index: list[str] | None, hidden: bool, listing: bool) -> File:
    if not os.path.exists(path):
        raise OptionError(f"there is nothing at --path {path}")
    root = File(os.path.abspath(path), defaultType="application/octet-stream", hidden=hidden, listing=listing)
    if index:
        root.indexNames = index
    return root


def _load(name: str, option: str, usual: tuple[str, ...]) -> Any:
    """The object that ``module:name`` means."""
    module_name, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise  # something that it imports: its traceback tells more
        raise OptionError(f"{option} {name}: there is no module {module_name} here") from None
    names = attribute.split(".") if attribute else [next((n for n in usual if hasattr(found, n)), usual[0])]
    for part in names:
        if not hasattr(found, part):
            raise OptionError(f"{option} {name}: {module_name} has no {'.'.join(names)}")
        found = getattr(found, part)
    if not callable(found):
        raise OptionError(f"{option} {name} is {type(found).__name__}, which is no application")
    return found


def _proxy(url: str) -> Any:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise OptionError(f"--proxy {url}: it has to be http://HOST[:PORT][/PATH]")
    from plait.web.proxy import ReverseProxyResource

    return ReverseProxyResource(parts.hostname, parts.port or 80, parts.path.rstrip("/").encode())


def _forward_proxy(private: bool, only_to: list[str] | None, tunnel_ports: list[str]) -> Any:
    for port in tunnel_ports:
        if port != "all" and not (port.isdecimal() and 0 < int(port) < 65536):
            raise OptionError(f"--tunnel-port {port}: it has to be a port, or 'all'")
    from plait.web.forwardproxy import ForwardProxyResource

    ports = () if "all" in tunnel_ports else {int(port) for port in tunnel_ports}
    return ForwardProxyResource(connectPorts=ports, private=private, hosts=only_to)


def _places(
    listen: list[str] | None, https: int | None, certificate: str | None, key: str | None, certificates: str | None
) -> list[str]:
    places = [f"tcp:{place}" if place.isdigit() else place for place in listen or ()]
    if https is not None:
        if (certificate is None) == (certificates is None):
            raise OptionError("--https needs a --certificate (and its --key), or a folder of --certificates")
        if certificates is not None:
            places.append(f"tls:{https}:certificates={quoteStringArgument(certificates)}")
        else:
            assert certificate is not None
            files = f"privateKey={quoteStringArgument(key or certificate)}:certKey={quoteStringArgument(certificate)}"
            places.append(f"tls:{https}:{files}")
    elif certificate or key or certificates:
        raise OptionError("--certificate, --key and --certificates are for --https: add that")
    return places or ["tcp:8080"]


class _Lifespan(Service):
    """Tells an ASGI application of its beginning and its end. It stands before the ports: they open when it is ready."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    def privilegedStartService(self) -> Any:
        """Before rights are given up the application has no business."""

    async def startService(self) -> None:
        """Let it begin."""
        super().startService()
        await self._resource.startup()

    async def stopService(self) -> None:
        """Let it end."""
        super().stopService()
        await self._resource.shutdown()
