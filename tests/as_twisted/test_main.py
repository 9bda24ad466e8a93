"""``python -m plait.as_twisted``, as a real process: it must look like Python itself to the program."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import plait

SOURCE = str(Path(plait.__file__).parents[1])

REPORT = """\
import json, sys
from twisted.internet.defer import Deferred
import plait.deferred
assert Deferred is plait.deferred.Deferred
main = sys.modules["__main__"]
print(json.dumps([__name__, main.__dict__ is globals(), sys.argv, sys.path[0], __package__ or ""]))
"""


def run(*args: str, cwd: Path, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(filter(None, [SOURCE, os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, *flags, *args],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def as_twisted(*args: str, cwd: Path, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return run("-m", "plait.as_twisted", *args, cwd=cwd, flags=flags)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a program, a package and a zip file; each reports what it sees."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "program.py").write_text(REPORT)
    (tmp_path / "link.py").symlink_to(tmp_path / "sub" / "program.py")
    (tmp_path / "module.py").write_text(REPORT)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "__main__.py").write_text(REPORT)
    (tmp_path / "package" / "inner.py").write_text(REPORT)
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        archive.writestr("__main__.py", REPORT)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ["sub/program.py", "a", "-b", "--", "-m"],
        ["./sub/program.py"],
        ["link.py", "1"],
        ["-m", "module", "--help", "x"],
        ["-m", "package", "x"],
        ["-m", "package.inner", "-m", "y"],
        ["-c", REPORT, "-c", "z"],
        ["package", "x"],
        ["program.zip", "x"],
    ],
    ids=lambda command: " ".join(command).replace(REPORT, "CODE"),
)
def test_a_program_sees_what_python_would_show_it(folder: Path, command: list[str]) -> None:
    # Python itself runs the same command; it gets the alias by a module that is imported before all else.
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("from plait import as_twisted; as_twisted.install()")
    expected = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{SOURCE}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert expected.returncode == 0, expected.stderr

    seen = as_twisted(*command, cwd=folder)
    assert seen.returncode == 0, seen.stderr
    assert seen.stdout == expected.stdout
    assert seen.stderr == ""


def test_a_safe_path_stays_safe(folder: Path) -> None:
    (folder / "sub" / "program.py").write_text("import sys; print(sys.path[0])")
    done = as_twisted("sub/program.py", cwd=folder, flags=("-P",))
    assert done.stdout.strip() == SOURCE


def test_the_status_of_the_program_is_the_status(folder: Path) -> None:
    done = as_twisted("-c", "import sys; sys.exit(7)", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    done = as_twisted("-c", "import sys; sys.exit('so it is')", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "so it is\n")


def test_an_error_shows_the_frames_of_the_program_alone(folder: Path) -> None:
    file = folder / "broken.py"
    file.write_text("def inner():\n    1 / 0\n\ninner()\n")
    done = as_twisted("broken.py", cwd=folder)
    expected = run("broken.py", cwd=folder)
    assert done.returncode == expected.returncode == 1
    assert done.stderr.count("  File ") == 2
    assert done.stderr == expected.stderr


def test_a_syntax_error_names_file_and_line(folder: Path) -> None:
    (folder / "broken.py").write_text("x = 1\nif x\n")
    done = as_twisted("broken.py", cwd=folder)
    expected = run("broken.py", cwd=folder)
    assert done.returncode == 1
    assert 'broken.py", line 2' in done.stderr and done.stderr.count("  File ") == 1
    assert done.stderr.splitlines()[-1] == expected.stderr.splitlines()[-1]


def test_a_name_that_is_missing_is_told_at_the_line_that_asked(folder: Path) -> None:
    (folder / "program.py").write_text("import sys\nfrom twisted.words.protocols import irc\n")
    done = as_twisted("program.py", cwd=folder)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[-1].endswith("NotProvidedError: Plait does not provide twisted.words yet")
    frames = [line for line in lines if line.startswith("  File ")]
    assert frames == [f'  File "{folder / "program.py"}", line 2, in <module>']


@pytest.mark.parametrize(
    ("args", "status", "text"),
    [
        (["nothing.py"], 2, "cannot open nothing.py: No such file or directory"),
        (["-m", "nothing_here"], 1, "No module named nothing_here"),
        (["-m", "nothing.here"], 1, "No module named 'nothing'"),
        (["-m", "sub"], 1, "'sub' is a package and cannot be directly executed"),
        (["sub"], 1, "can't find '__main__' module in 'sub'"),
        (["-m", "twisted.words"], 1, "Plait does not provide twisted.words yet"),
        (["-m"], 2, "-m needs an argument"),
        (["-c"], 2, "-c needs an argument"),
        (["-x", "program.py"], 2, "unknown option -x"),
        ([], 2, "say what to run"),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_one_clear_message(folder: Path, args: list[str], status: int, text: str) -> None:
    done = as_twisted(*args, cwd=folder)
    assert done.returncode == status
    last = done.stderr.splitlines()[-1]
    assert last.startswith("plait.as_twisted: ") and text in last
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_help(folder: Path) -> None:
    done = as_twisted("--help", cwd=folder)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: python -m plait.as_twisted PROGRAM [ARGS ...]\n")
    assert done.stderr == ""


def test_the_interrupt_reaches_the_program(folder: Path) -> None:
    (folder / "interrupted.py").write_text(
        "import signal\ntry:\n    signal.raise_signal(2)\nexcept KeyboardInterrupt:\n    print('caught')\n"
    )
    done = as_twisted("interrupted.py", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "caught\n")
