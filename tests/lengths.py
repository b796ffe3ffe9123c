"""How much of a test runs: all of it, or in `make test` (`pytest --short`) less of the same.

What is left out there is a longer run of what is left in: more examples, more histories, other parameters
of a test on the second database. `make test-long` runs all.
"""

import os

_SHORT = "TESTS_ARE_SHORT"


def make_short() -> None:
    """Runs less from now on, in this process; before the tests are imported."""
    os.environ[_SHORT] = "yes"


def is_short() -> bool:
    return _SHORT in os.environ


def length(full: int, short: int) -> int:
    """How many examples, rounds or requests there are."""
    return short if is_short() else full
