"""What a meter says besides its figures."""

import pytest

from astakos.pages.meters import Meter


@pytest.mark.parametrize(
    ("description", "about"),
    [
        ("Tokens of language models", "Tokens of language models"),
        ("Tokens each month", "Tokens"),
        ("llm.tokens each month", ""),
        ("", ""),
    ],
)
def test_the_period_is_not_told_twice(description: str, about: str) -> None:
    meter = Meter("llm.tokens/month", 1, 0, 2, description=description, period="each month")
    assert meter.about == about
