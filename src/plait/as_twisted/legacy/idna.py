"""What `twisted.internet._idna` is: host names of any script, and as DNS has them (RFC 5890)."""

from __future__ import annotations

import idna

__all__ = ["host_as_ascii", "host_as_text"]


def host_as_ascii(text: str) -> bytes:
    """The A-labels of a host name: ``b"xn--hllo-5na.example"``. Large letters become small (UTS 46); ASCII stays.

    :raises UnicodeError: if there can be no such host.
    """
    if text.isascii():
        return text.encode("ascii")
    return idna.encode(text, uts46=True)


def host_as_text(octets: bytes) -> str:
    """The U-labels of a host name from DNS.

    :raises UnicodeError: if it is none.
    """
    return idna.decode(octets) if b"xn--" in octets.lower() else octets.decode("ascii")
