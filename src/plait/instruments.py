"""Where a tracer can look on (`plait.tracing`). While nobody does, each of these is None, and costs the look at it.

They are of the process, as a tracer is, and not of one reactor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Instruments:
    """The places.

    Attributes, each called where it stands:

    - `accepted`: with a connection that others have made and its protocol, which is not connected yet.
    - `threadCall`: with a function that is to be called in a thread; gives the one that is called there, with that call to make.
    - `serviceStart`: with a service, one of its start methods, and the function that does the start with both.
    """

    def __init__(self) -> None:
        self.accepted: Callable[[Any, Any], object] | None = None
        self.threadCall: Callable[[Callable[..., Any]], Callable[[Callable[[], Any]], Any]] | None = None
        self.serviceStart: Callable[[Any, Callable[[], Any], Callable[[Any, Any], Any]], Any] | None = None


instruments = Instruments()
