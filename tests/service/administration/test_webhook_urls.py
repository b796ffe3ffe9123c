import pytest

from astakos.administration.webhook_urls import LONGEST_URL, refuse_webhook_url

OWN = ["10.0.0.0/8", "127.0.0.0/8", "fd00::/8"]


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org",
        "https://hooks.example.org:8443/a/b?c=d%20e",
        "HTTPS://Hooks.Example.ORG/",
        "https://xn--bcher-kva.example/",
        "https://a-b.example.org:1/",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]:443/",
        "https://hooks/",
        f"https://{'a' * 63}.example.org/",
    ],
)
def test_what_can_work_is_accepted(url: str) -> None:
    assert refuse_webhook_url(url, []) is None
    assert refuse_webhook_url(url, OWN) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://10.1.2.3/",
        "http://10.1.2.3/",
        "http://hooks.internal/",
        "http://localhost:8080/",
        "https://[fd00::1]/",
        "http://127.0.0.1:1/",
    ],
)
def test_in_networks_of_the_operator_more_is_accepted(url: str) -> None:
    assert refuse_webhook_url(url, OWN) is None
    assert "webhook_networks" in str(refuse_webhook_url(url, []))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://hooks.example.org:0/", "use one from 1 to 65535"),
        ("https://hooks.example.org:65536/", "use one from 1 to 65535"),
        ("https://hooks.example.org:http/", "use one from 1 to 65535"),
        ("https://hooks.example.org/#top", "leave out everything from # on"),
        ("https://hooks.example.org/#", "leave out everything from # on"),
        ("https://127.0.0.1/", "127.0.0.1 is not a public address; to allow it, add its network"),
        ("https://169.254.169.254/latest", "is not a public address"),
        ("https://[::1]/", "::1 is not a public address"),
        ("https://[::ffff:10.0.0.1]/", "is not a public address"),
        ("https://[fe80::1%25eth0]/", "without a zone"),
        ("https://localhost/", "127.0.0.1 is not a public address"),
        ("https://a.LOCALHOST/", "127.0.0.1 is not a public address"),
        ("https://2130706433/", "is not an IPv4 address; write it like 192.0.2.1"),
        ("https://127.1/", "is not an IPv4 address; write it like 192.0.2.1"),
        ("https://0x7f.0.0.1/", "is not an IPv4 address; write it like 192.0.2.1"),
        ("https://1.2.3.256/", "is not an IPv4 address; write it like 192.0.2.1"),
        ("https://-a.example.org/", "write it like hooks.example.org"),
        ("https://a-.example.org/", "write it like hooks.example.org"),
        ("https://a..example.org/", "write it like hooks.example.org"),
        ("https://example.org./", "write it like hooks.example.org"),
        ("https://a*b.example.org/", "write it like hooks.example.org"),
        (f"https://{'a' * 64}.example.org/", "each part has 1 to 63"),
        (f"https://{'a.' * 127}org/", "write it like hooks.example.org"),
        ("http://hooks.example.org/", "use https"),
        ("http://93.184.216.34/", "use https"),
        ("ftp://hooks.example.org/", "is not a URL like"),
        ("https://", "is not a URL like"),
        ("https://[::1", "is not a URL like"),
        ("https://hooks.example.org/a b", "is not a URL like"),
        ("", "is not a URL like"),
        ("https://hooks.example.org/" + "a" * LONGEST_URL, f"{LONGEST_URL} are allowed"),
    ],
)
def test_what_can_never_work_is_refused_with_what_would_be_right(url: str, reason: str) -> None:
    assert reason in str(refuse_webhook_url(url, []))


def test_outside_of_the_networks_of_the_operator_http_is_refused() -> None:
    assert refuse_webhook_url("http://93.184.216.34/", OWN) is not None


@pytest.mark.parametrize(
    "url", ["https://user:secret@example.org/", "https://secret@example.org:0/#a", "secret://secret@x"]
)
def test_a_password_is_refused_without_repeating_it(url: str) -> None:
    refusal = str(refuse_webhook_url(url, []))
    assert "must not contain a user or password" in refusal
    assert "secret" not in refusal
