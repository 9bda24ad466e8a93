"""In which order tests are run."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

from plait.testing.runner.loading import name


def _top_to_bottom(thing: Any) -> Any:
    """A key that puts methods and classes as their class or module defines them; anything else by its name."""
    if isinstance(thing, type):
        module = sys.modules.get(thing.__module__)
        return _place(thing, list(vars(module).values()) if module is not None else [])
    method = getattr(thing, "_testMethodName", None)
    if method is None:
        return name(thing)
    defined = [word for klass in reversed(type(thing).__mro__) for word in vars(klass)]
    return _place(method, list(dict.fromkeys(defined)))


def _place(thing: Any, things: list[Any]) -> int:
    return next((index for index, other in enumerate(things) if other is thing or other == thing), len(things))


ORDERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "alphabetical": ("by name: modules, their classes, and their methods (the default)", name),
    "toptobottom": ("modules by name, their classes and methods as they stand in the file", _top_to_bottom),
}
"""By name: a sentence for the user, and the key to sort by."""


def shuffled(seed: int) -> Callable[[Any], Any]:
    """A key that puts what is sorted by it in random order, the same for the same seed."""
    generator = random.Random(seed)
    return lambda thing: generator.random()


def choose_seed() -> int:
    """A seed that a person can type again."""
    return random.SystemRandom().randrange(1, 1_000_000)
