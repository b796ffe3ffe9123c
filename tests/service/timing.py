"""A time that runs ahead when a test says so."""

from astakos.clock import now


class Clock:
    """The time, as many microseconds ahead as a test has set."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return now() + self.ahead
