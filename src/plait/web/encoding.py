"""Compressed answers: a resource whose answers are encoded as the client takes them (RFC 9110, section 12.5.3)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

from plait.web.resource import Resource

__all__ = ["EncodingResourceWrapper", "GzipEncoderFactory", "accepts"]


def accepts(values: Iterable[bytes], coding: bytes) -> bool:
    """Whether a client takes a coding, by its Accept-Encoding headers; one that is not named counts as not taken."""
    for value in values:
        for item in value.split(b","):
            name, _, parameters = item.partition(b";")
            if name.strip().lower() == coding:
                _, _, quality = parameters.replace(b" ", b"").lower().partition(b"q=")
                return not quality or quality.strip(b"0.") != b""
    return False


class GzipEncoder:
    """Compresses the answer to a request.

    :param level: from 1 (fast) to 9 (small).
    """

    def __init__(self, level: int, request: Any) -> None:
        self._compressor: Any = zlib.compressobj(level, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        self._request = request

    def encode(self, data: bytes) -> bytes:
        """A piece; perhaps ``b""`` as yet."""
        if not self._request.startedWriting:
            # it would be the length of what is not compressed; and a tag is of one form of the content only
            self._request.responseHeaders.removeHeader(b"content-length")
        return bytes(self._compressor.compress(data))

    def finish(self) -> bytes:
        """What is left at the end."""
        return bytes(self._compressor.flush())


class GzipEncoderFactory:
    """Compresses by gzip for clients that take it. `compressionLevel` is from 1 to 9."""

    compressionLevel = 9

    def encoderForRequest(self, request: Any) -> GzipEncoder | None:
        """The encoder, and the header that tells of it; None if the client does not take it."""
        if not accepts(request.requestHeaders.getRawHeaders(b"accept-encoding", []), b"gzip"):
            return None
        encodings = [*request.responseHeaders.getRawHeaders(b"content-encoding", []), b"gzip"]
        request.responseHeaders.setRawHeaders(b"content-encoding", [b",".join(encodings)])
        request.responseHeaders.addRawHeader(b"vary", b"Accept-Encoding")
        return GzipEncoder(self.compressionLevel, request)


class EncodingResourceWrapper(Resource):
    """Answers as another resource does, and lets the answer be encoded.

    :param original: the resource.
    :param encoders: factories such as `GzipEncoderFactory`; the first that suits the client is taken.
    """

    def __init__(self, original: Any, encoders: Iterable[Any]) -> None:
        super().__init__()
        self._original = original
        self._encoders = list(encoders)

    @property
    def isLeaf(self) -> bool:  # type: ignore[override]
        """As the resource says."""
        return bool(self._original.isLeaf)

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """What is below the resource, encoded too."""
        self._choose(request)
        return self._original.getChildWithDefault(path, request)

    def putChild(self, path: bytes, child: Any) -> None:
        """Put a child below the resource."""
        self._original.putChild(path, child)

    def render(self, request: Any) -> Any:
        """As the resource does."""
        self._choose(request)
        return self._original.render(request)

    def _choose(self, request: Any) -> None:
        if getattr(request, "encoder", None) is not None:
            return
        for factory in self._encoders:
            encoder = factory.encoderForRequest(request)
            if encoder is not None:
                request.encoder = encoder
                return
