"""The overview: what a user has, and what was refused."""

import threading
from collections.abc import Iterable

import pytest

from astakos.administration.grants import GrantPlace, Terms, add_grant
from astakos.administration.journal import Journal
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.clock import DAY, now
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, quotas
from pages.http_visitor import HttpVisitor
from pages.scene import ADA, GRACE, LAB, MODELS_TOKEN, MONTHLY, TOKENS, Scene, charge, with_projects
from pages.visitors import Visitor, log_in


def test_who_logs_in_sees_what_they_have_nearest_to_a_limit_first(visitor: Visitor) -> None:
    log_in(visitor, ADA)
    assert visitor.heading == "Overview"
    text = visitor.text
    assert "Welcome, Ada Byron" in text
    assert "91 GiB of 100 GiB used, 9 GiB left" in text
    assert "2 of 4 used, 1 pending, 1 left" in text
    assert "1.25 M of 2 M tokens used" in text
    assert "each month, resets in" in text
    assert "All members together: 11 of 12" in text
    assert text.index("compute.disk") < text.index("compute.ram")


def test_it_says_why_something_was_refused(visitor: Visitor) -> None:
    log_in(visitor, ADA)
    assert "compute asked for 5 of compute.vm. It would go beyond your own limit." in visitor.text
    assert "limit 4, 1 free then" in visitor.text


def test_a_refusal_leads_to_the_resource_which_tells_it_too(scene: Scene) -> None:
    charges = with_projects([(ADA.holding(TOKENS), 3_000_000)])
    assert scene.caller.issue(MODELS_TOKEN, *charges, name="chat <7>" + "x" * 300).status == 413
    visitor = HttpVisitor(scene)
    log_in(visitor, ADA)
    assert f"models asked for 3 M tokens of {MONTHLY}." in visitor.text
    visitor.follow(MONTHLY, "“chat <7>xxx")
    assert visitor.heading == MONTHLY
    assert "“chat <7>xxx" in visitor.text
    told = visitor.text.partition("free then")
    assert told[2].lstrip().startswith("· resets in"), told
    assert "of compute.vm" not in visitor.text


def test_what_is_searched_for_is_in_the_address(visitor: Visitor) -> None:
    log_in(visitor, ADA, "/ui/overview?q=lab+machines")
    assert "compute.vm" in visitor.text
    assert "compute.disk" not in visitor.text
    visitor.fill("Find a resource or project", "nothing like it")
    visitor.press("Search")
    assert visitor.path == "/ui/overview?q=nothing+like+it"
    assert "Nothing matches “nothing like it”." in visitor.text
    visitor.follow("Show everything")
    assert "compute.disk" in visitor.text


def test_the_appearance_is_chosen_and_kept(visitor: Visitor) -> None:
    log_in(visitor, ADA)
    visitor.unfold("Ada Byron")
    visitor.press("Dark")
    assert visitor.path == "/ui/overview"
    visitor.unfold("Ada Byron")
    visitor.press("Sign out")
    assert visitor.heading == "Signed out"


def test_what_a_project_has_no_more_of_is_told(visitor: Visitor, scene: Scene) -> None:
    charge(scene, "component-token-of-compute-ccccccccccccccccc", (ADA.holding("compute.vm", LAB), 1))
    log_in(visitor, ADA)
    assert "project is full" in visitor.text


def given(scene: Scene, place: GrantPlace, terms: Terms) -> None:
    def add(connection: Connection) -> None:
        with Journal(connection, OPERATOR, now()) as journal:
            add_grant(connection, journal, place, terms, now())

    scene.database.change(add)


def test_grants_are_shown_with_what_is_left_of_them(visitor: Visitor, scene: Scene) -> None:
    start = now()
    given(scene, GrantPlace(ADA.uuid, None, TOKENS), Terms(1_000_000, start, note="for <b>the thesis</b>"))
    given(scene, GrantPlace(None, LAB, TOKENS), Terms(7_000_000, start, start + 90 * DAY))
    given(scene, GrantPlace(ADA.uuid, LAB, TOKENS), Terms(3_000, start + 5 * DAY, start + 9 * DAY))
    charge(scene, MODELS_TOKEN, (ADA.holding(TOKENS), 950_000))
    log_in(visitor, ADA)
    text = visitor.text
    assert "draws on grants" in text
    assert "2 M of 2 M tokens used, 0 left, and 800,000 from grants" in text
    own, shared, later = (
        text.index(amount) for amount in ("of 1 M tokens", "of 7 M tokens", "of 3,000 tokens")
    )
    assert later < shared < own, "what expires first is used first"
    assert "Yours alone" in text[shared:own]
    assert "for <b>the thesis</b>" in text
    assert "all members together" in text[later:shared]
    assert "7 M of 7 M tokens" in text
    assert " from " in text[later:shared], "it has not started"
    assert "for ever" in text[own:]


def test_grants_of_others_are_not_shown(scene: Scene) -> None:
    given(scene, GrantPlace(GRACE.uuid, None, TOKENS), Terms(1_000_000, now(), note="for Grace"))
    visitor = HttpVisitor(scene)
    log_in(visitor, ADA)
    assert "for Grace" not in visitor.text
    assert "Grants" not in visitor.text


def test_what_is_not_used_is_folded_away_unless_it_is_searched_for(visitor: Visitor, scene: Scene) -> None:
    names = [f"compute.kind{number}" for number in range(5)]
    resources = [ResourceEntry(name=name, service="compute", system_default=7) for name in names]
    load(scene.database, StateDocument(resources=resources), now())
    log_in(visitor, ADA)
    visitor.unfold("5 more resources, not used")
    assert "compute.kind3 0 % 0 of 7 used, 7 left" in " ".join(visitor.text.split())
    visitor.open("/ui/overview?q=kind3")
    assert "not used" not in visitor.text
    assert "0 of 7 used, 7 left" in visitor.text


def test_a_member_of_many_projects_sees_the_same(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def meters() -> list[str]:
        visitor = HttpVisitor(scene)
        log_in(visitor, ADA)
        return [line for line in visitor.text.splitlines() if " used" in line]

    few = meters()
    threads: list[str] = []
    read = quotas.quotas_of_user

    def noting(
        connection: Connection, user: int, now: int, project: str | None = None
    ) -> Iterable[quotas.UserQuota]:
        threads.append(threading.current_thread().name)
        return read(connection, user, now, project)

    monkeypatch.setattr(quotas, "quotas_of_user", noting)
    monkeypatch.setattr(memberships, "MANY", 0)
    assert meters() == few
    assert few
    assert {name.startswith("astakos-long reads") for name in threads} == {True}
