"""The web server of Twisted: `python web_twisted.py KIND FOLDER`; KIND is hello or file. Prints its port."""

import sys

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import File


class Hello(Resource):
    isLeaf = True

    def render_GET(self, request: object) -> bytes:
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")  # type: ignore[attr-defined]
        return b"Hello, world!"


root = Hello() if sys.argv[1] == "hello" else File(sys.argv[2])
port = reactor.listenTCP(0, Site(root), backlog=4096, interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
