import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakos.ledger.rules import UNLIMITED, Holding
from astakos.projects.spreading import Grant, spread, total


def grant(project: str, limit: int, usage: int = 0, *, others: int = 0, project_limit: int = 100) -> Grant:
    """A grant of which the user, and the other members, use so much."""
    return Grant(
        project, Holding(limit, usage, usage), Holding(project_limit, usage + others, usage + others)
    )


OWN, LAB = grant("own", 4, 1), grant("lab", 10, 2)


@pytest.mark.parametrize(
    ("quantity", "shares"),
    [
        (3, [("own", 3)]),
        (4, [("own", 3), ("lab", 1)]),
        (11, [("own", 3), ("lab", 8)]),
        (12, None),
        (0, [("own", 0)]),
        (-1, [("own", -1)]),
        (-2, [("own", -1), ("lab", -1)]),
        (-3, [("own", -1), ("lab", -2)]),
        (-4, None),
    ],
)
def test_the_first_takes_what_it_can_and_the_next_the_rest(
    quantity: int, shares: list[tuple[str, int]] | None
) -> None:
    assert spread(quantity, [OWN, LAB]) == shares


@pytest.mark.parametrize(("quantity", "shares"), [(0, [("lab", 0)]), (2, [("lab", 2)])])
def test_what_is_over_its_limit_takes_nothing(quantity: int, shares: list[tuple[str, int]]) -> None:
    assert spread(quantity, [grant("own", 4, 5), LAB]) == shares


def test_what_the_other_members_use_is_not_there() -> None:
    busy = grant("lab", 10, others=98)
    assert spread(3, [busy, OWN]) == [("lab", 2), ("own", 1)]
    assert total([busy, OWN]) == Holding(2 + 4, 1, 1)


def test_nobody_can_take_anything_of_nothing() -> None:
    assert spread(0, []) is None
    assert spread(-1, []) is None
    assert total([]) == Holding(0)


def test_no_limit_and_a_limit_are_no_limit_together() -> None:
    unlimited = grant("own", UNLIMITED, project_limit=UNLIMITED)
    assert total([unlimited, LAB]).limit == UNLIMITED


usages = st.integers(0, 20)
grants = st.lists(
    st.builds(
        lambda limit, usage, others, project_limit: grant(
            "p", limit, usage, others=others, project_limit=project_limit
        ),
        st.integers(0, 20),
        usages,
        usages,
        usages,
    ),
    max_size=5,
)


@given(st.integers(-50, 50), grants)
def test_shares_are_the_whole_charge_and_fit_wherever_a_whole_can_be_spread(
    quantity: int, given_grants: list[Grant]
) -> None:
    named = [found._replace(project=str(number)) for number, found in enumerate(given_grants)]
    shares = spread(quantity, named)
    if shares is None:
        room = sum(max(0, found.room) for found in named)
        releasable = sum(found.releasable for found in named)
        can_nobody = all(found.room < 0 for found in named)
        assert quantity > room or -quantity > releasable or (quantity == 0 and can_nobody)
        return
    assert sum(share.quantity for share in shares) == quantity
    for project, part in shares:
        found = named[int(project)]
        assert -found.releasable <= part <= max(found.room, 0)
