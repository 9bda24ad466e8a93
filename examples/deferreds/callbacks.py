"""A Deferred, its callbacks and its errbacks. No reactor runs: whoever has the result fires it."""

from plait import Deferred, Failure


def half(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


def show(number: int) -> None:
    print(f"half of it is {number}")


def explain(failure: Failure) -> None:
    failure.trap(ValueError)
    print(f"no half: {failure.getErrorMessage()}")


for given in (42, 7):
    deferred: Deferred[int] = Deferred()
    deferred.addCallback(half)
    deferred.addCallbacks(show, explain)
    deferred.callback(given)
