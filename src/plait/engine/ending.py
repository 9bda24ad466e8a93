"""The end of a loop that Plait runs: what asyncio's libraries may leave behind is ended, as `asyncio.run` does it."""

from __future__ import annotations

import asyncio

from plait.deferred.core import Driver
from plait.log import Logger

_log = Logger("plait.engine")

# Seconds for tasks to end once they are cancelled: time enough to say goodbye to a server, and a task that will not end
# does not keep the program from ending.
PATIENCE = 30.0


async def end_what_is_left(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel asyncio's tasks and wait for them, then close the asynchronous generators.

    A coroutine that Plait drives is left as it is, as any Deferred is that has not fired when the reactor stops.
    """
    this = asyncio.current_task()
    left = [task for task in asyncio.all_tasks(loop) if task is not this and not isinstance(task, Driver)]
    for task in left:
        task.cancel()
    if left:
        done, pending = await asyncio.wait(left, timeout=PATIENCE)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                message = f"{task!r}, which was cancelled as the reactor stopped, has failed"
                loop.call_exception_handler({"message": message, "exception": error, "task": task})
        for task in pending:
            _log.warn("{task!r} was cancelled as the reactor stopped, and goes on: it is left", task=task)
    await loop.shutdown_asyncgens()
