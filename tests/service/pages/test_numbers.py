import pytest

from astakos.ledger.rules import UNLIMITED
from astakos.pages.numbers import exact, percent, short


@pytest.mark.parametrize(
    ("quantity", "unit", "scale", "shown", "whole"),
    [
        (0, None, 0, "0", "0"),
        (999_999, None, 0, "999,999", "999,999"),
        (1_250_000, "tokens", 0, "1.25 M tokens", "1,250,000 tokens"),
        (-12_345_678_901, None, 0, "-12.3 B", "-12,345,678,901"),
        (2**63 - 2, None, 0, "9,223,372 T", "9,223,372,036,854,775,806"),
        (1023, "bytes", 0, "1,023 bytes", "1,023 bytes"),
        (1536, "bytes", 0, "1.5 KiB", "1,536 bytes"),
        (100 * 2**30, "bytes", 0, "100 GiB", "107,374,182,400 bytes"),
        (12_500_000, "USD", 6, "12.5 USD", "12.5 USD"),
        (1, "USD", 6, "0.000001 USD", "0.000001 USD"),
        (UNLIMITED, "bytes", 0, "unlimited", "unlimited"),
    ],
)
def test_short_to_read_and_exact_to_know(
    quantity: int, unit: str | None, scale: int, shown: str, whole: str
) -> None:
    assert short(quantity, unit, scale) == shown
    assert exact(quantity, unit, scale) == whole


def test_100_percent_is_full_and_nothing_less() -> None:
    assert [percent(part, 1000) for part in (0, 999, 1000, 1500)] == [0, 99, 100, 150]
    assert percent(5, 0) == 100
    assert percent(2**62, UNLIMITED) == 0
