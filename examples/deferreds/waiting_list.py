"""In debug mode, which Deferreds still wait, and where they were made."""

from plait import Deferred
from plait.deferred import setDebugging, waitingDeferreds


def ask(question: str) -> Deferred[str]:
    return Deferred()


setDebugging(True)
answer = ask("how long is a piece of string?")
for waiting in waitingDeferreds():
    if waiting.deferred is answer:
        *_, where, line = waiting.created.strip().split("\n")
        print("the answer that nobody gives was asked for in", where.split()[-1])
