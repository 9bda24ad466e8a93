"""Which events an observer gets to see: by level and namespace, or by any predicate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import TypeAlias

from plait.interfaces import Interface, implementer
from plait.log._levels import InvalidLogLevelError, LogLevel
from plait.log._publisher import ILogObserver, LogEvent, LogObserver, bitbucketLogObserver, note_step


class PredicateResult(Enum):
    """What a predicate says of an event."""

    yes = "yes"
    """It is for the observer, whatever other predicates say."""
    no = "no"
    """It is not."""
    maybe = "maybe"
    """The next predicate decides; if there is none, the observer gets it."""


class ILogFilterPredicate(Interface):
    """What a predicate promises."""

    def __call__(self, event: LogEvent) -> PredicateResult:
        """Whether the event is to be observed."""


LogFilterPredicate: TypeAlias = Callable[[LogEvent], PredicateResult]


@implementer(ILogObserver)
class FilteringLogObserver:
    """Hands on the events of which no predicate says `PredicateResult.no`.

    :param observer: gets them.
    :param predicates: asked in turn, until one says yes or no.
    :param negativeObserver: gets the others.
    """

    def __init__(
        self,
        observer: LogObserver,
        predicates: Iterable[LogFilterPredicate],
        negativeObserver: LogObserver = bitbucketLogObserver,
    ) -> None:
        self._observer = observer
        self._predicates = list(predicates)
        self._negativeObserver = negativeObserver

    def shouldLogEvent(self, event: LogEvent) -> bool:
        """Whether the event is for the observer. TypeError if a predicate says anything but a `PredicateResult`."""
        for predicate in self._predicates:
            result = predicate(event)
            if result is PredicateResult.yes:
                return True
            if result is PredicateResult.no:
                return False
            if result is not PredicateResult.maybe:
                raise TypeError(f"a log filter says a PredicateResult, not {result!r}: {predicate!r}")
        return True

    def __call__(self, event: LogEvent) -> None:
        if self.shouldLogEvent(event):
            note_step(event, self, self._observer)
            self._observer(event)
        else:
            self._negativeObserver(event)


@implementer(ILogFilterPredicate)
class LogLevelFilterPredicate:
    """Says no to what is less important than the level of its namespace, which is that of the nearest one above it that has
    a level of its own: what is set for ``shop`` holds for ``shop.till`` too.
    """

    def __init__(self, defaultLogLevel: LogLevel = LogLevel.info) -> None:
        self.defaultLogLevel = defaultLogLevel
        self._levels: dict[str, LogLevel] = {}

    @property
    def lowest(self) -> LogLevel:
        """The lowest level that any namespace has: what is below it need not be made at all."""
        return min([self.logLevelForNamespace(""), *self._levels.values()], key=lambda level: level.rank)

    def logLevelForNamespace(self, namespace: str) -> LogLevel:
        """The level of a namespace; "" is above all of them."""
        levels = self._levels
        name = namespace or ""
        while name:
            if name in levels:
                return levels[name]
            name = name.rpartition(".")[0]
        return levels.get("", self.defaultLogLevel)

    def setLogLevelForNamespace(self, namespace: str, level: LogLevel) -> None:
        """Set the level of a namespace and of what is below it. InvalidLogLevelError if `level` is none."""
        if not isinstance(level, LogLevel):
            raise InvalidLogLevelError(level)
        self._levels[namespace or ""] = level

    def clearLogLevels(self) -> None:
        """Forget what was set: all namespaces have the default."""
        self._levels.clear()

    def __call__(self, event: LogEvent) -> PredicateResult:
        level = event.get("log_level")
        namespace = event.get("log_namespace")
        if level is None or not namespace:  # nobody can say how important it is, or whose
            return PredicateResult.no
        return PredicateResult.no if level < self.logLevelForNamespace(namespace) else PredicateResult.maybe


def parseLevels(text: str) -> LogLevelFilterPredicate:
    """The predicate that a text describes: a level for all, levels for namespaces, or both: ``info,shop=debug``.

    :raises ValueError: with one line for the user, if there is no such level, or a part has no sense.
    """
    predicate = LogLevelFilterPredicate()
    seen: set[str] = set()
    for part in text.split(","):
        namespace, equals, name = part.strip().rpartition("=")
        namespace = namespace.strip()
        if equals and not namespace:
            raise ValueError(f"{part.strip()!r} has no namespace before the '='")
        if namespace in seen:
            what = f"the namespace {namespace}" if namespace else "all namespaces"
            raise ValueError(f"there are two levels for {what}")
        seen.add(namespace)
        try:
            predicate.setLogLevelForNamespace(namespace, LogLevel.levelWithName(name.strip()))
        except InvalidLogLevelError as error:
            raise ValueError(str(error)) from None
    return predicate
