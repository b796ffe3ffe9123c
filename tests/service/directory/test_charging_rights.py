import pytest

from astakos.directory.charging_rights import ALL, MayCharge, charging_right

OWN = ("vm", "ram")
EVERYTHING = ("vm", "ram", "space", "tokens")


@pytest.mark.parametrize(
    ("may_charge", "not_chargeable", "not_reconcilable"),
    [
        (None, set(), {"space", "tokens"}),
        ((), {"space", "tokens"}, {"space", "tokens"}),
        (("space",), {"tokens"}, {"tokens"}),
        (ALL, set(), set()),
    ],
)
def test_the_table_of_rights(
    may_charge: MayCharge, not_chargeable: set[str], not_reconcilable: set[str]
) -> None:
    right = charging_right(may_charge, OWN)
    assert right.not_chargeable(EVERYTHING) == not_chargeable
    assert right.not_reconcilable(EVERYTHING) == not_reconcilable
    assert right.not_chargeable(OWN) == right.not_reconcilable(OWN) == frozenset()


def test_a_resource_that_is_called_all_is_one_resource() -> None:
    right = charging_right(("all",), OWN)
    assert right.not_chargeable(["all", "space"]) == {"space"}
