"""``python -m plait.as_twisted``: run a program that was written for Twisted.

The program is run as Python itself would run it: it is `__main__`, ``sys.argv`` and ``sys.path[0]`` are what
it expects, and an exception that reaches the top shows the program's frames and not those that stand here.
"""

from __future__ import annotations

import os
import runpy
import sys
import zipfile
from collections.abc import Callable
from importlib.abc import InspectLoader
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import module_from_spec
from io import open_code
from types import CodeType, ModuleType, TracebackType
from typing import NoReturn, cast

from plait.as_twisted import finder

__all__ = ["main"]

USAGE = """\
usage: python -m plait.as_twisted PROGRAM [ARGS ...]
       python -m plait.as_twisted -m MODULE [ARGS ...]
       python -m plait.as_twisted -c CODE [ARGS ...]
       python -m plait.as_twisted twistd [OPTIONS]
"""

HELP = (
    USAGE
    + """
Run a program that was written for Twisted on Plait's engine, unchanged.

  PROGRAM     a Python file, or a folder or zip file with a __main__.py
  -m MODULE   a module or package, found as by "python -m"
  -c CODE     a program given as text
  twistd      the daemon runner of old, with its options (unless there is a file of that name)
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
    elif what == "twistd" and not os.path.exists(what):
        finder.install()
        _run_twistd(args[1:])
    else:
        finder.install()
        _run_file(what, args[1:])


def _refuse(problem: str) -> NoReturn:
    sys.stderr.write(USAGE)
    _fail(problem, status=2)


def _fail(problem: str, status: int) -> NoReturn:
    sys.stderr.write(f"plait.as_twisted: {problem}\n")
    sys.exit(status)


def _run_file(path: str, args: list[str]) -> None:
    sys.argv[:] = [path, *args]
    file = os.path.abspath(path)
    if os.path.isdir(file) or zipfile.is_zipfile(file):
        _set_first_path(file, always=True)
        spec = PathFinder.find_spec("__main__", [file])
        if spec is None:
            _fail(f"can't find '__main__' module in {path!r}", status=1)
        loader = cast("InspectLoader", spec.loader)  # the loaders of folders and of zip files both are
        _run_as_main(module_from_spec(spec), lambda: loader.get_code("__main__"))
        return
    try:
        with open_code(file) as source:
            text = source.read()
    except OSError as error:
        _fail(f"cannot open {path}: {error.strerror}", status=2)
    _set_first_path(os.path.dirname(os.path.realpath(file)))
    main_module = ModuleType("__main__")
    main_module.__file__ = file
    main_module.__loader__ = SourceFileLoader("__main__", file)
    _run_as_main(main_module, lambda: compile(text, file, "exec", dont_inherit=True))


def _run_module(name: str, args: list[str]) -> None:
    sys.argv[:] = ["-m", *args]
    _set_first_path(os.getcwd())
    _run(lambda: runpy.run_module(name, run_name="__main__", alter_sys=True))


def _run_twistd(args: list[str]) -> None:
    from plait.as_twisted.legacy import twistd

    sys.argv[:] = ["twistd", *args]
    _set_first_path(os.getcwd())
    _run(twistd.run)


def _run_code(text: str, args: list[str]) -> None:
    sys.argv[:] = ["-c", *args]
    _set_first_path("")
    _run_as_main(ModuleType("__main__"), lambda: compile(text, "<string>", "exec", dont_inherit=True))


def _run_as_main(module: ModuleType, compiled: Callable[[], CodeType | None]) -> None:
    sys.modules["__main__"] = module
    _run(lambda: exec(compiled() or "", module.__dict__))


def _set_first_path(path: str, always: bool = False) -> None:
    """Put `path` where ``python -m plait.as_twisted`` has put the current folder.

    ``python -P`` has put nothing there, and asks that nothing be, but for what is itself run from the path.
    """
    if not sys.flags.safe_path:
        sys.path[0] = path
    elif always:
        sys.path.insert(0, path)


def _run(run: Callable[[], object]) -> None:
    """Call `run`; show an exception with the program's frames alone."""
    try:
        run()
    except Exception as error:
        shown = _program_frames(error.__traceback__)
        if shown is None and isinstance(error, ImportError):
            # Nothing of the program has run: there is no such module, or no __main__ in it.
            _fail(str(error), status=1)
        sys.excepthook(type(error), error.with_traceback(shown), shown)
        sys.exit(1)


def _program_frames(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without this file, `runpy` and the finder at its ends; None where nothing else is left.

    The finder is at the far end where a name is not provided: that is told at the line which asked for it.
    """
    machinery = {__file__, finder.__file__, runpy.run_module.__code__.co_filename}
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
