"""The HTTP client: a page into memory (`getPage`), into a file (`downloadPage`), or by a factory of one's own.

    from plait import reactor
    from plait.web.client import getPage

    getPage("https://example.com/").addCallback(print).addBoth(lambda _: reactor.stop())
    reactor.run()

Certificates are verified unless a context factory says otherwise.
"""

from __future__ import annotations

import os
from typing import Any, AnyStr, BinaryIO

from plait.deferred import Deferred
from plait.web import url as web_url
from plait.web.download import HTTPDownloader
from plait.web.error import PartialDownloadError
from plait.web.getter import HTTPPageDownloader, HTTPPageGetter
from plait.web.https import BrowserLikePolicyForHTTPS, ContextFactory
from plait.web.page import HTTPClientFactory

__all__ = [
    "BrowserLikePolicyForHTTPS",
    "HTTPClientFactory",
    "HTTPDownloader",
    "HTTPPageDownloader",
    "HTTPPageGetter",
    "PartialDownloadError",
    "downloadPage",
    "getPage",
]


def getPage(
    url: bytes | str,
    contextFactory: ContextFactory | BrowserLikePolicyForHTTPS | None = None,
    *args: Any,
    **kwargs: Any,
) -> Deferred[bytes]:
    """Fetch a page into memory.

    :param contextFactory: how TLS is done for https. None verifies the certificate against the system's authorities; see
        `BrowserLikePolicyForHTTPS` for other ones.
    :param args: and `kwargs`: what `HTTPClientFactory` takes after the URL: `method`, `postdata`, `headers`, `timeout`,
        `maxSize` and so on. Without `maxSize` a page may be as large as its server likes.
    :return: a Deferred with the page; how it fails is said in `HTTPClientFactory`.
    :raises plait.web.error.InvalidURL: the URL cannot be fetched.
    """
    factory = HTTPClientFactory(url, *args, **kwargs)
    factory.contextFactory = contextFactory
    factory.connect()
    return factory.deferred


def downloadPage(
    url: bytes | str,
    file: str | bytes | os.PathLike[str] | BinaryIO,
    contextFactory: ContextFactory | BrowserLikePolicyForHTTPS | None = None,
    *args: Any,
    **kwargs: Any,
) -> Deferred[None]:
    """Fetch a page into a file, in constant memory.

    :param file: a path, or a binary file that is open for writing; it is closed in the end.
    :param contextFactory: as for `getPage`.
    :param args: and `kwargs`: what `HTTPDownloader` takes after the file: `supportPartial`, `headers`, `timeout` and so on.
    :return: a Deferred that fires when the file is complete; how it fails is said in `HTTPDownloader`.
    :raises plait.web.error.InvalidURL: the URL cannot be fetched.
    """
    factory = HTTPDownloader(url, file, *args, **kwargs)
    factory.contextFactory = contextFactory
    factory.connect()
    return factory.deferred


def _parse(url: AnyStr, defaultPort: int | None = None) -> tuple[AnyStr, AnyStr, int, AnyStr]:
    """Scheme, host, port and path of `url`, as `connectTCP` and a request need them. See `plait.web.url.parse`.

    They are of the kind that `url` is, bytes or str, so that a program compares them with what it writes itself.
    """
    parts = web_url.parse(url, defaultPort)
    if isinstance(url, bytes):
        return parts.scheme, parts.host, parts.port, parts.path
    # what goes on the wire is ASCII
    return parts.scheme.decode("ascii"), parts.host.decode("ascii"), parts.port, parts.path.decode("ascii")
