"""Who may see what."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

import pytest

from plait.auth.checkers import ANONYMOUS, AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse
from plait.auth.errors import LoginFailed
from plait.auth.portal import Portal
from plait.errors import ConnectionLost
from plait.interfaces import verifyObject
from plait.log import globalLogPublisher
from plait.testing import EventLoggingObserver
from plait.web.guard import (
    BasicCredentialFactory,
    DigestCredentialFactory,
    HTTPAuthSessionWrapper,
    ICredentialFactory,
    UnauthorizedResource,
)
from plait.web.later import NOT_DONE_YET
from plait.web.resource import IResource, Resource, getChildForRequest
from tests.web.requests import FakeRequest


class Greeting(Resource):
    def __init__(self, user: Any) -> None:
        super().__init__()
        self.user = user

    def render_GET(self, request: Any) -> bytes:
        return b"anonymous" if self.user is ANONYMOUS else bytes(self.user)

    def getChild(self, path: bytes, request: Any) -> Resource:
        return Slow() if path == b"slow" else Greeting(path)


class Slow(Resource):
    def render_GET(self, request: Any) -> int:
        return NOT_DONE_YET


class Realm:
    def __init__(self) -> None:
        self.inside = 0

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        assert interfaces == (IResource,)
        self.inside += 1
        return IResource, Greeting(avatarId), self.logout

    def logout(self) -> None:
        self.inside -= 1


class Guarded:
    """A tree with a guarded branch."""

    def __init__(self, *factories: Any, checkers: Any = ()) -> None:
        self.realm = Realm()
        users = InMemoryUsernamePasswordDatabaseDontUse()
        users.addUser(b"me", b"pa:ss")
        self.root = Resource()
        self.root.putChild(b"in", HTTPAuthSessionWrapper(Portal(self.realm, [users, *checkers]), factories or [BASIC]))

    def get(self, *path: bytes, authorization: bytes | None = None) -> FakeRequest:
        request = FakeRequest(path=[b"in", *path])
        if authorization is not None:
            request.requestHeaders.addRawHeader(b"authorization", authorization)
        request.render(getChildForRequest(self.root, request))
        return request


BASIC = BasicCredentialFactory('the "inner" circle')
GOOD = b"bAsIc " + b64encode(b"me:pa:ss")


def test_the_right_password() -> None:
    guarded = Guarded()
    for path, body in (((), b"me"), ((b"child",), b"child"), ((b"a", b"b"), b"b")):
        request = guarded.get(*path, authorization=GOOD)
        assert (request.code, request.written) == (200, body)
    assert guarded.realm.inside == 0


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        b"",
        b"Basic",
        b"Basic " + b64encode(b"me:wrong"),
        b"Basic " + b64encode(b"you:pa:ss"),
        b"Basic " + b64encode(b"no colon"),
        b"Basic x",
        b"Basic not base64!",
        b"Basic " + b64encode(b"me:pa:ss") + b"!",
        b"Digest x",
    ],
)
@pytest.mark.parametrize("path", [(), (b"child",), (b"a", b"b")])
def test_everybody_else_is_asked(authorization: bytes | None, path: tuple[bytes, ...]) -> None:
    guarded = Guarded()
    request = guarded.get(*path, authorization=authorization)
    assert (request.code, request.written) == (401, b"Unauthorized")
    assert request.responseHeaders.getRawHeaders("www-authenticate") == [r'basic realm="the \"inner\" circle"']
    assert guarded.realm.inside == 0


def test_a_user_is_in_as_long_as_the_request() -> None:
    guarded = Guarded()
    request = guarded.get(b"slow", authorization=GOOD)
    assert guarded.realm.inside == 1
    request.finish()
    assert guarded.realm.inside == 0
    request = guarded.get(b"slow", authorization=GOOD)
    request.connectionLost(ConnectionLost())
    assert guarded.realm.inside == 0


def test_who_says_nothing_where_that_is_allowed() -> None:
    guarded = Guarded(checkers=[AllowAnonymousAccess()])
    assert guarded.get().written == b"anonymous"
    assert guarded.get(authorization=b"Basic x").code == 401


def test_digest() -> None:
    guarded = Guarded(DigestCredentialFactory(b"md5", b"circle"), BASIC)
    request = guarded.get(b"x")
    challenges = request.responseHeaders.getRawHeaders("www-authenticate", [])
    assert len(challenges) == 2
    assert challenges[0].startswith("digest ")
    fields = dict(part.split("=", 1) for part in challenges[0].removeprefix("digest ").split(", "))
    nonce = fields["nonce"].strip('"')

    def hashed(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    def response(password: str) -> bytes:
        proof = hashed(f"{hashed(f'me:circle:{password}')}:{nonce}:00000001:abc:auth:{hashed('GET:/in/x')}")
        return (
            f'Digest username="me", realm="circle", nonce="{nonce}", uri="/in/x", algorithm=md5, qop=auth, '
            f'nc=00000001, cnonce="abc", response="{proof}", opaque={fields["opaque"]}'
        ).encode()

    assert guarded.get(b"x", authorization=response("pa:ss")).written == b"x"
    assert guarded.get(b"x", authorization=response("wrong")).code == 401


class Broken:
    scheme = b"broken"

    def getChallenge(self, request: Any) -> dict[str, bytes]:
        return {}

    def decode(self, response: bytes, request: Any) -> Any:
        raise RuntimeError("a secret")


class BrokenChecker:
    credentialInterfaces = tuple(AllowAnonymousAccess.credentialInterfaces)

    def requestAvatarId(self, credentials: Any) -> Any:
        raise RuntimeError("a secret")


@pytest.mark.parametrize("authorization", [b"Broken x", None])
def test_what_breaks_lets_nobody_in(authorization: bytes | None) -> None:
    seen = EventLoggingObserver()
    globalLogPublisher.addObserver(seen)
    try:
        request = Guarded(Broken(), checkers=[BrokenChecker()]).get(authorization=authorization)
    finally:
        globalLogPublisher.removeObserver(seen)
    assert request.code == 500
    assert b"secret" not in request.written
    assert any(event["log_failure"].check(RuntimeError) for event in seen if "log_failure" in event)


def test_padding_may_be_missing() -> None:
    credentials = BASIC.decode(b64encode(b"me:pass").rstrip(b"="), None)
    assert (credentials.username, credentials.password) == (b"me", b"pass")
    with pytest.raises(LoginFailed):
        BASIC.decode(b"x", None)


def test_interfaces() -> None:
    verifyObject(ICredentialFactory, BASIC)
    verifyObject(ICredentialFactory, DigestCredentialFactory(b"md5", b"x"))
    verifyObject(IResource, HTTPAuthSessionWrapper(None, []))
    resource = UnauthorizedResource([])
    assert resource.getChildWithDefault(b"x", None) is resource
    head = FakeRequest(b"HEAD")
    head.render(resource)
    assert (head.code, head.written) == (401, b"")
    with pytest.raises(NotImplementedError):
        HTTPAuthSessionWrapper(None, []).putChild(b"x", resource)
