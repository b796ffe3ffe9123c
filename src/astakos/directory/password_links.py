"""Links with which users set a password or confirm an address: where they lead, and how long they are valid.

A link has a secret, of which only the hash is stored. It works once.
"""

from enum import StrEnum
from urllib.parse import urlencode

from astakos.clock import DAY, MICROSECONDS

PAGE = "ui/password"
ADDRESS_PAGE = "ui/account/address/confirm"
PARAMETER = "link"
LONGEST_INVITATION = 90 * DAY
RECOVERY_LIFETIME = 3600 * MICROSECONDS
ADDRESS_LIFETIME = 3600 * MICROSECONDS
RECOVERY_PAUSE = 300 * MICROSECONDS
"""How long after a user has asked for a link they get no other one: nobody can flood their mailbox."""


class LinkPurpose(StrEnum):
    """Why there is a link."""

    INVITATION = "invitation"
    RECOVERY = "recovery"
    ADDRESS = "address"


FOR_PASSWORDS = (LinkPurpose.INVITATION, LinkPurpose.RECOVERY)
"""The purposes of links that set a password."""


def link_address(base_url: str, secret: str) -> str:
    """Returns the address of the page on which the link's user sets a password."""
    return _address(base_url, PAGE, secret)


def address_link_address(base_url: str, secret: str) -> str:
    """Returns the address of the page on which the link's user confirms a new mail address."""
    return _address(base_url, ADDRESS_PAGE, secret)


def _address(base_url: str, page: str, secret: str) -> str:
    return f"{base_url.rstrip('/')}/{page}?{urlencode({PARAMETER: secret})}"
