"""How an operator changes a setting, for messages that ask for it."""

import shlex


def how_to_set(name: str, values: list[str]) -> str:
    """Returns the command that sets a setting to a list, which replaces the one that there is."""
    return shlex.join(["astakos", "setting", "set", name, *values])
