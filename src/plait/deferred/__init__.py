"""Results that are not there yet.

In reading order: `core` (the Deferred itself), `coroutines` (async def and await), `generators` (inlineCallbacks),
`lists` (several at once), `shortcuts` (a Deferred of a value, of an error, of whatever a function gives), `locks` (taking
turns), `filelock` (taking turns between processes), `debugging` (who made what, and what still waits).
"""

from plait.deferred.core import (
    AlreadyCalledError,
    CancelledError,
    Deferred,
    TimeoutError,
    getDebugging,
    setDebugging,
)
from plait.deferred.coroutines import NotACoroutineError, ensureDeferred
from plait.deferred.debugging import DebugInfo, WaitingDeferred, waitingDeferreds
from plait.deferred.filelock import AlreadyTryingToLockError, DeferredFilesystemLock, FilesystemLock
from plait.deferred.generators import inlineCallbacks
from plait.deferred.lists import FAILURE, SUCCESS, DeferredList, FailureGroup, FirstError, gatherResults, race
from plait.deferred.locks import DeferredLock, DeferredQueue, DeferredSemaphore, QueueOverflow, QueueUnderflow
from plait.deferred.shortcuts import execute, fail, logError, maybeDeferred, passthru, succeed
from plait.failure import Failure

__all__ = [
    "FAILURE",
    "SUCCESS",
    "AlreadyCalledError",
    "AlreadyTryingToLockError",
    "CancelledError",
    "DebugInfo",
    "Deferred",
    "DeferredFilesystemLock",
    "DeferredList",
    "DeferredLock",
    "DeferredQueue",
    "DeferredSemaphore",
    "Failure",
    "FailureGroup",
    "FilesystemLock",
    "FirstError",
    "NotACoroutineError",
    "QueueOverflow",
    "QueueUnderflow",
    "TimeoutError",
    "WaitingDeferred",
    "ensureDeferred",
    "execute",
    "fail",
    "gatherResults",
    "getDebugging",
    "inlineCallbacks",
    "logError",
    "maybeDeferred",
    "passthru",
    "race",
    "setDebugging",
    "succeed",
    "waitingDeferreds",
]
