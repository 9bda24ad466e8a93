"""How a start that failed is told to the person who typed the command."""

from __future__ import annotations

import os
from traceback import TracebackException

import plait

_OWN_FOLDER = os.path.join(os.path.dirname(os.path.abspath(plait.__file__)), "")


class StartError(Exception):
    """The program cannot be started. The message is complete: what is wrong, with what, and what to do about it.

    The command prints it on stderr after ``plait: `` and ends with the `status`.
    """

    status = 1


class UsageError(StartError):
    """The command line is wrong."""

    status = 2


def reason(error: OSError) -> str:
    """The words of the operating system for `error`, without the number and the file name."""
    return error.strerror or str(error)


def user_traceback(error: BaseException) -> str:
    """The traceback of `error` through the user's files, without the frames of Plait and of the import system."""
    report = TracebackException.from_exception(error)
    _cut(report, set())
    return "".join(report.format()).rstrip()


def _cut(report: TracebackException | None, seen: set[int]) -> None:
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    report.stack[:] = [frame for frame in report.stack if not _is_machinery(frame.filename)]
    for other in (report.__cause__, report.__context__, *(report.exceptions or ())):
        _cut(other, seen)


def _is_machinery(filename: str) -> bool:
    return filename.startswith(("<frozen importlib", "<frozen runpy", _OWN_FOLDER))
