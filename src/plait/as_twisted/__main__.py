"""``python -m plait.as_twisted``: run a program that was written for Twisted.

The program is run as Python itself would run it: it is `__main__`, ``sys.argv`` and ``sys.path[0]`` are what
it expects, and an exception that reaches the top shows the program's frames and not those that stand here.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable
from types import TracebackType

from plait.as_twisted import finder

__all__ = ["main"]

USAGE = """\
usage: python -m plait.as_twisted PROGRAM [ARGS ...]
       python -m plait.as_twisted -m MODULE [ARGS ...]
       python -m plait.as_twisted -c CODE [ARGS ...]
"""

HELP = (
    USAGE
    + """
Run a program that was written for Twisted on Plait's engine, unchanged.

  PROGRAM     a Python file, or a folder or zip file with a __main__.py
  -m MODULE   a module or package, found as by "python -m"
  -c CODE     a program given as text
  -h, --help  show this text

A daemon: python -m plait.as_twisted -m plait run -y app.py
"""
)


def main(argv: list[str] | None = None) -> None:
    """Turn the alias on and run what `argv` (by default ``sys.argv[1:]``) names.

    Ends with `SystemExit` where the program does, or on an error: 2 for a command line that is wrong, else 1.
    """
    args = sys.argv[1:] if argv is None else argv
    if not args:
        _refuse("say what to run")
    what = args[0]
    if what in ("-h", "--help"):
        print(HELP, end="")
        return
    if what in ("-m", "-c"):
        if len(args) < 2:
            _refuse(f"{what} needs an argument")
        finder.install()
        (_run_module if what == "-m" else _run_code)(args[1], args[2:])
    elif what.startswith("-"):
        _refuse(f"unknown option {what}")
    else:
        finder.install()
        _run_file(what, args[1:])


def _refuse(problem: str) -> None:
    sys.stderr.write(f"{USAGE}plait.as_twisted: {problem}\n")
    sys.exit(2)


def _run_file(path: str, args: list[str]) -> None:
    try:
        # A folder may be run too (it has a __main__.py), but cannot be opened.
        if not os.path.isdir(path):
            with open(path, "rb"):
                pass
    except OSError as error:
        sys.stderr.write(f"plait.as_twisted: cannot open {path}: {error.strerror}\n")
        sys.exit(2)
    sys.argv[:] = [path, *args]
    _set_first_path(os.path.dirname(os.path.realpath(path)) if os.path.isfile(path) else None)
    _run(lambda: runpy.run_path(path, run_name="__main__"))


def _run_module(name: str, args: list[str]) -> None:
    sys.argv[:] = ["-m", *args]
    _set_first_path(os.getcwd())
    _run(lambda: runpy.run_module(name, run_name="__main__", alter_sys=True))


def _run_code(text: str, args: list[str]) -> None:
    sys.argv[:] = ["-c", *args]
    _set_first_path("")
    main_module = type(sys)("__main__")
    sys.modules["__main__"] = main_module
    _run(lambda: exec(compile(text, "<string>", "exec"), main_module.__dict__))


def _set_first_path(path: str | None) -> None:
    """Put `path` where ``python -m plait.as_twisted`` has put the current folder; None takes that away."""
    if sys.flags.safe_path:
        return  # python -P has put nothing there, and asks that nothing be
    sys.path[0:1] = [] if path is None else [path]


def _run(run: Callable[[], object]) -> None:
    """Call `run`; show an exception with the program's frames alone."""
    try:
        run()
    except Exception as error:
        shown = _program_frames(error.__traceback__)
        if shown is None and isinstance(error, ImportError):
            # Nothing of the program has run: there is no such module, or no __main__ in it.
            sys.stderr.write(f"plait.as_twisted: {error}\n")
        else:
            sys.excepthook(type(error), error.with_traceback(shown), shown)
        sys.exit(1)


def _program_frames(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without this file, `runpy` and the finder at its ends; None where nothing else is left.

    The finder is at the far end where a name is not provided: that is told at the line which asked for it.
    """
    machinery = {__file__, finder.__file__, runpy.__file__, runpy.run_path.__code__.co_filename}
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    ours = [frame.tb_frame.f_code.co_filename in machinery for frame in frames]
    if all(ours):
        return None
    first = ours.index(False)
    last = len(ours) - 1 - ours[::-1].index(False)
    frames[last].tb_next = None
    return frames[first]


if __name__ == "__main__":
    main()
