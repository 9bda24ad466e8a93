"""Log events with their values, write them as lines, and count them: ``python events.py``."""

import sys
from collections import Counter

from plait.log import Logger, LogLevel, globalLogBeginner, globalLogPublisher, textFileLogObserver

log = Logger("shop")
log.info("opening")  # there is no log yet: kept, and written when there is one

sold = Counter()


def count(event):
    """An observer: it uses the values of the event, not its text."""
    if "fruit" in event:
        sold[event["fruit"]] += event["kilos"]


class Till:
    log = Logger()  # names itself after the class

    def sell(self, fruit, kilos):
        if kilos <= 0:
            raise ValueError(f"cannot sell {kilos} kilos")
        self.log.info("sold {kilos:.1f} kg of {fruit!r}", fruit=fruit, kilos=kilos)
        self.log.debug("the drawer is {open}", open=False)


globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout), count], redirectStandardIO=False)
globalLogPublisher.setLevel(LogLevel.info)

till = Till()
till.sell("apples", 2)
till.sell("pears\nforged line", 0.5)
try:
    till.sell("plums", -1)
except ValueError:
    log.failure("a sale has failed")
log.info("sold {sold[apples]} kg of apples, {sold.total()} kg in all", sold=sold)
