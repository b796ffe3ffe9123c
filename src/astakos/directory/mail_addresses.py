"""The form of email addresses, which are also usernames."""

import re

EXAMPLE = "alice@example.org"
LONGEST_ADDRESS = 254
"""The longest address that mail can be sent to (RFC 5321), in characters."""
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_ONE_ADDRESS = re.compile(r'[^\s@,;:<>()"\\]+@[^\s@,;<>()"\\]+')


def is_mail_address(text: str) -> bool:
    """Whether a text looks like an email address. Only sending mail to it shows whether it works."""
    return _ADDRESS.fullmatch(text) is not None


def is_one_address(text: str) -> bool:
    """Whether no mail program reads a text as several addresses, or as a name with an address."""
    return text.isprintable() and _ONE_ADDRESS.fullmatch(text) is not None
