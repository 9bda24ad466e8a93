"""A site with small limits, for ``plait run -n -y``; and applications that pass on what they are sent to where it does not
belong: into headers, cookies, the status line.
"""

from plait.current import getReactor
from plait.service import Application, TCPServer
from plait.web.asgi import ASGIResource
from plait.web.limits import Limits
from plait.web.redirects import redirectTo
from plait.web.resource import Resource
from plait.web.site import Site
from plait.web.static import Data
from plait.web.wsgi import WSGIResource

EVIL = "a\r\nInjected: 1\r\n\r\n<b>\n\nInjected: 2\rInjected: 3\0\x0b\x0c\x85b"


class Here(Resource):
    isLeaf = True

    def render_GET(self, request):
        return b"here"

    def render_POST(self, request):
        return b"taken"


class Through(Resource):
    """Answers with an EVIL value in the place that the path names."""

    isLeaf = True

    def render_GET(self, request):
        place = request.postpath[0].decode()
        evil = EVIL.encode("latin-1")
        if place == "value":
            request.setHeader(b"x-value", evil)
            request.setHeader("x-text", EVIL)
        elif place == "added":
            request.responseHeaders.addRawHeader(b"x-value", evil)
            request.responseHeaders.setRawHeaders(b"x-values", [evil, evil])
        elif place == "type":
            return Data(b"body", EVIL).render_GET(request)
        elif place == "cookie":
            request.addCookie(EVIL, evil, path=evil, domain=EVIL, expires=evil, comment=EVIL, max_age=EVIL)
            request.cookies.append(b"raw=" + evil)
        elif place == "status":
            request.setResponseCode(200, evil)
        elif place == "redirect":
            request.redirect(evil)
        elif place == "page":
            return redirectTo(evil, request)
        elif place == "etag":
            request.setETag(evil)
        elif place == "name":
            request.setHeader(evil, b"1")
        elif place == "written":
            request.setHeader(b"connection", evil)
            request.write(b"bo")
            request.write(b"dy")
            request.finish()
            return 1
        return b"body"


async def asgi(scope, receive, send):
    place, evil = scope["path"].rpartition("/")[2], EVIL.encode("latin-1")
    headers = {
        "value": [(b"x-value", evil), (b"content-type", evil)],
        "name": [(evil, b"1")],
        "long": [(b"x-value", evil * 10)],
        "more": [(b"x-value", evil), (b"connection", evil)],
    }[place]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if place == "more":
        await send({"type": "http.response.body", "body": b"bo", "more_body": True})
        await send({"type": "http.response.body", "body": b"dy"})
    else:
        await send({"type": "http.response.body", "body": b"body"})


def wsgi(environ, start_response):
    place = environ["PATH_INFO"].rpartition("/")[2]
    status, headers = {
        "value": ("200 OK", [("X-Value", EVIL), ("Content-Type", EVIL)]),
        "name": ("200 OK", [(EVIL, "1")]),
        "status": (f"200 {EVIL}", []),
        "cookie": ("200 OK", [("Set-Cookie", EVIL)]),
    }[place]
    start_response(status, headers)
    return [b"body"]


root = Resource()
root.putChild(b"here", Here())
root.putChild(b"site", Through())
root.putChild(b"asgi", ASGIResource(asgi))
reactor = getReactor()
root.putChild(b"wsgi", WSGIResource(reactor, reactor.getThreadPool(), wsgi))

application = Application("Hostile")
# Times are kept to about a second.
limits = Limits(
    headerTimeout=2.0,
    bodyTimeout=2.0,
    minBodyRate=10_000.0,
    lingerTimeout=1.0,
    maxBody=1_000_000,
    bodyInMemory=1_000_000,
)
TCPServer(0, Site(root, timeout=2.0, limits=limits), backlog=2500, interface="127.0.0.1").setServiceParent(application)
