"""The model judges as the original did, along the life of one project that was recorded from it."""

from astakos.clock import MICROSECONDS, to_iso
from simulation.projects import effects, shown
from simulation.projects.calls import (
    Act,
    Call,
    ChangeState,
    Create,
    Decide,
    Enroll,
    Flaw,
    Join,
    Modify,
    SetDefaultProject,
)
from simulation.projects.judging import judge
from simulation.projects.state import PENDING_APPLICATIONS, Capacity, member_key, project_key
from simulation.projects.world import ANNA, BERT, FAR, LAB, LOADED, ROOT, STAN, UNKNOWN, VM, state

ALPHA = "000000f1-0000-4000-8000-0000000000f1"


class Story:
    """Calls that the model judges, and carries out."""

    def __init__(self) -> None:
        self.state = state()
        self.applications = 1
        self.now = LOADED

    def tell(self, call: Call, status: int, uuid: str = ALPHA) -> None:
        self.now += MICROSECONDS
        assert judge(self.state, call) == {status}, call
        if status >= 400:
            return
        answer: dict[str, object] = {"id": uuid}
        if isinstance(call, Create | Modify):
            self.applications += 1
            answer["application"] = self.applications
        if isinstance(call, Join | Enroll):
            person = call.caller if isinstance(call, Join) else self.user_of(call.email)
            known = self.state.memberships.get((person, call.project))
            answer["id"] = known.id if known else len(self.state.memberships) + 100
        effects.carry_out(self.state, call, answer, to_iso(self.now))

    def act(self, caller: str, action: str, user: str, status: int) -> None:
        number = self.state.memberships[user, ALPHA].id
        assert number is not None
        self.tell(Act(caller, number, action), status)

    def user_of(self, email: str) -> str:
        return next(person.uuid for person in self.state.people.values() if person.email == email)

    def pending(self, user: str) -> int:
        return self.state.used(member_key(user, user, PENDING_APPLICATIONS)).possible

    def offered(self, viewer: str, user: str) -> list[str]:
        membership = self.state.memberships[user, ALPHA]
        actions: list[str] = shown.membership_shown(self.state, viewer, membership)["allowed_actions"]
        return actions


def active() -> Story:
    """A project of two places has been approved."""
    story = Story()
    fields: dict[str, object] = {"name": "alpha.example.org", "end_date": FAR, "max_members": 2}
    story.tell(Create(BERT.uuid, fields, {VM: Capacity(6, 2)}), 201)
    story.tell(Decide(ROOT.uuid, ALPHA, "approve", 2), 200)
    return story


def test_applications() -> None:
    story = Story()
    fields: dict[str, object] = {"name": "alpha.example.org", "end_date": FAR}
    story.tell(Create(BERT.uuid, fields, flaw=Flaw.FORM), 400)
    story.tell(Create(BERT.uuid, fields, {VM: Capacity(6, 2)}), 201)
    assert story.pending(BERT.uuid) == 1
    assert shown.status_of_project(story.state, ANNA.uuid, ALPHA) == 403
    assert story.state.limit(project_key(ALPHA, VM)) is None
    story.tell(Create(BERT.uuid, fields), 201, UNKNOWN)
    story.tell(Create(BERT.uuid, fields), 409)
    story.tell(Enroll(BERT.uuid, ALPHA, ANNA.email), 409)
    story.tell(ChangeState(ROOT.uuid, ALPHA, "unsuspend"), 409)
    story.tell(ChangeState(BERT.uuid, ALPHA, "suspend"), 403)
    story.tell(Decide(BERT.uuid, ALPHA, "deny", 2), 403)
    story.tell(Decide(ROOT.uuid, UNKNOWN, "deny", 3), 200)
    assert story.pending(BERT.uuid) == 1
    story.tell(Decide(ROOT.uuid, UNKNOWN, "approve", 3), 409)
    story.tell(Decide(BERT.uuid, UNKNOWN, "cancel", 3), 409)
    story.tell(Decide(ANNA.uuid, UNKNOWN, "dismiss", 3), 403)
    story.tell(Decide(BERT.uuid, UNKNOWN, "dismiss", 3), 200)
    assert story.state.projects[UNKNOWN].state == "deleted"
    story.tell(Decide(ROOT.uuid, ALPHA, "approve", 99), 404)
    story.tell(Decide(ROOT.uuid, LAB, "approve", 2), 409)
    story.tell(Decide(ROOT.uuid, ALPHA, "approve", 2), 200)
    assert story.pending(BERT.uuid) == 0
    assert story.state.limit(project_key(ALPHA, VM)) == 6


def test_memberships() -> None:
    story = active()
    story.tell(Join(ANNA.uuid, ALPHA), 200)
    assert story.offered(ANNA.uuid, ANNA.uuid) == ["cancel"]
    assert story.offered(BERT.uuid, ANNA.uuid) == ["accept", "reject"]
    assert story.offered(ROOT.uuid, ANNA.uuid) == ["accept", "cancel", "reject"]
    story.tell(Join(ANNA.uuid, ALPHA), 409)
    story.act(ANNA.uuid, "accept", ANNA.uuid, 403)
    story.act(BERT.uuid, "remove", ANNA.uuid, 409)
    story.act(BERT.uuid, "cancel", ANNA.uuid, 403)
    story.act(BERT.uuid, "reject", ANNA.uuid, 200)
    story.act(ANNA.uuid, "cancel", ANNA.uuid, 409)
    story.tell(Join(ANNA.uuid, ALPHA), 200)
    story.act(ANNA.uuid, "cancel", ANNA.uuid, 200)
    story.tell(Join(ANNA.uuid, ALPHA), 200)
    assert story.state.limit(member_key(ANNA.uuid, ALPHA, VM)) is None
    story.act(BERT.uuid, "accept", ANNA.uuid, 200)
    assert story.state.limit(member_key(ANNA.uuid, ALPHA, VM)) == 2
    entered = story.state.memberships[ANNA.uuid, ALPHA].entered
    assert entered["requested"] == to_iso(LOADED + 3 * MICROSECONDS)
    story.act(STAN.uuid, "accept", ANNA.uuid, 409)
    story.tell(Join(BERT.uuid, ALPHA), 200)
    story.act(BERT.uuid, "accept", BERT.uuid, 200)
    assert story.offered(BERT.uuid, BERT.uuid) == ["leave", "remove"]
    story.tell(Join(STAN.uuid, ALPHA), 200)
    story.act(BERT.uuid, "accept", STAN.uuid, 409)
    assert story.offered(BERT.uuid, STAN.uuid) == ["reject"]
    story.act(ANNA.uuid, "leave", ANNA.uuid, 200)
    assert story.state.limit(member_key(ANNA.uuid, ALPHA, VM)) == 0
    story.act(ANNA.uuid, "leave", ANNA.uuid, 409)
    story.tell(Enroll(ANNA.uuid, ALPHA, STAN.email), 403)
    story.tell(Enroll(BERT.uuid, UNKNOWN, STAN.email), 409)
    story.tell(Enroll(BERT.uuid, ALPHA, "nobody@example.org"), 409)
    story.tell(Enroll(BERT.uuid, ALPHA, STAN.email), 200)


def test_modifications() -> None:
    story = active()
    story.tell(Modify(BERT.uuid, UNKNOWN, {}, flaw=Flaw.FORM), 400)
    story.tell(Modify(BERT.uuid, UNKNOWN, {}, flaw=Flaw.VALUE), 404)
    story.tell(Modify(BERT.uuid, ALPHA, {"max_members": 3}), 201)
    story.tell(Modify(BERT.uuid, ALPHA, {"leave_policy": "moderated"}), 201)
    assert story.pending(BERT.uuid) == 1
    story.tell(Decide(ROOT.uuid, ALPHA, "deny", 3), 409)
    story.tell(Modify(ROOT.uuid, ALPHA, {"leave_policy": "moderated", "join_policy": "auto"}), 201)
    assert story.pending(BERT.uuid) == 0
    assert story.pending(ROOT.uuid) == 1
    story.tell(Decide(BERT.uuid, ALPHA, "cancel", 4), 409)
    story.tell(Decide(ROOT.uuid, ALPHA, "approve", 5), 200)
    story.tell(Join(ANNA.uuid, ALPHA), 200)
    story.act(ANNA.uuid, "leave", ANNA.uuid, 200)
    assert story.state.limit(member_key(ANNA.uuid, ALPHA, VM)) == 2
    story.tell(Join(ANNA.uuid, ALPHA), 409)
    story.act(ANNA.uuid, "leave", ANNA.uuid, 200)
    story.act(BERT.uuid, "remove", ANNA.uuid, 200)
    story.tell(Modify(ROOT.uuid, BERT.uuid, {"description": "x"}), 409)
    story.tell(Modify(ROOT.uuid, BERT.uuid, {}, {VM: Capacity(8, 7)}), 201)


def test_states() -> None:
    story = active()
    story.tell(Enroll(ROOT.uuid, ALPHA, ANNA.email), 200)
    story.tell(ChangeState(ROOT.uuid, ALPHA, "suspend"), 200)
    assert story.state.limit(member_key(ANNA.uuid, ALPHA, VM)) == 0
    story.tell(SetDefaultProject(ANNA.uuid, ALPHA), 403)
    story.tell(Modify(BERT.uuid, ALPHA, {"join_policy": "auto"}), 201)
    story.tell(Decide(ROOT.uuid, ALPHA, "approve", 3), 200)
    assert story.state.limit(member_key(ANNA.uuid, ALPHA, VM)) == 2
    story.tell(SetDefaultProject(ANNA.uuid, ALPHA), 200)
    story.tell(ChangeState(ROOT.uuid, ALPHA, "terminate"), 200)
    assert story.state.default_projects[ANNA.uuid] == ANNA.uuid
    story.tell(ChangeState(ROOT.uuid, ALPHA, "suspend"), 409)
    story.tell(Join(STAN.uuid, ALPHA), 409)
    story.act(BERT.uuid, "remove", ANNA.uuid, 409)
    story.tell(SetDefaultProject(ANNA.uuid, ALPHA), 409)
    fields: dict[str, object] = {"name": "alpha.example.org", "end_date": FAR}
    story.tell(Create(ANNA.uuid, fields), 201, UNKNOWN)
    story.tell(Decide(ROOT.uuid, UNKNOWN, "approve", 4), 200)
    story.tell(ChangeState(ROOT.uuid, ALPHA, "reinstate"), 409)
    story.tell(Modify(BERT.uuid, ALPHA, {"comments": "again"}), 201)
    story.tell(Decide(ROOT.uuid, ALPHA, "approve", 5), 409)
    story.tell(Modify(BERT.uuid, ALPHA, {"name": "alef.example.org"}), 201)
    story.tell(Decide(ROOT.uuid, ALPHA, "approve", 6), 200)
    story.tell(ChangeState(ROOT.uuid, BERT.uuid, "terminate"), 409)
    story.tell(ChangeState(ROOT.uuid, BERT.uuid, "suspend"), 200)
    story.tell(Create(BERT.uuid, fields), 409)
