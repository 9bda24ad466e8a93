"""A site with something of everything, for ``plait run -n -y``. It serves the folder ``files`` of the current one."""

import hashlib

from plait.auth.checkers import InMemoryUsernamePasswordDatabaseDontUse
from plait.auth.portal import Portal
from plait.service import Application, TCPServer
from plait.web.encoding import CompressedResource
from plait.web.forms import readForm
from plait.web.guard import BasicCredentialFactory, DigestCredentialFactory, HTTPAuthSessionWrapper
from plait.web.limits import Limits
from plait.web.redirects import Redirect
from plait.web.resource import IResource, Resource
from plait.web.site import Site
from plait.web.static import Data, File


def digest_of(file):
    return hashlib.file_digest(file, "sha256").hexdigest()


class Upload(Resource):
    """Says how long a body, or each file of a form, is, and its hash."""

    isLeaf = True

    def render_PUT(self, request):
        digest = digest_of(request.content)
        return f"{request.content.seek(0, 2)} {digest}".encode()

    async def render_POST(self, request):
        with await readForm(request) as form:
            lines = [f"{name.decode()}={value.decode()}" for name, values in form.fields.items() for value in values]
            for name, files in form.files.items():
                lines += [f"{name.decode()}:{file.filename} {file.size} {digest_of(file.file)}" for file in files]
        return "\n".join(lines).encode()


class Realm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        return IResource, Data(b"for " + avatarId, "text/plain"), lambda: None


def guarded(factory):
    users = InMemoryUsernamePasswordDatabaseDontUse()
    users.addUser(b"me", b"pa:ss")
    return HTTPAuthSessionWrapper(Portal(Realm(), [users]), [factory])


class Moved(Resource):
    """Sends on with 307: the method stays."""

    isLeaf = True

    def render(self, request):
        request.setResponseCode(307)
        request.redirect(b"/upload")
        return b""


class Echo(Resource):
    """Answers with the body, in pieces and without a length, or with one (?length)."""

    isLeaf = True

    async def render_POST(self, request):
        if b"length" in request.args:
            request.setHeader(b"content-length", request.getHeader(b"content-length"))
        while piece := request.content.read(50_000):
            request.write(piece)
            await request.drained()

    render_PUT = render_POST


class Cached(Resource):
    """Has an entity tag."""

    def render_GET(self, request):
        if request.setETag(b'"one"'):
            return b""
        return b"cached"


class Who(Resource):
    """Tells which connection it is, and what a proxy says of who has asked."""

    def render_GET(self, request):
        said = [request.getHeader(name) or b"-" for name in (b"x-forwarded-for", b"x-forwarded-host", b"host")]
        return b"%d %b\n" % (request.client.port, b" ".join(said))


class Say(Resource):
    """Answers with the target that it was asked for."""

    isLeaf = True

    def render(self, request):
        return b"<%b>" % request.uri


class Hello(Resource):
    """The same each time."""

    def render_GET(self, request):
        return b"Hello, world!"


root = Resource()
for name, resource in {
    b"hello": Hello(),
    b"upload": Upload(),
    b"basic": guarded(BasicCredentialFactory(b"circle")),
    b"digest": guarded(DigestCredentialFactory(b"sha-256", b"circle")),
    b"md5": guarded(DigestCredentialFactory(b"md5", b"circle")),
    b"text": CompressedResource(Data(b"the same again, " * 10_000, "text/plain")),
    b"old": Redirect(b"/hello"),
    b"moved": Moved(),
    b"echo": Echo(),
    b"cached": Cached(),
    b"who": Who(),
    b"say": Say(),
    b"files": File("files"),
}.items():
    root.putChild(name, resource)

application = Application("Peers")
site = Site(root, limits=Limits(maxBody=40_000_000))
TCPServer(0, site, interface="127.0.0.1").setServiceParent(application)
