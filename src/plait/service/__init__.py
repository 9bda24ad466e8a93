"""Services: the parts of a program that are started and stopped together.

In reading order: `plait.service.interfaces` (what a service promises), `plait.service.base` (a service, a collection
of services), `plait.service.application` (the root of a program), `plait.service.network` (servers, clients, timers).
"""

from plait.service.application import Application
from plait.service.base import MultiService, Service
from plait.service.interfaces import IProcess, IService, IServiceCollection
from plait.service.network import (
    MulticastServer,
    SSLClient,
    SSLServer,
    TCPClient,
    TCPServer,
    TimerService,
    UDPServer,
    UNIXClient,
    UNIXDatagramClient,
    UNIXDatagramServer,
    UNIXServer,
)

__all__ = [
    "Application",
    "IProcess",
    "IService",
    "IServiceCollection",
    "MultiService",
    "MulticastServer",
    "SSLClient",
    "SSLServer",
    "Service",
    "TCPClient",
    "TCPServer",
    "TimerService",
    "UDPServer",
    "UNIXClient",
    "UNIXDatagramClient",
    "UNIXDatagramServer",
    "UNIXServer",
]
