"""Paths that are changed before they are walked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.web.resource import Resource

__all__ = ["RewriterResource", "alias", "tildeToUsers"]


class RewriterResource(Resource):
    """Lets each rule change a request's path, and leads on to a resource."""

    def __init__(self, orig: Any, *rewriteRules: Callable[[Any], object]) -> None:
        """
        :param orig: the resource.
        :param rewriteRules: called with the request, whose `postpath` they may change.
        """
        super().__init__()
        self.resource = orig
        self.rewriteRules = list(rewriteRules)

    def _rewrite(self, request: Any) -> None:
        for rule in self.rewriteRules:
            rule(request)

    def getChild(self, path: bytes, request: Any) -> Any:
        """What the resource has at the changed path."""
        request.postpath.insert(0, request.prepath.pop())
        self._rewrite(request)
        if not request.postpath:
            return self.resource
        path = request.postpath.pop(0)
        request.prepath.append(path)
        return self.resource.getChildWithDefault(path, request)

    def render(self, request: Any) -> bytes | int:
        """As the resource."""
        self._rewrite(request)
        answer: bytes | int = self.resource.render(request)
        return answer


def _changed(request: Any) -> None:
    request.path = b"/" + b"/".join(request.prepath + request.postpath)


def tildeToUsers(request: Any) -> None:
    """A rule: ``/~name`` is ``/users/name``."""
    if request.postpath and request.postpath[0].startswith(b"~"):
        request.postpath[:1] = [b"users", request.postpath[0][1:]]
        _changed(request)


def alias(aliasPath: bytes, sourcePath: bytes) -> Callable[[Any], None]:
    """Makes a rule: what is asked for at `aliasPath`, or below it, is at `sourcePath`."""
    source = sourcePath.strip(b"/").split(b"/")
    alias_parts = aliasPath.strip(b"/").split(b"/")

    def rewriter(request: Any) -> None:
        if request.postpath[: len(alias_parts)] == alias_parts:
            request.postpath[: len(alias_parts)] = source
            _changed(request)

    return rewriter
