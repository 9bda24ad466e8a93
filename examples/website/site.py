"""A small site: a page, a form, something slow, a folder of files. ``python site.py`` and look at http://localhost:8080/."""

import html
import os
import sys

from plait import reactor
from plait.task import deferLater
from plait.web.resource import Resource
from plait.web.site import Site
from plait.web.static import File


class Front(Resource):
    def getChild(self, path, request):
        return self if path == b"" else super().getChild(path, request)

    def render_GET(self, request):
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        name = request.args.get(b"name", [b"world"])[0].decode("utf-8", "replace")
        return f"<h1>Hello, {html.escape(name)}!</h1>".encode()


class Slow(Resource):
    isLeaf = True

    async def render_GET(self, request):
        await deferLater(reactor, 0.01)
        return b"it has taken its time\n"


class Upload(Resource):
    isLeaf = True

    def render_POST(self, request):
        return b"%d bytes, thank you\n" % len(request.content.read())


root = Front()
root.putChild(b"slow", Slow())
root.putChild(b"upload", Upload())
root.putChild(b"files", File(os.path.dirname(os.path.abspath(__file__))))

port = reactor.listenTCP(int(sys.argv[1]) if len(sys.argv) > 1 else 8080, Site(root))
print(f"http://localhost:{port.getHost().port}/", flush=True)
reactor.run()
