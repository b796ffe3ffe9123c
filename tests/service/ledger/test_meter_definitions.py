from datetime import datetime

import pytest

from astakos.clock import from_iso, to_iso
from astakos.ledger.meter_definitions import Kind, MeterDefinition, base_of
from astakos.ledger.meters import Budget, Rate, Window
from astakos.ledger.periods import HOUR, MINUTE, Schedule, Unit


def test_a_budget_has_calendar_periods() -> None:
    meter = MeterDefinition(unit=Unit.MONTH, zone="Europe/Athens").meter("llm.tokens/month")
    assert isinstance(meter, Budget)
    assert isinstance(meter.periods, Schedule)
    span = meter.periods.span_at(from_iso("2026-11-29T00:00:00+00:00"))
    assert to_iso(span.start) == "2026-10-31T22:00:00+00:00"


@pytest.mark.parametrize(
    ("unit", "start"),
    [
        (Unit.MINUTE, "2026-11-29T10:20:00+00:00"),
        (Unit.HOUR, "2026-11-29T10:00:00+00:00"),
        (Unit.DAY, "2026-11-29T00:00:00+00:00"),
        (Unit.WEEK, "2026-11-23T00:00:00+00:00"),
        (Unit.MONTH, "2026-11-01T00:00:00+00:00"),
        (Unit.YEAR, "2026-01-01T00:00:00+00:00"),
    ],
)
def test_without_an_anchor_periods_are_those_of_the_calendar(unit: Unit, start: str) -> None:
    meter = MeterDefinition(unit=unit).meter("a/b")
    assert isinstance(meter, Budget)
    assert isinstance(meter.periods, Schedule)
    assert to_iso(meter.periods.span_at(from_iso("2026-11-29T10:20:30+00:00")).start) == start


def test_an_anchor_is_a_boundary() -> None:
    meter = MeterDefinition(unit=Unit.DAY, every=30, anchor="2026-01-31T09:00").meter("a/b")
    assert meter == Budget("a/b", Schedule(Unit.DAY, 30, "UTC", datetime.fromisoformat("2026-01-31T09:00")))


def test_windows_and_rates_have_a_length() -> None:
    window = MeterDefinition(kind=Kind.WINDOW, unit=Unit.HOUR, every=5, keeps_debt=True)
    assert window.meter("a/b") == Budget("a/b", Window(5 * HOUR), keeps_debt=True)
    assert MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE).meter("a/b") == Rate("a/b", MINUTE)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (MeterDefinition(unit=Unit.DAY, zone="Mars"), "no time zone 'Mars'"),
        (MeterDefinition(unit=Unit.DAY, anchor="monday"), "'monday' is not an anchor"),
        (MeterDefinition(unit=Unit.DAY, anchor="2026-01-01T00:00Z"), "without a zone"),
        (MeterDefinition(unit=Unit.DAY, anchor="0001-01-01"), "from 1900 to 2200"),
        (MeterDefinition(unit=Unit.YEAR, every=101), "100 years is the longest"),
        (MeterDefinition(unit=Unit.DAY, every=0), "has no length"),
        (MeterDefinition(unit=Unit.DAY, every=-1), "has no length"),
        (MeterDefinition(unit=Unit.MINUTE, every=10**30), "100 years is the longest"),
        (MeterDefinition(kind=Kind.RATE, unit=Unit.MONTH), "use days"),
        (MeterDefinition(kind=Kind.WINDOW, unit=Unit.DAY, zone="Europe/Athens"), "neither an anchor"),
        (MeterDefinition(kind=Kind.RATE, unit=Unit.DAY, keeps_debt=True), "leave keeps_debt out"),
        (MeterDefinition(kind=Kind.RATE, unit=Unit.DAY, rollover=5), "a rate has no next period"),
        (MeterDefinition(kind=Kind.WINDOW, unit=Unit.DAY, rollover=5), "a window has no next period"),
        (MeterDefinition(unit=Unit.DAY, rollover=-1), "a rollover must be from 0"),
    ],
)
def test_what_contradicts_itself_is_refused(definition: MeterDefinition, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        definition.meter("a/b")


@pytest.mark.parametrize(
    ("name", "base"), [("llm.tokens/month", "llm.tokens"), ("llm.tokens", None), ("a/b/c", "a/b")]
)
def test_the_name_of_a_meter_says_what_it_counts(name: str, base: str | None) -> None:
    assert base_of(name) == base
