"""Work for a thread, and a thread that has something to say to the reactor."""

import threading

from plait import Deferred, deferToThread, reactor

loop_thread = threading.current_thread()


def count() -> str:
    """Runs in a thread of the reactor's pool, where it may take its time."""
    print(f"in the loop's thread: {threading.current_thread() is loop_thread}")
    reactor.callFromThread(report, "half of it is done")
    return f"the sum is {sum(range(1_000_000))}"


def report(text: str) -> None:
    """Runs in the loop's thread again, as all that is not sent elsewhere."""
    print(f"{text}; in the loop's thread: {threading.current_thread() is loop_thread}")


def start() -> None:
    waiting: Deferred[str] = deferToThread(count)
    waiting.addCallback(report)
    waiting.addBoth(lambda _: reactor.stop())


reactor.callWhenRunning(start)
reactor.run()
