"""What a client may take of a server: each limit has a default that is safe for most, and can be set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FormLimits:
    """The limits of a form in a request's body. Sizes are in bytes; what is more is answered with 413."""

    maxFields: int = 10_000
    """How many fields and files."""
    maxFieldSize: int = 1024 * 1024
    """Of one field."""
    maxMemory: int = 10 * 1024 * 1024
    """Of the names and values of all fields; and of all files, where they are asked for as `Request.args`."""
    maxFiles: int = 100
    """How many files: each may be a file that is open."""
    maxFileSize: int = 100 * 1024 * 1024
    """Of one file."""
    fileInMemory: int = 65536
    """Of a file that is kept in memory; a longer one goes to a temporary file."""


@dataclass(frozen=True)
class Limits:
    """The limits of a `plait.web.site.Site`. Sizes are in bytes, times in seconds (kept to about one second)."""

    maxRequestLine: int = 8190
    """Of the target of a request; what is longer is answered with 414."""
    maxHeaderBytes: int = 32768
    """Of the request line and all headers; 431."""
    maxHeaders: int = 100
    """How many; 431."""
    maxBody: int = 100 * 1024 * 1024
    """Of a body that is kept for the resource; 413. A resource can set its own (`Request.bodyLimit`)."""
    maxStreamedBody: int | None = None
    """Of one that the resource takes as it comes; None: as long as it likes, unless it sets its own."""
    bodyInMemory: int = 1024 * 1024
    """Of a body that is kept in memory; a longer one goes to a temporary file."""
    headerTimeout: float = 20.0
    """From the first byte of a request to the end of its headers, however it trickles in; then 408."""
    bodyTimeout: float = 60.0
    """Between two pieces of a body; 408."""
    minBodyRate: float = 100.0
    """Bytes in a second that a body must come with, once it has taken longer than `bodyTimeout`; 408."""
    writeTimeout: float = 60.0
    """That a client may take none of what is to be sent to it; its connection is then closed."""
    lingerTimeout: float = 3.0
    """That a client may go on to send what is not looked at any more, so that it comes to read the answer; 0: closed at once."""
    requestsPerConnection: int = 100_000
    """After so many the connection is closed."""
    maxHeld: int = 65536
    """Of further requests that come before the answer to the one before them (pipelining); they are then not read for now."""
    forms: FormLimits = FormLimits()
    """Of forms in bodies."""
