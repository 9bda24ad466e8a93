"""What a resource returns from `render` when it writes its answer itself, perhaps later, and then finishes the request."""

from __future__ import annotations

from typing import Final

__all__ = ["NOT_DONE_YET"]

NOT_DONE_YET: Final = 1
