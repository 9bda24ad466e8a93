"""Timers: once, never, later than planned, and again and again."""

from plait import reactor
from plait.task import LoopingCall

never = reactor.callLater(0.01, print, "this is not printed")
never.cancel()

late = reactor.callLater(0.01, print, "an hour later than planned")
late.delay(3600)
late.reset(0.03)
print(f"planned: {late.active()}, cancelled: {not never.active()}")

ticks = iter(["tick", "tack", "tock"])


def tick() -> None:
    print(next(ticks))


ticking = LoopingCall(tick)
ticking.start(0.01).addErrback(lambda failure: failure.trap(StopIteration)).addBoth(lambda _: reactor.callLater(0.1, end))


def end() -> None:
    print("the end")
    reactor.stop()


reactor.run()
