import socket
import ssl
import threading

import pytest

from astakos.deliveries import webhooks
from astakos.deliveries.outcomes import DeliveryError
from astakos.deliveries.webhooks import send
from astakos.directory.destination_addresses import AllowedAddresses
from astakos.processes.listening import LOOPBACK, listen
from client.peers import CERTIFICATE, KEY
from service.deliveries.webhook_receiver import webhook_receiver

OWN = AllowedAddresses(["127.0.0.0/8"])
PUBLIC = AllowedAddresses()


def test_a_message_is_posted_as_it_is() -> None:
    with webhook_receiver() as receiver:
        send(receiver.url, {"webhook-id": "evt_1"}, b"{}", OWN)
    (received,) = receiver.received
    assert (received.path, received.body) == ("/hook?a=b", b"{}")
    assert (received.headers["webhook-id"], received.headers["host"]) == ("evt_1", receiver.host)


@pytest.mark.parametrize(("status", "is_gone"), [(500, False), (404, False), (410, True)])
def test_any_other_answer_is_a_failure(status: int, is_gone: bool) -> None:
    with webhook_receiver() as receiver:
        receiver.status = status
        with pytest.raises(DeliveryError, match=f"answered {status}") as caught:
            send(receiver.url, {}, b"{}", OWN)
    assert (caught.value.is_final, caught.value.is_gone) == (False, is_gone)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with webhook_receiver() as receiver:
        receiver.status = status
        with pytest.raises(DeliveryError, match=f"answered {status}; redirects are not followed"):
            send(receiver.url, {}, b"{}", OWN)
        assert [received.path for received in receiver.received] == ["/hook?a=b"]


@pytest.mark.parametrize(
    "name", [LOOPBACK, "localhost", "127.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433"]
)
def test_a_private_address_is_not_connected_to(name: str) -> None:
    with listen(LOOPBACK, 0) as listener:
        listener.settimeout(0.2)
        with pytest.raises(DeliveryError, match="is not a public address"):
            send(f"https://{name}:{listener.getsockname()[1]}/", {}, b"", PUBLIC)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers)
    with pytest.raises(DeliveryError, match=r"10\.0\.0\.1 is not a public address"):
        send("https://example.org/", {}, b"", PUBLIC)


def test_the_name_is_resolved_once_and_the_checked_address_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, *args: object, **more: object) -> object:
        asked.append(host)
        return real(LOOPBACK if len(asked) == 1 else host, *args, **more)  # type: ignore[arg-type]

    with webhook_receiver() as receiver:
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        send(receiver.url.replace(LOOPBACK, "rebinding.example.org"), {}, b"{}", OWN)
    # What follows are addresses, which no name server is asked about.
    assert asked == ["rebinding.example.org", LOOPBACK]
    assert receiver.received[0].headers["host"].startswith("rebinding.example.org")


def test_plain_http_is_for_named_networks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(2, 1, 6, "", ("93.184.216.34", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers)
    with pytest.raises(DeliveryError, match="use https"):
        send("http://example.org/", {}, b"", PUBLIC)


def test_a_receiver_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "EXCHANGE_SECONDS", 0.1)
    with listen(LOOPBACK, 0) as silent, pytest.raises(DeliveryError, match=r"no answer within 0\.1 seconds"):
        send(f"http://{LOOPBACK}:{silent.getsockname()[1]}/", {}, b"{}", OWN)


def test_a_receiver_that_is_down_or_unknown_is_named() -> None:
    with listen(LOOPBACK, 0) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DeliveryError, match=f"127.0.0.1:{port} refused the connection"):
        send(f"http://{LOOPBACK}:{port}/", {}, b"{}", OWN)
    with pytest.raises(DeliveryError, match="cannot be resolved"):
        send("https://nobody.invalid/", {}, b"{}", OWN)


@pytest.mark.parametrize("name", ["localhost", "other.example.org"])
def test_with_tls_the_name_is_verified(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, port, *_args, **_more: [(2, 1, 6, "", (LOOPBACK, port))]
    )
    told: list[bytes] = []

    def answer(listener: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, KEY)
        connection, _ = listener.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as encrypted:
                received = encrypted.recv(1000)
                while not received.endswith(b"{}") and (more := encrypted.recv(1000)):
                    received += more
                told.append(received)
                encrypted.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        except OSError:
            return

    with listen(LOOPBACK, 0) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        url = f"https://{name}:{listener.getsockname()[1]}/"
        try:
            if name == "localhost":
                send(url, {}, b"{}", OWN)
            else:
                with pytest.raises(DeliveryError, match="cannot be verified: Hostname mismatch"):
                    send(url, {}, b"{}", OWN)
        finally:
            thread.join()
    assert bool(told) is (name == "localhost")
