"""Services and collections of services: the tree that a program starts and stops as a whole.

A start goes down the tree in the order of the services and ends at the first that fails, with its exception. What had
begun until then stays as it is, and `MultiService.stopService` stops just that: a service that never began is not asked
to stop. A stop goes up the tree, last in first out, and always through the whole of it: a service that cannot stop is
logged and does not keep the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import iscoroutine
from typing import Any, ClassVar

from plait.deferred import CancelledError, Deferred, DeferredList, ensureDeferred, maybeDeferred
from plait.failure import Failure
from plait.instruments import instruments
from plait.interfaces import adapt, implementer, provides
from plait.log import Logger
from plait.service.interfaces import IService, IServiceCollection

_log = Logger(namespace="plait.service")


@implementer(IService)
class Service:
    """A part of a program that is started and stopped. Subclass it and extend `startService` and `stopService`.

    `running` is true from the start to the stop, `name` and `parent` are None until they are set.
    """

    running: Any = 0
    name: str | None = None
    parent: IServiceCollection | None = None

    _unsaved: ClassVar[frozenset[str]] = frozenset({"running"})
    """Attributes that a copy does not have, nor a pickle: it is not running, and has nothing open."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in self._unsaved}

    def setName(self, name: str) -> None:
        """Give the service the name under which its collection finds it. RuntimeError once it is in a collection."""
        if self.parent is not None:
            raise RuntimeError(f"{describe(self)} is in a collection already: name a service before setServiceParent")
        self.name = name

    def setServiceParent(self, parent: Any) -> None:
        """Move into the collection `parent` (an application, a MultiService), out of the one it was in.

        If the new collection runs, the service is started at once; if that fails, the exception is raised here and the
        service is in no collection.
        """
        collection: Any = adapt(IServiceCollection, parent, parent)
        if not hasattr(collection, "addService"):
            raise TypeError(f"{parent!r} cannot hold services: pass an Application or a MultiService")
        if self.parent is not None:
            self.disownServiceParent()
        self.parent = collection
        try:
            collection.addService(self)
        except BaseException:
            self.parent = None
            raise

    def disownServiceParent(self) -> Deferred[Any] | None:
        """Leave the collection. If that runs, the service is stopped, and the Deferred fires when it has stopped."""
        if self.parent is None:
            raise RuntimeError(f"{describe(self)} is in no collection")
        stopped: Deferred[Any] | None = self.parent.removeService(self)
        self.parent = None
        return stopped

    def privilegedStartService(self) -> Any:
        """Do what needs rights that the process gives up afterwards. Called before `startService`, not always."""

    def startService(self) -> Any:
        """Start. Raise if that is not possible: then the whole start is undone.

        A Deferred (or a coroutine) that is returned and has failed counts as raising. For one that has not come to its end
        the program waits before it says that it serves, and if it fails, the start is undone, too (`stopService` is called).
        """
        self.running = 1

    def stopService(self) -> Any:
        """Stop; may return a Deferred (or a coroutine) that ends when everything is closed."""
        self.running = 0

    def reportFailure(self, reason: Failure | BaseException) -> None:
        """Say that the service, which ran, cannot go on.

        The nearest supervisor above starts it again, or the collection under that supervisor of which it is a part
        (`plait.service.Supervisor`). If there is no supervisor, the failure is logged.
        """
        failure = reason if isinstance(reason, Failure) else Failure(reason)
        if not tell_supervisor(self, failure):
            _log.failure("{service} failed", failure, service=describe(self))


@implementer(IServiceCollection)
class MultiService(Service):
    """A service made of services: it starts and stops them together. Iterate over it to see them."""

    def __init__(self) -> None:
        self.services: list[IService] = []
        self.namedServices: dict[str, IService] = {}
        self._begun: list[IService] = []
        self._partly_begun = False
        self._under_way: list[tuple[IService, Deferred[None]]] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_under_way": []}  # a copy has nothing under way

    def privilegedStartService(self) -> Deferred[None] | None:
        """Let each service do what needs rights; stop at the first that fails, with its exception.

        The Deferred, if any service takes its time, is that of `startService`.
        """
        super().privilegedStartService()
        started = self._start_each(lambda service: service.privilegedStartService, has_privileged_part)
        self._partly_begun = started is not None
        return started

    def startService(self) -> Deferred[None] | None:
        """Start each service; stop at the first that fails, with its exception.

        None if all have started. Else a Deferred: it fires when they have, and fails when one fails. Cancelled, it cancels
        the starts that are under way. A failure for which nobody waits is logged.
        """
        super().startService()
        started = self._start_each(lambda service: service.startService, lambda service: True)
        self._begun.clear()
        self._partly_begun = False
        return started

    def stopService(self) -> Deferred[list[tuple[bool, Any]]]:
        """Stop each service, the last one first; one that is still being started, when its start has been cancelled.

        The Deferred fires when all have stopped, with a pair for each in that order: (True, result) or (False,
        failure). It does not fail; each failure is logged here.
        """
        super().stopService()
        services = self.services
        if self._partly_begun:
            services = [service for service in services if any(service is begun for begun in self._begun)]
        self._begun.clear()
        self._partly_begun = False
        return DeferredList([self._stop_one(service) for service in reversed(services)], consumeErrors=True)

    def getServiceNamed(self, name: str) -> Any:
        """The service of that name. KeyError if there is none."""
        return self.namedServices[name]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.services)

    def addService(self, service: IService) -> None:
        """Take `service` in; start it if this collection runs. Call the service's `setServiceParent` instead.

        RuntimeError if the name is taken. A service that fails to start is not kept, and its exception is raised.
        """
        self._remember(service)
        if not self.running:
            return
        begun = False
        try:
            self._watch(service, begin(service, service.privilegedStartService))
            begun = has_privileged_part(service)
            self._watch(service, begin(service, service.startService))
        except BaseException:
            self._forget(service)
            if begun:
                stop(service).addErrback(lambda logged: None)
            raise

    def removeService(self, service: IService) -> Deferred[Any] | None:
        """Let `service` go; stop it if this collection runs. Call the service's `disownServiceParent` instead."""
        self._forget(service)
        return self._stop_one(service, logged=False) if self.running else None

    def _remember(self, service: IService) -> None:
        if service.name is not None:
            if service.name in self.namedServices:
                raise RuntimeError(f"cannot have two services with same name {service.name!r}")
            self.namedServices[service.name] = service
        self.services.append(service)

    def _forget(self, service: IService) -> None:
        if not any(service is mine for mine in self.services):
            raise ValueError(f"{describe(service)} is not in this collection")
        self.services.remove(service)
        if service.name is not None:
            self.namedServices.pop(service.name, None)

    def _start_each(
        self, part: Callable[[IService], Callable[[], Any]], leaves_traces: Callable[[IService], bool]
    ) -> Deferred[None] | None:
        starts: list[tuple[IService, Deferred[None]]] = []
        try:
            for service in list(self.services):
                try:
                    start = begin(service, part(service))
                except BaseException:
                    self._partly_begun = True
                    if isinstance(service, MultiService):  # it knows which of its own services had begun
                        self._begun.append(service)
                    raise
                if leaves_traces(service):
                    self._begun.append(service)
                if start is not None:
                    starts.append((service, start))
        except BaseException:
            for service, start in starts:
                self._watch(service, start)
            raise
        self._under_way += starts
        return all_started(starts, self._over)

    def _watch(self, service: IService, start: Deferred[None] | None) -> None:
        """Have the failure of a start logged, for which nobody waits."""
        if start is not None:
            self._under_way.append((service, start))
            all_started([(service, start)], self._over)

    def _over(self, start: Deferred[None]) -> None:
        self._under_way = [entry for entry in self._under_way if entry[1] is not start]

    def _stop_one(self, service: IService, logged: bool = True) -> Deferred[Any]:
        starts = [start for other, start in self._under_way if other is service]
        if not starts:
            return stop(service) if logged else maybeDeferred(service.stopService)
        stopped: Deferred[Any] = Deferred()
        DeferredList(starts).addCallback(stopped.callback)
        for start in starts:
            start.cancel()
        return stopped.addCallback(lambda _: stop(service))


def walk(service: Any) -> Iterator[Any]:
    """A service, and if it is a collection all that are in it, each before those in it, in the order of their starts."""
    yield service
    if provides(IServiceCollection, service):
        for part in service:
            yield from walk(part)


def underWay(service: IService) -> list[IService]:
    """The services of a collection whose start has not come to its end."""
    starts = service._under_way if isinstance(service, MultiService) else []
    return [part for child, _ in starts for part in underWay(child) or [child]]


def describe(service: object) -> str:
    """What to call a service in a message: its class, and its name if it has one."""
    name = getattr(service, "name", None)
    kind = type(service).__name__
    return kind if name is None else f"{kind} {name!r}"


def tell_supervisor(service: IService, failure: Failure) -> bool:
    """Tell the nearest supervisor above that `service` has failed. False if there is none."""
    child, above = service, service.parent
    while above is not None:
        child_ended = getattr(above, "childEnded", None)
        if child_ended is not None:
            child_ended(child, failure)
            return True
        child, above = above, getattr(above, "parent", None)  # type: ignore[assignment]
    return False


def report_end(service: Service, failure: Failure | None) -> None:
    """`service`, which ran, has come to its end by itself: it has failed, or (without a failure) done its work."""
    if failure is not None:
        service.reportFailure(failure)
    elif child_ended := getattr(service.parent, "childEnded", None):
        child_ended(service)


def has_privileged_part(service: IService) -> bool:
    return getattr(type(service), "privilegedStartService", None) is not Service.privilegedStartService


def begin(service: IService, start: Callable[[], Any]) -> Deferred[None] | None:
    """Call one of the two start methods; raise if it raises, or returns what has failed already.

    The Deferred is that of a start that has not come to its end; what it fails with says whose start it was.
    """
    return (
        _begin(service, start) if instruments.serviceStart is None else instruments.serviceStart(service, start, _begin)
    )


def _begin(service: IService, start: Callable[[], Any]) -> Deferred[None] | None:
    result = start()
    if iscoroutine(result):
        result = ensureDeferred(result)
    if not isinstance(result, Deferred):
        return None
    pending: Deferred[None] = Deferred(lambda _: result.cancel())
    at_once: list[Failure] = []
    returned = False

    def failed(failure: Failure) -> None:
        if not returned:
            at_once.append(failure)
            return
        if not isinstance(service, MultiService) and not failure.check(CancelledError):
            failure.value.add_note(f"in the start of {describe(service)}")
        pending.errback(failure)

    def ended(value: Any) -> Any:
        pending.callback(None)
        return value  # it may be of use to the service, whose Deferred it is

    result.addCallbacks(ended, failed)
    returned = True
    if at_once:
        at_once[0].raiseException()
    return None if pending.called else pending


def all_started(
    starts: list[tuple[IService, Deferred[None]]], over: Callable[[Deferred[None]], None]
) -> Deferred[None] | None:
    """One Deferred for several that `begin` has given, or None if there are none. `over` is called with each that has ended.

    It fails with the first that fails. A failure that it does not hand on, since it has failed already or nobody waits for
    it, is logged. Cancelled, it cancels them all.
    """
    if not starts:
        return None

    def cancel(_: object) -> None:
        for _, start in starts:
            start.cancel()

    whole: Deferred[None] = Deferred(cancel)
    left = len(starts)

    def ended(result: object, service: IService, start: Deferred[None]) -> None:
        nonlocal left
        left -= 1
        over(start)
        if isinstance(result, Failure):
            if whole.callbacks and not whole.called:
                whole.errback(result)
            elif not result.check(CancelledError):
                _log.failure("{service} failed to start", result, service=describe(service))
        elif not left and not whole.called:
            whole.callback(None)

    for service, start in starts:
        start.addBoth(ended, service, start)
    return whole


def stop(service: IService) -> Deferred[Any]:
    def failed(failure: Failure) -> Failure:
        _log.failure("{service} failed to stop", failure, service=describe(service))
        return failure

    return maybeDeferred(service.stopService).addErrback(failed)
