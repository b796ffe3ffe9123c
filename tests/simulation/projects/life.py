"""A service and the model side by side: makes the same calls to both, and compares what callers are shown."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from astakos.clock import MICROSECONDS, to_iso
from astakos.ledger.rules import Key
from service.caller import ACCOUNT, TOKENS, Caller
from simulation.projects import effects, shown
from simulation.projects.calls import MEMBERSHIPS, PROJECTS, Call, request_of
from simulation.projects.judging import judge
from simulation.projects.state import both_keys, project_key
from simulation.projects.world import (
    COMPONENT_TOKENS,
    COMPUTE,
    LOADED,
    PEOPLE,
    ROOT,
    UNKNOWN,
    VM,
    state,
    token_of,
)

TIMES = ("requested", "accepted", "leave_requested", "suspended", "rejected", "cancelled", "removed")


class Life:
    """One history.

    Attributes:
        state: what the model remembers.
        now: the time on the clock of the service.
    """

    def __init__(self) -> None:
        """Begins with the document, without a service yet."""
        self.state = state()
        self.now = LOADED
        self.pending: dict[int, dict[Key, int]] = {}
        self.calls = 0
        self._tokens = {person.uuid: token_of(person) for person in PEOPLE}
        self._service: Caller | None = None
        self._touched = UNKNOWN
        self._last_caller = ROOT.uuid
        self._is_changed = True

    def begin(self, service: Caller) -> None:
        """Learns the identifiers and times that the document does not say."""
        self._service = service
        for found in self._get(PROJECTS, ROOT.uuid):
            project = self.state.projects[found["id"]]
            project.created = found["creation_date"]
            project.deactivated = found.get("deactivation_date")
            project.definition["end_date"] = found["end_date"]
            for application in project.applications:
                application.id = found["last_application"]["id"]
        for found in self._get(MEMBERSHIPS, ROOT.uuid):
            membership = self.state.memberships[found["user"], found["project"]]
            membership.id = found["id"]
            membership.entered = {state: found[state] for state in TIMES if state in found}

    @property
    def service(self) -> Caller:
        assert self._service is not None
        return self._service

    def make(self, call: Call) -> int:
        """Makes a call, and judges its answer; returns the status."""
        self.now += MICROSECONDS
        self.calls += 1
        self._last_caller = call.caller
        right = judge(self.state, call)
        method, path, document = request_of(call)
        reply = self.service(method, path, self._tokens[call.caller], document=document)
        assert reply.status in right, (call, sorted(right), reply.status, reply.content)
        self._touched = getattr(call, "project", self._touched)
        self._is_changed |= reply.status in {200, 201}
        if reply.status in {200, 201}:
            answer: Mapping[str, Any] = reply.document if reply.content else {}
            effects.carry_out(self.state, call, answer, to_iso(self.now))
            self._touched = answer["id"] if reply.status == 201 else self._touched
        return reply.status

    def charge(self, user: str, project: str, quantity: int, *, auto_accept: bool) -> None:
        """A component charges a member, at both levels."""
        keys = both_keys(user, project, VM)
        limits = [self.state.limit(key) for key in keys]
        fits = [
            limit is not None
            and (
                self.state.used(key).possible + quantity <= limit
                if quantity >= 0
                else self.state.used(key).certain + quantity >= 0
            )
            for key, limit in zip(keys, limits, strict=True)
        ]
        refusals = {404 if limit is None else 413 for limit, fit in zip(limits, fits, strict=True) if not fit}
        reply = self.service.issue(
            COMPONENT_TOKENS[COMPUTE], *((key, quantity) for key in keys), auto_accept=auto_accept
        )
        assert reply.status in (refusals or {201}), (user, project, quantity, refusals, reply.content)
        if reply.status == 201:
            self._is_changed = True
            provisions = dict.fromkeys(keys, quantity)
            self._add(provisions, certain=quantity < 0, possible=quantity >= 0)
            if auto_accept:
                self._add(provisions, certain=quantity >= 0, possible=quantity < 0)
            else:
                self.pending[reply.document["serial"]] = provisions

    def resolve(self, serial: int, *, accept: bool) -> None:
        """A component accepts or rejects what is pending, which always succeeds."""
        self._is_changed = True
        provisions = self.pending.pop(serial)
        assert self.service.act(COMPONENT_TOKENS[COMPUTE], serial, "accept" if accept else "reject") == 200
        for key, quantity in provisions.items():
            if accept:
                self._add({key: quantity}, certain=quantity >= 0, possible=quantity < 0)
            else:
                self._add({key: -quantity}, certain=quantity < 0, possible=quantity >= 0)

    def _add(self, provisions: Mapping[Key, int], *, certain: bool, possible: bool) -> None:
        for key, quantity in provisions.items():
            usage = self.state.used(key)
            usage.certain += quantity if certain else 0
            usage.possible += quantity if possible else 0

    def deactivate(self, user: str) -> None:
        """An administrator deactivates a user."""
        self.now += MICROSECONDS
        self._administer(user, "deactivate")
        effects.deactivate(self.state, user, to_iso(self.now))

    def activate(self, user: str) -> None:
        """An administrator activates a user, who gets a new token."""
        self.now += MICROSECONDS
        self._administer(user, "activate")
        effects.activate(self.state, user, to_iso(self.now))
        self._tokens[user] = self._administer(user, "renewToken")["user"]["auth_token"]

    def _administer(self, user: str, action: str) -> Any:
        path = f"/identity/v2.0/users/{user}/action"
        self._is_changed = True
        reply = self.service.post(path, self._tokens[ROOT.uuid], {action: {}})
        assert reply.status == 200, (action, reply.content)
        return reply.document

    def check(self) -> None:
        """Compares what is shown to components, to the last caller, an administrator and one more user.

        What a refused call has changed is seen by the check after the next that is not refused.
        """
        if not self._is_changed:
            return
        self._is_changed = False
        active = [person.uuid for person in PEOPLE if person.uuid not in self.state.inactive]
        self._check_for({ROOT.uuid, self._last_caller, active[self.calls % len(active)]} & set(active))

    def check_for_all(self) -> None:
        """Compares everything that is shown to anybody."""
        self._check_for({person.uuid for person in PEOPLE} - self.state.inactive)

    def _check_for(self, viewers: Iterable[str]) -> None:
        for viewer in sorted(viewers):
            self._check_person(viewer)
        for component, token in COMPONENT_TOKENS.items():
            for path, expected in (
                ("service_quotas", shown.service_quotas_shown(self.state, component)),
                ("service_project_quotas", shown.service_project_quotas_shown(self.state, component)),
            ):
                reply = self.service.get(f"{ACCOUNT}/{path}", token)
                assert reply.status == 200, reply.content
                _require_equal(expected, reply.document, (component, path))
        self._check_sums()

    def _check_person(self, viewer: str) -> None:
        mode = shown.MODES[self.calls % len(shown.MODES)]
        projects = {found["id"]: found for found in self._get(f"{PROJECTS}?mode={mode}", viewer)}
        _require_equal(shown.projects_shown(self.state, viewer, mode), projects, (viewer, mode))
        memberships = {
            (found["user"], found["project"]): {**found, "allowed_actions": sorted(found["allowed_actions"])}
            for found in self._get(MEMBERSHIPS, viewer)
        }
        _require_equal(shown.memberships_shown(self.state, viewer), memberships, (viewer, "memberships"))
        _require_equal(
            shown.quotas_shown(self.state, viewer), self._get(f"{ACCOUNT}/quotas", viewer), (viewer, "quotas")
        )
        reply = self.service.get(f"{PROJECTS}/{self._touched}", self._tokens[viewer])
        assert reply.status == shown.status_of_project(self.state, viewer, self._touched), (viewer, reply)
        credentials = {"auth": {"token": {"id": self._tokens[viewer]}}}
        access = self.service.post(TOKENS, None, credentials).document["access"]
        own = set(access["user"]["projects"]), access["token"]["tenant"]["id"]
        assert own == shown.own_projects_shown(self.state, viewer), (viewer, own)

    def _check_sums(self) -> None:
        """Invariant 10 of the quota semantics: a project has used what its members have."""
        for project in self.state.projects:
            members = [
                self.state.used(both_keys(user, project, VM)[0])
                for user, other in self.state.memberships
                if other == project
            ]
            whole = self.state.used(project_key(project, VM))
            assert whole.possible == sum(usage.possible for usage in members)
            assert whole.certain == sum(usage.certain for usage in members)

    def _get(self, path: str, viewer: str) -> Any:
        reply = self.service.get(path, self._tokens[viewer])
        assert reply.status == 200, (path, reply.content)
        return reply.document

    def clock(self) -> Callable[[], int]:
        """What the service takes for the time."""
        return lambda: self.now


def _require_equal(expected: Mapping[Any, Any], found: Mapping[Any, Any], where: object) -> None:
    """Names what differs, and nothing else."""
    if expected != found:
        differing = {key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)}
        details = [
            (key, _difference(expected.get(key), found.get(key))) for key in sorted(differing, key=repr)
        ]
        raise AssertionError(f"{where}: {details}")


def _difference(expected: Any, found: Any) -> Any:
    if not (isinstance(expected, dict) and isinstance(found, dict)):
        return {"expected": expected, "found": found}
    return {
        key: _difference(expected.get(key, "absent"), found.get(key, "absent"))
        for key in expected.keys() | found.keys()
        if expected.get(key, "absent") != found.get(key, "absent")
    }
