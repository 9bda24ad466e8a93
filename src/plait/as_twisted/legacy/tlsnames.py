"""Distinguished names (RFC 5280, 4.1.2.4): who a certificate is about, and who has signed it."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

__all__ = ["DN", "CertBase", "DistinguishedName"]

_SHORT = {
    "CN": "commonName",
    "O": "organizationName",
    "OU": "organizationalUnitName",
    "L": "localityName",
    "ST": "stateOrProvinceName",
    "C": "countryName",
    "emailAddress": "emailAddress",
}

_OIDS = {
    "commonName": NameOID.COMMON_NAME,
    "organizationName": NameOID.ORGANIZATION_NAME,
    "organizationalUnitName": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "localityName": NameOID.LOCALITY_NAME,
    "stateOrProvinceName": NameOID.STATE_OR_PROVINCE_NAME,
    "countryName": NameOID.COUNTRY_NAME,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}

_FULL = {oid: name for name, oid in _OIDS.items()}


class DistinguishedName(dict[str, bytes]):
    """The parts of a name, as keys and as attributes, which are bytes: `commonName`, `organizationName`,
    `organizationalUnitName`, `localityName`, `stateOrProvinceName`, `countryName`, `emailAddress`.

    Each may be given by its short name, too (``CN``, ``O``, ``OU``, ``L``, ``ST``, ``C``), and as str, which becomes UTF-8.

    :raises AttributeError: for a part of another name.
    """

    __slots__ = ()

    def __init__(self, **parts: bytes | str) -> None:
        super().__init__()
        for name, value in parts.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> bytes:
        try:
            return self[_full(name)]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: bytes | str) -> None:
        self[_full(name)] = value.encode("utf-8") if isinstance(value, str) else value

    def __delattr__(self, name: str) -> None:
        self.pop(_full(name), None)

    def __repr__(self) -> str:
        return f"<DN {super().__repr__()[1:-1]}>"

    def inspect(self) -> str:
        """The parts that there are, one a line, for people to read."""
        labels = {name: "".join(f" {c}" if c.isupper() else c for c in name).title() for name in _OIDS}
        width = max(map(len, labels.values())) + 2
        return "\n".join(f"{labels[name]:>{width}}: {self[name].decode('utf-8')}" for name in sorted(self))

    @classmethod
    def of(cls, name: x509.Name, whole: bool = False) -> DistinguishedName:
        """That of a certificate or a request. A part that has no name here is left out, or, if `whole`, a ValueError."""
        made = cls()
        for part in name:
            if (full := _FULL.get(part.oid)) is not None:
                made[full] = part.value if isinstance(part.value, bytes) else part.value.encode("utf-8")
            elif whole:
                raise ValueError(
                    f"a distinguished name cannot have the part {part.oid.dotted_string} (of {name!r}) here"
                )
        return made

    def for_certificate(self) -> x509.Name:
        """As it is written into a certificate. ValueError for what may not stand there: a country has two letters."""
        return x509.Name([x509.NameAttribute(_OIDS[name], value.decode("utf-8")) for name, value in self.items()])


DN = DistinguishedName


def _full(name: str) -> str:
    full = _SHORT.get(name, name)
    if full not in _OIDS:
        raise AttributeError(f"{name!r} is no part of a distinguished name; they are {', '.join(_OIDS)}")
    return full


class CertBase:
    """What has a subject. Attributes: `original` (the object of the library)."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def getSubject(self) -> DistinguishedName:
        """Who it is about."""
        return DistinguishedName.of(self.original.to_cryptography().subject)

    def options(self, *authorities: Any) -> Any:
        """A context factory that shows it; only what has its key can do that."""
        raise NotImplementedError(f"{type(self).__name__} has no private key, so that it cannot be shown to a peer")
