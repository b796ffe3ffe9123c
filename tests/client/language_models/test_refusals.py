"""What OpenAI's clients read when there is no room."""

import pytest

from astakosclient.errors import QuotaLimit
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
