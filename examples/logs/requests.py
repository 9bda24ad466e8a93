"""The number of a request in every line that is logged for it, wherever that happens: ``python requests.py``."""

import logging
import sys

from plait.log import (
    FilteringLogObserver,
    Logger,
    captureStdlibLogging,
    globalLogBeginner,
    logContext,
    parseLevels,
    terminalLogObserver,
)
from plait.task import deferLater, react

log = Logger("shop")
library = logging.getLogger("warehouse")  # a library that knows nothing of Plait


async def fetch(reactor, fruit):
    await deferLater(reactor, 0)
    library.warning("only %d %s left", 2, fruit)
    log.debug("nobody sees this")


async def answer(reactor, number, fruit):
    with logContext(request=number):
        await fetch(reactor, fruit)
        log.info("sold {fruit}", fruit=fruit)


async def main(reactor):
    levels = parseLevels("info,warehouse=warn")
    observer = terminalLogObserver(sys.stdout, timeFormat=None)
    globalLogBeginner.beginLoggingTo([FilteringLogObserver(observer, [levels])], redirectStandardIO=False)
    captureStdlibLogging()
    await answer(reactor, 1, "apples")
    await answer(reactor, 2, "pears\nforged line")


react(main)
