"""The Python programs that an aliased program starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHILD = "from twisted.internet import defer; print(defer.Deferred.__module__)"


def run(code: str, **env: str) -> str:
    """What an aliased program prints."""
    command = [sys.executable, "-m", "plait.as_twisted", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **env})
    assert done.stderr == ""
    return done.stdout


def test_they_have_the_alias() -> None:
    code = f"import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', {CHILD!r}], text=True))"
    assert run(code).split() == ["plait.deferred.core"]


def test_so_they_have_by_the_path_of_their_parent() -> None:
    code = (
        "import os, subprocess, sys; env = {'PYTHONPATH': os.pathsep.join(sys.path)}\n"
        f"print(subprocess.check_output([sys.executable, '-c', {CHILD!r}], env=env, text=True))"
    )
    assert run(code).split() == ["plait.deferred.core"]


def test_what_does_not_ask_for_twisted_has_nothing_of_plait() -> None:
    child = "import sys; print(any(name.startswith('plait') for name in sys.modules))"
    code = f"import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', {child!r}], text=True))"
    assert run(code).split() == ["False"]


def test_the_sitecustomize_that_is_there_is_run_too(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.customized = True")
    code = (
        "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', 'print(customized)'], text=True))"
    )
    assert run(code, PYTHONPATH=str(tmp_path)).split() == ["True"]


def test_a_child_may_install_the_reactor_of_its_parent() -> None:
    child = (
        "import sys; from twisted.python.reflect import namedAny; namedAny(sys.argv[1]).install(); print('installed')"
    )
    code = (
        "import subprocess, sys; from twisted.internet import reactor\n"
        f"print(subprocess.check_output([sys.executable, '-c', {child!r}, reactor.__module__], text=True))"
    )
    assert run(code).split() == ["installed"]
