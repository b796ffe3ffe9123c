import pytest

from astakos.clock import MICROSECONDS
from astakos.deliveries.pacing import DELAYS, LONGEST_AGE, MOST_ATTEMPTS, next_attempt


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5)])
@pytest.mark.parametrize("attempts", range(1, MOST_ATTEMPTS - 2))
def test_delays_grow_and_are_spread(attempts: int, chance: float, factor: float) -> None:
    due = next_attempt(attempts, 7, 7, chance)
    assert due == 7 + round(DELAYS[attempts - 1] * factor * MICROSECONDS)


def test_a_delivery_is_given_up_after_enough_attempts_or_too_long() -> None:
    assert next_attempt(MOST_ATTEMPTS, 0, 0, 0.5) is None
    assert next_attempt(1, LONGEST_AGE - MICROSECONDS, 0, 0.5) is None
