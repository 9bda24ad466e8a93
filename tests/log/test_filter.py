"""Which events an observer sees."""

from __future__ import annotations

import pytest

from plait.log import (
    FilteringLogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    PredicateResult,
    capturedLogs,
    parseLevels,
)


def passing(predicate: LogLevelFilterPredicate, *events: tuple[str, LogLevel]) -> list[tuple[str, LogLevel]]:
    seen: list[LogEvent] = []
    observer = FilteringLogObserver(seen.append, [predicate])
    for namespace, level in events:
        observer({"log_namespace": namespace, "log_level": level})
    return [(event["log_namespace"], event["log_level"]) for event in seen]


def test_levels_of_namespaces() -> None:
    predicate = parseLevels("warn, shop = debug,shop.till=error")
    assert passing(
        predicate,
        ("app", LogLevel.info),
        ("app", LogLevel.warn),
        ("shop", LogLevel.debug),
        ("shop.door", LogLevel.debug),
        ("shop.till", LogLevel.warn),
        ("shop.till.drawer", LogLevel.critical),
        ("shopping", LogLevel.info),
    ) == [
        ("app", LogLevel.warn),
        ("shop", LogLevel.debug),
        ("shop.door", LogLevel.debug),
        ("shop.till.drawer", LogLevel.critical),
    ]
    assert predicate.lowest is LogLevel.debug


def test_a_namespace_alone_leaves_the_others_at_info() -> None:
    predicate = parseLevels("shop=error")
    assert passing(predicate, ("app", LogLevel.debug), ("app", LogLevel.info), ("shop", LogLevel.warn)) == [
        ("app", LogLevel.info)
    ]
    assert predicate.lowest is LogLevel.info


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("loud", "no log level 'loud'; the levels are debug, info, warn, error, critical"),
        ("", "no log level ''; the levels are debug, info, warn, error, critical"),
        ("shop=", "no log level ''; the levels are debug, info, warn, error, critical"),
        ("=info", "'=info' has no namespace before the '='"),
        ("info,debug", "there are two levels for all namespaces"),
        ("a=info,a=debug", "there are two levels for the namespace a"),
    ],
)
def test_a_mistake_is_one_line(text: str, error: str) -> None:
    with pytest.raises(ValueError) as raised:
        parseLevels(text)
    assert str(raised.value) == error


def test_predicates_are_asked_until_one_knows() -> None:
    asked: list[str] = []

    def says(name: str, result: PredicateResult):  # type: ignore[no-untyped-def]
        def predicate(event: LogEvent) -> PredicateResult:
            asked.append(name)
            return result

        return predicate

    seen: list[LogEvent] = []
    others: list[LogEvent] = []
    maybe, no, yes = PredicateResult.maybe, PredicateResult.no, PredicateResult.yes
    FilteringLogObserver(seen.append, [says("a", maybe), says("b", yes), says("c", no)], others.append)({"n": 1})
    FilteringLogObserver(seen.append, [says("d", maybe), says("e", no), says("f", yes)], others.append)({"n": 2})
    assert asked == ["a", "b", "d", "e"]
    assert (seen, others) == ([{"n": 1}], [{"n": 2}])


def test_a_predicate_that_says_something_else_is_reported() -> None:
    with pytest.raises(TypeError, match="a log filter says a PredicateResult, not True"):
        FilteringLogObserver(lambda event: None, [lambda event: True])({})  # type: ignore[list-item, return-value]


def test_captured_logs_are_whole() -> None:
    """A filter is an observer's own: others get everything."""
    with capturedLogs() as events:
        assert passing(parseLevels("error"), ("x", LogLevel.info)) == []
    assert events == []
