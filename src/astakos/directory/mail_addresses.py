"""What is taken for a mail address, which is a user's name as well."""

import re

EXAMPLE = "alice@example.org"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def is_mail_address(text: str) -> bool:
    """Whether a text has the form of a mail address; only mail sent there shows whether it is one."""
    return _ADDRESS.fullmatch(text) is not None
