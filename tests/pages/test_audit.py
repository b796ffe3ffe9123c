"""The audit log: who changed what."""

import pytest

from astakos.storage.tables import event_search
from pages.http_visitor import HttpVisitor
from pages.scene import ADA, ROOT, Scene
from pages.visitors import Visitor, log_in


def test_an_administrator_reads_who_changed_what_and_narrows_it_down(visitor: Visitor) -> None:
    log_in(visitor, ROOT, "/ui/admin/settings/history_days")
    visitor.fill("Value", "400")
    visitor.press("Save")
    visitor.administer("Audit log")
    assert visitor.heading == "Audit log"
    assert "settings.changed by root@example.org" in visitor.text
    assert "history_days: null → 400" in visitor.text
    visitor.fill("What", "user")
    visitor.press("Show")
    assert "kind=user" in visitor.path
    assert "history_days" not in visitor.text
    assert "user.created by the command line" in visitor.text


def test_filters_that_cannot_work_say_what_would(visitor: Visitor) -> None:
    log_in(visitor, ROOT, "/ui/admin/audit?who=nobody@example.org&kind=no.such")
    assert "There is no user nobody@example.org." in visitor.text
    assert "no.such" in visitor.text


def test_others_have_no_such_page(visitor: Visitor) -> None:
    log_in(visitor, ADA)
    visitor.open("/ui/admin/audit")
    assert visitor.status == 404


def test_what_is_not_a_day_is_refused(scene: Scene) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, "/ui/admin/audit?since=2031-02-31")
    assert "Write a day like 2031-02-03." in visitor.text


def test_a_search_with_few_matches_goes_on_where_it_ended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_search, "MOST_LOOKED_AT", 1)
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, "/ui/admin/audit?kind=user")
    assert "None of the events looked through so far matches." in visitor.text
    visitor.follow("Look further")
    assert visitor.heading == "Audit log"
    assert "before=" in visitor.path
