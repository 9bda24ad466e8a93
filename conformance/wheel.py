"""Twisted's wheel, unpacked aside: its test modules are read from there, and nothing else is.

It lies in a folder that git ignores and that is on nobody's import path.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".conformance"


class WheelError(Exception):
    """The wheel is not there and could not be had; the message says why."""


def fetch(version: str, folder: Path = FOLDER) -> Path:
    """The folder with Twisted of this version, which is downloaded if it is not there yet.

    Raises `WheelError`.
    """
    place = folder / f"twisted-{version}"
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Beside its place, and moved when it is whole: an interrupted download leaves nothing that looks complete.
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            unpacked = Path(scratch) / "wheel"
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            done = subprocess.run(
                [*pip, "--only-binary=:all:", "--target", str(unpacked), f"twisted=={version}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            if done.returncode:
                raise WheelError(f"pip could not download twisted {version}: {done.stderr.strip()}")
            os.replace(unpacked, place)
    return check(place)


def check(folder: Path) -> Path:
    """This folder, made absolute, if there is a `twisted` in it. Raises `WheelError`."""
    if not (folder / "twisted" / "__init__.py").is_file():
        raise WheelError(f"{folder} has no package twisted in it; remove it, or name another by --wheel")
    return folder.resolve()
