"""Failure: an exception with where it came from, as a value that callbacks can hand on.

A Failure is made only where there is an error. It keeps the exception as it is until somebody rests it
(`cleanFailure`): then the live traceback, which would keep every local variable of every frame alive, becomes a list of
names, files and lines.

What is printed for a person leaves the engine's own frames out, so that the first line read is one of theirs; with
``PLAIT_FULL_TRACEBACKS=1`` or ``PLAIT_DEBUG=1`` in the environment everything is shown.
"""

from __future__ import annotations

import linecache
import os
import sys
import traceback
from functools import cached_property
from itertools import count
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn

from plait.tracebacks import StandInTraceback, fullTracebacks, standInTraceback

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
# What carries a user's calls without being of interest to them.
MACHINERY = tuple(
    _HERE + part
    for part in ("deferred" + os.sep, "engine" + os.sep, "transport" + os.sep, "task" + os.sep, "failure.py")
)
_numbers = count(1)
SHOW_MACHINERY = fullTracebacks()

FIRST_RAISED = "First raised here:\n"
"""How a note begins that `Failure.prepared` puts on an exception: the frames follow that are gone from its traceback."""


class NoCurrentExceptionError(Exception):
    """A Failure was made without an exception while none was being handled."""


class Frame(NamedTuple):
    """One line of a traceback: a function, its file, the line, and (with `captureVars`) its variables as text."""

    name: str
    file: str
    line: int
    localz: Sequence[tuple[str, str]] = ()
    globalz: Sequence[tuple[str, str]] = ()


def safe_str(value: object) -> str:
    """``str(value)``, or a text that says why there is none. Never raises."""
    try:
        return str(value)
    except BaseException as e:
        return f"<{type(value).__name__} whose __str__ raised {type(e).__name__}>"


def _safe_repr(value: object) -> str:
    try:
        return repr(value)
    except BaseException as e:
        return f"<{type(value).__name__} whose __repr__ raised {type(e).__name__}>"


def qual(cls: type) -> str:
    """A class's name with its module."""
    return f"{cls.__module__}.{cls.__qualname__}"


def _as_text(variables: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, _safe_repr(value)) for name, value in variables.items()]


def _frames_of(tb: TracebackType | None, capture: bool) -> list[Frame]:
    frames = []
    while tb is not None:
        f = tb.tb_frame
        frame = Frame(f.f_code.co_name, f.f_code.co_filename, tb.tb_lineno)
        frames.append(frame._replace(localz=_as_text(f.f_locals), globalz=_as_text(f.f_globals)) if capture else frame)
        tb = tb.tb_next
    return frames


def withoutMachinery(tb: TracebackType | None) -> TracebackType | None:
    """`tb` from the first frame on that is not the engine's own; None where there is none."""
    if fullTracebacks():
        return tb
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(MACHINERY):
        tb = tb.tb_next
    return tb


class Special:
    """What a Deferred does not simply hand to the next callback: a Failure, or another Deferred.

    One ``isinstance`` with this tells the plain results, which are nearly all, from the two that need care.
    """

    __slots__ = ()


class Failure(Special, BaseException):
    """An exception as a value.

    :param exc_value: the exception; None takes the one that is being handled.
    :param exc_type: its class, if it is not to be taken from the exception.
    :param exc_tb: its traceback, if it is not to be taken from the exception.
    :param captureVars: keep the variables of every frame, as text, for a detailed traceback.
    :raises NoCurrentExceptionError: if no exception is given and none is being handled.

    Attributes: `value` (the exception), `type` (its class), `tb` (its traceback while it is live), `frames` (see `Frame`,
    the outermost first), `parents` (names of its class and of the classes above it), `captureVars`, `count` (a number
    for a person to tell failures apart), `pickled` (1 if it has been pickled), `stack` (empty: the frames above the one
    that handled the error are not kept). `frames`, `parents` and `stack` may be set.
    """

    type: type[BaseException]
    value: BaseException
    tb: TracebackType | None
    captureVars: bool
    pickled = 0
    stack: Sequence[Frame] = ()
    _note: str | None = None  # what `prepared` has added to the exception

    def __new__(cls, *args: Any, **kwargs: Any) -> Failure:
        # skips BaseException's: it would keep a reference to the arguments
        return BaseException.__new__(cls)

    def __init__(
        self,
        exc_value: Any = None,
        exc_type: Any = None,
        exc_tb: TracebackType | None = None,
        captureVars: bool = False,
    ) -> None:
        if exc_value is None:
            exc_value = sys.exception()
            if exc_value is None:
                raise NoCurrentExceptionError(
                    "Failure() without an exception works only while one is being handled (in an except block)"
                )
        self.captureVars = captureVars
        if isinstance(exc_value, Failure):
            # wrapping a Failure gives the same error once more, with the same past
            self.type, self.value, self.tb = exc_value.type, exc_value.value, exc_value.tb
            for name in ("frames", "parents"):
                if name in exc_value.__dict__:
                    setattr(self, name, getattr(exc_value, name))
            return
        self.value = exc_value
        self.type = exc_value.__class__ if exc_type is None else exc_type
        self.tb = exc_tb if exc_tb is not None else getattr(exc_value, "__traceback__", None)
        if captureVars:
            self.frames = _frames_of(self.tb, True)

    @cached_property
    def frames(self) -> list[Frame]:
        """The way from the one who handled the error (first) to where it was raised (last)."""
        return _frames_of(self.tb, self.captureVars)

    @cached_property
    def count(self) -> int:
        """A number for a person to tell failures apart: each gets the next one when it is first asked for."""
        return next(_numbers)

    @cached_property
    def parents(self) -> list[str]:
        """The qualified names of the exception's class and of all classes above it."""
        if not isinstance(self.type, type):
            return [str(self.type)]
        return [qual(c) for c in self.type.__mro__]

    def check(self, *errorTypes: Any) -> Any:
        """The first of `errorTypes` (classes, or their qualified names) that the error is of; None if there is none."""
        mine = self.type if isinstance(self.type, type) else type(self.value)
        for error in errorTypes:
            if isinstance(error, type):
                # of a failure that comes from elsewhere only the names of its classes are known
                if issubclass(mine, error) or (not isinstance(self.type, type) and qual(error) in self.parents):
                    return error
            elif error in self.parents:
                return error
        return None

    def trap(self, *errorTypes: Any) -> Any:
        """As `check`, but an error of another class is raised again."""
        error = self.check(*errorTypes)
        if error is None:
            self.raiseException()
        return error

    def raiseException(self) -> NoReturn:
        """Raise the exception again, with its traceback."""
        raise self.value.with_traceback(self.tb)

    def throwExceptionIntoGenerator(self, g: Generator[Any, Any, Any]) -> Any:
        """Raise the exception at the point where the generator or coroutine `g` waits, and give what it yields next."""
        return g.throw(self.prepared())

    def prepared(self) -> BaseException:
        """The exception, ready to be raised where a result is waited for, with where it came from.

        If the traceback has been let go, a note on the exception says where it was raised first.
        """
        value = self.value
        value.__traceback__ = withoutMachinery(self.tb)
        if self.tb is None and self.frames:
            self._note = FIRST_RAISED + "".join(formatFrames(_visible(self.frames))).rstrip()
            if self._note not in getattr(value, "__notes__", ()):
                value.add_note(self._note)
        return value

    def cleanFailure(self) -> None:
        """Let go of the live frames (and so of all that their variables hold); names, files and lines stay."""
        if self.tb is not None:
            if "frames" not in self.__dict__:
                self.frames = _frames_of(self.tb, False)
            self.tb = None
        if isinstance(self.value, BaseException):
            self.value.__traceback__ = None
            cause = self.value.__context__
            while cause is not None and cause.__traceback__ is not None:
                cause.__traceback__ = None
                cause = cause.__context__

    def getTracebackObject(self) -> TracebackType | StandInTraceback | None:
        """The live traceback; once it has been let go, what stands in for it (`plait.tracebacks`); None without any."""
        return self.tb if self.tb is not None else standInTraceback(self.frames)

    def getErrorMessage(self) -> str:
        """The text of the exception."""
        if isinstance(self.value, Failure):
            return self.value.getErrorMessage()
        return safe_str(self.value)

    def getBriefTraceback(self) -> str:
        """The traceback in a short form, one line for each frame."""
        return self.getTraceback(detail="brief")

    def getTraceback(self, elideFrameworkCode: bool | int = False, detail: str = "default") -> str:
        """The traceback as text.

        :param elideFrameworkCode: leave out the engine's frames even with ``PLAIT_DEBUG=1``.
        :param detail: "default" nearly as Python prints it, "brief" with one line a frame, "verbose" with the variables of each
            frame if they were captured.
        :raises ValueError: for another `detail`.
        """
        if detail not in ("default", "brief", "verbose"):
            raise ValueError(f"detail must be 'default', 'brief' or 'verbose', not {detail!r}")
        frames = self.frames if SHOW_MACHINERY and not elideFrameworkCode else _visible(self.frames)
        lines = formatFrames(frames, detail)
        if detail == "brief":
            return "".join([f"Traceback: {_safe_repr(self.type)}: {self.getErrorMessage()}\n", *lines])
        if detail == "verbose":
            if not self.captureVars:
                lines.append(" [Capture of Locals and Globals disabled (use captureVars=True)]\n")
            lines.append(f"{self._title()}: {self.getErrorMessage()}\n")
            number = f"Failure #{self.count}{' (pickled)' if self.pickled else ''}"
            return "".join([f"*--- {number} ---\n", *lines, f"*--- End of Failure #{self.count} ---\n"])
        # The class is named with its module, "builtins." too: what reads the logs of Twisted programs looks for that.
        lines = [*self._chained(), "Traceback (most recent call last):\n", *lines]
        lines.append(f"{self._title()}: {self.getErrorMessage()}\n")
        for note in getattr(self.value, "__notes__", ()):
            if note != self._note:  # the frames tell it already
                lines.append(f"{safe_str(note)}\n")
        return "".join(lines)

    def _chained(self) -> list[str]:
        """What Python prints before the error itself: the error that caused it, or that was being handled."""
        value = self.value
        if not isinstance(value, BaseException):
            return []
        if value.__cause__ is not None:
            earlier, why = value.__cause__, "The above exception was the direct cause of the following exception:"
        elif value.__context__ is not None and not value.__suppress_context__:
            earlier, why = value.__context__, "During handling of the above exception, another exception occurred:"
        else:
            return []
        if isinstance(earlier, Failure):
            return []
        return [*traceback.format_exception(earlier), f"\n{why}\n\n"]

    def printTraceback(
        self, file: IO[str] | None = None, elideFrameworkCode: bool | int = False, detail: str = "default"
    ) -> None:
        """Write `getTraceback` to `file` (standard error if it is None)."""
        (file or sys.stderr).write(self.getTraceback(elideFrameworkCode, detail))

    def printBriefTraceback(self, file: IO[str] | None = None, elideFrameworkCode: bool | int = False) -> None:
        """Write the short form to `file`."""
        self.printTraceback(file, elideFrameworkCode, "brief")

    def printDetailedTraceback(self, file: IO[str] | None = None, elideFrameworkCode: bool | int = False) -> None:
        """Write the long form to `file`."""
        self.printTraceback(file, elideFrameworkCode, "verbose")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_unpickle, (self.__class__, self.__getstate__()))

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: everything but the live traceback."""
        return {**self.__dict__, "frames": self.frames, "parents": self.parents, "tb": None}

    def __repr__(self) -> str:
        return f"<{qual(self.__class__)} {self._title()}: {self.getErrorMessage()}>"

    def __str__(self) -> str:
        return f"[Failure instance: {self._title()}: {self.getErrorMessage()}]"

    def _title(self) -> str:
        return qual(self.type) if isinstance(self.type, type) else str(self.type)


def _unpickle(cls: type[Failure], state: dict[str, Any]) -> Failure:
    failure = cls.__new__(cls)
    failure.__dict__.update(state)
    failure.pickled = 1
    return failure


def _visible(frames: Sequence[Frame]) -> Sequence[Frame]:
    """The frames that are not the engine's own; all of them, if there are no others."""
    return [f for f in frames if not f.file.startswith(MACHINERY)] or frames


def formatFrames(frames: Sequence[Frame], detail: str = "default") -> list[str]:
    """The lines of a traceback through `frames`; `detail` is as for `Failure.getTraceback`."""
    lines = []
    for f in frames:
        if detail == "brief":
            lines.append(f"{f.file}:{f.line}:{f.name}\n")
        elif detail == "verbose":
            lines.append(f"{f.file}:{f.line}: {f.name}(...)\n")
            for title, variables in ((" [ Locals ]\n", f.localz), (" ( Globals )\n", f.globalz)):
                if variables:
                    lines += [title, *(f"  {name} : {value}\n" for name, value in variables)]
        else:
            lines.append(f'  File "{f.file}", line {f.line}, in {f.name}\n')
            source = linecache.getline(f.file, f.line).strip()
            if source:
                lines.append(f"    {source}\n")
    return lines
