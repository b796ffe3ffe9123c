"""Going through a proxy, as the environment says."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, errors
from astakosclient.core.address import parse_base_url
from astakosclient.http1.proxies import Proxy, proxy_for
from client.http1.sync.test_tls import server_context
from client.peers import CERTIFICATE, Act, answer, then_close

if TYPE_CHECKING:
    from client.conftest import PeerFactory

pytestmark = pytest.mark.filterwarnings("ignore::astakosclient.errors.InsecureConnectionWarning")

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
CREDENTIALS = "Basic " + base64.b64encode("us:er:pä".encode()).decode()


def tunnel_to(port: int) -> Act:
    """What a proxy does on CONNECT."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def act(connection: socket.socket) -> bool:
        with socket.create_connection(("127.0.0.1", port)) as server:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(server, connection))
            back.start()
            pump(connection, server)
            back.join()
        return False

    return act


def test_http_goes_through_the_proxy_with_the_whole_url(
    peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = peer_of(answer({}))
    monkeypatch.setenv("HTTP_PROXY", f"http://us%3Aer:p%C3%A4@localhost:{proxy.port}")
    with AstakosClient("http://accounts.test/x") as client:
        client.get_quotas(TOKEN)
        client.get_quotas(TOKEN)
    request = proxy.requests[0]
    assert request.target == "http://accounts.test/x/account/v1.0/quotas"
    assert request.headers["host"] == "accounts.test"
    assert request.headers["proxy-authorization"] == CREDENTIALS
    assert proxy.accepted == 1


def test_https_goes_through_a_tunnel(peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    server = peer_of(answer({"serial": 7}), tls=server_context())
    proxy = peer_of(tunnel_to(server.port))
    monkeypatch.setenv("https_proxy", f"http://us%3Aer:p%C3%A4@localhost:{proxy.port}")
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with AstakosClient(server.url, ssl_context=context) as client:
        assert client.issue_commission(TOKEN, {}) == 7
        assert client.issue_commission(TOKEN, {}) == 7
    [connect] = proxy.requests
    assert (connect.method, connect.target) == ("CONNECT", f"localhost:{server.port}")
    assert connect.headers["proxy-authorization"] == CREDENTIALS
    assert "x-auth-token" not in connect.headers
    assert len(server.requests) == 2
    assert "proxy-authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "refusal",
    [
        answer(status="407 Proxy Authentication Required"),
        then_close(b"garbage\r\n\r\n"),
        then_close(b""),
        then_close(b"HTTP/1.1 200 OK\r\n\r\ntoo early"),
    ],
)
def test_a_proxy_that_refuses_means_not_sent(
    refusal: Act, peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = peer_of(refusal)
    monkeypatch.setenv("https_proxy", f"http://user:hunter2@localhost:{proxy.port}")
    client = AstakosClient("https://accounts.test", timeout=2)
    with pytest.raises(errors.ConnectionError, match="proxy") as failed:
        client.issue_commission(TOKEN, {})
    assert not failed.value.sent
    assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "http://h", None),
        ({"http_proxy": "http://p:3128"}, "http://h", Proxy("p", 3128)),
        ({"http_proxy": "p:3128"}, "http://h", Proxy("p", 3128)),
        ({"http_proxy": "http://p"}, "http://h", Proxy("p", 80)),
        ({"http_proxy": "http://[::1]:3128"}, "http://h", Proxy("::1", 3128)),
        ({"http_proxy": "http://p:3128"}, "https://h", None),
        ({"ALL_PROXY": "http://p:3128"}, "https://h", Proxy("p", 3128)),
        ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:2"}, "https://h", Proxy("q", 2)),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://h", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "example.com"}, "https://a.example.com", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "h:8000, other"}, "http://h:8000", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "h:8000"}, "http://h:8001", Proxy("p", 1)),
        ({"HTTP_PROXY": ""}, "http://h", None),
    ],
)
def test_the_environment_decides(
    environment: dict[str, str], url: str, proxy: Proxy | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(parse_base_url(url)) == proxy


@pytest.mark.parametrize(
    ("exceptions", "url", "exempt"),
    [
        ("127.0.0.0/8", "http://127.0.0.1:8000", True),
        ("127.0.0.0/8", "http://128.0.0.1", False),
        ("127.0.0.0/8", "http://localhost", False),
        ("10.1.2.3", "http://10.1.2.3", True),
        ("10.1.2.3", "http://10.1.2.30", False),
        ("10.1.2.3:81", "http://10.1.2.3:81", True),
        ("10.1.2.3:81", "http://10.1.2.3", False),
        ("[::1]", "http://[::1]", True),
        ("::1", "http://[::1]:8000", True),
        ("::1/128", "http://[0:0::1]", True),
        ("[::1]:8000", "http://[::1]:8000", True),
        ("[::1]:8000", "http://[::1]", False),
        ("fe80::/10", "http://127.0.0.1", False),
        (".example.org", "http://a.example.org", True),
        (".example.org", "http://example.org", True),
        ("*.example.org", "http://a.example.org", True),
        ("example.org", "http://A.Example.Org.", True),
        ("example.org", "http://notexample.org", False),
        ("example.org:81", "http://a.example.org:81", True),
        ("example.org:81", "http://a.example.org", False),
        ("other, *", "http://h", True),
        (" , ", "http://h", False),
        ("a, h ,b", "http://h", True),
    ],
)
def test_no_proxy_is_read_as_others_do(
    exceptions: str, url: str, exempt: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before the kind of the proxy matters, which the client does not support here."""
    monkeypatch.setenv("ALL_PROXY", "http://p:3128")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert proxy_for(parse_base_url(url)) == (None if exempt else Proxy("p", 3128))
    monkeypatch.setenv("ALL_PROXY", "socks://p:1080")
    if exempt:
        assert proxy_for(parse_base_url(url)) is None
    else:
        with pytest.raises(errors.BadValue):
            proxy_for(parse_base_url(url))


@pytest.mark.parametrize("url", ["socks5://u:hunter2@p:1080", "https://u:hunter2@p", "http://u:hunter2@p:x"])
def test_a_proxy_of_another_kind_is_refused_without_showing_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", url)
    with pytest.raises(errors.BadValue, match="proxy") as refused:
        AstakosClient("http://h")
    assert "hunter2" not in str(refused.value)


def test_credentials_are_not_in_the_representation() -> None:
    assert "c2VjcmV0" not in repr(Proxy("p", 80, "Basic c2VjcmV0"))
