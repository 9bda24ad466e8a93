"""The errors' texts and attributes."""

from __future__ import annotations

import pytest

from plait.failure import Failure
from plait.web import error


@pytest.mark.parametrize("code", [404, b"404", "404"])
def test_status_and_message(code: int | bytes | str) -> None:
    made = error.Error(code)
    assert (made.status, made.message, made.response) == (b"404", b"Not Found", None)
    assert str(made) == "404 Not Found"
    assert Failure(made).getErrorMessage() == "404 Not Found"


def test_own_message_and_response() -> None:
    made = error.Error(b"404", b"Nowhere", b"<html>")
    assert (made.message, made.response, str(made)) == (b"Nowhere", b"<html>", "404 Nowhere")
    assert error.Error(404, "Näh").message == "Näh".encode()


def test_unknown_code() -> None:
    assert str(error.Error(799)) == "799"
    assert error.Error(799).message is None
    assert error.PageRedirect(799, location=b"/").message is None


@pytest.mark.parametrize("code", [b"", b"x", "4x4", b"-1"])
def test_a_code_that_is_none(code: bytes | str) -> None:
    with pytest.raises(ValueError, match="is not a status code"):
        error.Error(code)


def test_unsupported_methods() -> None:
    assert str(error.UnsupportedMethod([b"HEAD"])) == "Expected one of [b'HEAD']"
    with pytest.raises(TypeError, match="to be a list"):
        error.UnsupportedMethod(b"HEAD")


def test_what_a_server_says_cannot_steer_the_terminal() -> None:
    assert str(error.Error(404, b"\x1b[2J\xff \xc3\xa4")) == "404 \\x1b[2J\\xff ä"


def test_redirects() -> None:
    made = error.PageRedirect(b"302", b"Found", location=b"http://h/")
    assert (made.location, str(made)) == (b"http://h/", "302 Found to http://h/")
    assert isinstance(error.InfiniteRedirection(b"302", location=b"/"), error.PageRedirect)
    lost = error.RedirectWithNoLocation(b"302", b"Found", b"http://h/")
    assert lost.uri == b"http://h/" and "no Location" in str(lost)


def test_all_errors_have_a_docstring_and_are_exported() -> None:
    for name in error.__all__:
        kind = getattr(error, name)
        assert issubclass(kind, Exception) and kind.__doc__
