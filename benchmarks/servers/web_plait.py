"""The web server of Plait: `python web_plait.py KIND FOLDER`; KIND is hello, asgi or file. Prints its port."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from plait import reactor
from plait.web.resource import Resource
from plait.web.site import Site


class Hello(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return b"Hello, world!"


HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"13")]


async def hello(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"Hello, world!"})


root: Any
if sys.argv[1] == "hello":
    root = Hello()
elif sys.argv[1] == "asgi":
    from plait.web.asgi import ASGIResource

    root = ASGIResource(hello)
else:
    from plait.web.static import File

    root = File(sys.argv[2])
port = reactor.listenTCP(0, Site(root), backlog=4096, interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
