"""Which system it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from plait.as_twisted.legacy import runtime
from plait.as_twisted.legacy.procutils import which


def test_kinds() -> None:
    mac, windows, linux = (runtime.Platform(*n) for n in (("posix", "darwin"), ("nt", "win32"), ("posix", "linux")))
    assert (mac.isMacOSX(), mac.isLinux(), mac.isWindows(), mac.getType()) == (True, False, False, "posix")
    assert (windows.isWindows(), windows.isVista(), windows.getType()) == (True, True, "win32")
    assert linux.isLinux() and linux.supportsINotify() and linux.supportsThreads() and linux.isKnown()
    assert not runtime.Platform("other", "other").isKnown()


def test_this_one() -> None:
    assert runtime.platform.getType() == runtime.platformType == {"nt": "win32"}.get(os.name, os.name)
    assert sys.version.startswith(runtime.shortPythonVersion())


def test_docker(tmp_path: Path) -> None:
    groups = tmp_path / "cgroup"
    groups.write_text("1:cpu:/docker/abc\n")
    assert runtime.platform.isDocker(str(groups))
    groups.write_text("1:cpu:/\n")
    assert not runtime.platform.isDocker(str(groups))
    assert not runtime.platform.isDocker(str(tmp_path / "none"))


def test_programs_are_found_in_order(tmp_path: Path, monkeypatch) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tool").touch(mode=0o755 if name != "b" else 0o644)
    monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / name) for name in "cba"))
    assert which("tool") == [str(tmp_path / "c" / "tool"), str(tmp_path / "a" / "tool")]
    assert which("none") == []
    assert len(which("tool", os.R_OK)) == 3
    monkeypatch.delenv("PATH")
    assert which("tool") == []
