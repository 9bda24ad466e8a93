"""Cookies (RFC 6265, with SameSite, Partitioned and the prefixes of names from its revision): read those that a client sends,
and make those that it is to keep."""

from __future__ import annotations

import re
from collections.abc import Iterable

from plait.web.status import httpDate

__all__ = ["expireCookie", "makeCookie", "parseCookies"]

SAME_SITE = {b"lax": b"Lax", b"strict": b"Strict", b"none": b"None"}

# cookie-name is a token of HTTP (RFC 9110, 5.6.2); cookie-value, and what an attribute may hold (RFC 6265, 4.1.1)
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb'"[!#-+\--:<-\[\]-~]*"|[!#-+\--:<-\[\]-~]*')
_ATTRIBUTE = re.compile(rb"[ -:<-~]*")


def parseCookies(values: Iterable[bytes]) -> dict[bytes, bytes]:
    """The cookies in the values of a request's Cookie headers. Of two with one name, the last counts; quotes stay as they are.

    What is no pair is passed over: a client may send cookies that somebody else has set.
    """
    found: dict[bytes, bytes] = {}
    for value in values:
        for part in value.split(b";"):
            name, equals, text = part.strip().partition(b"=")
            if equals:
                found[name] = text
    return found


def makeCookie(
    name: bytes | str,
    value: bytes | str,
    *,
    maxAge: int | None = None,
    expires: float | None = None,
    domain: bytes | str | None = None,
    path: bytes | str | None = b"/",
    secure: bool = False,
    httpOnly: bool = True,
    sameSite: bytes | str | None = b"lax",
    partitioned: bool = False,
) -> bytes:
    """The value of a Set-Cookie header. Text is sent as UTF-8, which a name and a value in letters beyond ASCII cannot be.

    :param maxAge: seconds that it is kept; None, with no `expires` either: until the browser ends.
    :param expires: the time at which it ends, in seconds since the epoch.
    :param domain: the domain that it is sent to, with all below it; None is this host alone.
    :param path: the path that it is sent to, with all below it; None is the folder of the request's.
    :param httpOnly: whether programs in a page do not see it.
    :param sameSite: lax (not with what pages of other sites load or post), strict (nor by their links), none; or None: not said.
    :param partitioned: whether each site that embeds this one gets a cookie of its own.
    :raises ValueError: if browsers would refuse it, or take it for something else.
    """
    raw_name, raw_value = toBytes(name), toBytes(value)
    if not _NAME.fullmatch(raw_name):
        raise ValueError(f"The name of a cookie is letters, digits and some signs, not {name!r}.")
    if not _VALUE.fullmatch(raw_value):
        raise ValueError(
            f"The value of the cookie {name!r} has a blank, comma, semicolon, backslash, quote or other letters in it: encode it,"
            " by urllib.parse.quote for example."
        )
    raw_domain, raw_path = _checked("Domain", domain), _checked("Path", path)
    if raw_path is not None and not raw_path.startswith(b"/"):
        raise ValueError(f"The path of a cookie begins with a slash, unlike {path!r}.")
    site = None if sameSite is None else sameSiteName(sameSite)
    if not secure:
        for why, wanted in (
            ("SameSite=None", site == b"None"),
            ("Partitioned", partitioned),
            ("a name that begins with __Secure- or __Host-", raw_name.lower().startswith((b"__secure-", b"__host-"))),
        ):
            if wanted:
                raise ValueError(f"Browsers take a cookie with {why} only if it is secure: secure=True.")
    if raw_name.lower().startswith(b"__host-") and (raw_domain is not None or raw_path != b"/"):
        raise ValueError(
            "Browsers take a cookie whose name begins with __Host- only with the path / and without a domain."
        )
    return joinCookie(
        raw_name,
        raw_value,
        (
            (b"Expires", None if expires is None else httpDate(expires)),
            (b"Max-Age", None if maxAge is None else b"%d" % maxAge),
            (b"Domain", raw_domain),
            (b"Path", raw_path),
        ),
        (b"Secure", secure),
        (b"HttpOnly", httpOnly),
        (b"SameSite=%b" % (site or b""), site is not None),
        (b"Partitioned", partitioned),
    )


def expireCookie(name: bytes | str, *, domain: bytes | str | None = None, path: bytes | str | None = b"/") -> bytes:
    """The value of a Set-Cookie header that makes a browser forget a cookie. Domain and path as they were when it was set.

    :raises ValueError: as `makeCookie`.
    """
    secure = toBytes(name).lower().startswith((b"__secure-", b"__host-"))
    return makeCookie(name, b"", maxAge=0, expires=0, domain=domain, path=path, secure=secure)


def sameSiteName(value: bytes | str) -> bytes:
    """How SameSite spells `value`. ValueError if it knows no such value."""
    name = SAME_SITE.get(toBytes(value).lower())
    if name is None:
        raise ValueError(f"Invalid value for sameSite: {value!r}; it is lax, strict or none.")
    return name


def joinCookie(
    name: bytes, value: bytes, attributes: Iterable[tuple[bytes, bytes | None]], *flags: tuple[bytes, bool | None]
) -> bytes:
    """Put a cookie together from parts that are safe. Attributes without a value and flags that are not set are left out."""
    cookie = b"%b=%b" % (name, value)
    for attribute, text in attributes:
        if text is not None:
            cookie += b"; %b=%b" % (attribute, text)
    for flag, wanted in flags:
        if wanted:
            cookie += b"; " + flag
    return cookie


def toBytes(value: bytes | str) -> bytes:
    """Text as UTF-8."""
    return value.encode("utf-8") if isinstance(value, str) else value


def _checked(what: str, value: bytes | str | None) -> bytes | None:
    if value is None:
        return None
    raw = toBytes(value)
    if not _ATTRIBUTE.fullmatch(raw):
        raise ValueError(f"The {what} of a cookie has no semicolon, control or other letters in it, unlike {value!r}.")
    return raw
