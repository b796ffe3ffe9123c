import pytest

from astakos.directory.entities import Resource
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import Capacity
from astakos.projects.unusable_meters import UnusableMeters, unusable_meters

COST, MONTH, DAY = "cost", "cost/month", "cost/day"
SOME, ALL, NOTHING = Capacity(5, 3), Capacity(UNLIMITED, UNLIMITED), Capacity(0, 0)


def found(
    capacities: dict[str, Capacity], default: int = 0, *, shadow: bool = False, system_project: bool = False
) -> list[UnusableMeters]:
    defaults = {COST: (UNLIMITED, default), MONTH: (UNLIMITED, UNLIMITED), DAY: (UNLIMITED, UNLIMITED)}
    resources = {
        name: Resource(
            number, name, "s", "t", None, "", *both, ui_visible=True, api_visible=True, shadow=shadow
        )
        for number, (name, both) in enumerate(defaults.items())
    }
    return list(unusable_meters(capacities, resources, (MONTH, DAY), system_project=system_project))


def test_a_budget_of_a_resource_of_which_there_is_nothing_is_of_no_use() -> None:
    assert found({MONTH: SOME}) == [UnusableMeters(COST, (MONTH,))]
    assert found({MONTH: SOME, COST: NOTHING}) == [UnusableMeters(COST, (MONTH,))]
    assert found({MONTH: SOME, COST: Capacity(5, 0)}) == [UnusableMeters(COST, (MONTH,))]


def test_the_meters_of_a_resource_are_told_together() -> None:
    (one,) = found({MONTH: SOME, DAY: SOME})
    assert one.fault == "each member may have 0 of cost, so cost/month and cost/day can never be used"


@pytest.mark.parametrize(
    "capacities",
    [{}, {MONTH: ALL}, {MONTH: NOTHING}, {MONTH: Capacity(5, 0)}, {COST: NOTHING}, {MONTH: SOME, COST: ALL}],
)
def test_nothing_is_said_of_what_was_not_limited_or_can_be_used(capacities: dict[str, Capacity]) -> None:
    assert found(capacities) == []


def test_the_default_of_the_resource_counts_if_the_project_names_none() -> None:
    assert found({MONTH: SOME}, 7) == []
    assert found({MONTH: SOME}, system_project=True) == []


def test_a_limit_that_only_reports_refuses_nothing() -> None:
    assert found({MONTH: SOME}, shadow=True) == []
