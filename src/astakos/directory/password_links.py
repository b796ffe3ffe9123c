"""Links with which users set a password: where they lead, and for how long they are valid.

A link has a secret, of which only the hash is stored. It works once.
"""

from enum import StrEnum
from urllib.parse import urlencode

from astakos.clock import DAY, MICROSECONDS

PAGE = "ui/password"
PARAMETER = "link"
INVITATION_LIFETIME = 7 * DAY
"""How long an administrator's link is valid, unless they say otherwise."""
LONGEST_INVITATION = 90 * DAY
RECOVERY_LIFETIME = 3600 * MICROSECONDS
RECOVERY_PAUSE = 300 * MICROSECONDS
"""How long after a user has asked for a link they get no other one: nobody can flood their mailbox."""


class LinkPurpose(StrEnum):
    """Why there is a link."""

    INVITATION = "invitation"
    RECOVERY = "recovery"


def link_address(base_url: str, secret: str) -> str:
    """Return the address of the page on which the link's user sets a password."""
    return f"{base_url.rstrip('/')}/{PAGE}?{urlencode({PARAMETER: secret})}"
