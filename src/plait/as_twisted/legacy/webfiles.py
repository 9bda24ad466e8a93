"""What ``twisted.web.static`` has beside its resources."""

from __future__ import annotations

from typing import Any

__all__ = ["Registry", "addSlash", "formatFileSize", "isDangerous"]


def isDangerous(path: str) -> bool:
    """Whether a part of a path could lead elsewhere."""
    return path == ".." or "/" in path


def addSlash(request: Any) -> bytes:
    """The request's URL, with a slash at the end of its path."""
    path, mark, query = request.uri.partition(b"?")
    return bytes(b"/" + path.lstrip(b"/") + b"/" + mark + query)


def formatFileSize(size: int) -> str:
    """A size for readers: ``"3K"`` of 3072."""
    for unit, factor in (("B", 1), ("K", 1024), ("M", 1024**2)):
        if size < factor * 1024:
            return f"{size // factor}{unit}"
    return f"{size // 1024**3}G"


class Registry:
    """Holds what resources of one tree share: a component for a path and a class."""

    def __init__(self) -> None:
        self._cached: dict[str, Any] = {}

    def cachePath(self, path: str, rsrc: Any) -> None:
        """Keep a resource for a path."""
        self._cached[path] = rsrc

    def getCachedPath(self, path: str) -> Any:
        """The resource that is kept for it, or None."""
        return self._cached.get(path)
