r"""Endpoints as strings: ``tcp:80:interface=127.0.0.1``, ``unix:/run/a.socket``, ``tls:example.com:443``.

A string is a kind and its arguments, with colons between them. An argument is a value, or ``name=value``; values without
a name fill in what is not named, in order. A backslash takes the meaning from the colon, equals sign or backslash behind
it (`quoteStringArgument` sets them). A configuration file, or a command line, needs no more to say where to listen.

A package adds kinds with entry points of the group ``plait.endpoints``: the name is the kind, the object has
``parseStreamServer(reactor, *args, **kwargs)``, or ``parseStreamClient`` with the same arguments, or both.
"""

from __future__ import annotations

import inspect
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from typing import Any

from plait.endpoints.contexts import client_context, server_context, tls_server_context, trusting
from plait.endpoints.direct import (
    AdoptedStreamServerEndpoint,
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    StandardIOEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
)
from plait.endpoints.hostname import HostnameEndpoint
from plait.endpoints.wrapping import WrapperEndpoint, proxyEndpoint, wrapClientTLS
from plait.interfaces import IStreamClientEndpoint, IStreamServerEndpoint
from plait.transport import handover
from plait.transport.tls import verifiedClientContextFactory

Parser = Callable[..., Any]


def quoteStringArgument(argument: str) -> str:
    """`argument`, with backslashes where an endpoint's string needs them."""
    for special in ("\\", ":"):
        argument = argument.replace(special, "\\" + special)
    return argument


def serverFromString(reactor: Any, description: str | bytes) -> IStreamServerEndpoint:
    """The endpoint that a string describes, to listen at.

    - ``tcp:PORT:interface=ADDRESS:backlog=N``, ``tcp6:`` with the same;
    - ``unix:PATH:mode=660:backlog=N:lockfile=0``;
    - ``tls:PORT:privateKey=FILE:certKey=FILE:extraCertChain=FILE:interface=…:backlog=N``, or ``certificates=FOLDER`` in place of
      the files for a certificate of each name (`plait.transport.tls.ServerContexts`); ``trustRoots=FOLDER`` if clients have to
      show one, too;
    - ``ssl:PORT:privateKey=FILE:certKey=FILE:extraCertChain=FILE:interface=…:backlog=N``, and ``sslmethod=TLSv1_2_METHOD`` or
      ``dhParameters=FILE`` where an old client needs that;
    - ``stdio:``;
    - ``fd:NUMBER``: a socket that this process was given;
    - ``systemd:domain=INET:index=N``, or ``name=NAME``: a socket from the service manager (``sd_listen_fds(3)``);
    - ``haproxy:`` before any of these: a PROXY header comes first.

    :raises ValueError: if the string describes none.
    """
    endpoint: IStreamServerEndpoint = endpoint_of(reactor, description, SERVERS, "parseStreamServer")
    return endpoint


def clientFromString(reactor: Any, description: str | bytes) -> IStreamClientEndpoint:
    """The endpoint that a string describes, to connect to.

    - ``tcp:HOST:PORT:timeout=SECONDS:bindAddress=ADDRESS``;
    - ``tls:HOST:PORT:timeout=…:bindAddress=…:certificate=FILE:privateKey=FILE:trustRoots=FOLDER``: all addresses of the
      host are tried, and its certificate is checked; ``endpoint=`` and another string in it: the way there;
    - ``unix:PATH:timeout=SECONDS:lockfile=1``;
    - ``ssl:HOST:PORT:privateKey=FILE:certKey=FILE:caCertsDir=FOLDER:hostname=NAME:timeout=…:bindAddress=…``: it checks the
      certificate only with `caCertsDir` or `hostname`, and the name only with `hostname`; prefer ``tls:``.

    :raises ValueError: if the string describes none.
    """
    endpoint: IStreamClientEndpoint = endpoint_of(reactor, description, CLIENTS, "parseStreamClient")
    return endpoint


def parse(description: str) -> tuple[list[str], dict[str, str]]:
    """The values without a name, of which the first is the kind, and those with one."""
    args: list[str] = []
    kwargs: dict[str, str] = {}
    for name, value in _arguments(description):
        if name is None:
            args.append(value)
        elif name in kwargs:
            raise ValueError(f"{name} is given twice in the endpoint {description!r}")
        else:
            kwargs[name] = value
    return args, kwargs


def _arguments(description: str) -> Iterator[tuple[str | None, str]]:
    name, value = None, ""
    characters = iter(description)
    for character in characters:
        if character == ":":
            yield name, value
            name, value = None, ""
        elif character == "=" and name is None:
            name, value = value, ""
        elif character == "\\":
            escaped = next(characters, None)
            if escaped is None:
                raise ValueError(
                    f"the endpoint {description!r} ends in the midst of an escape: write \\\\ for a backslash"
                )
            value += escaped
        else:
            value += character
    yield name, value


def endpoint_of(
    reactor: Any,
    description: str | bytes,
    known: dict[str, Parser],
    method: str,
    more: Callable[[str], Parser | None] = lambda kind: None,
) -> Any:
    """The endpoint that `description` means: of a `known` kind, of one of a package's, or of one that `more` has."""
    if isinstance(description, bytes):
        description = description.decode("utf-8")
    if method == "parseStreamServer" and description.startswith("haproxy:"):
        return proxyEndpoint(endpoint_of(reactor, description.removeprefix("haproxy:"), known, method, more))
    args, kwargs = parse(description)
    kind = args.pop(0) if args else ""
    parser = known.get(kind)
    if parser is not None:
        return parser(reactor, **_named(parser, kind, args, kwargs))
    parser = more(kind) or _from_packages(kind, method)
    if parser is None:
        raise ValueError(f"Unknown endpoint type: {kind!r}")
    return parser(reactor, *args, **kwargs)


def _from_packages(kind: str, method: str) -> Parser | None:
    for entry in entry_points(group="plait.endpoints", name=kind):
        parser: Parser | None = getattr(entry.load(), method, None)
        if parser is not None:
            return parser
    return None


def _named(parser: Parser, kind: str, args: list[str], kwargs: dict[str, str]) -> dict[str, str]:
    """All arguments by name. What is too much, or is missing, is a ValueError."""
    parameters = list(inspect.signature(parser).parameters.values())[1:]
    names = [parameter.name for parameter in parameters]
    for name in kwargs:
        if name not in names:
            raise ValueError(f"{kind} endpoints have no argument {name!r}; they have: {', '.join(names)}")
    free = [name for name in names if name not in kwargs]
    if len(args) > len(free):
        raise ValueError(f"too much in the {kind} endpoint: {args[len(free)]!r} (write \\: for a colon within a value)")
    named = {**kwargs, **dict(zip(free, args, strict=False))}
    for parameter in parameters:
        if parameter.default is inspect.Parameter.empty and not named.get(parameter.name):
            raise ValueError(f"the {kind} endpoint needs a {parameter.name}")
    return named


def to_number(what: str, text: str, base: int = 10) -> int:
    """The number that is the value of `what`. ValueError if it is none."""
    try:
        return int(text, base)
    except ValueError:
        kind = "an octal number" if base == 8 else "a number"
        raise ValueError(f"{what} must be {kind}, not {text!r}") from None


def to_seconds(text: str) -> float:
    """The value of ``timeout``. ValueError if it is no number."""
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise ValueError(f"timeout must be a number of seconds, not {text!r}") from None


def to_binding(address: str | None) -> tuple[str, int] | None:
    """The value of ``bindAddress``, as the reactor takes it."""
    return None if address is None else (address, 0)


# -- to listen at


def _tcp_server(reactor: Any, port: str, interface: str = "", backlog: str = "50") -> TCP4ServerEndpoint:
    return TCP4ServerEndpoint(reactor, to_number("port", port), to_number("backlog", backlog), interface)


def _tcp6_server(reactor: Any, port: str, backlog: str = "50", interface: str = "::") -> TCP6ServerEndpoint:
    return TCP6ServerEndpoint(reactor, to_number("port", port), to_number("backlog", backlog), interface)


def _unix_server(
    reactor: Any, address: str, mode: str = "666", backlog: str = "50", lockfile: str = "1"
) -> UNIXServerEndpoint:
    return UNIXServerEndpoint(
        reactor,
        address,
        to_number("backlog", backlog),
        to_number("mode", mode, 8),
        bool(to_number("lockfile", lockfile)),
    )


def _ssl_server(
    reactor: Any,
    port: str,
    privateKey: str = "server.pem",
    certKey: str | None = None,
    sslmethod: str = "TLS_METHOD",
    interface: str = "",
    backlog: str = "50",
    extraCertChain: str | None = None,
    dhParameters: str | None = None,
) -> SSL4ServerEndpoint:
    context = server_context(privateKey, certKey, extraCertChain, sslmethod, dhParameters)
    return SSL4ServerEndpoint(reactor, to_number("port", port), context, to_number("backlog", backlog), interface)


def _tls_server(
    reactor: Any,
    port: str,
    privateKey: str | None = None,
    certKey: str | None = None,
    extraCertChain: str | None = None,
    certificates: str | None = None,
    trustRoots: str | None = None,
    interface: str = "",
    backlog: str = "50",
) -> SSL4ServerEndpoint:
    context = tls_server_context(privateKey, certKey, extraCertChain, certificates, trustRoots)
    return SSL4ServerEndpoint(reactor, to_number("port", port), context, to_number("backlog", backlog), interface)


def _stdio_server(reactor: Any, nothing: str = "") -> StandardIOEndpoint:
    if nothing:
        raise ValueError(f"stdio endpoints have no arguments: {nothing!r}")
    return StandardIOEndpoint(reactor)


def _fd_server(reactor: Any, fileno: str) -> AdoptedStreamServerEndpoint:
    number = to_number("fileno", fileno)
    try:
        with socket.socket(fileno=os.dup(number)) as sock:
            family = sock.family
    except OSError as e:
        raise ValueError(f"descriptor {number} is no socket that this process has: {e}") from None
    return AdoptedStreamServerEndpoint(reactor, number, family)


def _systemd_server(
    reactor: Any, domain: str, index: str | None = None, name: str | None = None
) -> AdoptedStreamServerEndpoint:
    return given_endpoint(reactor, *given_descriptors(), domain, index, name)


def given_endpoint(
    reactor: Any, given: Sequence[int], names: Sequence[str], domain: str, index: str | None, name: str | None
) -> AdoptedStreamServerEndpoint:
    """One of the sockets that the service manager opened (their numbers, and their names): the one at `index`, or `name`."""
    family = getattr(socket, f"AF_{domain}", None)
    if family is None:
        raise ValueError(f"domain must be INET, INET6 or UNIX, not {domain!r}")
    if (index is None) == (name is None):
        raise ValueError("the systemd endpoint needs either an index or a name")
    if name is not None:
        if name not in names[: len(given)]:
            raise ValueError(f"the service manager gave no socket {name!r}; it gave: {', '.join(names) or 'none'}")
        return AdoptedStreamServerEndpoint(reactor, given[names.index(name)], family)
    number = to_number("index", index or "")
    if not 0 <= number < len(given):
        raise ValueError(f"the service manager gave no socket {number}; it gave {len(given)}, counted from 0")
    return AdoptedStreamServerEndpoint(reactor, given[number], family)


def given_descriptors() -> tuple[Sequence[int], list[str]]:
    """What the service manager opened for this process, or the one whose place it has taken: numbers, and names."""
    names = os.environ.get("LISTEN_FDNAMES", "")
    if handover.given:
        return handover.given, names.split(":") if names else []
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return (), []
    count = to_number("LISTEN_FDS", os.environ.get("LISTEN_FDS", "0"))
    return range(3, 3 + count), names.split(":") if names else []


SERVERS: dict[str, Parser] = {
    "tcp": _tcp_server,
    "tcp6": _tcp6_server,
    "unix": _unix_server,
    "ssl": _ssl_server,
    "tls": _tls_server,
    "stdio": _stdio_server,
    "fd": _fd_server,
    "systemd": _systemd_server,
}


# -- to connect to


def _tcp_client(
    reactor: Any, host: str, port: str, timeout: str = "30", bindAddress: str | None = None
) -> TCP4ClientEndpoint:
    return TCP4ClientEndpoint(reactor, host, to_number("port", port), to_seconds(timeout), to_binding(bindAddress))


def _unix_client(reactor: Any, path: str, timeout: str = "30", lockfile: str = "0") -> UNIXClientEndpoint:
    return UNIXClientEndpoint(reactor, path, to_seconds(timeout), bool(to_number("lockfile", lockfile)))


def _ssl_client(
    reactor: Any,
    host: str,
    port: str,
    timeout: str = "30",
    bindAddress: str | None = None,
    privateKey: str | None = None,
    certKey: str | None = None,
    caCertsDir: str | None = None,
    hostname: str | None = None,
) -> SSL4ClientEndpoint:
    if hostname is not None:
        context: Any = verifiedClientContextFactory(hostname, trusting(caCertsDir, certKey, privateKey))
    else:
        context = client_context(caCertsDir, certKey, privateKey)
    return SSL4ClientEndpoint(
        reactor, host, to_number("port", port), context, to_seconds(timeout), to_binding(bindAddress)
    )


def _tls_client(
    reactor: Any,
    host: str,
    port: str = "",
    timeout: str = "30",
    bindAddress: str | None = None,
    certificate: str | None = None,
    privateKey: str | None = None,
    trustRoots: str | None = None,
    endpoint: str | None = None,
) -> WrapperEndpoint:
    way: Any
    if endpoint is not None:
        way = clientFromString(reactor, endpoint)
        name = host
    else:
        if not port:
            raise ValueError("the tls endpoint needs a port")
        way = HostnameEndpoint(reactor, host, to_number("port", port), to_seconds(timeout), to_binding(bindAddress))
        name = way._hostStr
    return wrapClientTLS(verifiedClientContextFactory(name, trusting(trustRoots, certificate, privateKey)), way)


CLIENTS: dict[str, Parser] = {
    "tcp": _tcp_client,
    "unix": _unix_client,
    "ssl": _ssl_client,
    "tls": _tls_client,
}
