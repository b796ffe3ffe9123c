"""What is asked at the base URL, and what its answers mean."""

import contextlib
import http.server
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from astakos import clock
from astakos.doctor.address import judge_forwarding
from astakos.doctor.asking import Answer
from astakos.doctor.examination import examine
from astakos.doctor.findings import Finding, Level
from astakos.storage.protocol import Database
from client.peers import CERTIFICATE, KEY
from service.caller import Caller
from service.installation import rows, running
from service.world import BASE_URL


def told(database: Database, url: str) -> list[Finding]:
    (found,) = (
        one for one in examine(database, clock.now(), url, lambda *_: None) if one.check.name == "address"
    )
    return list(found.findings)


def url_of(service: Caller) -> str:
    return service.base_url


def test_a_service_that_calls_itself_otherwise_is_found(database: Database, service: Caller) -> None:
    (found,) = told(database, url_of(service))
    assert found.level is Level.WARNING
    assert f"calls itself {BASE_URL}" in found.text


def test_a_service_on_another_database_is_found(empty: Database, service: Caller) -> None:
    assert any("works on another database" in one.text for one in told(empty, url_of(service)))


def test_a_service_that_does_not_answer_is_found(database: Database) -> None:
    with running(database) as service:
        url = url_of(service)
    (found,) = told(database, url)
    assert found.level is Level.FAULT
    assert "refused the connection" in found.text
    rows(database, "UPDATE settings SET value = ? WHERE name = 'base_url'", f'"{url}"')
    levels = {one.check.name: one.level for one in examine(database, clock.now(), None, lambda *_: None)}
    assert levels["address"] is Level.WARNING, "nobody said that it should"


@pytest.fixture
def other_program() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), answering(200)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def answering(status: int) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>")

        def log_message(self, *_: object) -> None: ...

    return Handler


@contextlib.contextmanager
def with_tls(handler: type[http.server.BaseHTTPRequestHandler], host: str = "localhost") -> Iterator[int]:
    """A server on the loopback, and its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    with http.server.HTTPServer((host, 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def through_tls(service: Caller, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The service behind a proxy with TLS, whose certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/astakos")
            answer = service.get(path, **{"X-Forwarded-Protocol": "https"})
            self.send_response(answer.status)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None: ...

    with with_tls(Proxy) as port:
        yield f"https://localhost:{port}/astakos"


def test_a_service_behind_tls_is_examined(database: Database, through_tls: str) -> None:
    found = {one.check.name: one for one in examine(database, clock.now(), through_tls, lambda *_: None)}
    assert [one.level for one in found["address"].findings] == [Level.WARNING], "it calls itself otherwise"
    assert not found["forwarding"].findings
    assert found["forwarding"].not_examined is None


def test_another_program_is_not_taken_for_the_service(database: Database, other_program: str) -> None:
    (found,) = told(database, other_program)
    assert "Something else than the service answers" in found.text


def test_a_certificate_of_an_authority_of_ones_own_leads_to_the_variable(
    database: Database, through_tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    (found,) = told(database, through_tls)
    assert "certificate that cannot be verified" in found.text
    assert "SSL_CERT_FILE" in found.remedy


@pytest.mark.parametrize("file", ["missing.pem", str(KEY)])
def test_a_variable_that_names_a_wrong_file_is_told(
    database: Database, through_tls: str, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", file)
    (found,) = told(database, through_tls)
    assert f"SSL_CERT_FILE names {file}" in found.remedy
    assert ("cannot be read" in found.remedy) is (file == "missing.pem")


def test_a_certificate_for_another_name_leads_to_its_name(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with with_tls(answering(200), "127.0.0.2") as port:
        (found,) = told(database, f"https://127.0.0.2:{port}")
    assert "IP address mismatch" in found.text
    assert ".." not in found.text
    assert "name for which the certificate is valid" in found.remedy


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_does_not_reach_the_service_is_told_from_another_program(
    database: Database, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with with_tls(answering(status)) as port:
        url = f"https://localhost:{port}"
        found = {one.check.name: one for one in examine(database, clock.now(), url, lambda *_: None)}
    (finding,) = found["address"].findings
    assert f"a proxy answers with status {status}: it does not reach the service" in finding.text
    assert finding.remedy.startswith("Start the service")
    assert found["forwarding"].not_examined is not None


def test_a_port_without_tls_leads_to_the_other_scheme(database: Database, other_program: str) -> None:
    (found,) = told(database, other_program.replace("http://", "https://"))
    assert "http://" in found.remedy


def test_the_port_of_the_service_itself_is_told_apart_from_one_with_tls(
    database: Database, service: Caller
) -> None:
    (found,) = told(database, service.base_url.replace("http://", "https://"))
    assert "speaks http there, not https" in found.text
    assert "http://" in found.remedy


def test_a_port_for_tls_leads_to_the_other_scheme(database: Database) -> None:
    def answer() -> None:
        accepted, _ = listener.accept()
        with accepted:
            accepted.recv(65536)
            accepted.sendall(b"\x15\x03\x01\x00\x02\x02\x46")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        (found,) = told(database, f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    assert "speaks https there, not http" in found.text
    assert "https://" in found.remedy


@pytest.mark.parametrize("url", ["ftp://example.org", "http://127.0.0.1:99999", "nonsense"])
def test_what_is_no_url_is_told(database: Database, url: str) -> None:
    assert [one.level for one in told(database, url)] == [Level.FAULT]


def test_a_service_that_does_not_know_of_tls_is_found(service: Caller) -> None:
    """The test's own request is as one through a proxy that is not believed: without TLS."""
    refused = service.get("/oauth2/auth")
    (found,) = judge_forwarding(BASE_URL, Answer(refused.status, refused.content))
    assert "does not know that it is asked over TLS" in found.text
    believed = service.get("/oauth2/auth", **{"X-Forwarded-Protocol": "https"})
    assert not list(judge_forwarding(BASE_URL, Answer(believed.status, believed.content)))
