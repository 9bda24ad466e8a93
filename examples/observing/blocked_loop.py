"""Find what blocks the event loop: a second here, which keeps everything else waiting."""

import time

from plait import reactor
from plait.engine import BlockWatch
from plait.log import globalLogPublisher


def thinkHard():
    time.sleep(1)  # what should be done in a thread
    reactor.callLater(0.3, reactor.stop)


def show(event):
    """The log's events are values, too: your monitoring may want other words than the log file."""
    if "log_failure" in event:
        print("blocked in", event["log_failure"].frames[-1].name, flush=True)
    elif "seconds" in event:
        print(f"turns again after {event['seconds']:.0f} s")


globalLogPublisher.addObserver(show)
watch = BlockWatch(reactor, after=0.3)
watch.start()
reactor.callLater(0.1, thinkHard)
reactor.run()
watch.stop()
