"""The reactor, and the event loops under it.

In reading order: `loops` (which loop), `timers`, `events` (start-up and shutdown), `signals`, `threads`, `descriptors`,
`processes`, `resolving`, `reactor` (all of it), `draining`, `heartbeat` and `blocking` (whether the loop turns).
"""

from plait.engine.blocking import BlockWatch
from plait.engine.draining import drain
from plait.engine.processes import getProcessOutput, getProcessOutputAndValue, getProcessValue
from plait.engine.reactor import Reactor, getReactor
from plait.engine.threads import (
    ThreadPool,
    blockingCallFromThread,
    callMultipleInThread,
    deferToThread,
    deferToThreadPool,
)
from plait.engine.timers import DelayedCall

__all__ = [
    "BlockWatch",
    "DelayedCall",
    "Reactor",
    "ThreadPool",
    "blockingCallFromThread",
    "callMultipleInThread",
    "deferToThread",
    "deferToThreadPool",
    "drain",
    "getProcessOutput",
    "getProcessOutputAndValue",
    "getProcessValue",
    "getReactor",
]
