"""Services: the parts of a program that are started and stopped together.

In reading order: `plait.service.interfaces` (what a service promises), `plait.service.base` (a service, a collection
of services), `plait.service.application` (the root of a program), `plait.service.network` (servers, clients, timers),
`plait.service.endpoint` (the same at endpoints, and clients that reconnect), `plait.service.jobs` (an async function as a
service), `plait.service.processes` (a program as one), `plait.service.supervision` (services that are started again),
`plait.service.backoff` (after how long).
"""

from plait.service.application import Application
from plait.service.backoff import backoff, backoffPolicy
from plait.service.base import MultiService, Service, describe, underWay, walk
from plait.service.endpoint import ClientService, StreamServerEndpointService
from plait.service.interfaces import IProcess, IService, IServiceCollection
from plait.service.jobs import Job
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
from plait.service.processes import ProcessService
from plait.service.supervision import Child, StopTimeoutError, Supervisor, TooManyRestartsError

__all__ = [
    "Application",
    "Child",
    "ClientService",
    "IProcess",
    "IService",
    "IServiceCollection",
    "Job",
    "MultiService",
    "MulticastServer",
    "ProcessService",
    "SSLClient",
    "SSLServer",
    "Service",
    "StopTimeoutError",
    "StreamServerEndpointService",
    "Supervisor",
    "TCPClient",
    "TCPServer",
    "TimerService",
    "TooManyRestartsError",
    "UDPServer",
    "UNIXClient",
    "UNIXDatagramClient",
    "UNIXDatagramServer",
    "UNIXServer",
    "backoff",
    "backoffPolicy",
    "describe",
    "underWay",
    "walk",
]
