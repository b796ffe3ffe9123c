"""Now: what needs attention, and how the service does."""

import shutil
from typing import NamedTuple

import pytest

from astakos.administration.usage_leaders import refresh_leaders
from astakos.clock import DAY, now
from astakos.storage.protocol import Connection
from astakos.storage.tables import destinations
from astakos.storage.tables.destinations import Destination
from pages.http_visitor import HttpVisitor
from pages.scene import ADA, ROOT, Scene
from pages.visitors import Visitor, log_in
from service.installation import rows

NOW = "/ui/admin/now"
APPLY = "/account/v1.0/projects"


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def test_an_administrator_sees_what_is_stuck_and_goes_there(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, NOW)
    assert visitor.heading == "Now"
    assert "Nothing needs attention." in visitor.text
    assert "compute asked for 5 of compute.vm for ada@example.org." in visitor.text
    rows(scene.database, "UPDATE pending_commissions SET issue_time = ?", now() - DAY - DAY // 24)
    visitor.follow("Stop refreshing")
    assert visitor.path == f"{NOW}?refresh=no"
    assert (
        "compute has not settled 1 commission for more than 1 h; the oldest is 1 d 1 h old." in visitor.text
    )
    visitor.follow("Commissions of compute")
    assert visitor.path == "/ui/admin/commissions?older=3600"
    assert "1 of compute.vm, ada@example.org" in visitor.text


def test_who_is_over_a_limit_and_what_waits_or_fails_is_told(scene: Scene) -> None:
    smaller = 'UPDATE holdings SET "limit" = 1 WHERE holder = ? AND resource = ?'
    rows(scene.database, smaller, f"project:{ADA.uuid}", "compute.disk")
    refresh_leaders(scene.database, now())
    scene.database.change(_add_webhook)
    project = {"name": "new.example.org", "end_date": "2099-01-01T00:00:00Z"}
    assert scene.caller.post(APPLY, "token-of-Ada".ljust(43, "-"), project).status == 201
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, NOW)
    assert "ada@example.org uses more of compute.disk than the limit." in visitor.text
    assert "1 application for projects to be decided." in visitor.text
    assert "https://hook.example.org/ wants nothing more." in visitor.text
    visitor.follow("Who uses most of compute.disk")
    assert visitor.path == "/ui/admin/usage?resource=compute.disk&by=share"
    assert "ada@example.org" in visitor.text


def _add_webhook(connection: Connection) -> None:
    url = "https://hook.example.org/"
    destinations.add(connection, Destination("hook", url, ("*",), 1, None, now(), 0))
    destinations.disable(connection, "hook", now())


def test_a_disk_that_is_nearly_full_comes_first(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Disk(2**40, 2**40 - 2**30, 2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, NOW)
    assert "Needs attention disk nearly full 0 % of the disk with the database are free." in visitor.text
    assert "1 GiB of 1 TiB (0" in visitor.text


def test_others_have_no_such_page(scene: Scene) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ADA)
    visitor.open(NOW)
    assert visitor.status == 404
