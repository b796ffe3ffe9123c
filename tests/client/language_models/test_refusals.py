"""What OpenAI's clients read when there is no room."""

import pytest

from astakosclient.errors import QuotaLimit, Unauthorized
from astakosclient.language_models.refusals import refusal_of


@pytest.mark.parametrize(
    ("level", "whose"),
    [("user", "the project"), ("project", "the project"), ("parent", "the parent of the project")],
)
def test_a_project_that_is_suspended_is_named_in_place_of_the_budget(level: str, whose: str) -> None:
    refusal = QuotaLimit()
    refusal.resource, refusal.level, refusal.project_state = "llm.tokens/month", level, "suspended"
    answer = refusal_of(refusal)
    assert (answer.status, answer.document["error"]["code"]) == (429, "insufficient_quota")
    assert str(answer) == f"Nothing of llm.tokens/month can be used now: {whose} is suspended."
    refusal.project_state = None
    assert "max_tokens" in str(refusal_of(refusal))
    assert "max_tokens" not in str(refusal_of(refusal, writes=False))


@pytest.mark.parametrize(
    ("level", "whose"),
    [
        ("user", "Your"),
        ("key", "Your key's"),
        ("project", "Your project's"),
        ("parent", "The parent project's"),
        (None, "Your"),
    ],
)
def test_it_says_whose_budget_has_no_room(level: str | None, whose: str) -> None:
    refusal = QuotaLimit()
    refusal.resource, refusal.level, refusal.limit, refusal.available = "llm.usd/month", level, 100, 5
    start = f"{whose} budget of llm.usd/month"
    assert str(refusal_of(refusal)).startswith(f"{start} has no room")
    assert "max_tokens" in str(refusal_of(refusal))
    for available in (0, -7):
        refusal.available, refusal.limit = available, 100
        assert "max_tokens" not in str(refusal_of(refusal)), "nothing would be little enough"
        refusal.limit = 0
        assert str(refusal_of(refusal)) == f"{start} is 0."
    refusal.available = 7  # of a grant
    assert str(refusal_of(refusal)).startswith(f"{start} has no room")


def test_the_log_says_that_it_is_the_gateways_token_which_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    assert refusal_of(Unauthorized("Unauthorized")).status == 503
    assert "the gateway's token is not that of a component" in caplog.text


def test_what_a_rate_never_lets_through_at_once_is_not_repeated() -> None:
    refusal = QuotaLimit()
    refusal.resource, refusal.level, refusal.limit = "llm.tokens/per-minute", "user", 8000
    refusal.requested, refusal.available, refusal.retry_after = 16_000, 8000, 7.2
    never = refusal_of(refusal)
    assert (never.status, never.code, never.headers) == (
        429,
        "rate_limit_exceeded",
        {"X-Should-Retry": "false"},
    )
    assert str(never) == (
        "This request can take more than llm.tokens/per-minute ever allows at once. "
        "With a lower max_tokens, it takes less."
    )
    refusal.requested = 8000
    assert refusal_of(refusal).headers == {"Retry-After": "8"}


def test_the_clock_of_the_gateway_does_not_matter_where_the_service_says_when() -> None:
    refusal = QuotaLimit()
    refusal.resource, refusal.resets, refusal.retry_after = (
        "llm.tokens/per-minute",
        "1970-01-01T00:00:00Z",
        30,
    )
    assert refusal_of(refusal).headers["Retry-After"] == "30"
