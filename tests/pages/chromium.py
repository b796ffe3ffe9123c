"""Visits pages with a real Chromium, and looks at each as it comes: what it breaks, and whom it keeps out."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Response, sync_playwright

from pages.scene import Scene

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
REGIONS = "tr, li, section, fieldset"
MOST_TABS = 150
WAIT_MILLISECONDS = 15_000
VIOLATIONS = (
    "async () => (await axe.run()).violations.map(v => [v.id, v.nodes.map(n => n.html + n.failureSummary)])"
)
IS_FOCUSED = "element => element === document.activeElement"
_JUDGED: set[tuple[object, ...]] = set()
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(frozen=True)
class Kind:
    """How somebody reads: with which browser, and with what hands."""

    name: str
    width: int = 1280
    height: int = 900
    scripts: bool = True
    dark: bool = False
    keyboard: bool = False


KINDS = (
    Kind("desktop"),
    Kind("phone in the dark", 360, 740, dark=True),
    Kind("keyboard without scripts", scripts=False, keyboard=True),
)


def chromium_path() -> str | None:
    """Where a Chromium is, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A Chromium with an empty profile, while the context lasts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@contextlib.contextmanager
def page_of(browser: Browser, kind: Kind, base_url: str = "") -> Iterator[Page]:
    """A new page that has nothing of those before."""
    context = browser.new_context(
        viewport={"width": kind.width, "height": kind.height},
        java_script_enabled=kind.scripts,
        color_scheme="dark" if kind.dark else "light",
        locale="en-GB",
        timezone_id="Europe/Athens",
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT_MILLISECONDS)
    if base_url:
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base_url)
    yield context.new_page()
    context.close()


class ChromiumVisitor:
    """See `Visitor`."""

    def __init__(self, scene: Scene, page: Page, kind: Kind) -> None:
        self.page = page
        self._base_url = scene.base_url
        self._kind = kind
        self._status = 0
        self._complaints: list[str] = []
        self._axe = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
        page.on("response", self._note_status)
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._complaints.append(str(error)))

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self._base_url)

    @property
    def status(self) -> int:
        return self._status

    @property
    def heading(self) -> str:
        return " ".join((self.page.locator("h1").first.text_content() or "").split())

    @property
    def text(self) -> str:
        return " ".join(self.page.locator("main").inner_text().split())

    def open(self, path: str) -> None:
        self.page.goto(f"{self._base_url}{path}")
        self._look()

    def follow(self, link: str, within: str = "") -> None:
        self._activate_and_go(self._named("link", link, within))

    def administer(self, entry: str) -> None:
        menu = self.page.get_by_role("navigation", name="Administration").locator("summary")
        if menu.is_visible():
            self._activate(menu)
            self._judge()
        self.follow(entry)

    def unfold(self, summary: str) -> None:
        self._activate(self.page.locator("summary", has_text=summary))
        self._judge()

    def fill(self, label: str, value: str) -> None:
        field = self.page.get_by_label(label, exact=True)
        if not self._kind.keyboard:
            field.fill(value)
            return
        self._focus(field)
        if field.get_attribute("type") == "date":
            # Which part comes first depends on the language of the browser itself.
            field.fill(value)
            return
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(value)

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def check(self, label: str) -> None:
        field = self.page.get_by_label(label, exact=True)
        if self._kind.keyboard:
            self._focus(field)
            self.page.keyboard.press("Space")
        else:
            field.check()

    def press(self, button: str, within: str = "") -> None:
        self._activate_and_go(self._named("button", button, within))

    def _named(self, role: Any, name: str, within: str) -> Locator:
        named = self.page.get_by_role(role, name=name, exact=True)
        if not within:
            return named.first
        region = self.page.locator(REGIONS).filter(has_text=within).filter(has=named).last
        return region.get_by_role(role, name=name, exact=True).first

    def _activate(self, element: Locator) -> None:
        if self._kind.keyboard:
            self._focus(element)
            self.page.keyboard.press("Enter")
        else:
            element.click()

    def _activate_and_go(self, element: Locator) -> None:
        with self.page.expect_navigation():
            self._activate(element)
        self._look()

    def _focus(self, element: Locator) -> None:
        """Moves there with the Tab key alone."""
        element.wait_for()
        for _ in range(MOST_TABS):
            if element.evaluate(IS_FOCUSED):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the Tab key does not lead to {element}")

    def _note_status(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.frame == self.page.main_frame:
            self._status = response.status

    def _note(self, kind: str, text: str) -> None:
        # A refused page is one on purpose; what it loads must be there.
        is_page = "Failed to load resource" in text and self._status >= 400
        if kind in ("error", "warning") and not is_page:
            self._complaints.append(text)

    def _look(self) -> None:
        self.page.wait_for_load_state("load")
        self._judge()

    def _judge(self) -> None:
        """Whatever is wrong with any page ends the story."""
        assert self.page.evaluate(TOO_WIDE) <= 0, f"{self.path} is wider than {self._kind.width} pixels"
        # axe is a script, and takes longer than all else: once for each page that looks alike.
        looks = (self.path.partition("?")[0], self.heading, self._status, self._kind)
        if self._kind.scripts and looks not in _JUDGED:
            _JUDGED.add(looks)
            self.page.evaluate(self._axe)
            violations = self.page.evaluate(VIOLATIONS)
            assert not violations, f"{self.path}: {violations}"
        assert not self._complaints, f"{self.path}: {self._complaints}"
