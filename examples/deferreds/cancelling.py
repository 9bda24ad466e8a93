"""Cancelling: the canceller stops the work, and the errbacks are told."""

from plait import Deferred, Failure, reactor
from plait.deferred import CancelledError, TimeoutError


def ask() -> Deferred[str]:
    return Deferred(lambda deferred: print("hanging up"))


def gave_up(failure: Failure) -> None:
    print(f"gave up: {failure.trap(CancelledError, TimeoutError).__name__}")


question = ask()
question.addErrback(gave_up)
question.cancel()

question = ask()
question.addTimeout(0.01, reactor)
question.addErrback(gave_up)
question.addBoth(lambda _: reactor.stop())
reactor.run()
