"""Which texts can be stored: PostgreSQL accepts no NUL, and no database accepts a lone surrogate.

All databases must behave alike, so these texts are refused everywhere: looking one up finds nothing, and
storing one is an error of the caller.
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
