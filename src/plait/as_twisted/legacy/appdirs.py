"""What `twisted.python._appdirs` is: where a program keeps its data, as the system has it."""

from __future__ import annotations

import os
import sys

__all__ = ["getDataDirectory"]


def getDataDirectory(moduleName: str | None = None) -> str:
    """The folder for the data of a module, by default the one that calls. It is not made here."""
    if moduleName is None:
        moduleName = str(sys._getframe(1).f_globals["__name__"])
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA") or os.path.expanduser("~"), moduleName, moduleName)
    if sys.platform == "darwin":
        return os.path.join(os.path.expanduser("~/Library/Application Support"), moduleName)
    return os.path.join(os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share"), moduleName)
