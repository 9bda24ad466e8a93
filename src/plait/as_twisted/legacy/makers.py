"""The plugins of `twistd`: what the folders ``twisted/plugins`` offer as `IServiceMaker`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from plait.as_twisted.legacy.application import IServiceMaker
from plait.as_twisted.legacy.plugin import getPlugins

__all__ = ["service_makers"]


def service_makers() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Their words on the command line, and what gives each."""
    for maker in getPlugins(IServiceMaker):
        yield maker.tapname, partial(_found, maker)


def _found(maker: Any) -> Any:
    return maker
