from dataclasses import replace
from typing import Any

import pytest

from astakos.clock import DAY
from astakos.directory.tokens import new_token
from astakos.events.event import Actor
from astakos.projects.invitations import (
    INVITING,
    MOST_DAYS,
    MOST_OF_A_PROJECT,
    MOST_USES,
    REVOKING,
    Code,
    Invitation,
    InvitationFacts,
    InvitationState,
    read_code,
    why_invalid,
    why_not_admitted,
    write_code,
)
from astakos.projects.project import ProjectState
from astakos.projects.transitions import first_refusal
from service.projects.test_project_actions import OWNER, PROJECT, STRANGER, SYSTEM_PROJECT, with_state

NOW = 1_000 * DAY
INVITATION = Invitation(12, "project", 2, 0, NOW, NOW + DAY, "owner")
SECRET = new_token(lambda count: bytes(range(count)))
FACTS = InvitationFacts(OWNER, PROJECT, INVITATION)
NO_SUCH_CODES = (
    "",
    SECRET,
    f"-{SECRET}",
    f"12-{SECRET}x",
    f"12-{SECRET[1:]}",
    f"x-{SECRET}",
    f"{10**18}-{SECRET}",
    f"\N{ARABIC-INDIC DIGIT ONE}-{SECRET}",
    f"12-{SECRET[:-1]}\0",
)


def test_a_code_begins_with_the_number() -> None:
    assert read_code(f" {write_code(12, SECRET)}\n") == Code(12, SECRET)


@pytest.mark.parametrize("text", NO_SUCH_CODES)
def test_other_texts_are_no_codes(text: str) -> None:
    assert read_code(text) is None


@pytest.mark.parametrize(
    ("changed", "now", "state"),
    [
        ({}, NOW, InvitationState.OPEN),
        ({"uses": 1}, NOW + DAY - 1, InvitationState.OPEN),
        ({"uses": 2}, NOW, InvitationState.USED_UP),
        ({}, NOW + DAY, InvitationState.EXPIRED),
        ({"uses": 2}, NOW + DAY, InvitationState.EXPIRED),
    ],
)
def test_it_admits_while_it_is_open(changed: dict[str, Any], now: int, state: InvitationState) -> None:
    invitation = replace(INVITATION, **changed)
    assert invitation.state(now) is state
    assert (why_not_admitted(invitation, now) is None) == (state is InvitationState.OPEN)


@pytest.mark.parametrize(
    ("uses", "days", "is_valid"),
    [
        (1, 1, True),
        (MOST_USES, MOST_DAYS, True),
        (0, 1, False),
        (MOST_USES + 1, 1, False),
        (1, 0, False),
        (1, -1, False),
        (1, MOST_DAYS + 1, False),
    ],
)
def test_uses_and_time_are_bounded(uses: int, days: int, is_valid: bool) -> None:
    assert (why_invalid(uses, NOW + days * DAY, NOW) is None) == is_valid


SPOILED: dict[str, tuple[Any, list[tuple[int, dict[str, Any]]]]] = {
    "invite": (
        INVITING,
        [
            (404, {"project": None}),
            (403, {"actor": STRANGER}),
            (400, {"invalid": "too many"}),
            (409, {"project": SYSTEM_PROJECT}),
            (409, {"project": with_state(ProjectState.TERMINATED)}),
            (409, {"others": MOST_OF_A_PROJECT}),
        ],
    ),
    "revoke": (REVOKING, [(404, {"invitation": None}), (403, {"actor": STRANGER})]),
}


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, row in SPOILED.items() for number in range(len(row[1]))]
)
def test_the_first_check_that_fails_decides(name: str, number: int) -> None:
    row, spoils = SPOILED[name]
    assert row.is_allowed(FACTS)
    assert len(row.checks) == len(spoils)
    later: dict[str, Any] = {}
    for _, spoiled in reversed(spoils[number:]):
        later |= spoiled
    for spoil in (spoils[number][1], later):
        refusal = first_refusal(row.checks, replace(FACTS, **spoil))
        assert refusal is not None
        assert refusal.kind.value == spoils[number][0]
        assert refusal.message


def test_administrators_invite_and_revoke_as_well() -> None:
    chief = Actor("chief", "192.0.2.1", is_project_admin=True)
    for row in (INVITING, REVOKING):
        assert first_refusal(row.checks, replace(FACTS, actor=chief)) is None
