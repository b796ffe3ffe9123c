from dataclasses import dataclass

import pytest

from astakos.events.event import OPERATOR, SERVICE, Actor
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.projects.roles import Parties, Role, has_role, only
from astakos.projects.transitions import first_refusal

ANN = Actor("ann", "192.0.2.1")
CHIEF = Actor("chief", "192.0.2.1", is_project_admin=True)
EVERY_ROLE_OF_ANN = Parties(owner="ann", applicant="ann", member="ann")


@dataclass
class Facts:
    actor: Actor
    parties: Parties


@pytest.mark.parametrize(
    ("role", "parties"),
    [
        (Role.OWNER, Parties(owner="ann")),
        (Role.APPLICANT, Parties(applicant="ann")),
        (Role.MEMBER, Parties(member="ann")),
    ],
)
def test_a_role_belongs_to_one_user(role: Role, parties: Parties) -> None:
    others = [other for other in Role if other is not role]
    assert has_role(ANN, role, parties)
    assert not any(has_role(ANN, other, parties) for other in others)
    assert not has_role(CHIEF, role, parties)


def test_administrators_are_told_by_the_actor_and_operators_are_among_them() -> None:
    assert not has_role(ANN, Role.ADMINISTRATOR, EVERY_ROLE_OF_ANN)
    for actor in (CHIEF, OPERATOR, SERVICE):
        assert has_role(actor, Role.ADMINISTRATOR, Parties())


@pytest.mark.parametrize("actor", [OPERATOR, SERVICE])
def test_nobody_owns_a_project_without_an_owner(actor: Actor) -> None:
    assert not has_role(actor, Role.OWNER, Parties(owner=None))


def test_whoever_has_none_of_the_roles_is_refused() -> None:
    check = only(Facts, Role.OWNER, Role.ADMINISTRATOR)
    parties = Parties(owner="ann", member="bert")
    assert first_refusal([check], Facts(ANN, parties)) is None
    assert first_refusal([check], Facts(CHIEF, parties)) is None
    refusal = first_refusal([check], Facts(Actor("bert", "192.0.2.1"), parties))
    assert isinstance(refusal, ProjectRefusedError)
    assert refusal.kind is RefusalKind.FORBIDDEN
    assert refusal.message == "only the owner or a project administrator may do this"
