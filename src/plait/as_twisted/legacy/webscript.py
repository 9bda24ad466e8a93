"""``twisted.web.script``: files of Python that are run for what they serve. Whoever can write such a file can run anything."""

from __future__ import annotations

import os
from typing import Any

from plait.failure import Failure
from plait.web.later import NOT_DONE_YET
from plait.web.pages import errorPage, notFound
from plait.web.resource import Resource
from plait.web.template.failures import formatFailure

__all__ = [
    "AlreadyCached",
    "CacheScanner",
    "PythonScript",
    "ResourceScript",
    "ResourceScriptDirectory",
    "ResourceScriptWrapper",
    "ResourceTemplate",
    "rpyNoResource",
]

rpyNoResource = """<p>The file has to set <code>resource</code>, at its top level, to what it serves.</p>"""

_noResource = errorPage(500, "Whoops! Internal Error", rpyNoResource)


class AlreadyCached(Exception):
    """The resource of a file is in the cache; what has been raised with it.

    :ivar resource: it.
    """

    def __init__(self, resource: Any) -> None:
        super().__init__()
        self.resource = resource


class CacheScanner:
    """What a file can ask to be kept: ``cache()`` ends its run at once if its resource is known, and keeps that else.

    :param registry: a `twisted.web.static.Registry`; it holds what is kept.
    """

    def __init__(self, path: str, registry: Any) -> None:
        self.path = path
        self.registry = registry
        self.doCache = False

    def cache(self) -> None:
        """Keep the resource. AlreadyCached if it is known."""
        known = _kept(self.registry).get(self.path)
        if known is not None:
            raise AlreadyCached(known)
        self.recache()

    def recache(self) -> None:
        """Keep the resource, in place of the one that is known."""
        self.doCache = True


def _kept(registry: Any) -> dict[str, Any]:
    if registry is None:
        return {}
    kept: dict[str, Any] = registry.__dict__.setdefault("_scripts", {})
    return kept


def ResourceScript(path: str | bytes, registry: Any) -> Any:
    """The resource that the file at `path` (usually ``.rpy``) makes: what its global `resource` is when it has run.

    It has `registry`, `cache` and `recache` (see `CacheScanner`) and ``__file__`` as globals.
    """
    path = os.fsdecode(path)
    scanner = CacheScanner(path, registry)
    namespace = {
        "__file__": path,
        "resource": _noResource,
        "registry": registry,
        "cache": scanner.cache,
        "recache": scanner.recache,
    }
    try:
        _run(path, namespace)
    except AlreadyCached as known:
        return known.resource
    made = namespace["resource"]
    if scanner.doCache and made is not _noResource:
        _kept(registry)[path] = made
    return made


def ResourceTemplate(path: str | bytes, registry: Any) -> Any:
    """Of a template of Quixote's, which is no more: not to be had.

    :raises NotImplementedError: always.
    """
    raise NotImplementedError("Quixote's templates cannot be read: use plait.web.template")


class ResourceScriptWrapper(Resource):
    """Runs the file anew for each request.

    :param path: of the file.
    """

    isLeaf = False

    def __init__(self, path: str | bytes, registry: Any = None) -> None:
        super().__init__()
        self.path = path
        self.registry = registry

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """What is below the resource that the file makes."""
        return ResourceScript(self.path, self.registry).getChildWithDefault(path, request)

    def render(self, request: Any) -> Any:
        """What that resource answers."""
        return ResourceScript(self.path, self.registry).render(request)


class ResourceScriptDirectory(Resource):
    """A folder of such files; what is no file there is not found.

    :param pathname: of the folder.
    """

    def __init__(self, pathname: str | bytes, registry: Any = None) -> None:
        super().__init__()
        self.path = pathname
        self.registry = registry

    def getChild(self, path: bytes | str, request: Any) -> Any:
        """The resource of the file of that name; "" is ``index``."""
        name = os.fsdecode(path) or "index"
        if os.path.basename(name) != name or name.startswith(".") or "\0" in name:
            return notFound()
        file = os.path.join(os.fsdecode(self.path), name)
        return ResourceScript(file, self.registry) if os.path.isfile(file) else notFound()

    def render(self, request: Any) -> Any:
        """The folder itself is nothing."""
        return notFound().render(request)


class PythonScript(Resource):
    """A file (usually ``.epy``) that is run for each request, with `request` as a global, and writes its answer itself.

    :param filename: of the file.
    """

    isLeaf = True

    def __init__(self, filename: str | bytes, registry: Any) -> None:
        super().__init__()
        self.filename = filename
        self.registry = registry

    def render(self, request: Any) -> Any:
        """Run it. Its error is shown: such files are for whoever writes them."""
        path = os.fsdecode(self.filename)
        try:
            _run(path, {"request": request, "__file__": path, "registry": self.registry})
        except FileNotFoundError as error:
            if error.filename == path:
                return notFound("File not found.").render(request)
            self._show(request)
        except Exception:
            self._show(request)
        request.finish()
        return NOT_DONE_YET

    def _show(self, request: Any) -> None:
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        request.write(formatFailure(Failure()))


def _run(path: str, namespace: dict[str, Any]) -> None:
    with open(path, "rb") as file:
        source = file.read()
    exec(compile(source, path, "exec"), namespace)
