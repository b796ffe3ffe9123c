"""Who tells stories: a parser of HTML, and a browser in the hands of several people, if one is found.

Each story runs over HTTP and in one kind of browser, by turns; with `--every-browser`, as in
`make test-browser` and `make test-long`, in all; with `--short`, as in `make test`, only some have a browser.

Those in a browser run on a thread of their own. Playwright leaves an event loop running on the thread that it
is used on, where no other test could run one.
"""

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zlib import crc32

import pytest
from _pytest import runner
from playwright.sync_api import Browser

from lengths import is_short
from pages.chromium import KINDS, ChromiumVisitor, Kind, chromium, chromium_path, page_of
from pages.http_visitor import HttpVisitor
from pages.scene import Scene, prepare, staged
from pages.visitors import Visitor

HTTP = "http"
NO_BROWSER = "there is no Chromium"
BROWSER_THREAD = "browser"
STORIES_FOR_ONE_IN_A_BROWSER = 8
"""In a short run; a story takes a browser seconds, and HTTP less than a tenth of one."""
_THREAD = ThreadPoolExecutor(1, BROWSER_THREAD)


def on_the_thread_of_the_browser(act: Callable[[], object]) -> None:
    if threading.current_thread().name.startswith(BROWSER_THREAD):
        act()
    else:
        _THREAD.submit(act).result()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if item.get_closest_marker("browser") is None:
        return None
    on_the_thread_of_the_browser(lambda: runner.pytest_runtest_protocol(item, nextitem))
    return True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "visitor" in metafunc.fixturenames:
        story = crc32(metafunc.definition.nodeid.encode())
        browsers: tuple[Kind, ...] = (
            KINDS if metafunc.config.getoption("every_browser") else (KINDS[story % len(KINDS)],)
        )
        if is_short() and story // len(KINDS) % STORIES_FOR_ONE_IN_A_BROWSER:
            browsers = ()
        kinds = [HTTP, *(pytest.param(kind, id=kind.name, marks=pytest.mark.browser) for kind in browsers)]
        metafunc.parametrize("visitor", kinds, indirect=True)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all that has happened before a story."""
    path = tmp_path_factory.mktemp("scene") / "scene.db"
    prepare(path)
    return path


@pytest.fixture
def scene(prepared: Path, tmp_path: Path) -> Iterator[Scene]:
    """The scene, for one story alone."""
    path = tmp_path / "scene.db"
    shutil.copy(prepared, path)
    with staged(path) as scene:
        yield scene


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium, started when the first story needs it."""
    path = chromium_path()
    if path is None:
        pytest.skip(NO_BROWSER)
    with contextlib.ExitStack() as ending:
        started = contextlib.ExitStack()
        ending.callback(on_the_thread_of_the_browser, started.close)
        yield started.enter_context(chromium(path))


@pytest.fixture
def visitor(request: pytest.FixtureRequest, scene: Scene) -> Iterator[Visitor]:
    """Somebody who has come for the first time."""
    if request.param == HTTP:
        yield HttpVisitor(scene)
        return
    with page_of(request.getfixturevalue("browser"), request.param, scene.base_url) as page:
        yield ChromiumVisitor(scene, page, request.param)
