"""A worker, seen from inside: a run whose ports are lent to it, and whose word goes to its parent.

The parent has started it with its own command line; the environment variable `PLAIT_WORKER` tells, as JSON, the number of the
descriptor that leads back to the parent, and of those that the service manager has given. When the parent is gone, even if
it was killed, the worker ends in good order.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import threading
import time
from typing import Any

from plait.daemon.background import FAILED, MISUSED, Link, let_go_of_the_terminal
from plait.daemon.channel import Channel, shortened
from plait.daemon.lending import PATIENCE, Borrower
from plait.daemon.metering import Answering
from plait.daemon.signals import OnSignal
from plait.errors import ReactorNotRunning
from plait.log import Logger
from plait.task import LoopingCall
from plait.transport import handover
from plait.transport.handover import inherited

_log = Logger(namespace="plait.daemon")

VARIABLE = "PLAIT_WORKER"

# Seconds between two reports of how many connections there are, and between two signals to a start whose parent is gone.
REPORT = 1.0


class WorkerLink(Link):
    """The line to the parent, which waits for the word that is said in the end of a start, too.

    :param detach: whether to let go of the terminal when it is ready.
    """

    def __init__(self, channel: Channel, detach: bool) -> None:
        self._channel = channel
        self._borrower: Borrower
        self._detach = detach
        self._ready = False
        self._reactor: Any = None
        self._name = ""
        self.inspect = ""  # the path of the socket at which we can be inspected
        self._said: dict[str, Any] = {}
        self._stopping = False
        self.undoing = False  # a start that has failed: that is not to be cut short
        self._metrics: socket.socket | None = None

    @classmethod
    def take_up(cls, detach: bool) -> WorkerLink | None:
        """The line, if this process is a worker: its ports are borrowed from now on. None if it is none."""
        text = os.environ.pop(VARIABLE, None)
        if text is None:
            return None
        lent = json.loads(text)
        handover.given[:] = lent["given"]
        line = socket.socket(fileno=lent["line"])
        for descriptor in (line.fileno(), *handover.given):
            os.set_inheritable(descriptor, False)
        line.settimeout(0)
        link = cls(Channel(line), detach)
        if lent.get("metrics") is not None:
            link._metrics = socket.socket(fileno=lent["metrics"])
            link._metrics.set_inheritable(False)
        inherited.lender = link._borrower = Borrower(link._channel, os.getppid())
        for name in ("SIGHUP", "SIGUSR2"):
            if hasattr(signal, name):  # the parent's to answer; they must not end us, if they go to all processes
                signal.signal(getattr(signal, name), lambda *_: None)
        threading.Thread(
            target=link._watch, args=(line.fileno(),), name="plait: watches the parent", daemon=True
        ).start()
        return link

    # -- what a run says

    def ready(self) -> None:
        """It serves. Does nothing the second time. BrokenPipeError if the parent is gone."""
        if self._ready:
            return
        self._ready = True
        if self._detach:
            let_go_of_the_terminal()
        try:
            self._send({"ready": self._name, "inspect": self.inspect})
        except OSError as error:
            raise BrokenPipeError from error

    def failed(self, message: str, word: bytes = FAILED) -> None:
        """It cannot start, or the command line is wrong (MISUSED)."""
        try:
            self._send({"failed": shortened(message), "misused": word == MISUSED})
        except OSError:
            pass  # nobody is there to hear it

    def _send(self, message: dict[str, Any]) -> None:
        self._channel.sock.settimeout(PATIENCE)
        try:
            self._channel.send(message)
        finally:
            self._channel.sock.settimeout(0)

    # -- how it goes

    def serve(self, reactor: Any, name: str, root: Any) -> None:
        """The loop is about to turn: from now on signals end it in good order, however many come, and reports are made."""
        self._reactor = reactor
        self._name = name
        if self._metrics is not None:
            Answering(reactor, root, self._metrics)
        for number in ("SIGTERM", "SIGINT"):
            OnSignal(reactor.loop, number, self._asked_to_stop)
        reactor.addSystemEventTrigger("before", "shutdown", self._stops)
        reactor.callWhenRunning(LoopingCall(self._report).start, REPORT)

    def _asked_to_stop(self) -> None:
        if self._stopping:
            return  # a second signal is for the parent, and he kills
        self._stopping = True
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            pass

    def _stops(self) -> None:
        self._stopping = True
        self._report()

    def _report(self) -> None:
        state = {"draining": self._stopping, "connections": len(self._reactor._net.accepted())}
        try:
            if not self._stopping:  # at the end the ports are left to the worker that comes next
                for place, index in self._borrower.returned():
                    self._channel.send({"returned": place, "index": index})
            if state != self._said:
                self._channel.send(state)
                self._said = state
        except OSError:
            pass  # it is too busy to listen, or gone: that is noticed elsewhere

    def interrupt(self, *_: object) -> None:
        """At SIGTERM while it starts: undo that, do not just die."""
        if not self.undoing:
            raise KeyboardInterrupt

    # -- the end of the parent

    def _watch(self, descriptor: int) -> None:
        """In a thread of its own: a start can take long, and all that time nothing else could see the parent's end."""
        poll = select.poll()
        poll.register(descriptor, 0)  # nothing but the hang-up
        while not poll.poll():
            pass
        # More than once: a signal that comes just before a system call is not seen until that call is over, and what is raised
        # while something is finalized is lost.
        while not self._stopping and not self.undoing:
            if self._reactor is None:
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                try:
                    self._reactor.loop.call_soon_threadsafe(self._orphaned)
                except RuntimeError:
                    return  # the loop is closed: it has ended
            time.sleep(REPORT)

    def _orphaned(self) -> None:
        if not self._stopping:
            _log.error("The parent process is gone: this worker stops.")
            self._asked_to_stop()
