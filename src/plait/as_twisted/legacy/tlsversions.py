"""Versions of TLS, and how a range of them is told to OpenSSL."""

from __future__ import annotations

import enum

from OpenSSL import SSL

__all__ = ["DEFAULT_MINIMUM", "TLSVersion", "forbidding", "lowest"]


class TLSVersion(enum.Enum):
    """The versions of TLS, the oldest first."""

    SSLv3 = SSL.SSL3_VERSION
    TLSv1_0 = SSL.TLS1_VERSION
    TLSv1_1 = SSL.TLS1_1_VERSION
    TLSv1_2 = SSL.TLS1_2_VERSION
    TLSv1_3 = SSL.TLS1_3_VERSION


DEFAULT_MINIMUM = TLSVersion.TLSv1_2
"""Older ones are not to be used any more (RFC 8996)."""

_NO = {
    TLSVersion.SSLv3: SSL.OP_NO_SSLv3,
    TLSVersion.TLSv1_0: SSL.OP_NO_TLSv1,
    TLSVersion.TLSv1_1: SSL.OP_NO_TLSv1_1,
    TLSVersion.TLSv1_2: SSL.OP_NO_TLSv1_2,
    TLSVersion.TLSv1_3: SSL.OP_NO_TLSv1_3,
}


def lowest(raised: TLSVersion | None, lowered: TLSVersion | None, maximum: TLSVersion | None) -> TLSVersion:
    """The oldest version to allow.

    It is `lowered`, or `raised` if that is newer than the default, or the default, or `maximum` if that is older than it.

    :raises ValueError: if `maximum` is older than what was asked for.
    """
    asked = lowered or raised
    if asked is not None and maximum is not None and maximum.value < asked.value:
        name = "insecurelyLowerMinimumTo" if lowered else "raiseMinimumTo"
        raise ValueError(f"{name} needs to be lower than lowerMaximumSecurityTo")
    if lowered is not None:
        return lowered
    if raised is not None:
        return max(raised, DEFAULT_MINIMUM, key=lambda version: version.value)
    if maximum is not None:
        return min(maximum, DEFAULT_MINIMUM, key=lambda version: version.value)
    return DEFAULT_MINIMUM


def forbidding(minimum: TLSVersion, maximum: TLSVersion | None) -> int:
    """OpenSSL's options that leave the versions from `minimum` to `maximum` (None: the newest)."""
    options = SSL.OP_NO_SSLv2
    for version, no in _NO.items():
        if version.value < minimum.value or (maximum is not None and version.value > maximum.value):
            options |= no
    return options
