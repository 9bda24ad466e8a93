"""A reactor that has stopped can be run again."""

from plait import reactor

for time in ("the first time", "the second time"):
    reactor.callWhenRunning(print, f"running for {time}")
    reactor.callWhenRunning(reactor.stop)
    reactor.run()
