import pytest

from astakos.pages.rates import a_second, happened, within

BOUNDS = (0.001, 0.005, 1)


@pytest.mark.parametrize(
    ("number", "seconds", "shown"),
    [
        (0, 60, "0"),
        (1, 600, "below 0.01"),
        (3, 60, "0.05"),
        (192, 60, "3.2"),
        (75_000, 60, "1,250"),
        (-1, 1, "0"),
    ],
)
def test_how_often_something_happens(number: int, seconds: float, shown: str) -> None:
    assert a_second(number, seconds) == shown


@pytest.mark.parametrize(
    ("counts", "part", "shown"),
    [
        ([0, 0, 0, 0], 0.5, "–"),
        ([5, 5, 0, 0], 0.5, "1 ms"),
        ([5, 6, 0, 0], 0.5, "5 ms"),
        ([98, 0, 2, 0], 0.99, "1 s"),
        ([0, 1, 0, 1], 0.99, "more than 1 s"),
    ],
)
def test_how_long_a_part_takes_at_most(counts: list[int], part: float, shown: str) -> None:
    assert within(counts, BOUNDS, part) == shown


def test_what_has_happened_between_two_instants() -> None:
    assert happened([5, 2], [3, 2]) == [2, 0]
