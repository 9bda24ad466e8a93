"""What `twisted.python.runtime` is: on which kind of system the program runs."""

from __future__ import annotations

import os
import sys
from time import time as seconds
from warnings import warn

__all__ = ["Platform", "knownPlatforms", "platform", "platformType", "seconds", "shortPythonVersion"]

knownPlatforms = {"nt": "win32", "ce": "win32", "posix": "posix", "java": "java"}
"""What each `os.name` is called here."""


def shortPythonVersion() -> str:
    """The version of Python, ``"3.13.0"``."""
    return ".".join(map(str, sys.version_info[:3]))


class Platform:
    """A kind of system; this one, unless told another `os.name` and `sys.platform`."""

    def __init__(self, initialName: str = os.name, initialPlatform: str = sys.platform) -> None:
        self.type = knownPlatforms.get(initialName)
        self._platform = initialPlatform

    seconds = staticmethod(seconds)

    def isKnown(self) -> bool:
        """Is it of a kind that is known?"""
        return self.type is not None

    def getType(self) -> str | None:
        """``"posix"``, ``"win32"``, or None for an unknown kind."""
        return self.type

    def isMacOSX(self) -> bool:
        """Is it macOS?"""
        return self._platform == "darwin"

    def isLinux(self) -> bool:
        """Is it Linux?"""
        return self._platform.startswith("linux")

    def isWindows(self) -> bool:
        """Is it Windows?"""
        return self.type == "win32"

    isVista = isWindows

    def isWinNT(self) -> bool:
        """Is it Windows? Old: use `isWindows`."""
        warn(
            "twisted.python.runtime.Platform.isWinNT was deprecated in Twisted 13.0. Use Platform.isWindows instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.isWindows()

    def isDocker(self, _initCGroupLocation: str = "/proc/1/cgroup") -> bool:
        """Is it a container of Docker's?"""
        try:
            with open(_initCGroupLocation) as file:
                return any(line.strip().split(":")[-1].startswith("/docker/") for line in file)
        except OSError:
            return False

    def supportsThreads(self) -> bool:
        """Are there threads? Yes."""
        return True

    def supportsINotify(self) -> bool:
        """Can files be watched with inotify?"""
        return self.isLinux()

    def _supportsSymlinks(self) -> bool:
        """Can there be symbolic links? (The tests of older programs ask.)"""
        return not self.isWindows()


platform = Platform()
"""The system that the program runs on."""

platformType = platform.getType()
"""Its kind: ``"posix"`` or ``"win32"``."""
