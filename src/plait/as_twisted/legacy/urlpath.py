"""What `twisted.python.urlpath` is: the address of a page, and the addresses beside and below it. All parts are bytes."""

from __future__ import annotations

from typing import Any, Self
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit, urlunsplit

__all__ = ["URLPath"]

_ALLOWED = "/!$&'()*+,;=:@-._~%"


class _Part:
    """A part of an address. It may be set to text, and is read as bytes."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    def __get__(self, obj: Any, owner: type | None = None) -> bytes:
        part: bytes = getattr(obj, self._name)
        return part

    def __set__(self, obj: Any, value: bytes | str) -> None:
        raw = value.encode("utf-8") if isinstance(value, str) else value
        setattr(obj, self._name, quote(raw, _ALLOWED + "?#[]").encode("ascii"))


class URLPath:
    """An address, in five parts: `scheme`, `netloc` (host and port), `path`, `query` and `fragment`."""

    scheme = _Part()
    netloc = _Part()
    path = _Part()
    query = _Part()
    fragment = _Part()

    def __init__(
        self,
        scheme: bytes = b"",
        netloc: bytes = b"",
        path: bytes = b"",
        query: bytes = b"",
        fragment: bytes = b"",
    ) -> None:
        self.scheme = scheme or b"http"
        self.netloc = netloc or (b"" if scheme else b"localhost")
        self.path = path or b"/"
        self.query = query
        self.fragment = fragment

    @classmethod
    def fromString(cls, url: str) -> Self:
        """The address in a text; what is not ASCII is quoted as UTF-8."""
        if not isinstance(url, str):
            raise ValueError(f"text is wanted, not {url!r}")
        return cls.fromBytes(url.encode("utf-8"))

    @classmethod
    def fromBytes(cls, url: bytes) -> Self:
        """The address in bytes."""
        if not isinstance(url, bytes):
            raise ValueError(f"bytes are wanted, not {url!r}")
        return cls(*urlsplit(quote(url, _ALLOWED + "?#[]").encode("ascii")))

    @classmethod
    def fromRequest(cls, request: Any) -> Self:
        """The address of a request, without its query."""
        return cls.fromBytes(request.prePathURL())

    def pathList(self, unquote: bool = False, copy: bool = True) -> list[bytes]:
        """The parts of the path between its slashes; the first is empty, since a path begins with one."""
        parts = self.path.split(b"/")
        return [unquote_to_bytes(part) for part in parts] if unquote else parts

    def sibling(self, path: bytes, keepQuery: bool = False) -> Self:
        """What has that name in the same folder."""
        return self._with(self._folder() + _quoted(path), keepQuery)

    def child(self, path: bytes, keepQuery: bool = False) -> Self:
        """What has that name below."""
        return self._with(self.path.removesuffix(b"/") + b"/" + _quoted(path), keepQuery)

    def parent(self, keepQuery: bool = False) -> Self:
        """The folder above this one's."""
        return self._joined(b"..", keepQuery)

    def here(self, keepQuery: bool = False) -> Self:
        """The folder that it is in, which is itself where it ends with a slash."""
        return self._with(self._folder(), keepQuery)

    def up(self, keepQuery: bool = False) -> Self:
        """The page that the folder of this one is."""
        return self._with(self.path.removesuffix(b"/").rpartition(b"/")[0] or b"/", keepQuery)

    def click(self, st: bytes) -> Self:
        """Where a link on the page leads to."""
        return type(self).fromBytes(urljoin(bytes(self), st))

    def _folder(self) -> bytes:
        return self.path.rpartition(b"/")[0] + b"/"

    def _joined(self, relative: bytes, keep_query: bool) -> Self:
        clean = urlunsplit((self.scheme, self.netloc, self.path, b"", b""))
        return self._with(urlsplit(urljoin(clean, relative)).path, keep_query)

    def _with(self, path: bytes, keep_query: bool) -> Self:
        return type(self)(self.scheme, self.netloc, path, self.query if keep_query else b"")

    def __bytes__(self) -> bytes:
        return urlunsplit((self.scheme, self.netloc, self.path, self.query, self.fragment))

    def __str__(self) -> str:
        return bytes(self).decode("ascii")

    def __repr__(self) -> str:
        names = ("scheme", "netloc", "path", "query", "fragment")
        return f"URLPath({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def __eq__(self, other: object) -> bool:
        return bytes(self) == bytes(other) if isinstance(other, URLPath) else NotImplemented

    def __hash__(self) -> int:
        return hash((URLPath, bytes(self)))


def _quoted(segment: bytes) -> bytes:
    return quote(segment, _ALLOWED.replace("/", "")).encode("ascii")
