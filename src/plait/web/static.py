"""Files and folders as resources.

A file is sent with what lets a client keep and continue it: Last-Modified and an entity tag, ranges (RFC 9110, section 14),
conditions (section 13). It goes from the file to the socket without being read where the platform can do that
(`plait.transport.filesending`), and in flat memory anyway.

No path leads out of the folder: each part of a request's path is one name in a folder, never a path of its own. What a symbolic
link in the folder points to is served, as whoever may put one there may put a copy there.
"""

from __future__ import annotations

import mimetypes
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

from plait.errors import ConnectionLost
from plait.failure import Failure
from plait.log import Logger
from plait.transport.filesending import FileChangedError
from plait.web import listing
from plait.web.conditions import Verdict, evaluate, rangeApplies
from plait.web.later import NOT_DONE_YET
from plait.web.pages import forbidden, notFound
from plait.web.ranges import Multipart, Range, parseRanges
from plait.web.resource import Resource
from plait.web.status import httpDate

__all__ = ["Data", "DirectoryLister", "File", "getTypeAndEncoding", "loadMimeTypes"]

_log = Logger("plait.web")

SMALL = 64 * 1024
"""Bytes of a file up to which it is read whole and sent together with the headers: one call instead of two."""

_ENCODINGS = {".gz": "gzip", ".bz2": "bzip2", ".br": "br", ".zst": "zstd"}

# What a browser would otherwise guess the characters of, and get wrong.
_TEXT = frozenset(("application/javascript", "application/json", "application/xml", "image/svg+xml"))

_FORBIDDEN = {separator for separator in (os.sep, os.altsep, "\0") if separator}


def loadMimeTypes(mimetype_locations: Sequence[str] | None = None) -> dict[str, str]:
    """The content type for each extension (``".html"``), as the system and the standard library know them.

    :param mimetype_locations: more files in the format of ``mime.types``.
    """
    mimetypes.init(mimetype_locations)
    types = dict(mimetypes.types_map)
    types.update(
        {".md": "text/markdown", ".mjs": "text/javascript", ".wasm": "application/wasm", ".woff2": "font/woff2"}
    )
    return types


def getTypeAndEncoding(
    filename: str, types: Mapping[str, str], encodings: Mapping[str, str], defaultType: str
) -> tuple[str, str | None]:
    """The content type and the encoding for a name: ``("application/x-tar", "gzip")`` for ``a.tar.gz``."""
    root, extension = os.path.splitext(os.path.basename(filename))
    extension = extension.lower()
    encoding = encodings.get(extension)
    if encoding is not None:
        extension = os.path.splitext(root)[1].lower()
    return types.get(extension, defaultType), encoding


class Data(Resource):
    """Answers with the same bytes each time.

    :param data: the bytes.
    :param type: their content type.
    """

    def __init__(self, data: bytes, type: str) -> None:
        super().__init__()
        self.data = data
        self.type = type

    def render_GET(self, request: Any) -> bytes:
        """The bytes."""
        request.setHeader(b"content-type", self.type.encode())
        request.setHeader(b"content-length", b"%d" % len(self.data))
        return b"" if request.method == b"HEAD" else self.data

    render_HEAD = render_GET


class File(Resource):
    """A file, or a folder with all that is in it.

    :param path: where it is.
    :param defaultType: the content type of names that tell none.
    :param ignoredExts: extensions that may be left out of a request: with ``[".html"]`` there is ``/page`` for ``page.html``;
        ``"*"`` is any extension.
    :param hidden: whether what begins with a dot is served, too. ``.well-known`` (RFC 8615) always is.
    :param listing: whether a folder without an index page answers with a list of what is in it.

    Attributes that a subclass may set: `contentTypes`, `contentEncodings`, `indexNames`, `childNotFound` and `forbidden`
    (resources), `processors` (for an extension, a function of path and registry that makes a resource).
    """

    contentTypes: Mapping[str, str] = loadMimeTypes()
    contentEncodings: Mapping[str, str] = _ENCODINGS
    processors: Mapping[str, Callable[[str, Any], Any]] = {}
    childNotFound: Any = notFound("File not found.")
    forbidden: Any = forbidden()

    def __init__(
        self,
        path: str | os.PathLike[str],
        defaultType: str = "text/html",
        ignoredExts: Sequence[str] = (),
        registry: object = None,
        hidden: bool = True,
        listing: bool = True,
    ) -> None:
        super().__init__()
        self.path = os.fspath(path)
        self.defaultType = defaultType
        self.ignoredExts = list(ignoredExts)
        self.indexNames = ["index", "index.html", "index.htm"]
        self.registry = registry
        self.hidden = hidden
        self.listing = listing
        self.type: str | None = None
        self.encoding: str | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path!r}>"

    # -- finding it

    def createSimilarFile(self, path: str) -> File:
        """Another file, served in the same way."""
        file = type(self)(path, self.defaultType, self.ignoredExts, self.registry, self.hidden, self.listing)
        for name in ("processors", "indexNames", "childNotFound", "forbidden", "contentTypes", "contentEncodings"):
            if name in self.__dict__:
                setattr(file, name, self.__dict__[name])
        return file

    def ignoreExt(self, extension: str) -> None:
        """Let an extension be left out of requests, from now on."""
        self.ignoredExts.append(extension)

    def directoryListing(self) -> Any:
        """The resource that lists this folder."""
        return DirectoryLister(self)

    def getChild(self, path: bytes, request: Any) -> Any:
        """What is called `path` in this folder; "" is its index page."""
        try:
            name = os.fsdecode(path) if path.isascii() else path.decode("utf-8")
        except UnicodeDecodeError:
            return self.childNotFound
        if not name:
            return self._index() if os.path.isdir(self.path) else self.childNotFound
        if not self._may_be(name):
            return self.childNotFound
        found = self._find(os.path.join(self.path, name))
        return self.childNotFound if found is None else self._processed(found)

    def _may_be(self, name: str) -> bool:
        if name in (os.curdir, os.pardir) or any(character in name for character in _FORBIDDEN):
            return False
        if os.name == "nt" and (":" in name or name.endswith((".", " "))):
            return False  # other streams of a file, other spellings of its name
        return self.hidden or not name.startswith(".") or name == ".well-known"

    def _find(self, path: str) -> str | None:
        if os.path.exists(path):
            return path
        for extension in self.ignoredExts:
            if extension == "*":
                folder, name = os.path.split(path)
                try:
                    others = sorted(os.listdir(folder))
                except OSError:
                    return None
                for other in others:
                    if os.path.splitext(other)[0] == name and self._may_be(other):
                        return os.path.join(folder, other)
            elif os.path.exists(path + extension):
                return path + extension
        return None

    def _index(self) -> Any:
        for name in self.indexNames:
            path = os.path.join(self.path, name)
            if os.path.isfile(path):
                return self._processed(path)
        return self.directoryListing() if self.listing else self.forbidden

    def _processed(self, path: str) -> Any:
        processor = self.processors.get(os.path.splitext(path)[1].lower())
        return self.createSimilarFile(path) if processor is None else processor(path, self.registry)

    # -- answering

    def render_GET(self, request: Any) -> Any:
        """The file; for a folder, a redirection to its path with a slash, where its index page is."""
        try:
            # without a buffer, which nobody would use; it is closed when it is sent
            file = open(self.path, "rb", buffering=0, opener=_open)  # noqa: SIM115
        except IsADirectoryError:
            return self._redirect(request)
        except (FileNotFoundError, NotADirectoryError):
            return self.childNotFound.render(request)
        except PermissionError:
            return self._redirect(request) if os.path.isdir(self.path) else self.forbidden.render(request)
        try:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):  # a pipe or a device has no end
                file.close()
                return self.forbidden.render(request)
            return self._answer(request, file, status)
        except BaseException:
            file.close()
            raise

    render_HEAD = render_GET

    def _redirect(self, request: Any) -> bytes:
        path, mark, query = request.uri.partition(b"?")
        # not "//", which would be another host, nor "/\\", which browsers take for that
        if not path.startswith(b"/"):
            path = request.path  # the target was a whole URL
        path = path.lstrip(b"/").replace(b"\\", b"%5C")
        request.redirect(b"/" + path + b"/" + mark + query)
        return b""

    def _answer(self, request: Any, file: IO[bytes], status: os.stat_result) -> Any:
        length, modified = status.st_size, int(status.st_mtime)
        tag = b'"%x-%x"' % (status.st_mtime_ns, length)
        request.setHeader(b"accept-ranges", b"bytes")
        request.setHeader(b"last-modified", httpDate(modified))
        request.setHeader(b"etag", tag)
        verdict = evaluate(request.method, request.getHeader, tag, modified)
        if verdict is not Verdict.proceed:
            file.close()
            request.setResponseCode(verdict.value)
            return b""
        content_type = self._set_type(request)
        ranges = None
        header = request.getHeader(b"range")
        if (
            header is not None
            and request.method == b"GET"
            and rangeApplies(request.getHeader(b"if-range"), tag, modified)
        ):
            ranges = parseRanges(header, length)
        if ranges is None:
            return self._send(request, file, [(b"", Range(0, length))], b"", length)
        if not ranges:
            file.close()
            request.setResponseCode(416)
            request.setHeader(b"content-range", b"bytes */%d" % length)
            return b""
        request.setResponseCode(206)
        if len(ranges) == 1:
            request.setHeader(b"content-range", ranges[0].content_range(length))
            return self._send(request, file, [(b"", ranges[0])], b"", ranges[0].size)
        answer = Multipart(ranges, length, content_type)
        request.setHeader(b"content-type", answer.contentType)
        return self._send(request, file, answer.parts, answer.end, answer.size)

    def _set_type(self, request: Any) -> bytes:
        kind, encoding = self.type, self.encoding
        if kind is None:
            kind, encoding = getTypeAndEncoding(self.path, self.contentTypes, self.contentEncodings, self.defaultType)
        if kind and "charset" not in kind and (kind.startswith("text/") or kind in _TEXT):
            kind += "; charset=utf-8"
        if kind:
            request.setHeader(b"content-type", kind.encode())
        if encoding:
            request.setHeader(b"content-encoding", encoding.encode())
        return kind.encode()

    def _send(self, request: Any, file: IO[bytes], parts: list[tuple[bytes, Range]], end: bytes, size: int) -> Any:
        request.setHeader(b"content-length", b"%d" % size)
        if request.method == b"HEAD":
            file.close()
            return b""
        if size <= SMALL:
            with file:
                data = b"".join([head + _read(file, part) for head, part in parts]) + end
            if len(data) != size:
                raise FileChangedError(f"{self.path} has become shorter while it was read")
            return data
        from plait.deferred import ensureDeferred

        ensureDeferred(_stream(request, file, parts, end)).addErrback(_broken, request, self.path)
        return NOT_DONE_YET


def _open(path: str, flags: int) -> int:
    # a pipe that nobody writes to would otherwise hold up everybody
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read(file: IO[bytes], part: Range) -> bytes:
    file.seek(part.start)
    return file.read(part.size)


async def _stream(request: Any, file: IO[bytes], parts: list[tuple[bytes, Range]], end: bytes) -> None:
    with file:
        for head, part in parts:
            if head:
                request.write(head)
            await request.sendFile(file, part.start, part.size)
        if end:
            request.write(end)
    request.finish()


def _broken(failure: Failure, request: Any, path: str) -> None:
    """The client has got less than it was promised: only the end of the connection can tell it so."""
    if failure.check(ConnectionLost) is None:
        _log.error("Cannot send all of {path}: {reason}", path=path, reason=failure.getErrorMessage())
        request.loseConnection()


class DirectoryLister(Resource):
    """A page with what is in a folder.

    :param folder: the folder.
    """

    isLeaf = True

    def __init__(self, folder: File) -> None:
        super().__init__()
        self._folder = folder

    def render_GET(self, request: Any) -> bytes:
        """The page; 403 if the folder cannot be read."""
        try:
            entries = list(self._entries())
        except PermissionError:
            page: bytes = self._folder.forbidden.render(request)
            return page
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        path = b"/" + b"/".join(request.prepath)
        return listing.render(os.fsdecode(path), entries, above=len(request.prepath) > 1)

    render_HEAD = render_GET

    def _entries(self) -> Any:
        folder = self._folder
        with os.scandir(folder.path) as found:
            for entry in found:
                if not folder._may_be(entry.name):
                    continue
                try:
                    status = entry.stat()
                except OSError:
                    continue  # a link that leads nowhere, or it has just gone
                is_folder = stat.S_ISDIR(status.st_mode)
                kind = ""
                if not is_folder:
                    types, encodings = folder.contentTypes, folder.contentEncodings
                    kind, encoding = getTypeAndEncoding(entry.name, types, encodings, folder.defaultType)
                    kind += f", {encoding}" if encoding else ""
                yield listing.Entry(entry.name, is_folder, None if is_folder else status.st_size, status.st_mtime, kind)
