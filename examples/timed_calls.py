"""Timed calls: the reactor waits, and calls functions when their time has come.

usage: python timed_calls.py
"""

import time

from plait import reactor


def printTime():
    print("Current time is", time.strftime("%H:%M:%S"))


def stopReactor():
    print("Stopping reactor")
    reactor.stop()


for seconds in (1, 2, 3, 4):
    reactor.callLater(seconds, printTime)
reactor.callLater(5, stopReactor)

print("Running the reactor...")
reactor.run()
print("Reactor stopped.")
