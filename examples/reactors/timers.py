"""Timers: never, again and again, and sooner than planned."""

from plait import reactor
from plait.task import LoopingCall

never = reactor.callLater(0.01, print, "this is not printed")
never.cancel()


def end() -> None:
    print("the end came early")
    reactor.stop()


later = reactor.callLater(3600, end)
print(f"waiting: {later.active()}, cancelled: {not never.active()}")

words = ["tick", "tack", "tock"]


def tick() -> None:
    print(words.pop(0))
    if not words:
        ticking.stop()
        later.reset(0.01)


ticking = LoopingCall(tick)
ticking.start(0.01)
reactor.run()
