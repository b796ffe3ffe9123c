"""The form of email addresses, which are also usernames."""

import re

EXAMPLE = "alice@example.org"
LONGEST_ADDRESS = 254
"""The longest address that mail can be sent to (RFC 5321), in octets of UTF-8."""
LONGEST_LOCAL_PART = 64
"""The longest part before the @ (RFC 5321), in octets of UTF-8."""
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_ONE_ADDRESS = re.compile(r'[^\s@,;:<>()"\\]+@[^\s@,;<>()"\\]+')


def is_mail_address(text: str) -> bool:
    """Whether a text looks like an email address. Only sending mail to it shows whether it works."""
    return _ADDRESS.fullmatch(text) is not None


def is_one_address(text: str) -> bool:
    """Whether no mail program reads a text as several addresses, or as a name with an address."""
    return text.isprintable() and _ONE_ADDRESS.fullmatch(text) is not None


def refuse_new_address(text: str) -> str | None:
    """Returns why no user can get an address, as "it must ..."; None if mail could be sent to it.

    Only for addresses that are new: users keep those that they have, whatever these look like.
    """
    if not is_mail_address(text):
        return f"it must be an email address like {EXAMPLE}"
    if not is_one_address(text):
        return (
            f"it must be an email address like {EXAMPLE}, without double quotes, brackets, commas, colons, "
            "semicolons, backslashes, and control characters"
        )
    octets = len(text.encode(errors="surrogatepass"))
    local = len(text.partition("@")[0].encode(errors="surrogatepass"))
    if local > LONGEST_LOCAL_PART:
        return f"it must have at most {LONGEST_LOCAL_PART} bytes before the @, not {local}"
    if octets > LONGEST_ADDRESS:
        return f"it must have at most {LONGEST_ADDRESS} bytes, not {octets}"
    return None
