"""Addresses are values."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from plait.transport.address import (
    HostnameAddress,
    IPv4Address,
    IPv6Address,
    ProcessAddress,
    UNIXAddress,
    from_socket,
)

PAIRS = [
    (lambda: IPv4Address("TCP", "10.1.2.3", 80), IPv4Address("UDP", "10.1.2.3", 80)),
    (lambda: IPv4Address("TCP", "10.1.2.3", 80), IPv4Address("TCP", "10.1.2.3", 81)),
    (lambda: IPv6Address("TCP", "fe80::1", 80), IPv6Address("TCP", "fe80::1", 80, 0, 2)),
    (lambda: HostnameAddress(b"example.com", 80), HostnameAddress(b"example.org", 80)),
    (lambda: UNIXAddress("/run/none/a"), UNIXAddress("/run/none/b")),
    (lambda: UNIXAddress("/run/none/a"), UNIXAddress(None)),
    (lambda: UNIXAddress(b"\0abstract"), UNIXAddress(b"\0other")),
    (lambda: UNIXAddress(None), IPv4Address("TCP", "", 0)),
    (lambda: ProcessAddress(), UNIXAddress(None)),
]


@pytest.mark.parametrize(("make", "other"), PAIRS)
def test_addresses_are_equal_by_what_they_name(make, other) -> None:
    one, same = make(), make()
    assert one == same and hash(one) == hash(same)
    assert one != other and other != one
    assert {one: 1, other: 2}[same] == 1


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (IPv4Address("TCP", "10.1.2.3", 80), "IPv4Address(type='TCP', host='10.1.2.3', port=80)"),
        (HostnameAddress(b"example.com", 80), "HostnameAddress(hostname=b'example.com', port=80)"),
        (UNIXAddress(b"/run/a"), "UNIXAddress('/run/a')"),
        (UNIXAddress(None), "UNIXAddress(None)"),
    ],
)
def test_an_address_shows_what_it_names(address: object, text: str) -> None:
    assert repr(address) == text


def test_an_internet_address_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        IPv4Address("TCP", "10.1.2.3", 80).port = 81  # type: ignore[misc]


def test_the_name_of_a_unix_socket_is_bytes() -> None:
    assert UNIXAddress("/run/\udcff").name == b"/run/\xff"
    assert UNIXAddress("/run/a") == UNIXAddress(b"/run/a")


def test_two_paths_to_one_file_are_one_address(tmp_path: Path) -> None:
    file, link = tmp_path / "socket", tmp_path / "link"
    file.touch()
    os.symlink(file, link)
    assert UNIXAddress(str(file)) == UNIXAddress(str(link))
    assert hash(UNIXAddress(str(file))) == hash(UNIXAddress(str(link)))
    assert UNIXAddress(str(file)) != UNIXAddress(str(tmp_path))

    file.unlink()
    assert UNIXAddress(str(file)) != UNIXAddress(str(link))


def test_what_a_socket_says_of_itself() -> None:
    assert from_socket(("10.1.2.3", 80)) == IPv4Address("TCP", "10.1.2.3", 80)
    assert from_socket(("2001:db8::1", 80, 7, 0)) == IPv6Address("TCP", "2001:db8::1", 80, 7, 0)
    assert from_socket("/run/a") == UNIXAddress("/run/a")
    assert from_socket(b"\0abstract") == UNIXAddress(b"\0abstract")
    assert from_socket("") == from_socket(None) == UNIXAddress(None)


def test_an_address_that_is_valid_in_one_zone_only_names_it() -> None:
    number, name = socket.if_nameindex()[0]
    named = IPv6Address("TCP", f"fe80::1%{name}", 80, 0, number)
    assert from_socket(("fe80::1", 80, 0, number)) == from_socket((named.host, 80, 0, number)) == named
    unknown = 1 + max(number for number, _ in socket.if_nameindex())
    assert from_socket(("fe80::1", 80, 0, unknown)) == IPv6Address("TCP", f"fe80::1%{unknown}", 80, 0, unknown)
