from twisted.internet import reactor, ssl
from twisted.web import client
import sys


class ProgressDownloader(client.HTTPDownloader):
    def gotHeaders(self, headers):
        self.totalBytes = self.currentBytes = 0
        if self.status == b"200" and b"content-length" in headers:
            self.totalBytes = int(headers[b"content-length"][0])
        return client.HTTPDownloader.gotHeaders(self, headers)

    def pagePart(self, data):
        if self.totalBytes:
            self.currentBytes += len(data)
            sys.stdout.write("\rProgress: %d%%" % (100 * self.currentBytes // self.totalBytes))
            sys.stdout.flush()
        return client.HTTPDownloader.pagePart(self, data)


def downloadWithProgress(url, filename):
    scheme, host, port, path = client._parse(url)
    factory = ProgressDownloader(url, filename)
    if scheme == b"https":
        reactor.connectSSL(host, port, factory, ssl.ClientContextFactory())
    else:
        reactor.connectTCP(host, port, factory)
    return factory.deferred


def downloadComplete(result):
    print("\nDownload Complete.")
    reactor.stop()


def downloadError(failure):
    print("Error: %s" % failure.getErrorMessage())
    reactor.stop()


if len(sys.argv) != 3:
    sys.stderr.write("usage: download.py URL FILE\n")
    sys.exit(2)

download = downloadWithProgress(sys.argv[1].encode(), sys.argv[2])
download.addCallback(downloadComplete)
download.addErrback(downloadError)
reactor.run()
