"""The test modules, by area: what `modules.toml` says."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("modules.toml")


class UnknownNameError(LookupError):
    """A module or an area that the list does not have; the message says which there are."""


@dataclass(frozen=True)
class Module:
    """One test module. `tests` is how many of its tests pass on Twisted itself; `kind` is its class, A to C."""

    name: str
    area: str
    kind: str
    tests: int


@dataclass(frozen=True)
class Modules:
    """All of them. `titles` has the areas in order; `checked` are the areas that CI runs."""

    twisted: str
    checked: tuple[str, ...]
    titles: dict[str, str]
    all: tuple[Module, ...]

    def choose(self, names: Collection[str] = (), areas: Collection[str] = ()) -> list[Module]:
        """The modules of these names and those of these areas, in the order of the list; all, if neither is given.

        Raises `UnknownNameError`.
        """
        known = {module.name for module in self.all}
        for name in names:
            if name not in known:
                raise UnknownNameError(f"no test module {name!r} in {FILE.name}; the names there are full ones")
        for area in areas:
            if area not in self.titles:
                raise UnknownNameError(f"no area {area!r}; there are {', '.join(self.titles)}")
        if not names and not areas:
            return list(self.all)
        return [module for module in self.all if module.name in names or module.area in areas]


def load(file: Path = FILE) -> Modules:
    """Read the list."""
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    modules = [
        Module(name, area, row["class"], row["tests"])
        for area, section in data["areas"].items()
        for name, row in section["modules"].items()
    ]
    titles = {area: section["title"] for area, section in data["areas"].items()}
    return Modules(data["twisted"], tuple(data["checked"]), titles, tuple(modules))
