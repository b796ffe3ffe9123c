"""The form of email addresses, which are also usernames."""

import re

EXAMPLE = "alice@example.org"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def is_mail_address(text: str) -> bool:
    """Whether a text looks like an email address. Only sending mail to it shows whether it works."""
    return _ADDRESS.fullmatch(text) is not None
