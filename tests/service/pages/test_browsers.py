import pytest

from astakos.pages.browsers import browser_name

MOZILLA = "Mozilla/5.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (f"{MOZILLA} (Windows NT 10.0) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        (f"{MOZILLA} (X11; CrOS x86_64) {WEBKIT} Chrome/140.0 Safari/537.36", "Chrome on ChromeOS"),
        (f"{MOZILLA} (Linux; Android 15) {WEBKIT} Chrome/140.0 Safari/537.36", "Chrome on Android"),
        (f"{MOZILLA} (iPhone; like Mac OS X) {WEBKIT} Version/19 Safari/604.1", "Safari on iPhone"),
        (f"{MOZILLA} (Macintosh) Gecko/20100101 Firefox/140.0", "Firefox on macOS"),
        ("curl/8.1", "curl/8.1"),
        ("x" * 300, "x" * 40 + "…"),
        ("", "Unknown browser"),
        (None, "Unknown browser"),
    ],
)
def test_browsers_have_the_names_that_people_know(agent: str | None, name: str) -> None:
    assert browser_name(agent) == name
