"""Resources for those who may see them: HTTP's own authentication (RFC 9110, section 11) in front of a `plait.auth.Portal`.

`HTTPAuthSessionWrapper` is put into the tree in place of what it guards. It asks the portal for an `IResource`, so that each user
may get a resource of their own. Basic (RFC 7617) and Digest (RFC 7616) are here; basic sends the password as it is, and belongs
behind TLS.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any

from plait.auth.credentials import Anonymous, UsernamePassword
from plait.auth.digest import DigestCredentialFactory as _Digest
from plait.auth.digest import DigestedCredentials
from plait.auth.errors import LoginFailed, Unauthorized
from plait.deferred import Deferred
from plait.failure import Failure
from plait.interfaces import Interface, implementer
from plait.log import Logger
from plait.web.pages import ErrorPage, errorPage
from plait.web.redirects import DeferredResource
from plait.web.resource import IResource, Resource

__all__ = [
    "BasicCredentialFactory",
    "DigestCredentialFactory",
    "HTTPAuthSessionWrapper",
    "ICredentialFactory",
    "UnauthorizedResource",
]

_log = Logger(namespace="plait.web.guard")
_UNAUTHORIZED = 401


class ICredentialFactory(Interface):
    """One scheme of authentication: what is asked, and what the answer is worth."""

    scheme: bytes
    """Its name, in lower case: ``b"basic"``."""

    def getChallenge(self, request: Any) -> dict[str, Any]:
        """What goes into the ``WWW-Authenticate`` header, with the name of each value; values are bytes or str."""

    def decode(self, response: bytes, request: Any) -> Any:
        """The credentials in an ``Authorization`` header.

        :param response: what follows the scheme's name there.
        :raises LoginFailed: they cannot be read.
        """


@implementer(ICredentialFactory)
class BasicCredentialFactory:
    """A name and a password, as they are.

    :ivar authenticationRealm: what the client is told that they are for.
    """

    scheme = b"basic"

    def __init__(self, authenticationRealm: bytes | str) -> None:
        self.authenticationRealm = authenticationRealm

    def getChallenge(self, request: Any) -> dict[str, bytes | str]:
        """The realm."""
        return {"realm": self.authenticationRealm}

    def decode(self, response: bytes, request: Any) -> UsernamePassword:
        """The name and the password.

        :raises LoginFailed: they are not in Base64, or not two.
        """
        # Some clients leave the padding out.
        padded = response.strip() + b"=" * (-len(response.strip()) % 4)
        try:
            pair = b64decode(padded, validate=True)
        except binascii.Error as error:
            raise LoginFailed("The credentials are not in Base64.") from error
        name, colon, password = pair.partition(b":")
        if not colon:
            raise LoginFailed("The credentials are not a name and a password.")
        return UsernamePassword(name, password)


@implementer(ICredentialFactory)
class DigestCredentialFactory:
    """A proof that the client knows the password, good for one time.

    :ivar digest: what makes and checks it.
    """

    scheme = b"digest"

    def __init__(self, algorithm: bytes, authenticationRealm: bytes) -> None:
        """:param algorithm: a name that `plait.auth.digest` knows, such as ``b"md5"``."""
        self.digest = _Digest(algorithm, authenticationRealm)

    def getChallenge(self, request: Any) -> dict[str, bytes]:
        """The realm, the algorithm, and a nonce that is good for this client."""
        return self.digest.getChallenge(_host(request))

    def decode(self, response: bytes, request: Any) -> DigestedCredentials:
        """The proof.

        :raises LoginFailed: it cannot be read, or was not asked for by us, or not of this client, or too long ago.
        """
        return self.digest.decode(response, request.method, _host(request))


def _host(request: Any) -> Any:
    """The client's address; None where it has none, as over a UNIX socket."""
    return getattr(request.getClientAddress(), "host", None)


class UnauthorizedResource(Resource):
    """Says that one has to log in, and how."""

    isLeaf = True

    def __init__(self, factories: Sequence[ICredentialFactory]) -> None:
        super().__init__()
        self._factories = factories

    def render(self, request: Any) -> bytes:
        """Answer with 401, and a challenge of each scheme."""
        request.setResponseCode(_UNAUTHORIZED)
        for factory in self._factories:
            values = [_assigned(name, value) for name, value in factory.getChallenge(request).items()]
            challenge = factory.scheme + b" " + b", ".join(values)
            request.responseHeaders.addRawHeader(b"www-authenticate", challenge)
        return b"" if request.method == b"HEAD" else b"Unauthorized"

    def getChildWithDefault(self, path: bytes, request: Any) -> UnauthorizedResource:
        """This resource itself."""
        return self


def _assigned(name: str, value: bytes | str) -> bytes:
    """A parameter with a quoted string (RFC 9110, section 5.6.4)."""
    raw = value.encode("utf-8") if isinstance(value, str) else value
    return b'%b="%b"' % (name.encode("ascii"), raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"'))


class _Avatar(Resource):
    """What the portal gave, in the one request that it was given for; logs out when that has been answered."""

    def __init__(self, resource: Any, logout: Callable[[], object]) -> None:
        super().__init__()
        self._resource = resource
        self._logout = logout

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        # The resource itself has to see the segment that led here.
        request.postpath.insert(0, request.prepath.pop())
        self._logout_after(request)
        return self._resource

    def render(self, request: Any) -> bytes | int:
        self._logout_after(request)
        answer: bytes | int = self._resource.render(request)
        return answer

    def _logout_after(self, request: Any) -> None:
        request.notifyFinish().addBoth(lambda _: self._logout())


@implementer(IResource)
class HTTPAuthSessionWrapper:
    """Stands in the tree for a resource of each user's own, and lets nobody in whom the portal does not know.

    Each request logs in, and logs out when it has been answered.
    """

    isLeaf = False

    def __init__(self, portal: Any, credentialFactories: Sequence[ICredentialFactory]) -> None:
        """
        :param portal: asked for an `IResource`; if it has a checker for anonymous access, who says nothing about themselves
            gets that.
        :param credentialFactories: the schemes, the best first.
        """
        self._portal = portal
        self._factories = credentialFactories

    def render(self, request: Any) -> bytes | int:
        """Answer with what the client may see, or ask who it is."""
        return self._authorized(request).render(request)

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """What the client may see, or the resource that asks who it is."""
        request.postpath.insert(0, request.prepath.pop())
        return self._authorized(request)

    def putChild(self, path: bytes, child: Any) -> None:
        """:raises NotImplementedError: always; what is below belongs to what the portal gives."""
        raise NotImplementedError("Put the child into the resource that the realm gives.")

    def _authorized(self, request: Any) -> Resource | ErrorPage:
        header = request.getHeader(b"authorization")
        if not header:
            return DeferredResource(self._login(Anonymous()))
        factory, response = self._select(header)
        if factory is None or response is None:
            return UnauthorizedResource(self._factories)
        try:
            credentials = factory.decode(response, request)
        except LoginFailed:
            return UnauthorizedResource(self._factories)
        except Exception:
            _log.failure("Unexpected failure from credentials factory")
            return errorPage(500, "Internal Error", "")
        return DeferredResource(self._login(credentials))

    def _select(self, header: bytes) -> tuple[ICredentialFactory | None, bytes | None]:
        """The scheme that an Authorization header is of, and the rest of the header."""
        scheme, _, response = header.partition(b" ")
        for factory in self._factories:
            if factory.scheme == scheme.lower():
                return factory, response
        return None, None

    def _login(self, credentials: Any) -> Deferred[Any]:
        login: Deferred[Any] = self._portal.login(credentials, None, IResource)
        return login.addCallbacks(self._admit, self._refuse)

    def _admit(self, login: tuple[Any, Any, Callable[[], object]]) -> Resource:
        _, avatar, logout = login
        return _Avatar(avatar, logout)

    def _refuse(self, reason: Failure) -> Resource | ErrorPage:
        if reason.check(Unauthorized, LoginFailed):
            return UnauthorizedResource(self._factories)
        _log.failure("HTTPAuthSessionWrapper.getChildWithDefault encountered unexpected error", failure=reason)
        return errorPage(500, "Internal Error", "")
