"""Names that can be imported and not used."""

from __future__ import annotations

import pytest


def test_a_private_name_can_be_imported_and_says_what_it_is(alias: None) -> None:
    from twisted.internet.tcp import _FileDescriptorReservation

    with pytest.raises(NotImplementedError, match="private part"):
        _FileDescriptorReservation(open)
