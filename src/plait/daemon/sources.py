"""Where else than among the entry points of packages services are found that ``plait run NAME`` can run.

What stands on a higher floor, such as the import alias, adds itself here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

sources: list[Callable[[], Iterable[tuple[str, Callable[[], Any]]]]] = []
"""Each gives the names that it has, with what loads the function or service maker of that name. The first of a name wins."""
