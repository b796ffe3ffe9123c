from dataclasses import replace

import pytest

from astakos.directory.eligibility import refuse_component, refuse_user
from astakos.directory.entities import Component, User

NOW = 1_000_000
USER = User(
    id=1,
    uuid="00000001-0000-4000-8000-000000000001",
    username="alice@example.org",
    email="Alice@example.org",
    first_name="Alice",
    last_name="Archer",
    is_active=True,
    email_verified=True,
    moderated=True,
    is_rejected=False,
    has_signed_terms=True,
    token_created=0,
    token_expires=NOW,
)


def test_a_user_who_may_call_is_not_refused() -> None:
    assert refuse_user(USER, NOW) is None
    assert refuse_user(replace(USER, token_expires=None), NOW) is None


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        (None, "not known"),
        (replace(USER, is_active=False, token_expires=0, has_signed_terms=False), "not active"),
        (replace(USER, token_expires=NOW - 1, has_signed_terms=False), "expired"),
        (replace(USER, has_signed_terms=False), "terms"),
    ],
)
def test_of_several_reasons_the_first_is_given(user: User | None, reason: str) -> None:
    assert reason in (refuse_user(user, NOW) or "")


def test_a_components_token_counts_unless_it_has_expired() -> None:
    component = Component(1, "compute", token_created=0)
    assert refuse_component(component, NOW) is None
    assert refuse_component(replace(component, token_expires=NOW), NOW) is None
    assert "expired" in (refuse_component(replace(component, token_expires=NOW - 1), NOW) or "")
    assert "not known; this call needs the token of a component" in (refuse_component(None, NOW) or "")


def test_a_users_name_is_first_name_blank_last_name() -> None:
    assert USER.name == "Alice Archer"
    assert replace(USER, first_name="").name == " Archer"


@pytest.mark.parametrize(
    ("moderated", "is_rejected", "is_accepted"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_accepted_is_who_was_moderated_and_not_rejected(
    moderated: bool, is_rejected: bool, is_accepted: bool
) -> None:
    assert replace(USER, moderated=moderated, is_rejected=is_rejected).is_accepted is is_accepted
