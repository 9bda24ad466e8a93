"""A stand-in for private names of Twisted's that have no counterpart here.

A module that imports one beside others can be imported; only the use of the name itself is an error.
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["Private"]


class Private:
    """Cannot be made."""

    def __init__(self, *args: Any, **kw: Any) -> NoReturn:
        raise NotImplementedError("this is a private part of Twisted's, and Plait has no counterpart of it")
