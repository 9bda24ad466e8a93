"""The alias in the Python programs that an aliased program starts.

`install` puts this folder on their ``PYTHONPATH``, and Python imports a module of this name whenever it starts. Nothing of
Plait is imported until the program asks for `twisted`, and nothing happens where Plait is not installed. The module of the
same name that would have been imported otherwise is run first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from types import ModuleType


class _AtFirstUse:
    """Turns the alias on when `twisted` is imported."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "twisted":
            return None
        sys.meta_path.remove(_AtFirstUse)
        try:
            from plait.as_twisted import finder
        except ImportError:
            return None  # another Python, without Plait
        finder.install()
        return sys.meta_path[0].find_spec(name, path, target)


def _run_the_other() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    spec = PathFinder.find_spec("sitecustomize", [folder for folder in sys.path if os.path.abspath(folder) != here])
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


sys.meta_path.insert(0, _AtFirstUse)
_run_the_other()
