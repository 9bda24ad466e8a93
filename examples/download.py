"""A download with progress: a subclass of HTTPDownloader that looks at the headers and at each part of the page.

usage: python download.py URL FILE
"""

import sys

from plait import reactor
from plait.transport.tls import verifiedClientContextFactory
from plait.web import client


class ProgressDownloader(client.HTTPDownloader):
    """Shows how much of the page has come, where the server says how long it is."""

    received = 0
    total = 0
    shown = -1

    def gotHeaders(self, headers):
        # Names are lower-case bytes, and each has a list of values.
        if self.status == b"200" and b"content-length" in headers:
            self.total = int(headers[b"content-length"][0])
        super().gotHeaders(headers)

    def pagePart(self, data):
        super().pagePart(data)
        self.received += len(data)
        percent = 100 * self.received // self.total if self.total else -1
        if percent != self.shown:
            self.shown = percent
            print(f"\rProgress: {percent}%", end="", flush=True)

    def pageEnd(self):
        if self.shown >= 0:
            print()
        super().pageEnd()


def download(url, file):
    """A Deferred that fires when the page is in the file, or fails with the reason why it is not."""
    scheme, host, port, _path = client._parse(url)
    factory = ProgressDownloader(url, file)
    if scheme == "https":
        reactor.connectSSL(host, port, factory, verifiedClientContextFactory(host))
    else:
        reactor.connectTCP(host, port, factory)
    return factory.deferred


def printError(failure):
    print("Error:", failure.getErrorMessage())


if len(sys.argv) != 3:
    print("usage: python download.py URL FILE", file=sys.stderr)
    sys.exit(2)

downloading = download(sys.argv[1], sys.argv[2])
downloading.addCallbacks(lambda _: print("Download Complete."), printError)
downloading.addBoth(lambda _: reactor.stop())
reactor.run()
