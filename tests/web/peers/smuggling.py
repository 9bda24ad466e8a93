"""Requests that two servers could read in two ways (RFC 9112, section 11.2), if one of them is not strict.

Each is a request for /say/first, with `SMUGGLED` at a place where it is a body, or a part of one, or of a header, to one of
the two. What a strict server answers is beside it: ``400`` (or another error), after which the connection is closed; or
``ok``: the request is good, and `SMUGGLED` is its body.
"""

from __future__ import annotations

SMUGGLED = b"GET /say/smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
SIZE = len(SMUGGLED)
CHUNK = b"%x\r\n%b\r\n0\r\n\r\n" % (SIZE, SMUGGLED)
HIDDEN = b"0\r\n\r\n" + SMUGGLED
"""The end of a body in chunks, for who sees chunks."""

OK = 200
BAD = 400


def post(*headers: bytes, body: bytes = HIDDEN, version: bytes = b"HTTP/1.1", host: bytes = b"Host: h\r\n") -> bytes:
    """A request with these header lines, ends of the lines included."""
    return b"POST /say/first %b\r\n%b%b\r\n%b" % (version, host, b"".join(headers), body)


def length(value: bytes, body: bytes = SMUGGLED) -> bytes:
    return post(b"Content-Length: %b\r\n" % value, body=body)


def coded(value: bytes, body: bytes = CHUNK) -> bytes:
    return post(b"Transfer-Encoding: %b\r\n" % value, body=body)


def chunk(size: bytes, data: bytes = SMUGGLED, end: bytes = b"\r\n0\r\n\r\n") -> bytes:
    return coded(b"chunked", body=size + data + end)


def line(first: bytes) -> bytes:
    return first + b"Host: h\r\n\r\n"


_S = b"%d" % SIZE
_X = b"%x" % SIZE

CORPUS: dict[str, tuple[int, bytes]] = {
    # what is good
    "a length": (OK, length(_S)),
    "a length with blanks": (OK, length(b"  %b  " % _S)),
    "chunks": (OK, coded(b"chunked")),
    "chunks in capitals": (OK, coded(b"CHUNKED")),
    "a chunk with leading zeros": (OK, chunk(b"000" + _X + b"\r\n")),
    "a chunk with an extension": (OK, chunk(_X + b";name=value\r\n")),
    "a trailer": (OK, chunk(_X + b"\r\n", end=b"\r\n0\r\nX: y\r\n\r\n")),
    "a body of GET": (OK, b"GET /say/first HTTP/1.1\r\nHost: h\r\nContent-Length: %b\r\n\r\n%b" % (_S, SMUGGLED)),
    # a length and chunks
    "length, then chunks": (BAD, post(b"Content-Length: %d\r\n" % len(HIDDEN), b"Transfer-Encoding: chunked\r\n")),
    "chunks, then length": (BAD, post(b"Transfer-Encoding: chunked\r\n", b"Content-Length: 4\r\n", body=CHUNK)),
    "a length in a trailer": (BAD, chunk(_X + b"\r\n", end=b"\r\n0\r\nContent-Length: 100\r\n\r\n")),
    # lengths
    "two lengths": (BAD, post(b"Content-Length: 0\r\n", b"Content-Length: %b\r\n" % _S, body=SMUGGLED)),
    "the same length twice": (BAD, post(b"Content-Length: %b\r\n" % _S * 2, body=SMUGGLED)),
    "a list of lengths": (BAD, length(b"%b, %b" % (_S, _S))),
    "a length with a plus": (BAD, length(b"+" + _S)),
    "a length below zero": (BAD, length(b"-" + _S)),
    "a length in hexadecimal": (BAD, length(b"0x" + _X)),
    "a length with an underscore": (BAD, length(b"0_" + _S)),
    "a length with a fraction": (BAD, length(_S + b".0")),
    "a length with a blank inside": (BAD, length(b"0 " + _S)),
    "a length of nothing": (BAD, length(b"")),
    "a length in other digits": (BAD, length("٤١".encode())),
    "a length with a vertical tab": (BAD, length(b"\x0b" + _S)),
    "a length beyond 64 bits": (BAD, length(b"18446744073709551616")),
    "a length beyond all": (BAD, length(b"9" * 400)),
    # codings
    "a coding with more letters": (BAD, coded(b"xchunked")),
    "a coding with a vertical tab": (BAD, coded(b"\x0bchunked")),
    "a coding with a tab behind": (BAD, coded(b"chunked\x0b")),
    "a coding in quotes": (BAD, coded(b'"chunked"')),
    "two codings": (BAD, coded(b"identity, chunked")),
    "chunked is not the last": (BAD, coded(b"chunked, identity")),
    "chunked twice": (BAD, coded(b"chunked, chunked")),
    "chunked, with a parameter": (BAD, coded(b"chunked;a=b")),
    "no coding": (BAD, coded(b"identity", body=SMUGGLED)),
    "an empty coding": (BAD, coded(b"", body=CHUNK)),
    "two headers of codings": (BAD, post(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n", body=CHUNK)),
    "chunks in HTTP/1.0": (BAD, post(b"Transfer-Encoding: chunked\r\n", body=CHUNK, version=b"HTTP/1.0")),
    # lines
    "a blank before the colon": (BAD, post(b"Transfer-Encoding : chunked\r\n", b"Content-Length: 5\r\n")),
    "a blank before the name": (BAD, post(b"Content-Length: 5\r\n", b" Transfer-Encoding: chunked\r\n")),
    "a folded value": (BAD, post(b"Transfer-Encoding:\r\n chunked\r\n", body=CHUNK)),
    "a bare line feed between headers": (BAD, post(b"X: y\nTransfer-Encoding: chunked\r\n", body=CHUNK)),
    "a bare carriage return between headers": (BAD, post(b"X: y\rTransfer-Encoding: chunked\r\n", body=CHUNK)),
    "bare line feeds at the end": (BAD, b"POST /say/first HTTP/1.1\nHost: h\nContent-Length: 0\n\n" + SMUGGLED),
    "a NUL in a value": (BAD, post(b"X: y\0z\r\n", body=SMUGGLED)),
    "a NUL in a name": (BAD, post(b"X\0: y\r\n", body=SMUGGLED)),
    "a header without a colon": (BAD, post(b"Nonsense\r\n", body=SMUGGLED)),
    "a header without a name": (BAD, post(b": y\r\n", body=SMUGGLED)),
    "a line of a blank": (BAD, post(b" \r\n", body=SMUGGLED)),
    # chunks
    "a chunk in 0x": (BAD, chunk(b"0x" + _X + b"\r\n")),
    "a chunk with a plus": (BAD, chunk(b"+" + _X + b"\r\n")),
    "a chunk below zero": (BAD, chunk(b"-" + _X + b"\r\n")),
    "a chunk without a size": (BAD, chunk(b"\r\n")),
    "a chunk with a blank before": (BAD, chunk(b" " + _X + b"\r\n")),
    "a chunk beyond 64 bits": (BAD, chunk(b"1" + b"0" * 16 + _X + b"\r\n")),
    "a chunk with a bare line feed": (BAD, chunk(_X + b"\n")),
    "a line feed in an extension": (BAD, chunk(b"2;\nxx\r\n" + _X + b"\r\n0\r\n\r\n", b"", b"")),
    "a chunk longer than its size": (BAD, chunk(b"2\r\n")),
    "a chunk that ends in two other bytes": (BAD, chunk(_X + b"\r\n", end=b"XX0\r\n\r\n")),
    "a chunk that ends in a bare line feed": (BAD, chunk(_X + b"\r\n", end=b"\n0\r\n\r\n")),
    # the first line, and the host
    "a version of other digits": (BAD, line(b"GET /say/first HTTP/1.10\r\n")),
    "a version in small letters": (BAD, line(b"GET /say/first http/1.1\r\n")),
    "a version of the future": (BAD, line(b"GET /say/first HTTP/3.1\r\n")),
    "a blank too many in the line": (BAD, line(b"GET /say/first HTTP/1.1 HTTP/1.1\r\n")),
    "a blank in the target": (BAD, line(b"GET /say/first x HTTP/1.1\r\n")),
    "a control character in the target": (BAD, line(b"GET /say/fi\x01rst HTTP/1.1\r\n")),
    "no host": (BAD, post(b"Content-Length: 0\r\n", body=SMUGGLED, host=b"")),
    "two hosts": (BAD, post(b"Content-Length: 0\r\n", body=SMUGGLED, host=b"Host: h\r\nHost: i\r\n")),
    "a host with a blank": (BAD, post(b"Content-Length: 0\r\n", body=SMUGGLED, host=b"Host: h i\r\n")),
    "a host with a user": (BAD, post(b"Content-Length: 0\r\n", body=SMUGGLED, host=b"Host: u@h\r\n")),
    "a host with a path": (BAD, post(b"Content-Length: 0\r\n", body=SMUGGLED, host=b"Host: h/x\r\n")),
}
