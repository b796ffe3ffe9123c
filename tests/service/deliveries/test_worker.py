"""The process that delivers, beside a real service."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.processes.listening import LOOPBACK, listen
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller, Reply
from service.command import astakos, serving, serving_from_the_start
from service.deliveries.mail_server import mail_server
from service.deliveries.webhook_receiver import webhook_receiver
from service.world import BOB, LOADED

PATIENCE_SECONDS = 30
SENDER = ("--mail-sender", "astakos@example.org")


def give_feedback(service: Caller) -> Reply:
    return service(
        "POST",
        f"{ACCOUNT}/feedback",
        BOB.token,
        body=b"feedback_msg=Gr%C3%B6%C3%9Fe&feedback_data=agent",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


def wait_for(happened: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, "it has not happened in time"
        time.sleep(0.05)


@pytest.mark.every_engine
def test_feedback_reaches_the_help_desk_and_can_be_answered(database: Database) -> None:
    with mail_server() as server:
        url = f"smtp://{LOOPBACK}:{server.port}"
        with serving(database, "--mail-server", url, *SENDER) as service:
            # What came before the process has looked for the first time is not for it.
            wait_for(lambda: "mail" in destinations(database))
            reply = give_feedback(service.caller)
            assert (reply.status, reply.content) == (200, b"")
            wait_for(lambda: server.messages)
            assert service.end().errors == ""
    message = server.message()
    assert (message["From"], message["To"]) == ("astakos@example.org", "help@example.org")
    assert (message["Reply-To"], message["Subject"]) == (BOB.email, f"Feedback from {BOB.email}")
    for part in ("Größe", "agent", BOB.uuid):
        assert part in message.get_content()


def destinations(database: Database) -> list[str]:
    return [str(name) for (name,) in database.reader().execute("SELECT name FROM destinations")]


def test_a_mail_server_that_hangs_holds_up_neither_requests_nor_webhooks(
    database: Database, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("a key for the webhooks of a test\n")
    load(database, StateDocument(settings=Settings(webhook_networks=["127.0.0.1"])), LOADED)
    with webhook_receiver() as receiver, listen(LOOPBACK, 0) as silent:
        added = astakos(database, "webhook", "add", receiver.url, "--webhook-key", str(key))
        assert added.status == 0
        url = f"smtp://{LOOPBACK}:{silent.getsockname()[1]}"
        arguments = ("--mail-server", url, *SENDER, "--webhook-key", str(key))
        with serving(database, *arguments) as service:
            wait_for(lambda: "mail" in destinations(database))
            assert give_feedback(service.caller).status == 200
            connection, _ = silent.accept()
            wait_for(lambda: receiver.received)
            assert give_feedback(service.caller).status == 200
            assert service.caller.get("/readyz").status == 200
            connection.close()
    listed = astakos(database, "webhook", "list", "--json").document
    assert listed[0]["url"] == receiver.url


def delivering(main: int) -> list[int]:
    """The processes of a service that deliver."""
    children = [
        int(child)
        for task in Path(f"/proc/{main}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [one for one in children if b"deliveries.worker" in Path(f"/proc/{one}/cmdline").read_bytes()]


def test_without_a_mail_server_the_log_tells_what_happened_whoever_is_killed(database: Database) -> None:
    def logged() -> int:
        return len(astakos(database, "delivery", "list", "--state", "delivered", "--json").document)

    with serving_from_the_start(database) as service:
        wait_for(lambda: "log" in destinations(database))
        assert give_feedback(service.caller).status == 200
        wait_for(lambda: logged() == 1)
        (process,) = delivering(service.process.pid)
        os.kill(process, signal.SIGTERM)
        os.kill(process, signal.SIGKILL)
        assert give_feedback(service.caller).status == 200
        wait_for(lambda: logged() == 2)
        (another,) = delivering(service.process.pid)
        errors = service.end().errors
        assert not Path(f"/proc/{another}").exists(), "whoever runs the service may kill what is left"
    assert errors.count(f"feedback.sent, project -, user {BOB.uuid}, by {BOB.uuid}") == 2
    assert "deliveries process exited" in errors
    assert "Größe" not in errors


def test_a_service_that_ends_waits_for_the_attempt_that_has_begun(database: Database, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a key for the webhooks of a test\n")
    load(database, StateDocument(settings=Settings(webhook_networks=["127.0.0.1"])), LOADED)
    with listen(LOOPBACK, 0) as receiver:
        url = f"http://{LOOPBACK}:{receiver.getsockname()[1]}/"
        added = astakos(database, "webhook", "add", url, "--webhook-key", str(key))
        assert added.status == 0
        with serving(database, "--webhook-key", str(key)) as service:
            assert give_feedback(service.caller).status == 200
            attempt, _ = receiver.accept()
            service.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not service.workers())
            assert service.process.poll() is None
            attempt.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            assert service.process.wait(PATIENCE_SECONDS) == 0
            attempt.close()
    listed = astakos(database, "delivery", "list", "--state", "delivered", "--json").document
    assert len([one for one in listed if one["destination"].startswith("wh_")]) == 1
