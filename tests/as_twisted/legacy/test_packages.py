"""What other packages provide under an old name."""

from __future__ import annotations

import sys

import pytest


def test_url(alias: None) -> None:
    from twisted.python.url import URL

    assert URL.fromText("http://localhost/a").child("b").to_text() == "http://localhost/a/b"


def test_constants(alias: None) -> None:
    from twisted.python.constants import NamedConstant, Names

    class Colour(Names):
        RED = NamedConstant()

    assert Colour.lookupByName("RED") is Colour.RED


@pytest.mark.parametrize(("package", "module"), [("hyperlink", "url"), ("constantly", "constants")])
def test_the_error_says_what_to_install(
    alias: None, monkeypatch: pytest.MonkeyPatch, package: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"plait.as_twisted.legacy.{module}", raising=False)
    monkeypatch.delitem(sys.modules, f"twisted.python.{module}", raising=False)
    with pytest.raises(ImportError, match=r"pip install plait\[legacy\]"):
        __import__(f"twisted.python.{module}")
