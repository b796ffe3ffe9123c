"""`ui/admin/users/<uuid>/accept`, `reject`, …: what administrators decide about the account of a user.

What has consequences is asked first, on a page that says them; what can be undone at once is not.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from astakos.administration.administrators import grant_admin, revoke_admin
from astakos.administration.moderation import accept_user, reject_user
from astakos.administration.reasons import require_reason
from astakos.administration.user_registration import activate_user, deactivate_user
from astakos.directory.account_states import AccountState, state_of
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.faults import Conflict
from astakos.http.pages.page_kinds import administrator_action, administrator_page
from astakos.http.pages.users.visited_user import ONE, change_user, path_of, visited_user
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.http.routing import Route
from astakos.pages.sentences import sentence
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection

REASON: Final = "reason"
OTHERS_DECIDE: Final = "You cannot do this to your own account. Ask another administrator."


class Decision(NamedTuple):
    """A decision about a user.

    Attributes:
        label: The label of its button.
        done: What it has done, as a sentence with the user's address.
        act: Carries it out, with a reason.
        lines: What it does, asked before; nothing for what can be undone at once.
        has_reason: Whether a reason is asked for.
        is_severe: Whether it takes something away.
        to_oneself: Whether administrators can do it to themselves.
    """

    label: str
    done: str
    act: Callable[[Connection, Actor, User, str, int], object]
    lines: Sequence[str] = ()
    has_reason: bool = False
    is_severe: bool = False
    to_oneself: bool = True


DECISIONS: Final[Mapping[str, Decision]] = {
    "accept": Decision(
        "Accept",
        "{} has been accepted, and can use the service.",
        lambda connection, actor, user, _, now: accept_user(connection, actor, user, now),
    ),
    "reject": Decision(
        "Reject",
        "{} has been rejected.",
        reject_user,
        ("They cannot use the service. You can still accept them later.",),
        has_reason=True,
        is_severe=True,
    ),
    "activate": Decision(
        "Activate",
        "{} is active again. Make a link for a new password if they need one.",
        lambda connection, actor, user, _, now: activate_user(connection, actor, user, now),
    ),
    "deactivate": Decision(
        "Deactivate",
        "{} has been deactivated.",
        deactivate_user,
        (
            "Their token, logins and API keys end at once, and do not come back.",
            "The active projects that they own and their memberships are suspended.",
            "You can activate them again, which restores these. What they use stays counted.",
        ),
        has_reason=True,
        is_severe=True,
        to_oneself=False,
    ),
    "grant-admin": Decision(
        "Make administrator",
        "{} is an administrator now.",
        lambda connection, actor, user, _, now: grant_admin(connection, actor, user, now),
        (
            "Administrators see and change everything on these pages, and decide about all projects.",
            "That includes the accounts of other administrators.",
        ),
    ),
    "revoke-admin": Decision(
        "Revoke administrator",
        "{} is no longer an administrator.",
        lambda connection, actor, user, _, now: revoke_admin(connection, actor, user, now),
        ("They no longer see these pages, and decide about their own projects only.",),
        is_severe=True,
        to_oneself=False,
    ),
}


def decisions_about(user: User, *, is_administrator: bool) -> Mapping[str, Decision]:
    """Returns what can be decided about a user now."""
    possible = {
        AccountState.UNVERIFIED: (),
        AccountState.WAITING: ("accept", "reject"),
        AccountState.REJECTED: ("accept",),
        AccountState.ACTIVE: ("revoke-admin" if is_administrator else "grant-admin", "deactivate"),
        AccountState.INACTIVE: ("activate",),
    }
    return {name: DECISIONS[name] for name in possible[state_of(user)]}


async def ask(name: str, visit: UserVisit) -> Answer:
    """Says what a decision does, and asks for it."""
    user = await visit.service.read(visited_user, visit)
    return _question(visit, name, user)


async def decide(name: str, visit: UserVisit) -> Answer:
    """Carries a decision out."""
    decision = DECISIONS[name]
    reason = visit.form.get(REASON, "").replace("\r\n", "\n").strip() if decision.has_reason else ""
    try:
        require_reason(reason)
    except ProjectRefusedError as error:
        user = await visit.service.read(visited_user, visit)
        return _question(visit, name, user, reason, sentence(error.message))

    def act(connection: Connection, actor: Actor, user: User) -> User:
        if not decision.to_oneself and user.uuid == visit.user.uuid:
            raise Conflict(OTHERS_DECIDE)
        decision.act(connection, actor, user, reason, visit.service.now())
        return user

    user = await change_user(visit, act)
    return visit.done(decision.done.format(user.email), path_of(user))


def _question(visit: UserVisit, name: str, user: User, reason: str = "", error: str = "") -> Answer:
    return visit.page(
        "users/decision.html",
        status=422 if error else 200,
        decision=DECISIONS[name],
        user=user,
        path=f"{path_of(user)}/{name}/confirm",
        back=path_of(user),
        reason=reason,
        error=error,
    )


def _routes(name: str, decision: Decision) -> Sequence[Route]:
    path = f"{ONE}/{name}"
    act = administrator_action(f"{path}/confirm", partial(decide, name))
    return (administrator_page(path, partial(ask, name)), act) if decision.lines else (act,)


ROUTES = tuple(route for name, decision in DECISIONS.items() for route in _routes(name, decision))
