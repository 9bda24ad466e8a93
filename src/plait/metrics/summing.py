"""The metrics of several processes as those of one.

What only grows (counters, histograms, summaries) is summed up, and goes on from there when a process has ended: a sum that fell
would look like a start anew. All else (gauges, infos) is given for each process, with its name in the label ``worker``: nobody
but the user knows whether to add them or to take the greatest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client.core import Metric

_GROWS = frozenset(("counter", "histogram", "summary"))

# As JSON has it: name, type, documentation, samples (name, labels, value).
Packed = list[tuple[str, str, str, list[tuple[str, dict[str, str], float]]]]


def packed(families: Iterable[Metric]) -> Packed:
    """Families as values that JSON can carry. Timestamps and exemplars stay behind."""
    return [
        (family.name, family.type, family.documentation, [(s.name, dict(s.labels), s.value) for s in family.samples])
        for family in families
    ]


class Sum:
    """The metrics of processes that come and go, each under a name."""

    def __init__(self) -> None:
        self._last: dict[str, Packed] = {}
        self._ended: dict[str, _Family] = {}

    def heard(self, name: str, families: Packed) -> None:
        """A process has told its own."""
        self._last[name] = families

    def ended(self, name: str) -> None:
        """A process has ended: what it had counted when it was heard last stays in the sums."""
        for family in self._last.pop(name, ()):
            if family[1] in _GROWS:
                _add(self._ended, family, None)

    def families(self, names: Iterable[str]) -> list[Metric]:
        """All of them. Of processes that are not among `names` (they do not answer now) what only grows is given."""
        sums: dict[str, _Family] = {name: family.copy() for name, family in self._ended.items()}
        now = set(names)
        for name, families in self._last.items():
            for family in families:
                if name in now or family[1] in _GROWS:
                    _add(sums, family, name)
        return [family.metric(name) for name, family in sums.items()]


class _Family:
    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        self.values: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def copy(self) -> _Family:
        family = _Family(self.kind, self.text)
        family.values = dict(self.values)
        return family

    def metric(self, name: str) -> Metric:
        metric = Metric(name, self.text, self.kind)
        for (sample, labels), value in self.values.items():
            metric.add_sample(sample, dict(labels), value)
        return metric


def _add(sums: dict[str, _Family], packed: tuple[str, str, str, Any], worker: str | None) -> None:
    name, kind, text, samples = packed
    family = sums.setdefault(name, _Family(kind, text))
    if family.kind != kind:
        return  # the processes are of two minds, as while a program is reloaded
    grows = kind in _GROWS
    for sample, labels, value in samples:
        if "quantile" in labels and grows:
            continue  # of two quantiles nothing can be made
        if not grows and worker is not None:
            if "worker" in labels:
                labels = {**labels, "exported_worker": labels["worker"]}
            labels = {**labels, "worker": worker}
        key = sample, tuple(sorted(labels.items()))
        before = family.values.get(key)
        if before is None:
            family.values[key] = value
        elif sample.endswith("_created"):
            family.values[key] = min(before, value)  # since when it is counted
        else:
            family.values[key] = before + value
