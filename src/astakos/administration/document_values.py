"""Reads single values of a state document; errors name their places."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from astakos.administration.document_places import Place
from astakos.clock import from_iso
from astakos.directory.mail_addresses import EXAMPLE, is_mail_address, refuse_new_address
from astakos.directory.names import refuse_name
from astakos.directory.redirects import refuse_web_url
from astakos.directory.tokens import token_hash
from astakos.ledger.alerts import refuse_thresholds
from astakos.ledger.rules import UNLIMITED

HASH_PREFIX = "sha256:"
MOST_DIGITS_AFTER_POINT = 18


def text_at(text: str, place: Place) -> str:
    """Checks that a text is not empty."""
    if not text.strip():
        raise place.error("it must not be empty")
    return text


def new_name_at(name: str, place: Place, example: str) -> str:
    """Checks the name of something that does not exist yet; a refusal has the example."""
    refusal = refuse_name(name, example)
    if refusal:
        raise place.error(refusal)
    return name


def web_url_at(url: str | None, place: Place) -> str | None:
    """Checks a URL that programs and browsers will call."""
    refusal = None if url is None else refuse_web_url(url)
    if refusal:
        raise place.error(refusal)
    return url


def uuid_at(text: str, place: Place) -> str:
    """Checks that a text is a UUID in lowercase."""
    try:
        if str(UUID(text)) == text:
            return text
    except ValueError:
        pass
    raise place.error(f"{text!r} is not a lowercase UUID like 00000001-0000-4000-8000-000000000001")


def limit_at(number: int, place: Place) -> int:
    """Checks that a number is a limit."""
    if not 0 <= number <= UNLIMITED:
        raise place.error(f"it must be a number from 0 to {UNLIMITED}")
    return number


def scale_at(number: int, place: Place) -> int:
    """Checks how many digits after the point a resource has: no quantity has more than 19 digits."""
    if not 0 <= number <= MOST_DIGITS_AFTER_POINT:
        raise place.error(f"it must be a number from 0 to {MOST_DIGITS_AFTER_POINT}")
    return number


def thresholds_at(percents: Sequence[int] | None, place: Place) -> tuple[int, ...] | None:
    """Checks percentages of a limit."""
    refusal = None if percents is None else refuse_thresholds(percents)
    if refusal:
        raise place.error(refusal)
    return None if percents is None else tuple(percents)


def limits_at(numbers: Mapping[str, int], place: Place) -> dict[str, int]:
    """Checks that all numbers are limits."""
    return {name: limit_at(number, place / name) for name, number in numbers.items()}


def optional_instant_at(text: str | None, place: Place) -> int | None:
    """Parses a time that may be missing."""
    return None if text is None else instant_at(text, place)


def instant_at(text: str, place: Place) -> int:
    """Parses a time."""
    try:
        return from_iso(text)
    except ValueError as error:
        raise place.error(f"it must be an ISO 8601 time with a time zone: {error}") from error


def secret_at(secret: str | None, hashed: str | None, place: Place) -> bytes | None:
    """Returns the stored form of a secret that a document gives in clear or as `sha256:<hex digits>`."""
    if secret is not None and hashed is not None:
        raise place.error("a token or secret must be given in clear or as its hash, not both")
    if secret is not None:
        if not secret:
            raise place.error("a token or secret must not be empty")
        return token_hash(secret)
    if hashed is None:
        return None
    digits = hashed.removeprefix(HASH_PREFIX)
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if digits == hashed or len(digest) != len(token_hash("")):
        raise place.error(f"a hash must be written as {HASH_PREFIX} and 64 hexadecimal digits")
    return digest


def mail_address_at(text: str, place: Place) -> None:
    """Checks that a text looks like an email address."""
    if not is_mail_address(text):
        raise place.error(f"it must be an email address like {EXAMPLE}")


def new_mail_address_at(text: str, place: Place) -> None:
    """Checks that mail could be sent to the address that a user gets."""
    refusal = refuse_new_address(text)
    if refusal:
        raise place.error(refusal)
