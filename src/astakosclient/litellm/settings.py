"""What the plugin needs to know, from the environment of the proxy."""

import os
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    """What the plugin needs to know. The token is not shown."""

    url: str
    token: str = field(repr=False)
    at_first: int | None = None
    ttl: int = 120

    @classmethod
    def from_environment(cls) -> Self:
        """Reads the settings.

        Raises:
            ValueError: A variable is missing or is not a number from 1.
        """
        missing = [name for name in ("ASTAKOS_URL", "ASTAKOS_COMPONENT_TOKEN") if not os.environ.get(name)]
        if missing:
            raise ValueError(f"set {' and '.join(missing)} in the environment of the proxy")
        return cls(
            os.environ["ASTAKOS_URL"],
            os.environ["ASTAKOS_COMPONENT_TOKEN"],
            at_first=_number("ASTAKOS_RESERVE_AT_FIRST"),
            ttl=_number("ASTAKOS_TTL") or 120,
        )


def _number(name: str) -> int | None:
    text = os.environ.get(name)
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{name} must be a whole number from 1, not {text!r}")
    return int(text)
