"""What `twisted.python.constants` was: names as values, from the package constantly, which was made of it."""

from __future__ import annotations

try:
    from constantly import (  # type: ignore[import-untyped]
        FlagConstant,
        Flags,
        NamedConstant,
        Names,
        ValueConstant,
        Values,
    )
except ImportError as error:
    raise ImportError("twisted.python.constants is the package constantly: pip install plait[legacy]") from error

__all__ = ["FlagConstant", "Flags", "NamedConstant", "Names", "ValueConstant", "Values"]
