"""Answers that are sent compressed, to clients that take them so (Accept-Encoding, RFC 9110, section 12.5.3).

gzip is there always, brotli and zstd where a library for them is. What has secrets in it beside what a stranger can choose is
better not compressed under TLS: the length tells of it (BREACH).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from plait.interfaces import implementer
from plait.web.interfaces import IRequestEncoder, IRequestEncoderFactory, IResource
from plait.web.status import NO_BODY

__all__ = [
    "CompressedResource",
    "CompressingFactory",
    "EncodingResourceWrapper",
    "GzipEncoder",
    "GzipEncoderFactory",
    "available",
    "negotiate",
]

COMPRESSIBLE = re.compile(
    rb"text/(?!event-stream\b).*|application/(?:javascript|json|xml|wasm|manifest|x-www-form-urlencoded|[^;]*\+(?:json|xml))\b.*"
    rb"|image/(?:svg\+xml|bmp|x-icon)\b.*|font/(?:ttf|otf)\b.*",
    re.IGNORECASE,
)
"""Content types that become shorter: text, and what is text under another name. A stream of events is not held up."""

_QUALITY = re.compile(rb"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")

# q of a coding, in thousandths, with a bound on how many are looked at: what a client says further on counts for nothing
_MOST_CODINGS = 50


def negotiate(accept: Iterable[bytes], offered: Sequence[bytes]) -> bytes | None:
    """The coding for an answer: of those that the client takes, the one it likes best, and of such the first that is offered.

    :param accept: the values of the Accept-Encoding headers.
    :param offered: names of codings, lower-case, best first.
    :returns: None is the answer as it is.
    """
    weights: dict[bytes, int] = {}
    for part in b",".join(accept).split(b",", _MOST_CODINGS)[:_MOST_CODINGS]:
        name, *parameters = (piece.strip().lower() for piece in part.split(b";"))
        weight = 1000
        for parameter in parameters:
            key, _, value = parameter.partition(b"=")
            if key.strip() == b"q":
                weight = round(float(value) * 1000) if _QUALITY.fullmatch(value.strip()) else 0
        if name:
            weights[b"gzip" if name == b"x-gzip" else name] = weight
    others = weights.get(b"*", 0)
    best, best_weight = None, weights.get(b"identity", 0)
    for name in offered:
        weight = weights.get(name, others)
        if weight and weight >= best_weight and (best is None or weight > best_weight):
            best, best_weight = name, weight
    return best


@implementer(IRequestEncoder)
class GzipEncoder:
    """Compresses with gzip (RFC 1952).

    :param request: None, or a request whose answer is told to be coded so, after what its Content-Encoding says already.
    """

    def __init__(self, compressLevel: int = 6, request: Any = None) -> None:
        self._machine = zlib.compressobj(compressLevel, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        if request is not None:
            tell_coding(request, b"gzip")

    def encode(self, data: bytes) -> bytes:
        """Compress a piece; what comes out of it so far."""
        return self._machine.compress(data)

    def finish(self) -> bytes:
        """The rest."""
        return self._machine.flush()


class _Encoder:
    """One by a library's object."""

    def __init__(self, encode: Callable[[bytes], bytes], finish: Callable[[], bytes]) -> None:
        self.encode = encode
        self.finish = finish


def _brotli(module: Any) -> _Encoder:
    # 4 of 11: about as quick as gzip, and shorter
    machine = module.Compressor(quality=4)
    return _Encoder(machine.process, machine.finish)


def _zstandard(module: Any) -> _Encoder:
    # browsers take windows up to 8 MB (RFC 9659); level 3 stays below
    machine = module.ZstdCompressor(level=3)
    # the library of that name has it; the standard one, from 3.14 on, and its backport have not
    if hasattr(machine, "compressobj"):
        machine = machine.compressobj()
    return _Encoder(machine.compress, machine.flush)


# coding -> the libraries that may be there for it, and what is made with one
_LIBRARIES: dict[bytes, list[tuple[str, Callable[[Any], Any]]]] = {
    b"zstd": [
        ("compression.zstd", _zstandard),
        ("zstandard", _zstandard),
        ("backports.zstd", _zstandard),
    ],
    b"br": [("brotli", _brotli), ("brotlicffi", _brotli)],
    b"gzip": [("zlib", lambda module: GzipEncoder())],
}


def available() -> dict[bytes, Callable[[], Any]]:
    """The codings for which there is a library, best first, each with what makes an encoder."""
    found: dict[bytes, Callable[[], Any]] = {}
    for coding, libraries in _LIBRARIES.items():
        for name, make in libraries:
            try:
                module = import_module(name)
            except ImportError:
                continue
            found[coding] = lambda make=make, module=module: make(module)  # type: ignore[misc]
            break
    return found


@implementer(IRequestEncoderFactory)
class GzipEncoderFactory:
    """Compresses each answer with gzip, whatever it is. `CompressingFactory` chooses."""

    compressLevel = 9

    def encoderForRequest(self, request: Any) -> GzipEncoder | None:
        """An encoder, if the client takes gzip."""
        if negotiate(request.requestHeaders.getRawHeaders(b"accept-encoding", []), [b"gzip"]):
            return GzipEncoder(self.compressLevel, request)
        return None


@implementer(IRequestEncoderFactory)
class CompressingFactory:
    """Compresses what becomes shorter by it, with the best coding that the client and we know.

    An answer is left alone if it is no text (`types`), short, a part of something (206), coded already, or if its Cache-Control
    says no-transform.

    :param codings: names of codings, best first; None is all that there are libraries for. ValueError if there is none for one.
    :param minSize: bytes below which it is not worth it.
    :param types: a pattern for the whole Content-Type.
    """

    def __init__(
        self, codings: Sequence[bytes] | None = None, minSize: int = 500, types: re.Pattern[bytes] = COMPRESSIBLE
    ) -> None:
        found = available()
        for coding in codings or ():
            if coding not in found:
                raise ValueError(
                    f"There is no library for the coding {coding.decode('ascii', 'replace')}; zstd and br need one."
                )
        self.codings = {coding: found[coding] for coding in (found if codings is None else codings)}
        self.minSize = minSize
        self.types = types

    def encoderForRequest(self, request: Any) -> _Later:
        """An encoder that decides when the head of the answer is made."""
        return _Later(self)

    def choose(self, request: Any, size: int | None) -> Any:
        """An encoder for an answer whose headers are set, or None; the headers then say so.

        :param size: bytes of the body; None if that is not known.
        """
        headers = request.responseHeaders
        if request.code in NO_BODY:
            return None
        if size is None:
            sizes = headers.getRawHeaders(b"content-length", [b""])
            size = int(sizes[-1]) if sizes[-1].isdigit() else None
        kind = headers.getRawHeaders(b"content-type", [request.defaultContentType or b""])[-1]
        if (
            (size is not None and size < self.minSize)
            or request.code == 206
            or not self.types.fullmatch(kind)
            or headers.hasHeader(b"content-encoding")
            or any(b"no-transform" in value.lower() for value in headers.getRawHeaders(b"cache-control", []))
        ):
            return None
        vary = headers.getRawHeaders(b"vary", [])
        if not any(b"accept-encoding" in value.lower() or value.strip() == b"*" for value in vary):
            headers.addRawHeader(b"vary", b"Accept-Encoding")
        coding = negotiate(request.requestHeaders.getRawHeaders(b"accept-encoding", []), list(self.codings))
        if coding is None:
            return None
        tell_coding(request, coding)
        # another sequence of bytes than the one that the strong tag is for (RFC 9110, 8.8.3)
        tags = headers.getRawHeaders(b"etag")
        if tags:
            headers.setRawHeaders(b"etag", [tag if tag.startswith(b"W/") else b"W/" + tag for tag in tags])
        headers.removeHeader(b"accept-ranges")
        return self.codings[coding]()


class _Later:
    """What a request keeps until it makes the head of its answer."""

    def __init__(self, factory: CompressingFactory) -> None:
        self.choose = factory.choose


@implementer(IResource)
class EncodingResourceWrapper:
    """A resource whose answers are coded; those of its children are not. `CompressedResource` is the one for a whole tree.

    :param original: the resource.
    :param encoders: the first of these factories that has an encoder for a request is the one that counts.
    """

    def __init__(self, original: Any, encoders: Sequence[Any]) -> None:
        self.original = original
        self._encoders = encoders

    @property
    def isLeaf(self) -> bool:
        """As the original."""
        return bool(self.original.isLeaf)

    @property
    def streamsBody(self) -> bool:
        """As the original."""
        return getattr(self.original, "streamsBody", False) is True

    def putChild(self, path: bytes, child: Any) -> None:
        """Give the original a child."""
        self.original.putChild(path, child)

    def getChildWithDefault(self, name: bytes, request: Any) -> Any:
        """The original's child."""
        return self.original.getChildWithDefault(name, request)

    def render(self, request: Any) -> Any:
        """Let the original answer."""
        self._prepare(request)
        return self.original.render(request)

    def _prepare(self, request: Any) -> None:
        if request.encoder is None:
            for factory in self._encoders:
                encoder = factory.encoderForRequest(request)
                if encoder is not None:
                    request.encoder = encoder
                    return


class CompressedResource(EncodingResourceWrapper):
    """A resource, and all below it, sent compressed where that is worth it: ``Site(CompressedResource(root))``.

    :param original: the resource.
    :param factory: None is ``CompressingFactory()``.
    """

    def __init__(self, original: Any, factory: CompressingFactory | None = None) -> None:
        super().__init__(original, [factory if factory is not None else CompressingFactory()])

    def getChildWithDefault(self, name: bytes, request: Any) -> Any:
        """The original's child, whose answer is compressed, too."""
        self._prepare(request)
        return self.original.getChildWithDefault(name, request)


def tell_coding(request: Any, coding: bytes) -> None:
    """Add a coding to what the answer's Content-Encoding says."""
    headers = request.responseHeaders
    codings = [value for value in headers.getRawHeaders(b"content-encoding", []) if value]
    headers.setRawHeaders(b"content-encoding", [b",".join([*codings, coding])])
