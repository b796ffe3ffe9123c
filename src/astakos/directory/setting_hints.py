"""How an operator changes a setting, for messages that ask for it."""

import json


def how_to_set(name: str, values: list[str]) -> str:
    """Return the command that sets a setting to a list, which replaces the one that there is."""
    document = json.dumps({"settings": {name: values}})
    return f"echo '{document}' | astakos load -"
