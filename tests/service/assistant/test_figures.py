"""Whether something would fit, and which limits are nearly used up, by figures alone."""

import pytest

from astakos.assistant.figures import UNLIMITED, near_limits, rows_of, would_fit
from astakosclient.answer_types import Grant, Quota

PROJECT, TOKENS, MONTH, DAY = "p", "llm.tokens", "llm.tokens/month", "llm.tokens/day"
FREE: Quota = {"limit": UNLIMITED, "usage": 90, "pending": 0}
NO_SHADOW: frozenset[str] = frozenset()


def quota(limit: int, usage: int, project_limit: int = UNLIMITED) -> Quota:
    return {
        "limit": limit,
        "usage": usage,
        "pending": 0,
        "project_limit": project_limit,
        "project_usage": usage,
        "project_pending": 0,
        "resets": "2030-02-01T00:00:00+00:00",
    }


def grant(left: int, *lifts: str) -> Grant:
    return {
        "id": 1,
        "amount": 100,
        "left": left,
        "starts": "2030-01-01T00:00:00+00:00",
        "expires": None,
        "priority": 100,
        "note": "",
        "lifts": list(lifts),
    }


def test_what_is_charged_counts_on_its_meters_and_on_no_other_resource() -> None:
    quotas = {TOKENS: FREE, MONTH: quota(100, 90), "llm.tokens.cached": quota(0, 0)}
    assert would_fit(quotas, NO_SHADOW, TOKENS, 10).answer == "yes"
    refused = would_fit(quotas, NO_SHADOW, TOKENS, 11)
    assert (refused.answer, refused.resource, refused.level) == ("no", MONTH, "user")
    assert (refused.available, refused.limit, refused.resets) == (10, 100, "2030-02-01T00:00:00+00:00")


def test_a_project_s_limit_counts_as_well() -> None:
    refused = would_fit({TOKENS: quota(UNLIMITED, 90, 95)}, NO_SHADOW, TOKENS, 6)
    assert (refused.answer, refused.level, refused.available) == ("no", "project", 5)


def test_a_limit_that_only_reports_refuses_nothing() -> None:
    assert would_fit({TOKENS: FREE, MONTH: quota(100, 90)}, frozenset({MONTH}), TOKENS, 11).answer == "yes"


@pytest.mark.parametrize(("quantity", "answer"), [(10, "yes"), (11, "perhaps"), (15, "perhaps"), (16, "no")])
def test_grants_may_make_up_for_the_meters_that_they_lift(quantity: int, answer: str) -> None:
    granted: Quota = {**FREE, "grants": [grant(5, MONTH)]}
    quotas = {TOKENS: granted, MONTH: quota(100, 90)}
    assert would_fit(quotas, NO_SHADOW, TOKENS, quantity).answer == answer
    quotas[DAY] = quota(100, 90)
    assert would_fit(quotas, NO_SHADOW, TOKENS, quantity).answer == ("yes" if quantity == 10 else "no")


def test_a_limit_of_nothing_is_near_only_if_something_is_used() -> None:
    quotas = {PROJECT: {"unused": quota(0, 0), "over": quota(0, 1), "full": quota(4, 4), "half": quota(4, 2)}}
    found = near_limits(rows_of(quotas, {}), 80).limits
    assert [(limit.resource, limit.percent) for limit in found] == [("over", None), ("full", 100.0)]


def test_a_project_s_limit_is_listed_once_for_all_its_members() -> None:
    quotas = {PROJECT: {TOKENS: quota(UNLIMITED, 90, 100)}}
    rows = [row for user in ("a", "b") for row in rows_of(quotas, {}, user=user)]
    (limit,) = near_limits(rows, 80).limits
    assert (limit.user, limit.level, limit.percent) == (None, "project", 90.0)
