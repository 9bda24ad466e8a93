"""The import alias: programs written for Twisted run on Plait, unchanged.

On the command line, ``python -m plait.as_twisted PROGRAM [ARGS]`` (or ``-m MODULE [ARGS]``, or ``-c CODE``);
from code, `install`. Either way `twisted` and its modules are then made of Plait's rooms, as `table` says,
and their classes and functions are Plait's own: the same objects under both names. What is not there yet is
an `ImportError` that says so.

The chapters: `table` (which Twisted module is which room), `finder` (how the import system is told),
`version` (what ``twisted.__version__`` answers), `legacy` (what only old programs need), `__main__` (the
command line).
"""

from __future__ import annotations

from plait.as_twisted.finder import NotProvidedError, install, installed, uninstall

__all__ = ["NotProvidedError", "install", "installed", "uninstall"]
