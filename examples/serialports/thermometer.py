"""Asks a thermometer on a serial line for three readings. A terminal of the program's own stands in for the device."""

import os
import threading

from plait import Deferred, LineReceiver, task
from plait.transport.serial import SerialPort


class Thermometer(LineReceiver):
    """Sends `?` for each reading, and is answered with a line."""

    def __init__(self):
        self.asked = None
        self.lost = Deferred()

    def read(self):
        self.asked = Deferred()
        self.transport.write(b"?")
        return self.asked

    def lineReceived(self, line):
        self.asked.callback(float(line))

    def connectionLost(self, reason):
        self.lost.callback(reason.getErrorMessage())


def device(fd):
    """What is at the other end: a thermometer in a room that grows warmer."""
    for reading in (b"20.5\r\n", b"21.0\r\n", b"21.5\r\n"):
        os.read(fd, 1)
        os.write(fd, reading)


async def main(reactor):
    far, near = os.openpty()
    threading.Thread(target=device, args=[far], daemon=True).start()

    thermometer = Thermometer()
    port = SerialPort(thermometer, os.ttyname(near), reactor, baudrate=19200)
    for _ in range(3):
        print(f"{await thermometer.read()} degrees")
    os.close(far)  # as if the device were unplugged
    print(await thermometer.lost)
    print("the port is", "closed" if port.disconnected else "open")


task.react(main)
