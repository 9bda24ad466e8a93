"""Digest challenges and answers, with the examples of the RFCs and with what no client would send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.auth import DigestCredentialFactory, DigestedCredentials, IUsernameDigestHash, LoginFailed
from plait.auth.digest import algorithms, calcHA1, calcHA2, calcResponse
from plait.auth.digestfields import parse_fields
from plait.interfaces import verifyObject


def answer(challenge, password=b"secret", **changes):
    """What a client answers, as the value of a header."""
    fields = {
        "username": b"bob",
        "uri": b"/mail",
        "nc": b"00000001",
        "cnonce": b"0a4f113b",
        **{name: challenge[name] for name in ("realm", "nonce", "opaque", "qop", "algorithm")},
        **changes,
    }
    algorithm, nonce = challenge["algorithm"].lower(), challenge["nonce"]
    ha1 = calcHA1(algorithm, b"bob", challenge["realm"], password, nonce, b"0a4f113b")
    ha2 = calcHA2(algorithm, b"GET", b"/mail", b"auth", None)
    fields.setdefault("response", calcResponse(ha1, ha2, algorithm, nonce, b"00000001", b"0a4f113b", b"auth"))
    return b", ".join(b'%s="%s"' % (name.encode(), value) for name, value in fields.items() if value is not None)


class Factory(DigestCredentialFactory):
    now = 1000.0

    def _getTime(self):
        return self.now


@pytest.mark.parametrize(
    ("algorithm", "nonce", "cnonce", "response"),
    [  # RFC 7616, 3.9.1
        (
            b"md5",
            b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            b"8ca523f5e9506fed4657c9700eebdbec",
        ),
        (
            b"sha-256",
            b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_the_examples_of_rfc_7616(algorithm, nonce, cnonce, response):
    fields = {"nonce": nonce, "cnonce": cnonce, "nc": b"00000001", "qop": b"auth", "uri": b"/dir/index.html"}
    fields |= {"response": response, "algorithm": algorithm.upper()}
    credentials = DigestedCredentials(b"Mufasa", b"GET", b"http-auth@example.org", fields)
    assert credentials.checkPassword("Circle of Life")
    assert not credentials.checkPassword("Circle of life")


@pytest.mark.parametrize("algorithm", sorted(algorithms))
def test_a_challenge_is_answered(algorithm):
    factory = DigestCredentialFactory(algorithm, b"mail")
    credentials = factory.decode(answer(factory.getChallenge("10.0.0.1")), b"GET", "10.0.0.1")
    assert verifyObject(IUsernameDigestHash, credentials)
    assert credentials.username == b"bob"
    assert credentials.checkPassword(b"secret") and credentials.checkPassword("secret")
    assert not credentials.checkPassword(b"Secret")
    plain = calcHA1(algorithm.removesuffix(b"-sess"), b"bob", b"mail", b"secret", b"", b"")
    assert credentials.checkHash(plain) and not credentials.checkHash(plain[:-1])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"username": None}, "no username"),
        ({"username": b""}, "no username"),
        ({"nonce": None}, "no nonce"),
        ({"opaque": None}, "no opaque"),
        ({"opaque": b"x"}, "invalid opaque"),
        ({"opaque": b"\xff-\xff"}, "invalid opaque"),
        ({"nonce": b"another"}, "opaque/nonce"),
        ({"algorithm": b"MD5"}, "another algorithm"),
        ({"algorithm": b"nonsense"}, "another algorithm"),
        ({"algorithm": None}, "another algorithm"),
        ({"qop": b"auth-int"}, "another qop"),
        ({"qop": None}, "another qop"),
        ({"nc": None}, "without nc"),
        ({"cnonce": b""}, "without nc"),
        ({"userhash": b"true"}, "hashed"),
        ({"userNAME": b"eve"}, "username twice"),
        ({"uri": b"/" + b"x" * 9000}, "too long"),
    ],
)
def test_an_answer_that_is_none_of_ours_is_refused(changes, said):
    factory = DigestCredentialFactory(b"sha-256", b"mail")
    with pytest.raises(LoginFailed, match=said):
        factory.decode(answer(factory.getChallenge(None), **changes), b"GET", None)


def test_a_challenge_is_for_one_client_and_for_some_minutes():
    factory = Factory(b"sha-256", b"mail")
    sent = answer(factory.getChallenge("10.0.0.1"))
    with pytest.raises(LoginFailed, match="client"):
        factory.decode(sent, b"GET", "10.0.0.2")
    factory.now += factory.CHALLENGE_LIFETIME_SECS
    assert factory.decode(sent, b"GET", "10.0.0.1").checkPassword(b"secret")
    factory.now += 1
    with pytest.raises(LoginFailed, match="too old"):
        factory.decode(sent, b"GET", "10.0.0.1")


def test_another_factorys_challenge_is_not_ours():
    sent = answer(DigestCredentialFactory(b"sha-256", b"mail").getChallenge(None))
    with pytest.raises(LoginFailed, match="opaque/digest"):
        DigestCredentialFactory(b"sha-256", b"mail").decode(sent, b"GET", None)


def test_an_algorithm_that_is_none_is_said_at_once():
    with pytest.raises(ValueError, match="b'md6'"):
        DigestCredentialFactory(b"md6", b"mail")


def test_the_form_of_the_fields():
    assert parse_fields(b'a=b,c = "d, \\"e\\"" , ,\tF="", g=x==, h=two words') == {
        "a": b"b",
        "c": b'd, "e"',
        "f": b"",
        "g": b"x==",
        "h": b"two words",
    }
    assert parse_fields(b"username*=UTF-8''J%C3%A4s%C3%B8n") == {"username": "Jäsøn".encode()}


@pytest.mark.parametrize("response", [b"a", b"a=", b'a="', b'a="b"c', b"=b", b'a="b\\"', b"username*=x", b'a=b;c="d"'])
def test_what_is_no_list_of_fields_is_refused_or_empty(response):
    try:
        fields = parse_fields(response)
    except LoginFailed as error:
        assert str(error).startswith("Invalid response")
    else:
        assert fields == {"a": b""}


def test_the_count_of_fields_has_a_limit():
    with pytest.raises(LoginFailed, match="too many"):
        parse_fields(b",".join(b"f%d=1" % n for n in range(33)))


@given(st.dictionaries(st.text("abcdefg-", min_size=1), st.binary(max_size=20), max_size=10))
def test_what_is_quoted_comes_back(fields):
    def quoted(value):
        return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    assert parse_fields(b", ".join(name.encode() + b"=" + quoted(value) for name, value in fields.items())) == fields


@given(st.one_of(st.binary(), st.text("ab=\",\\ \n*'%").map(str.encode)))
def test_no_answer_raises_anything_but_that_it_failed(response):
    factory = DigestCredentialFactory(b"md5", b"mail")
    for start in b"", b'username="bob", nonce="n", opaque="':
        try:
            factory.decode(start + response, b"GET", None)
        except LoginFailed:
            pass
