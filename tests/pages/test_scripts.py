"""What scripts and styles add in a browser: the reader's zone, copying, charts, and room on any screen."""

import re

import pytest
from playwright.sync_api import Browser, expect

from pages.chromium import ChromiumVisitor, Kind, page_of
from pages.scene import ADA, Scene
from pages.visitors import log_in

pytestmark = pytest.mark.browser
DESKTOP = Kind("desktop")


def test_times_are_in_the_zone_of_the_reader_and_identifiers_are_copied(
    scene: Scene, browser: Browser
) -> None:
    with page_of(browser, DESKTOP, scene.base_url) as page:
        visitor = ChromiumVisitor(scene, page, DESKTOP)
        log_in(visitor, ADA, "/ui/resources/compute.vm")
        shown = page.locator("#charges ~ .table-frame time").first
        assert "UTC" not in shown.inner_text()
        assert re.search(r"EES?T \(20\d\d-.*Z\)", shown.get_attribute("title") or "")
        visitor.unfold("Ada Byron")
        page.get_by_role("button", name=f"Copy {ADA.uuid}").click()
        expect(page.get_by_role("button", name=f"Copied {ADA.uuid}")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == ADA.uuid
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


def test_a_chart_says_what_one_points_at(scene: Scene, browser: Browser) -> None:
    with page_of(browser, DESKTOP) as page:
        visitor = ChromiumVisitor(scene, page, DESKTOP)
        log_in(visitor, ADA, "/ui/resources/compute.disk")
        assert "–" not in page.locator(".u-legend").inner_text()
        page.locator(".u-over").hover(position={"x": 5, "y": 20})
        assert "Highest" in page.locator(".u-legend").inner_text()
        assert "0 bytes" in page.locator(".u-legend").inner_text()
        assert page.locator("svg.columns").count() == 1
        assert not page.locator("svg.columns").is_visible()


@pytest.mark.parametrize("path", ["/ui/overview", "/ui/resources/compute.vm"])
def test_pages_fit_any_screen_and_contrast(scene: Scene, browser: Browser, path: str) -> None:
    kind = Kind("small phone", 320, 640)
    with page_of(browser, kind) as page:
        visitor = ChromiumVisitor(scene, page, kind)
        log_in(visitor, ADA, path)
        page.emulate_media(forced_colors="active", contrast="more")
        visitor.open(f"{path}?again=")
        page.emulate_media(media="print", forced_colors="none", contrast="no-preference")
        assert page.locator("main").is_visible()
        assert not page.locator("nav").first.is_visible()
