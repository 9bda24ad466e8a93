"""A site for a browser, for ``plait run -n -y``: pages, a form, events."""

import html

from plait.current import getReactor
from plait.service import Application, TCPServer
from plait.web.later import NOT_DONE_YET
from plait.web.resource import Resource
from plait.web.site import Site
from plait.web.static import File

PAGE = b"""<!DOCTYPE html><html><head><title>Form</title></head><body>
<form method="post" enctype="multipart/form-data" action="/form">
<input name="text" value="a &lt;b&gt; \xc3\xbc"><input name="other" value="1 + 1 = 2"></form>
<script>document.forms[0].submit()</script></body></html>"""

EVENTS = b"""<!DOCTYPE html><html><body><ol id="got"></ol><script>
const source = new EventSource("/events");
const note = text => {
  const item = document.createElement("li");
  item.textContent = text;
  document.getElementById("got").append(item);
};
source.onmessage = event => note("event " + event.lastEventId + " " + event.data);
source.addEventListener("end", event => {
  note("end " + event.data);
  source.close();
  // The browser shows what it has when the page is loaded: it is not, before this picture is there.
  document.getElementById("held").src = "/release";
});
</script><img id="held" src="/held"></body></html>"""


class Page(Resource):
    def __init__(self, page):
        super().__init__()
        self.page = page

    def render_GET(self, request):
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        return self.page


class Form(Resource):
    """Shows what it was sent."""

    def render_POST(self, request):
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        fields = [f"{name.decode()}={values[0].decode()}" for name, values in request.args.items()]
        return f"<!DOCTYPE html><p id='got'>{html.escape('; '.join(fields))}</p>".encode()


class Held(Resource):
    """A picture that comes only when all events have."""

    waiting = []

    def render_GET(self, request):
        self.waiting.append(request)
        request.notifyFinish().addErrback(lambda _: request in self.waiting and self.waiting.remove(request))
        return NOT_DONE_YET


class Release(Resource):
    def render_GET(self, request):
        while Held.waiting:
            Held.waiting.pop(0).finish()
        return b""


class Events(Resource):
    """Three events; then the connection is closed, and the browser comes back for the rest."""

    def render_GET(self, request):
        request.setHeader(b"content-type", b"text/event-stream")
        request.setHeader(b"cache-control", b"no-store")
        last = request.getHeader(b"last-event-id")
        if last is None:
            request.write(b"retry: 1\n\n")
            self.send(request, 1)
        else:
            request.write(b"event: end\ndata: after %b\n\n" % last)
        return NOT_DONE_YET

    def send(self, request, number):
        request.write(b"id: %d\ndata: number %d\n\n" % (number, number))
        if number < 3:
            getReactor().callLater(0, self.send, request, number + 1)
        else:
            request.finish()


root = Resource()
for name, resource in {
    b"files": File("www"),
    b"form.html": Page(PAGE),
    b"form": Form(),
    b"events.html": Page(EVENTS),
    b"events": Events(),
    b"held": Held(),
    b"release": Release(),
}.items():
    root.putChild(name, resource)

application = Application("Browser")
TCPServer(0, Site(root), interface="127.0.0.1").setServiceParent(application)
