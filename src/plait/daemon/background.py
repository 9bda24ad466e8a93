"""Leaving the terminal: a process of its own in the background, and its word to the command that started it.

The command forks twice, with a session of its own in between, so that no terminal can reach the daemon. A pipe joins
the two: the command waits until the daemon either is ready or says why it cannot start. So every error of a start shows
on the terminal, and when the command returns 0 the daemon serves.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

from plait.daemon.errors import StartError, UsageError, reason

READY = b"r"
FAILED = b"f"
MISUSED = b"u"  # the same, and it is the command line that is wrong


class Link:
    """The daemon's end of the pipe. One word is said on it, once; the rest goes to the log.

    :param pipe: the descriptor. At its other end waits the command, or the process whose place this one takes.
    :param detach: whether to let go of the terminal when it is ready.
    """

    def __init__(self, pipe: int, detach: bool = True) -> None:
        self._pipe: int | None = pipe
        self._detach = detach

    def ready(self) -> None:
        """Let the command return with 0, and let go of its terminal: the standard streams now lead nowhere.

        Does nothing the second time. BrokenPipeError if the command has been ended meanwhile.
        """
        if self._pipe is None:
            return
        if self._detach:
            let_go_of_the_terminal()
        self._say(READY)

    def failed(self, message: str, word: bytes = FAILED) -> None:
        """Let the command print `message` and return with 1, or 2 if the `word` is MISUSED."""
        try:
            self._say(word + message.encode("utf-8", "backslashreplace"))
        except BrokenPipeError:
            pass  # nobody is there to read it

    def _say(self, word: bytes) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            with open(pipe, "wb") as stream:
                stream.write(word)


def let_go_of_the_terminal() -> None:
    """Let the standard streams lead nowhere."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    if nowhere > 2:
        os.close(nowhere)


def run_in_background(work: Callable[[Link], int]) -> int:
    """Call `work` in a new process without a terminal; returns the status to exit with, in each of the two processes.

    In the command that is 0 once `work` has called `Link.ready`; StartError if it never does. In the daemon it is what
    `work` returns.
    """
    if sys.platform == "win32" or not hasattr(os, "fork"):
        raise StartError("this platform has no fork, so nothing can run in the background: add -n")
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # what is buffered would be written by each of the processes
            stream.flush()
    news, pipe = os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        raise StartError(f"cannot make a process to run in the background: {reason(error)}") from error
    if child:
        os.close(pipe)
        return _wait(child, news)
    os.close(news)
    link = Link(pipe)
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
    except OSError as error:
        link.failed(f"cannot make a process to run in the background: {reason(error)}")
        os._exit(1)
    return run_linked(link, work)


def run_linked(link: Link, work: Callable[[Link], int]) -> int:
    """Call `work` in the process that is to serve; what keeps it from that is said on `link`. Returns the status to exit with."""
    try:
        return work(link)
    except StartError as error:
        link.failed(str(error), MISUSED if isinstance(error, UsageError) else FAILED)
        return error.status
    except BaseException:
        link.failed(f"the daemon met an error that it does not know:\n{traceback.format_exc().rstrip()}")
        raise


def _wait(child: int, news: int) -> int:
    """The command's part: wait for the daemon's word. `child` is the process between the two."""
    with open(news, "rb", buffering=0) as stream:
        try:
            word = stream.read(1)
            if word in (FAILED, MISUSED):
                # To the end: the message can be longer than what a pipe takes at once.
                raise (UsageError if word == MISUSED else StartError)(stream.readall().decode("utf-8", "replace"))
        except KeyboardInterrupt:
            # The daemon has another session, so Ctrl-C does not reach it. Its process group is named after `child`.
            try:
                os.killpg(child, signal.SIGTERM)
            except ProcessLookupError:
                pass
            raise StartError("interrupted before the daemon was ready; it was told to stop") from None
        finally:
            os.waitpid(child, 0)
    if word != READY:
        raise StartError("the daemon ended before it was ready and left no word; its log may tell more")
    return 0
