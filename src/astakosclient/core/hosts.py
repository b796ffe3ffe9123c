"""Hosts in URLs: zones of link-local addresses, and names beyond ASCII."""

from __future__ import annotations

import re
from typing import NamedTuple

from astakosclient.errors import BadValue

_ZONE = re.compile(r"[A-Za-z0-9._~-]+")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")
"""Programs disagree about these: some take the backslash of ``http://a\\b`` for a slash."""


class Host(NamedTuple):
    """A host: a name in ASCII, or an IP address without brackets, and the zone of an IPv6 address.

    A zone (``eth0`` in ``[fe80::1%25eth0]``) means something on this machine only, so that it is never sent.
    """

    name: str
    zone: str = ""


def with_zone(name: str, zone: str) -> str:
    """Returns a host as the resolver takes it."""
    return f"{name}%{zone}" if zone else name


def parse_host(text: str, subject: str) -> Host:
    """Parses the host of a URL, without brackets.

    Args:
        text: the host, in lower case except for the zone.
        subject: what has the host, for error messages.

    Raises:
        BadValue: the host is invalid, or encoding it needs a package that is not installed.
    """
    if ":" not in text:
        return Host(_ascii(text, subject))
    address, percent, zone = text.partition("%")
    # RFC 6874 writes the separator as %25; a bare % is common as well.
    zone = zone.removeprefix("25")
    if percent and not _ZONE.fullmatch(zone):
        raise BadValue(f"{subject} has an invalid zone; write it like [fe80::1%25eth0]")
    return Host(address, zone)


def _ascii(name: str, subject: str) -> str:
    """Encodes a name as IDNA 2008 does, in which ``straße.example`` is not ``strasse.example``."""
    try:
        encoded = name.encode("idna").decode("ascii")
        is_final = name.isascii() or _is_encoded_alike(name, encoded)
    except UnicodeError:
        encoded, is_final = "", name.isascii()
    if is_final:
        if _NOT_IN_A_NAME.search(encoded) or (name and not encoded):
            raise BadValue(f"{subject} has an invalid host name")
        return encoded
    try:
        import idna  # noqa: PLC0415 - rarely needed, and not required
    except ImportError:
        raise BadValue(
            f"{subject} has a host name that needs IDNA 2008: install the package idna, or write the name in "
            "ASCII (xn--…)"
        ) from None
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError:
        raise BadValue(f"{subject} has an invalid host name") from None


def _is_encoded_alike(name: str, encoded: str) -> bool:
    """Returns whether IDNA 2003, which the standard library has, replaced no letter by others.

    IDNA 2008 encodes such a name in the same way.
    """
    import unicodedata  # noqa: PLC0415 - already loaded by the codec

    return encoded.encode("ascii").decode("idna") == unicodedata.normalize("NFKC", name)
