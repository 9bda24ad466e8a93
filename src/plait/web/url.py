"""Taking a URL apart, and following a relative one (RFC 3986; the wire form of non-ASCII ones is that of RFC 3987, 3.1).

What goes on the wire is checked here once: a URL with a control character or a space is refused, for a line break in it
would end the request line and let the URL's author write headers, or a second request, of his own.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple
from urllib.parse import quote_from_bytes, urljoin

from plait.web.error import InvalidURL, printable

__all__ = ["DEFAULT_PORTS", "URL", "join", "parse"]

DEFAULT_PORTS = {b"http": 80, b"https": 443}

# scheme "://" authority path-and-query [ "#" fragment ]; RFC 3986, appendix B, for URLs that have an authority.
_URL = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(?:#.*)?", re.DOTALL)
_AUTHORITY = re.compile(rb"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]*))?")
# Stricter than reg-name in RFC 3986: these are the names that a resolver knows (with "_", which some networks use).
_HOST = re.compile(rb"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?")
_FORBIDDEN = re.compile(rb"[\x00-\x20\x7f]")
# What may stay as it is in path and query: reserved and unreserved characters, and "%", which is there already encoded.
_SAFE = "!$&'()*+,;=:@/?%[]~"


class URL(NamedTuple):
    """The parts of an HTTP URL that a client needs, all in the form that goes on the wire.

    `host` is lower-case, an IPv6 address is without its brackets; `path` has the query and begins with a slash.
    """

    scheme: bytes
    host: bytes
    port: int
    path: bytes

    @property
    def netloc(self) -> bytes:
        """Host and port as the Host header has them: no default port, brackets round an IPv6 address (RFC 9110, 7.2)."""
        host = b"[%b]" % self.host if b":" in self.host else self.host
        return host if DEFAULT_PORTS.get(self.scheme) == self.port else b"%b:%d" % (host, self.port)

    def __bytes__(self) -> bytes:
        return b"%b://%b%b" % (self.scheme, self.netloc, self.path)


def parse(url: bytes | str, defaultPort: int | None = None) -> URL:
    """The parts of `url`. A str may hold any character: the host is sent as IDNA, the rest percent-encoded as UTF-8.

    :param defaultPort: the port where the URL names none; else 80 for http and 443 for https.
    :raises InvalidURL: the URL cannot be fetched by HTTP, or has a character that must not be in one.
    """
    raw = _to_bytes(url)
    match = _URL.fullmatch(raw)
    if match is None:
        raise InvalidURL(f"{printable(raw)!r} is not a full URL; it must begin with http:// or https://.")
    scheme, authority, path = match[1].lower(), match[2], match[3]
    if scheme not in DEFAULT_PORTS:
        raise InvalidURL(
            f"{printable(scheme)}:// is not spoken here, in {printable(raw)!r}; only http:// and https://."
        )
    host, port = _split_authority(authority, raw)
    if port is None:
        port = DEFAULT_PORTS[scheme] if defaultPort is None else defaultPort
    if not path.startswith(b"/"):
        path = b"/" + path
    return URL(scheme, host, port, _quote(path))


def join(base: URL, location: bytes | str) -> URL:
    """Where `location`, absolute or relative (RFC 3986, 5.2), leads from `base`. A space in it is percent-encoded.

    :raises InvalidURL: as for `parse`.
    """
    raw = _to_bytes(location, spaces=True)
    if _URL.fullmatch(raw):
        return parse(raw)
    # urljoin takes ASCII only; a "#" ends what it needs to see.
    relative = _quote(raw.partition(b"#")[0])
    return parse(urljoin(bytes(base), relative))


def _to_bytes(url: bytes | str, spaces: bool = False) -> bytes:
    if isinstance(url, str):
        try:
            url = url.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidURL(f"{url!a} has a character that UTF-8 cannot hold.") from error
    if spaces:
        url = url.strip(b" ").replace(b" ", b"%20")
    bad = _FORBIDDEN.search(url)
    if bad:
        raise InvalidURL(
            f"{printable(url)!r} has a space or control character at offset {bad.start()}; percent-encode or remove it."
        )
    return url


def _quote(path: bytes) -> bytes:
    return quote_from_bytes(path, safe=_SAFE).encode("ascii")


def _split_authority(authority: bytes, url: bytes) -> tuple[bytes, int | None]:
    shown = repr(printable(url))
    if b"@" in authority:
        # Not sent silently: some clients would use it as a password, others as a host.
        raise InvalidURL("A user name in a URL is not supported; give an Authorization header instead.")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise InvalidURL(f"Host or port is malformed in {shown}; an IPv6 address goes in brackets.")
    host, digits = match[1], match[2]
    if digits and not (len(digits) < 6 and 0 < int(digits) < 65536):
        raise InvalidURL(f"Port {printable(digits)} is not between 1 and 65535, in {shown}.")
    return _host(host, shown), int(digits) if digits else None


def _host(host: bytes, shown: str) -> bytes:
    if host.startswith(b"["):
        try:
            address = IPv6Address(host[1:-1].decode("ascii"))
        except (AddressValueError, UnicodeDecodeError) as error:
            raise InvalidURL(f"{printable(host)} is not an IPv6 address, in {shown}.") from error
        if address.scope_id is not None:
            raise InvalidURL(f"An IPv6 zone ({address.scope_id}) is not supported in a URL, in {shown}.")
        return host[1:-1].lower()
    if not host.isascii():
        try:
            host = host.decode("utf-8").encode("idna")
        except UnicodeError as error:
            raise InvalidURL(f"The host name in {shown} has no IDNA form: {error}.") from error
    host = host.lower()
    if not host or _HOST.fullmatch(host) is None or len(host) > 254:
        raise InvalidURL(f"{printable(host)!r} is not a host name, in {shown}.")
    return host
