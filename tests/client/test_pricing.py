"""Exact prices: no sum loses or gains a unit, and nothing is ever a float."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakosclient.pricing import PriceTable, Rounding, UnknownPriceError, amount_of, quantity_of

scales = st.integers(0, 18)
prices = st.decimals(0, 10**6, places=8, allow_nan=False, allow_infinity=False)
numbers = st.integers(0, 10**12)
usages = st.dictionaries(st.sampled_from(["input", "output", "cached"]), numbers)
tables = st.fixed_dictionaries({"input": prices, "output": prices, "cached": prices})


def exact_cost(kinds: Mapping[str, Decimal], used: Mapping[str, int], per: int, scale: int) -> Fraction:
    cost = sum((Fraction(kinds[kind]) * number for kind, number in used.items()), Fraction(0))
    units: int = 10**scale
    return cost * units / per


@pytest.mark.parametrize(
    ("amount", "scale", "quantity"),
    [
        ("12.5", 6, 12500000),
        ("0.000001", 6, 1),
        ("7", 0, 7),
        (7, 2, 700),
        (Decimal("0.10"), 1, 1),
        ("1.50", 1, 15),
    ],
)
def test_an_amount_is_a_quantity(amount: str | Decimal | int, scale: int, quantity: int) -> None:
    assert quantity_of(amount, scale) == quantity
    assert amount_of(quantity, scale) == Decimal(amount)


@given(st.integers(-(2**63), 2**63), scales)
def test_a_quantity_is_its_amount_again(quantity: int, scale: int) -> None:
    amount = amount_of(quantity, scale)
    assert Fraction(amount) * 10**scale == quantity
    if quantity >= 0:
        assert quantity_of(amount, scale) == quantity == quantity_of(format(amount, "f"), scale)


@pytest.mark.parametrize(
    "amount",
    ["", "-1", "+1", "1.", ".5", "1e3", "1,5", "٣", "NaN", "1_0", " 1", Decimal("-1"), Decimal("NaN")],
)
def test_what_is_no_amount_is_refused(amount: str | Decimal) -> None:
    with pytest.raises(ValueError, match="is not an amount; write a number from 0"):
        quantity_of(amount, 6)


def test_digits_beyond_the_scale_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.0000001 has 7 digits after the point; write at most 6"):
        quantity_of("0.0000001", 6)


@pytest.mark.parametrize("scale", [-1, 19])
def test_a_scale_has_bounds(scale: int) -> None:
    for call in (
        lambda: quantity_of("1", scale),
        lambda: amount_of(1, scale),
        lambda: PriceTable({}, scale=scale),
    ):
        with pytest.raises(ValueError, match="a scale is from 0 to 18"):
            call()


@given(tables, usages, st.integers(1, 10**7), scales)
def test_a_cost_is_the_exact_one_rounded_once(
    kinds: dict[str, Decimal], used: dict[str, int], per: int, scale: int
) -> None:
    exact = exact_cost(kinds, used, per, scale)
    ways: tuple[Rounding, ...] = ("up", "down", "half-even")
    found = {
        way: PriceTable({"m": kinds}, scale=scale, per=per, rounding=way).quantity("m", used) for way in ways
    }
    assert found["up"] == -(-exact.numerator // exact.denominator)
    assert found["down"] == exact.numerator // exact.denominator
    assert found["half-even"] == round(exact)
    assert all(type(quantity) is int for quantity in found.values())


@given(tables, st.lists(usages, max_size=20), st.integers(1, 10**7))
def test_a_sum_of_costs_is_never_too_little_and_at_most_a_unit_a_call_too_much(
    kinds: dict[str, Decimal], calls: list[dict[str, int]], per: int
) -> None:
    table = PriceTable({"m": kinds}, scale=6, per=per)
    exact = sum((exact_cost(kinds, used, per, 6) for used in calls), Fraction(0))
    charged = sum(table.quantity("m", used) for used in calls)
    assert exact <= charged < exact + max(1, len(calls))


@given(tables, st.lists(usages, max_size=20))
def test_where_a_unit_is_fine_enough_sums_are_exact(
    kinds: dict[str, Decimal], calls: list[dict[str, int]]
) -> None:
    table = PriceTable({"m": kinds}, scale=8)
    together = {kind: sum(used.get(kind, 0) for used in calls) for kind in kinds}
    assert sum(table.quantity("m", used) for used in calls) == table.quantity("m", together)


def test_prices_of_different_precision_are_added_exactly() -> None:
    table = PriceTable(
        {"gpt-x": {"input": "2.50", "output": "10", "cached": "0.0625"}}, per=1_000_000, scale=6
    )
    assert table.quantity("gpt-x", {"input": 1200, "output": 350}) == 6500
    assert table.quantity("gpt-x", {"cached": 16}) == 1
    assert table.quantity("gpt-x", {"cached": 17}) == 2
    assert table.quantity("gpt-x", {}) == 0


def test_what_has_no_price_is_not_free() -> None:
    table = PriceTable({"gpt-x": {"input": "1", "output": 2}}, scale=2)
    with pytest.raises(UnknownPriceError, match="no price for the model 'gpt-y'"):
        table.quantity("gpt-y", {"input": 1})
    with pytest.raises(UnknownPriceError, match="no price for 'audio' of 'gpt-x', only for input, output"):
        table.quantity("gpt-x", {"audio": 0})


@pytest.mark.parametrize("wrong", [1.5, True, None])
def test_what_is_not_exact_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="is not exact"):
        quantity_of(wrong, 6)
    with pytest.raises(TypeError, match="is not exact"):
        PriceTable({"m": {"input": wrong}}, scale=6)
    with pytest.raises(TypeError, match="input must be a whole number"):
        PriceTable({"m": {"input": "1"}}, scale=6).quantity("m", {"input": wrong})


def test_what_is_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="per must be at least 1, not 0"):
        PriceTable({}, scale=6, per=0)
    wrong: Any = "nearest"
    with pytest.raises(ValueError, match="rounding must be up, down or half-even, not 'nearest'"):
        PriceTable({}, scale=6, rounding=wrong)
    with pytest.raises(ValueError, match="input must be at least 0, not -1"):
        PriceTable({"m": {"input": "1"}}, scale=6).quantity("m", {"input": -1})
