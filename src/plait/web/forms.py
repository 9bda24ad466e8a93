"""The arguments of a request: of its query, and of a form in its body, urlencoded or as multipart/form-data (RFC 7578).

A form is parsed by pieces, within limits, and files in it are kept in temporary files. The grammar of multipart/form-data is read
by the library ``multipart``.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from plait.web.body import PIECE
from plait.web.error import HTTPError
from plait.web.limits import FormLimits

if TYPE_CHECKING:
    from plait.web.asked import Asked
    from plait.web.request import Request

__all__ = ["Form", "FormError", "FormFile", "FormParser", "arguments", "parse_qs", "readForm"]

MAX_FIELDS = 10_000
"""Arguments of a query that are looked at; a request with more has none of the others."""

URLENCODED = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data"


class FormError(HTTPError, ValueError):
    """A form that is malformed, or more than its limits allow.

    :ivar code: the status to answer with: 400, 413 or, if the body is no form, 415.
    """


@dataclass(eq=False)
class FormFile:
    """A file in a form: what it is called, and its contents. It is gone when the form is closed."""

    filename: str
    """As the client says, to be trusted in nothing: it may have slashes and dots in it."""
    contentType: str
    """As the client says."""
    file: IO[bytes]
    """In memory, or in a temporary file if it is large; read from its beginning."""
    size: int
    """Bytes."""


class Form:
    """The fields and the files of a form, each name with all its values, in their order. ``with form:`` closes the files."""

    def __init__(self) -> None:
        self.fields: dict[bytes, list[bytes]] = {}
        self.files: dict[bytes, list[FormFile]] = {}

    def get(self, name: bytes, default: bytes | None = None) -> bytes | None:
        """The first value of a field."""
        values = self.fields.get(name)
        return default if not values else values[0]

    def asArguments(self, maxFiles: int) -> dict[bytes, list[bytes]]:
        """Fields, and behind them the contents of files, as `Request.args` has them.

        :param maxFiles: bytes that the contents of all files may have.
        :raises FormError: if they have more.
        """
        args = {name: list(values) for name, values in self.fields.items()}
        left = maxFiles
        for name, files in self.files.items():
            for found in files:
                left -= found.size
                if left < 0:
                    raise FormError(413, f"the files in the form are longer than {maxFiles} bytes")
                args.setdefault(name, []).append(found.file.read())
                found.file.seek(0)
        return args

    def close(self) -> None:
        """Close the files; temporary ones are gone then."""
        for files in self.files.values():
            for found in files:
                found.file.close()

    def __enter__(self) -> Form:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class FormParser:
    """Takes the body of a form piece by piece.

    :param contentType: the request's Content-Type.
    :raises FormError: here, in `feed` and in `finish`: it is no form, malformed, or too much. Its files are closed then.
    """

    def __init__(self, contentType: bytes, limits: FormLimits | None = None) -> None:
        limits = limits if limits is not None else FormLimits()
        kind = mediaType(contentType)
        self._parser: _Urlencoded | _Multipart
        if kind == URLENCODED:
            self._parser = _Urlencoded(limits)
        elif kind == MULTIPART:
            self._parser = _Multipart(contentType, limits)
        else:
            raise FormError(415, "the body is no form")

    def feed(self, data: bytes) -> None:
        """A piece of the body."""
        if data:
            self._parser.feed(data)

    def finish(self) -> Form:
        """The body is complete."""
        return self._parser.finish()

    def close(self) -> None:
        """The body will never be complete: close the files that are there."""
        self._parser.close()


class _Collected:
    """Counts what a form may have, and keeps it."""

    def __init__(self, limits: FormLimits) -> None:
        self.limits = limits
        self.form = Form()
        self._entries = 0
        self._memory = 0

    def close(self) -> None:
        self.form.close()

    def entry(self) -> None:
        """One more field or file."""
        self._entries += 1
        if self._entries > self.limits.maxFields:
            raise FormError(413, f"the form has more than {self.limits.maxFields} fields")

    def keep(self, size: int) -> None:
        """So many more bytes are in memory."""
        self._memory += size
        if self._memory > self.limits.maxMemory:
            raise FormError(413, f"the fields of the form are longer than {self.limits.maxMemory} bytes")

    def add(self, name: bytes, value: bytes) -> None:
        self.form.fields.setdefault(name, []).append(value)


class _Urlencoded(_Collected):
    """``a=1&b=2`` (the URL standard's application/x-www-form-urlencoded). Names without a value are kept."""

    def __init__(self, limits: FormLimits) -> None:
        super().__init__(limits)
        self._open: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        first, *others = data.split(b"&", self.limits.maxFields + 1)
        self._part(first)
        for part in others:
            self._complete()
            self._part(part)

    def _part(self, data: bytes) -> None:
        if not data:
            return
        self.keep(len(data))
        self._size += len(data)
        if self._size > 3 * self.limits.maxFieldSize:  # each byte may be written as three
            raise FormError(413, f"a field of the form is longer than {self.limits.maxFieldSize} bytes")
        self._open.append(data)

    def _complete(self) -> None:
        part = b"".join(self._open)
        self._open.clear()
        self._size = 0
        if not part:
            return
        self.entry()
        name, _, value = part.replace(b"+", b" ").partition(b"=")
        name, value = unquote_to_bytes(name), unquote_to_bytes(value)
        if len(name) + len(value) > self.limits.maxFieldSize:
            raise FormError(413, f"a field of the form is longer than {self.limits.maxFieldSize} bytes")
        self.add(name, value)

    def finish(self) -> Form:
        self._complete()
        return self.form


class _Multipart(_Collected):
    """Parts between boundaries, each with headers of its own."""

    def __init__(self, contentType: bytes, limits: FormLimits) -> None:
        super().__init__(limits)
        try:
            import multipart  # type: ignore[import-untyped]
        except ImportError as error:
            raise ImportError("forms with files need the library multipart: pip install plait[web]") from error
        self._errors = multipart.MultipartError, ValueError  # the latter of headers that cannot be decoded
        self._exceeded = multipart.ParserLimitReached
        boundary = multipart.parse_options_header(contentType.decode("latin-1"))[1].get("boundary", "")
        if not (0 < len(boundary) <= 70 and boundary.isascii() and boundary.isprintable()):
            raise FormError(400, "the boundary of the form is missing or malformed")
        # names come as UTF-8, as Latin-1, as the page's own: bytes they stay
        self._parser: Any = multipart.PushMultipartParser(boundary, header_charset="latin-1")
        self._name = b""
        self._value: list[bytes] = []
        self._size = 0
        self._file: FormFile | None = None

    def feed(self, data: bytes) -> None:
        try:
            for event in self._parser.parse(data):
                if event is None:
                    self._end_part()
                elif isinstance(event, (bytes, bytearray)):
                    self._data(bytes(event))
                else:
                    self._begin_part(event)
        except BaseException as error:
            self.close()
            if isinstance(error, FormError) or not isinstance(error, self._errors):
                raise
            if isinstance(error, self._exceeded):
                raise FormError(413, f"the form has a part with too much of headers: {error}") from None
            raise FormError(400, f"the form is malformed: {error}") from None

    def _begin_part(self, part: Any) -> None:
        self.entry()
        self._value = []
        self._size = 0
        self._file = None
        self._name = part.name.encode("latin-1")
        self.keep(len(self._name))
        if part.filename is not None:
            if sum(map(len, self.form.files.values())) >= self.limits.maxFiles:
                raise FormError(413, f"the form has more than {self.limits.maxFiles} files")
            kept: Any = tempfile.SpooledTemporaryFile(self.limits.fileInMemory)  # noqa: SIM115 - the form closes it
            name = part.filename.encode("latin-1").decode("utf-8", "replace")
            self._file = FormFile(name, part.content_type or "application/octet-stream", kept, 0)
            # there at once, so that it is closed whatever comes
            self.form.files.setdefault(self._name, []).append(self._file)

    def _data(self, data: bytes) -> None:
        self._size += len(data)
        limits = self.limits
        if self._file is not None:
            if self._size > limits.maxFileSize:
                raise FormError(413, f"a file in the form is longer than {limits.maxFileSize} bytes")
            self._file.file.write(data)
        else:
            if self._size > limits.maxFieldSize:
                raise FormError(413, f"a field of the form is longer than {limits.maxFieldSize} bytes")
            self.keep(len(data))
            self._value.append(data)

    def _end_part(self) -> None:
        if self._file is not None:
            self._file.size = self._size
            self._file.file.seek(0)
        else:
            self.add(self._name, b"".join(self._value))
        self._value = []

    def finish(self) -> Form:
        try:
            self._parser.close()
        except self._errors as error:
            self.close()
            raise FormError(400, f"the form is not complete: {error}") from None
        return self.form


def mediaType(contentType: bytes) -> bytes:
    """A Content-Type without its parameters, in lower case."""
    return contentType.partition(b";")[0].strip().lower()


def parse_qs(qs: bytes, keep_blank_values: bool = True, strict_parsing: bool = False) -> dict[bytes, list[bytes]]:
    """The names and values of a query (``a=1&b=2``), decoded.

    :param keep_blank_values: whether names without a value are kept.
    :param strict_parsing: whether a part without "=" is a ValueError.
    """
    found: dict[bytes, list[bytes]] = {}
    for part in qs.split(b"&", MAX_FIELDS)[:MAX_FIELDS]:
        name, equals, value = part.partition(b"=")
        if not equals:
            if strict_parsing:
                raise ValueError(f"bad query field: {part!r}")
            if not (keep_blank_values and name):
                continue
        if value or keep_blank_values:
            key = unquote_to_bytes(name.replace(b"+", b" "))
            found.setdefault(key, []).append(unquote_to_bytes(value.replace(b"+", b" ")))
    return found


def arguments(request: Asked, query: bytes) -> dict[bytes, list[bytes]]:
    """The arguments of a query, and behind them those of a form in the body: fields, and the contents of files.

    Those of the query alone where the body is taken as it comes.

    :raises FormError: of a form that is malformed, or more than the site's limits allow.
    """
    args = parse_qs(query) if query else {}
    if request.method != b"POST":
        return args
    kind = request.getHeader(b"content-type") or b""
    if request.streamed or mediaType(kind) not in (URLENCODED, MULTIPART):
        return args
    limits = _limits(request)
    parser = FormParser(kind, limits)
    content = request.content
    at = content.tell()
    content.seek(0)
    try:
        while data := content.read(PIECE):
            parser.feed(data)
    finally:
        content.seek(at)  # whoever reads it as well is not disturbed
    with parser.finish() as form:
        for name, values in form.asArguments(limits.maxMemory).items():
            args.setdefault(name, []).extend(values)
    return args


async def readForm(request: Request, limits: FormLimits | None = None) -> Form:
    """The form in a request's body, parsed as it comes if the resource takes it so (`plait.web.resource.Resource.streamsBody`).

    :param limits: None for those of the site.
    :returns: close it when its files are not needed any more.
    :raises FormError: as `FormParser`; and what ended the connection, if that comes first.
    """
    parser = FormParser(request.getHeader(b"content-type") or b"", limits if limits is not None else _limits(request))
    try:
        while data := await request.readBody():
            parser.feed(data)
        return parser.finish()
    except BaseException:
        parser.close()
        raise


def _limits(request: Asked) -> FormLimits:
    found = getattr(getattr(request.channel, "limits", None), "forms", None)
    return found if isinstance(found, FormLimits) else FormLimits()
