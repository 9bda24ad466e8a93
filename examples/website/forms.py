"""A form with a file in it, taken as it comes, and answers that are sent compressed. ``python forms.py``."""

import html
import sys

from plait import reactor
from plait.web.cookies import makeCookie
from plait.web.encoding import CompressedResource
from plait.web.forms import readForm
from plait.web.limits import FormLimits
from plait.web.resource import Resource
from plait.web.site import Site

FORM = """<form method="post" enctype="multipart/form-data">
<input name="title"> <input type="file" name="photo"> <button>Send</button></form>"""


class Photos(Resource):
    isLeaf = True
    streamsBody = True  # large files do not wait in memory, nor are they refused for Limits.maxBody

    def render_GET(self, request):
        return f"<h1>Photos</h1>{FORM}{'<p>No photo.</p>' * 40}".encode()

    async def render_POST(self, request):
        with await readForm(request, FormLimits(maxFiles=3, maxFileSize=20_000_000)) as form:
            title = form.get(b"title", b"").decode("utf-8", "replace")
            sizes = [str(photo.size) for photo in form.files.get(b"photo", [])]
        request.cookies.append(makeCookie("photos", "-".join(sizes), maxAge=3600))
        return f"<p>{html.escape(title)}: {', '.join(sizes)} bytes</p>".encode()


port = reactor.listenTCP(int(sys.argv[1]) if len(sys.argv) > 1 else 8080, Site(CompressedResource(Photos())))
print(f"http://localhost:{port.getHost().port}/", flush=True)
reactor.run()
