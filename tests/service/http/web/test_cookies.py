import pytest

from astakos.directory.session_secrets import Session
from astakos.http.web.cookies import Cookies

SESSION = Session("secret", "a user", 0)


@pytest.mark.parametrize(
    ("base_url", "session", "browser"),
    [
        ("http://127.0.0.1:8000", "astakos_session=secret; Path=/;", "astakos_browser=secret; Path=/;"),
        ("http://a.example/x", "astakos_session=secret; Path=/x/;", "astakos_browser=secret; Path=/x/;"),
        (
            "https://a.example",
            "__Host-astakos_session=secret; Path=/;",
            "__Host-astakos_browser=secret; Path=/;",
        ),
        (
            "https://a.example/x/y=z",
            "__Secure-astakos_session=secret; Path=/x/y=z/;",
            "__Host-astakos_browser.x.y.z=secret; Path=/;",
        ),
    ],
)
def test_names_and_paths_are_those_that_browsers_protect(base_url: str, session: str, browser: str) -> None:
    cookies = Cookies(base_url)
    lines = [cookies.session(SESSION), cookies.browser("secret")]
    for line, beginning in zip(lines, [session, browser], strict=True):
        assert line.startswith(beginning)
        assert ("; Secure" in line) == base_url.startswith("https:")
        assert "Domain" not in line
    assert cookies.no_session().startswith(session.replace("=secret;", "=;"))
