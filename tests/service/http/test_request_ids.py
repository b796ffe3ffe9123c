import re

import pytest

from service.caller import ACCOUNT, Caller
from service.world import ALICE

KEPT = ["a", "req-7.of_9", "x" * 128, "~:/+=@"]
NOT_KEPT = [
    None,
    "",
    "x" * 129,
    "é",
    "tab\there",
    "a b",
    "x] 2026-01-01 INFO x: forged [y",
    "[a]",
    '"',
    "a,b",
]
PATHS = [f"{ACCOUNT}/quotas", f"{ACCOUNT}/nothing", "/nothing", "/healthz"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("given", KEPT)
def test_an_answer_repeats_the_id_that_the_request_came_with(
    standing_service: Caller, path: str, given: str
) -> None:
    reply = standing_service.get(path, ALICE.token, X_Request_Id=given)
    assert reply.headers["x-request-id"] == given


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "x" * 129,
        "é",
        "tab\there",
        "a b",
        "x] 2026-01-01 INFO astakos.http: forged [y",
        "[a]",
        '"',
        "a,b",
    ],
)
def test_else_it_has_one_of_its_own(standing_service: Caller, path: str, given: str | None) -> None:
    headers = {} if given is None else {"X_Request_Id": given}
    made = [standing_service.get(path, ALICE.token, **headers).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    for name in made:
        assert re.fullmatch(r"[0-9a-f]{16}-\d+", name)


def test_also_outside_of_the_path_of_the_base_url(standing_service: Caller) -> None:
    caller = Caller(standing_service.base_url.removesuffix("/astakos"))
    assert caller.get("/", X_Request_Id="seven").headers["x-request-id"] == "seven"
