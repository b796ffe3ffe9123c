import os

import pytest

from astakos.directory import oauth2_rules

# Appendix B of RFC 7636.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
REGISTERED = ["https://viewer.example.org/back", "viewer:done"]
PREFIX = ["https://viewer.example.org/back/*"]


def test_codes_and_access_tokens_have_the_documented_lengths() -> None:
    assert len(oauth2_rules.new_code(os.urandom)) == 60
    assert len(oauth2_rules.new_access_token(os.urandom)) == 30
    assert oauth2_rules.new_code(os.urandom) != oauth2_rules.new_code(os.urandom)


@pytest.mark.parametrize("uri", REGISTERED)
def test_a_registered_uri_is_accepted(uri: str) -> None:
    assert oauth2_rules.refuse_redirect_uri(uri, REGISTERED) is None


@pytest.mark.parametrize("below", ["", "x", "x/", "a/b.c/d-e_f~g", "a..b", "a."])
def test_below_a_registered_prefix_a_plain_path_is_accepted(below: str) -> None:
    assert oauth2_rules.refuse_redirect_uri(f"https://viewer.example.org/back/{below}", PREFIX) is None


REFUSED = (
    "",
    "/back",
    "https://viewer.example.org",
    "https://viewer.example.org/",
    "https://viewer.example.org/backwards",
    "https://viewer.example.org/back?a=b",
    "https://viewer.example.org/back#a",
    "https://viewer.example.org/back/#a",
    "https://VIEWER.example.org/back",
    "https://viewer.example.org:443/back",
    "http://viewer.example.org/back",
    "https://viewer.example.org/back/../elsewhere",
    "https://viewer.example.org/back/..",
    "https://viewer.example.org/back/..;/x",
    "https://viewer.example.org/back/;x",
    "https://viewer.example.org/back/%2E%2e/elsewhere",
    "https://viewer.example.org/back/%252e%252e/x",
    "https://viewer.example.org/back/%41",
    "https://viewer.example.org/back/.%2e?a",
    "https://viewer.example.org/back/a%2f..%2f..%2fb",
    "https://viewer.example.org/back//evil.example",
    "https://viewer.example.org/back/.hidden",
    "https://viewer.example.org/back/x?code=evil",
    "https://viewer.example.org/back/x?",
    "https://viewer.example.org/back/*",
    "https://viewer.example.org/back\\..\\a",
    "https://viewer.example.org/back/\r\nSet-Cookie: a=b",
    "https://viewer.example.org/back/x\n",
    "https://viewer.example.org/back/é",
    "https://viewer.example.org@evil.example/back",
    "https://viewer.example.org.evil.example/back",
    "javascript:alert(1)",
    "https://viewer.example.org/back/" + "a" * 5000,
)


@pytest.mark.parametrize("uri", REFUSED)
@pytest.mark.parametrize("registered", [REGISTERED, PREFIX])
def test_all_others_are_refused(uri: str, registered: list[str]) -> None:
    assert "redirect_uri must" in str(oauth2_rules.refuse_redirect_uri(uri, registered))


@pytest.mark.parametrize("uri", ["https://viewer.example.org/back/", "https://viewer.example.org/back/x"])
def test_below_a_registered_uri_nothing_is_accepted(uri: str) -> None:
    assert "exactly" in str(oauth2_rules.refuse_redirect_uri(uri, REGISTERED))


def test_a_prefix_does_not_stand_for_itself_without_the_slash() -> None:
    assert oauth2_rules.refuse_redirect_uri("https://viewer.example.org/back", PREFIX)


@pytest.mark.parametrize("uri", ["https://*", "https:///*", "viewer:/*", "https://a.example/b?c/*", "/*"])
def test_a_prefix_must_name_a_host_and_no_query(uri: str) -> None:
    assert oauth2_rules.refuse_registered_uri(uri)
    assert oauth2_rules.refuse_registered_uri("https://a.example/*") is None


def test_uris_are_compared_in_one_way_to_write_them() -> None:
    assert oauth2_rules.normalized("HTTPS://A.example:443") == oauth2_rules.normalized("https://a.EXAMPLE/")
    assert oauth2_rules.normalized("http://[::1]:80/a?b=c") == "http://[::1]/a?b=c"
    for other in (
        "https://a.example:444/",
        "http://a.example/",
        "https://a.example/b",
        "https://a.example/?c",
    ):
        assert oauth2_rules.normalized("https://a.example/") != oauth2_rules.normalized(other)


def test_a_query_is_extended() -> None:
    uri = oauth2_rules.with_parameters("https://a.example/b?c=d%26&e=", [("code", "x&y"), ("state", "ü")])
    assert uri == "https://a.example/b?c=d%26&e=&code=x%26y&state=%C3%BC"


def test_of_a_scope_the_first_word_counts() -> None:
    assert oauth2_rules.scope_of("  a b c", "r") == "a"
    assert oauth2_rules.scope_of(" ", "r") == "r"


def test_a_verifier_belongs_to_its_challenge_alone() -> None:
    assert oauth2_rules.refuse_challenge(CHALLENGE, "S256", required=True) is None
    assert oauth2_rules.refuse_verifier(VERIFIER, CHALLENGE) is None
    assert oauth2_rules.refuse_verifier("", None) is None
    for verifier in ("", VERIFIER[:-1], VERIFIER + "=", VERIFIER[::-1], CHALLENGE, "é" * 43):
        assert oauth2_rules.refuse_verifier(verifier, CHALLENGE)
    assert oauth2_rules.refuse_verifier(VERIFIER, None), "else leaving the challenge out would go unnoticed"


@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        (CHALLENGE, ""),
        (VERIFIER, "plain"),
        (CHALLENGE, "s256"),
        ("", "S256"),
        (CHALLENGE + "=", "S256"),
        ("a", "S256"),
    ],
)
def test_challenges_that_do_not_count(challenge: str, method: str) -> None:
    assert oauth2_rules.refuse_challenge(challenge, method, required=False)


def test_a_challenge_may_be_required() -> None:
    assert oauth2_rules.refuse_challenge("", "", required=False) is None
    assert oauth2_rules.refuse_challenge("", "", required=True)
