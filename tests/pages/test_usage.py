"""Who uses most of a resource, and who is near a limit."""

from urllib.parse import quote

import pytest

from astakos.administration.usage_leaders import PERIOD_OF_NOBODY, period_start, refresh_leaders, start_before
from astakos.clock import MICROSECONDS, now
from astakos.storage.tables.usage_leaders import note_refreshed
from pages.http_visitor import HttpVisitor
from pages.scene import ADA, LAB, MONTHLY, ROOT, Scene
from pages.visitors import Visitor, log_in
from service.installation import rows

USAGE = "/ui/admin/usage"
CLOSE = """
INSERT INTO closed_periods (holding_id, start, "end", total, kept_until, resource)
SELECT id, ?, ?, 1750000, ?, resource FROM holdings WHERE holder = ? AND source = '' AND resource = ?
"""


def test_an_administrator_sees_who_uses_most(visitor: Visitor, scene: Scene) -> None:
    log_in(visitor, ROOT, f"{USAGE}?resource=compute.vm")
    assert "The service has not looked yet who uses most." in visitor.text
    refresh_leaders(scene.database, now())
    visitor.press("Show")
    text = visitor.text
    assert text.index("lab.example.org") < text.index("ada@example.org")
    assert "11–1291 %never" in text.replace(" ", "").replace("%", " %")
    visitor.follow("Who is near a limit")
    assert visitor.heading == "Near a limit"
    visitor.choose("Use at least", "90 %")
    visitor.press("Show")
    assert visitor.path == f"{USAGE}/near?over=90&resource="
    assert "compute.disk" in visitor.text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?resource=zz", "There is no resource zz."),
        ("?resource=compute.vm&period=7", "There is no period 7."),
        ("/near?resource=zz", "There is no resource zz."),
        ("/near?over=x", "There is no percentage x."),
    ],
)
def test_a_filter_that_is_none_is_said_to_be_none(scene: Scene, query: str, says: str) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{USAGE}{query}")
    assert says in visitor.text
    assert "Nobody" not in visitor.text
    assert "ada@example.org" not in visitor.text


def test_a_list_of_nobody_says_how_old_it_is(scene: Scene) -> None:
    database, started = scene.database, now() - 30 * MICROSECONDS
    database.change(lambda connection: note_refreshed(connection, started))
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{USAGE}?resource=compute.vm")
    assert "Nobody used compute.vm when the service last looked." in visitor.text
    assert "It looked just now, and looks again in less than a minute." in visitor.text
    assert refresh_leaders(database, started + PERIOD_OF_NOBODY)
    visitor.press("Show")
    assert "lab.example.org" in visitor.text


def test_by_share_and_in_a_period_that_is_over(scene: Scene) -> None:
    refresh_leaders(scene.database, now())
    reader = scene.database.reader()
    start = start_before(reader, MONTHLY, period_start(reader, MONTHLY, now()) or 0) or 0
    rows(scene.database, CLOSE, start, now(), now(), f"project:{LAB}", MONTHLY)
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{USAGE}?resource={quote(MONTHLY, safe='')}&by=share")
    text = visitor.text
    assert text.index("ada@example.org") < text.index("lab.example.org")
    visitor.open(f"{USAGE}?resource={MONTHLY}&period={start}")
    assert "1.75 M tokens" in visitor.text
    assert "ada@example.org" not in visitor.text


@pytest.mark.parametrize(
    "query",
    ["?resource=%00&by=x&period=1", "?period=-", "/near?over=x&after=x.y&resource=%00", "/near?after=9.9"],
)
def test_what_makes_no_sense_is_passed_over(scene: Scene, query: str) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT)
    visitor.open(f"{USAGE}{query}")
    assert visitor.status == 200


@pytest.mark.parametrize("path", ["", "/near"])
def test_others_have_no_such_pages(scene: Scene, path: str) -> None:
    visitor = HttpVisitor(scene)
    log_in(visitor, ADA)
    visitor.open(f"{USAGE}{path}")
    assert visitor.status == 404
