"""What `twisted.python.procutils` is: programs found by their names."""

from __future__ import annotations

import os

__all__ = ["which"]


def which(name: str, flags: int = os.X_OK) -> list[str]:
    """All files of that name in the folders of ``$PATH`` for which `os.access` allows ``flags``, first one first.

    On Windows also those with an ending of ``%PATHEXT%``. (`shutil.which` knows only the first.)
    """
    endings = ["", *filter(None, os.environ.get("PATHEXT", "").split(os.pathsep))]
    folders = os.environ.get("PATH", "").split(os.pathsep) if "PATH" in os.environ else []
    paths = (os.path.join(folder, name) + ending for folder in folders for ending in endings)
    return [path for path in paths if os.access(path, flags)]
