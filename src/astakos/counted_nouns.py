"""Numbers of things in sentences: `1 user has`, `2 users have`."""


def counted(number: int, one: str, many: str) -> str:
    """Returns a number with the words for one thing, or for several: `counted(1, "key", "keys")`."""
    return f"{number} {one if number == 1 else many}"
