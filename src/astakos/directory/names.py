"""The form of the names of components, services, and resources.

They appear in URLs (`resource=compute.vm`), comma-separated lists, labels of metrics, and the output of
commands, so they contain nothing that one of these would have to escape.
"""

import re

LONGEST_NAME = 255
_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")


def refuse_name(name: str, example: str = "compute.vm") -> str | None:
    """Returns why a name is invalid, with an example of a valid one; None if it is valid."""
    if _NAME.fullmatch(name):
        return None
    if not name.strip():
        return "it must not be empty"
    if len(name) > LONGEST_NAME:
        return f"a name must not be longer than {LONGEST_NAME} characters"
    return (
        f"{name!r} is not a valid name; use ASCII letters, digits, and the characters _ . - "
        f"(the last two not at the beginning), for example {example}"
    )
