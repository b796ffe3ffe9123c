import pytest

from astakos.directory.token_scopes import covers

VIEW = "https://viewer.example.org/view"


@pytest.mark.parametrize(
    ("scope", "belongs_to"),
    [
        (VIEW, VIEW),
        (VIEW, f"{VIEW}/"),
        (VIEW, f"{VIEW}/a/b?c=d#e"),
        (VIEW, f"{VIEW}?a=b"),
        (VIEW, "HTTPS://Viewer.Example.org:443/view/1"),
        (f"{VIEW}/", f"{VIEW}/1"),
        (f"{VIEW}/", f"{VIEW}/é"),
        ("https://viewer.example.org", "https://viewer.example.org/files"),
        ("https://viewer.example.org", "https://viewer.example.org"),
        ("https://viewer.example.org/", "https://viewer.example.org/files"),
        (f"{VIEW}?a=b", f"{VIEW}?a=b"),
        ("viewer:done", "viewer:done"),
        ("viewer:done", "viewer:done/1"),
        ("h", "h"),
        ("h", "h/1"),
        ("/pithos/ui/view", "/pithos/ui/view"),
        ("/pithos/ui/view", "/pithos/ui/view/a/b"),
        ("/pithos/ui/view", "/pithos/ui/viewer"),
        ("/", "/files"),
    ],
)
def test_what_is_below_the_scope_is_covered(scope: str, belongs_to: str) -> None:
    assert covers(scope, belongs_to)


@pytest.mark.parametrize(
    ("scope", "belongs_to"),
    [
        (None, VIEW),
        (None, ""),
        ("", VIEW),
        (VIEW, ""),
        (VIEW, f"{VIEW}er"),
        (VIEW, "https://viewer.example.org/"),
        (VIEW, "http://viewer.example.org/view"),
        (VIEW, "https://viewer.example.org:8443/view"),
        (VIEW, "https://viewer.example.org:nonsense/view"),
        (VIEW, "https://viewer.example.org@evil.example/view"),
        (VIEW, "https://user@viewer.example.org/view"),
        (VIEW, f"{VIEW}/../admin"),
        (VIEW, f"{VIEW}/%2E%2e/admin"),
        (VIEW, f"{VIEW}/a%2f..%2f..%2fadmin"),
        (VIEW, f"{VIEW}/..\\admin"),
        (VIEW, f"{VIEW}\t/x"),
        (VIEW, "https://[/view"),
        (f"{VIEW}/", VIEW),
        ("https://viewer.example.org", "https://viewer.example.org.evil.org/"),
        ("https://viewer.example.org", "https://viewer.example.organic/"),
        ("https://viewer.example.org", "https://viewer.example.org@evil.org/"),
        ("https://viewer.example.org", "https://viewer.example.org:1@evil.org/"),
        (f"{VIEW}?a=b", f"{VIEW}?a=bc"),
        (f"{VIEW}?a=b", f"{VIEW}?a=b&c=d"),
        ("h", "https://viewer.example.org/"),
        ("https", "https://viewer.example.org/"),
        ("https:", "https://viewer.example.org/"),
        ("https://", "https://viewer.example.org/"),
        ("viewer:done", "viewer:doneness"),
        ("/pithos/ui/view", "/other"),
        ("/pithos/ui/view", "/pithos/ui/view/../../admin"),
        ("/pithos/ui/view", "https://viewer.example.org/pithos/ui/view"),
        ("/", "//evil.org/"),
    ],
)
def test_nothing_else_is(scope: str | None, belongs_to: str) -> None:
    assert not covers(scope, belongs_to)
