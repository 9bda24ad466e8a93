"""Random bytes."""

from __future__ import annotations

import pytest

from plait.as_twisted.legacy import randbytes


@pytest.mark.parametrize("make", [randbytes.secureRandom, randbytes.insecureRandom])
def test_so_many_and_never_the_same(make) -> None:
    assert len(make(20)) == 20 and make(20) != make(20)
