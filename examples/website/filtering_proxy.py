"""A proxy that goes to some hosts only, and logs who wanted to go elsewhere: python filtering_proxy.py [PORT [HOST …]]"""

import sys
from typing import Any

from plait import reactor
from plait.log import Logger, startLogging
from plait.web.error import HTTPError
from plait.web.forwardproxy import ForwardProxyResource
from plait.web.site import Site

log = Logger("filter")


class FilteringProxy(ForwardProxyResource):
    async def render(self, request: Any) -> Any:
        try:
            return await super().render(request)
        except HTTPError as error:
            if error.code == 403:
                log.warn("{client} wanted {uri}", client=request.getClientIP(), uri=request.uri.decode())
            raise


if __name__ == "__main__":
    startLogging(sys.stderr, setStdout=False)
    place, *hosts = sys.argv[1:] or ["8080"]
    proxy = FilteringProxy(hosts=hosts or ["example.org"])
    port = reactor.listenTCP(int(place), Site(proxy), interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()
