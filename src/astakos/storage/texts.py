"""Which texts can be stored: PostgreSQL takes no NUL, no database takes half a character.

All databases are to behave alike, so the same is refused everywhere: nothing is found under a text that can
not be stored, and writing one is an error of whoever gave it.
"""


def is_storable(text: str) -> bool:
    """Whether every database can store a text."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
