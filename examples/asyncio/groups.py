"""Task groups, timeouts and scopes around Deferreds, in a coroutine that Plait drives."""

import asyncio

import anyio

from plait import Deferred, deferToThread, ensureDeferred, reactor
from plait.task import deferLater


async def step(name: str, seconds: float) -> str:
    return await deferLater(reactor, seconds, lambda: f"{name} is done")


async def main() -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(step("slow", 0.02)), group.create_task(step("quick", 0))]
        total = await deferToThread(sum, range(10))
    print([task.result() for task in tasks], total)

    never: Deferred[None] = Deferred(lambda _: print("the work is stopped"))
    with anyio.move_on_after(0.05) as scope:
        await never
    print("given up:", scope.cancelled_caught)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(step("the other", 60))
            await deferToThread(int, "seven")
    except* ValueError as errors:
        print("the group has failed:", errors.exceptions[0])


reactor.callWhenRunning(lambda: ensureDeferred(main()).addBoth(lambda result: reactor.stop() or result))
reactor.run()
