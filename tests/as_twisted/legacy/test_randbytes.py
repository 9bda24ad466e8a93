"""Random bytes."""

from __future__ import annotations

import pytest

from plait.as_twisted.legacy import randbytes


@pytest.mark.parametrize("make", [randbytes.secureRandom, randbytes.insecureRandom])
def test_so_many_and_never_the_same(make) -> None:
    assert len(make(20)) == 20 and make(20) != make(20)


def test_without_a_secure_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(nbytes: int) -> bytes:
        raise NotImplementedError

    monkeypatch.setattr(randbytes.os, "urandom", none)
    factory = randbytes.RandomFactory()
    with pytest.raises(randbytes.SecureRandomNotAvailable):
        factory.secureRandom(4)
    with pytest.warns(RuntimeWarning, match="urandom unavailable") as caught:
        assert len(factory.secureRandom(4, fallback=True)) == 4
    assert caught[0].filename == __file__
