"""`astakos whoami`, `quotas`, `catalog`, `resources`, `names`, `uuids`, against a real service."""

from __future__ import annotations

import http.server
import json
import re
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from astakos.cli import main
from astakos.ledger.rules import UNLIMITED
from client.peers import CERTIFICATE, KEY, Peer, answer, closed_port, fault
from service.command import EXECUTABLE, TIMEOUT_SECONDS, Ended, astakos
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    EDGAR,
    LAB,
    SECRETS,
    SPACE,
    TOTAL_RAM,
    UNKNOWN_TOKEN,
    UNKNOWN_UUID,
    VM,
)

if TYPE_CHECKING:
    from pathlib import Path

    from astakos.storage.protocol import Database
    from service.caller import Caller

NEED_A_TOKEN = (
    ["whoami"],
    ["quota", "mine"],
    ["catalog"],
    ["names", ALICE.uuid],
    ["uuids", ALICE.email],
)
ALL = (*NEED_A_TOKEN, ["resource", "offered"])


def asked(url: str, token: str, *arguments: str, stdin: str | None = None) -> Ended:
    """Runs a command; nothing but an exit may come out of it."""
    variables = {"ASTAKOS_URL": url, "ASTAKOS_TOKEN": token}
    result = CliRunner().invoke(main, arguments, input=stdin, env=variables)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert not any(secret in result.output for secret in SECRETS)
    return Ended(result.exit_code, result.stdout, result.stderr)


def one_line(ended: Ended, status: int) -> str:
    """What a command says that ends so, and nothing else."""
    assert (ended.status, ended.output) == (status, "")
    (line,) = ended.errors.splitlines()
    return line.removeprefix("Error: ")


def test_whoami(standing_service: Caller) -> None:
    ended = asked(standing_service.base_url, ALICE.token, "whoami", "--json")
    assert (ended.status, ended.errors) == (0, "")
    assert ended.document == {
        "uuid": ALICE.uuid,
        "username": ALICE.email,
        "name": "Alice Archer",
        "roles": ["staff", "admin-api"],
        "token_expires": "2099-01-02T03:04:05+00:00",
    }
    table = asked(standing_service.base_url, ALICE.token, "whoami").output
    assert "roles          staff, admin-api\n" in table


def test_whoami_of_a_later_generation() -> None:
    access = {
        "token": {"id": ALICE.token, "expires": "2099-01-02T03:04:05.000678+00:00"},
        "user": {"id": ALICE.uuid, "name": "Alice", "roles": [{"name": "staff"}]},
    }
    with Peer(fault("badRequest", 400, "?", "400 Bad Request"), answer({"access": access})) as peer:
        found = asked(peer.url, ALICE.token, "whoami", "--json").document
    assert (found["uuid"], found["username"], found["roles"]) == (ALICE.uuid, None, ["staff"])


def test_quotas(standing_service: Caller) -> None:
    rows = asked(standing_service.base_url, BOB.token, "quota", "mine", "--json").document
    vm = {row["project"]: row for row in rows if row["resource"] == VM}
    assert vm[BOB.uuid]["limit"] == 7
    assert vm[LAB] == {
        "project": LAB,
        "resource": VM,
        "usage": 0,
        "pending": 0,
        "limit": 10,
        "project_usage": 0,
        "project_pending": 0,
        "project_limit": 12,
    }
    table = asked(standing_service.base_url, BOB.token, "quota", "mine", "--all").output
    assert len(table.splitlines()) == 1 + len(rows)
    assert "project limit" in table.splitlines()[0]


def test_no_limit_is_called_so_and_what_is_not_told_is_left_open() -> None:
    with Peer(answer({"system": {VM: {"limit": UNLIMITED, "usage": 1, "pending": 0}}})) as peer:
        (row,) = asked(peer.url, BOB.token, "quota", "mine", "--json").document
        assert (row["limit"], row["project_limit"]) == (UNLIMITED, None)
        line = asked(peer.url, BOB.token, "quota", "mine").output.splitlines()[1]
    assert line.split() == ["system", VM, "1", "0", "unlimited", "-", "-", "-"]


def test_grants_and_resets_are_shown_and_projects_without_anything_left_out() -> None:
    nothing = {"limit": 0, "usage": 0, "pending": 0, "project_limit": 5}
    monthly = {"limit": 9, "usage": 2, "pending": 0, "resets": "2031-03-01T00:00:00+00:00"}
    granted = {"limit": 0, "usage": 0, "pending": 0, "grants": [{"left": 3}, {"left": 4}]}
    quotas = {"ended": {VM: nothing}, "own": {"t/month": monthly, VM: granted, "z": nothing}}
    with Peer(answer(quotas), answer({}), answer(quotas)) as peer:
        lines = asked(peer.url, BOB.token, "quota", "mine").output.splitlines()
        full = asked(peer.url, BOB.token, "quota", "mine", "--json").document
    assert lines[0].split()[-2:] == ["resets", "granted"]
    assert lines[1].split()[-3:] == ["2031-03-01", "00:00:00Z", "-"]
    assert lines[2].split()[-2:] == ["-", "7"]
    assert [line.split()[0] for line in lines[1:4]] == ["own"] * 3
    assert lines[4] == "(not shown: projects with nothing but zeros: 1; use --all)"
    assert [row.get("granted") for row in full] == [None, None, 7, None]


def test_catalog(standing_service: Caller) -> None:
    rows = asked(standing_service.base_url, ALICE.token, "catalog", "--json").document
    found = {(row["service"], row["type"], row["version"], row["url"]) for row in rows}
    assert ("storage_api", "object-store", "v1", "https://storage.example.org/v1") in found
    table = asked(standing_service.base_url, ALICE.token, "catalog").output
    assert "https://compute.example.org/v2.0" in table


def test_resources_need_no_token(standing_service: Caller) -> None:
    ended = asked(standing_service.base_url, "", "resource", "offered", "--json")
    rows = {row["resource"]: row for row in ended.document}
    assert rows[SPACE] == {
        "resource": SPACE,
        "service": "storage_api",
        "unit": "bytes",
        "scale": None,
        "description": "Größe",
    }
    assert TOTAL_RAM not in rows
    assert "Größe" in asked(standing_service.base_url, "", "resource", "offered").output


@pytest.mark.parametrize(("token", "more"), [(BOB.token, []), (COMPUTE_TOKEN, ["--as-service"])])
def test_names_and_uuids(standing_service: Caller, token: str, more: list[str]) -> None:
    people = (CHLOE, ALICE)
    url = standing_service.base_url
    named = asked(url, token, "names", *(person.uuid for person in people), *more, "--json").document
    assert named == [{"uuid": person.uuid, "username": person.email} for person in people]
    found = asked(url, token, "uuids", *(person.email for person in people), *more, "--json").document
    assert found == [{"username": person.email, "uuid": person.uuid} for person in people]
    assert CHLOE.email in asked(url, token, "names", CHLOE.uuid, *more).output


def test_each_spelling_of_a_name_has_its_uuid(standing_service: Caller) -> None:
    spellings = [ALICE.email, ALICE.email.upper()]
    found = asked(standing_service.base_url, BOB.token, "uuids", *spellings, "--json").document
    assert found == [{"username": spelling, "uuid": ALICE.uuid} for spelling in spellings]


@pytest.mark.parametrize(
    ("command", "known", "unknown", "kind"),
    [("names", ALICE.uuid, UNKNOWN_UUID, "uuid"), ("uuids", ALICE.email, "nobody@example.org", "name")],
)
def test_who_is_unknown_is_named_after_those_who_are_known(
    standing_service: Caller, command: str, known: str, unknown: str, kind: str
) -> None:
    ended = asked(standing_service.base_url, BOB.token, command, unknown, known, "--json")
    assert ended.status == 1
    assert [known in row.values() for row in ended.document] == [True]
    assert ended.errors == f"Error: there is no user with the {kind} '{unknown}'\n"


@pytest.mark.parametrize("command", NEED_A_TOKEN)
@pytest.mark.parametrize("token", [UNKNOWN_TOKEN, EDGAR.token])
def test_a_token_that_is_refused(standing_service: Caller, command: list[str], token: str) -> None:
    line = one_line(asked(standing_service.base_url, token, *command), 4)
    assert line.startswith("the token was refused: ")
    assert "401 Unauthorized" in line
    assert token not in line


@pytest.mark.parametrize("command", ALL)
@pytest.mark.parametrize("step", [None, answer(body=b"<html>"), answer([]), answer({"access": 7})])
def test_where_no_service_is(command: list[str], step: bytes | None) -> None:
    with Peer(answer() if step is None else step) as peer:
        url = f"http://127.0.0.1:{closed_port()}" if step is None else peer.url
        line = one_line(asked(url, ALICE.token, *command), 3)
    assert line.startswith(f"no usable Astakos service at {url}: ")


class Quiet(http.server.BaseHTTPRequestHandler):
    """Answers in plain HTTP, also what is not HTTP."""

    def log_message(self, *_: object) -> None: ...


class QuietServer(http.server.ThreadingHTTPServer):
    """Does not print that a client has left: the command's errors are those of the whole process."""

    def handle_error(self, *_: object) -> None: ...


def test_another_scheme_is_proposed_where_that_is_the_cause() -> None:
    with QuietServer(("127.0.0.1", 0), Quiet) as plain:
        thread = threading.Thread(target=plain.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            line = one_line(asked(f"https://127.0.0.1:{plain.server_port}", ALICE.token, "whoami"), 3)
        finally:
            plain.shutdown()
            thread.join()
    assert "the URL is http://" in line
    with Peer(answer(status="400 Bad Request", body=b"<html>plain HTTP")) as encrypted:
        line = one_line(asked(encrypted.url, ALICE.token, "whoami"), 3)
    assert "the URL is https://" in line


def test_a_certificate_that_cannot_be_verified_leads_to_the_variable() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    with Peer(answer(), tls=context) as peer:
        line = one_line(asked(peer.url, ALICE.token, "whoami"), 3)
    assert "SSL_CERT_FILE" in line


@pytest.mark.parametrize("command", ALL)
def test_a_url_without_the_path_of_the_service(standing_service: Caller, command: list[str]) -> None:
    url = standing_service.base_url.removesuffix("/astakos")
    line = one_line(asked(url, ALICE.token, *command), 3)
    assert ": 404 Not Found: this is not an answer of Astakos: check the scheme, host and path of" in line
    if command == ["whoami"]:
        assert f"no usable Astakos service at {url}: GET /account/v1.0/authenticate: " in line


@pytest.mark.parametrize("command", NEED_A_TOKEN)
def test_without_a_token_it_is_said_how_to_give_one(standing_service: Caller, command: list[str]) -> None:
    ended = asked(standing_service.base_url, "", *command)
    assert (ended.status, ended.output) == (2, "")
    assert "set ASTAKOS_TOKEN, or give --token-file FILE" in ended.errors


@pytest.mark.parametrize(
    ("url", "words"),
    [("", "ASTAKOS_URL"), ("localhost", "http://"), ("http://ada:secret-of-ada@localhost", "password")],
)
def test_a_url_that_cannot_be_right(url: str, words: str) -> None:
    ended = asked(url, ALICE.token, "whoami")
    assert (ended.status, ended.output) == (2, "")
    assert words in ended.errors
    assert "--url" in ended.errors
    assert "secret-of-ada" not in ended.errors


def test_a_token_that_cannot_be_sent(standing_service: Caller) -> None:
    ended = asked(standing_service.base_url, "line\nbreak-that-is-secret", "whoami")
    assert (ended.status, ended.output) == (2, "")
    assert "break-that-is-secret" not in ended.errors


def test_the_ways_to_give_a_token(standing_service: Caller, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{CHLOE.token}\n")

    def found(token: str, *arguments: str, stdin: str | None = None) -> Any:
        ended = asked(standing_service.base_url, token, "whoami", "--json", *arguments, stdin=stdin)
        return ended.document["uuid"] if ended.status == 0 else (ended.status, ended.errors)

    assert found(ALICE.token) == ALICE.uuid
    assert found(ALICE.token, "--token", BOB.token) == BOB.uuid
    assert found(ALICE.token, "--token-file", str(file)) == CHLOE.uuid
    assert found("", "--token-file", "-", stdin=f"{BOB.token}\n") == BOB.uuid
    status, said = found("", "--token", BOB.token, "--token-file", str(file))
    assert (status, "not both" in said) == (2, True)
    file.write_text("\n")
    status, said = found(ALICE.token, "--token-file", str(file))
    assert (status, "there is no token in" in said) == (2, True)
    status, said = found(ALICE.token, "--token-file", str(tmp_path / "none"))
    assert (status, "none" in said) == (2, True)


def test_a_token_that_others_could_read_is_warned_of_in_one_line() -> None:
    command = [str(EXECUTABLE), "whoami", "--url", "http://astakos.invalid", "--token", ALICE.token]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    warning, error = done.stderr.splitlines()
    assert warning.startswith("Warning: tokens go to astakos.invalid over plain http")
    assert error.startswith("Error: no usable Astakos service at http://astakos.invalid: ")
    assert done.returncode == 3


def test_what_the_service_says_does_not_control_the_terminal() -> None:
    evil = "\x1b[31mred\x1b]0;title\x07 [bold]x[/bold]\n"
    with Peer(answer({evil: {"service": evil, "unit": "", "description": evil}})) as peer:
        ended = asked(peer.url, "", "resource", "offered")
    assert ended.status == 0
    assert "\x1b" not in ended.output
    assert "\x07" not in ended.output
    assert "?[31mred" in ended.output
    assert "[bold]x[/bold]" in ended.output


@pytest.mark.parametrize(("older", "newer"), [("quotas", "quota mine"), ("resources", "resource offered")])
def test_scripts_can_use_the_older_names_which_the_help_does_not_show(
    standing_service: Caller, older: str, newer: str
) -> None:
    first = asked(standing_service.base_url, ALICE.token, older, "--json")
    assert first == asked(standing_service.base_url, ALICE.token, *newer.split(), "--json")
    assert first.status == 0
    assert not re.search(rf"^  {older}\b", asked("", "", "--help").output, re.MULTILINE)


def test_the_real_command_needs_nothing_of_the_service(standing_service: Caller) -> None:
    """Only click and rich, which the extra `cli` brings."""
    program = """
import sys
server_only = ["alembic", "argon2", "httptools", "msgspec", "prometheus_client", "psycopg", "sqlalchemy",
               "uvicorn", "uvloop"]
sys.modules.update(dict.fromkeys(server_only))
from astakos.command import main
main()
"""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)

    options = ["--url", standing_service.base_url, "--token", ALICE.token]
    done = run("quota", "mine", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert VM in done.stdout
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The service is not installed here" in done.stdout
    for administration in (("user", "list"), ("quota", "show", "x"), ("resource", "list")):
        assert run(*administration).stderr.startswith("Error: the service is not installed here")
    done = run("user", "list", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: the service is not installed here; install it with: pip install")


def test_the_installed_command_answers_programs(standing_service: Caller) -> None:
    command = [str(EXECUTABLE), "whoami", "--json", "--url", standing_service.base_url, "--token-file", "-"]
    done = subprocess.run(
        command, input=ALICE.token, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["uuid"] == ALICE.uuid


def test_a_user_makes_lists_and_ends_keys(service: Caller) -> None:
    url = service.base_url
    options = (
        "--name",
        "nightly",
        "--call",
        "quotas",
        "--expires",
        "2098-01-01T00:00:00Z",
        "--limit",
        f"{VM}=3",
    )
    made = asked(url, ALICE.token, "key", "make", *options, "--json").document
    assert (made["calls"], made["expires"]) == (["quotas"], "2098-01-01T00:00:00+00:00")
    assert made["limits"] == {VM: 3}
    until = asked(
        url, ALICE.token, "key", "make", "--name", "day", "--expires", "2098-01-02", "--json"
    ).document
    assert until["expires"] == "2098-01-02T00:00:00+00:00"
    asked(url, ALICE.token, "key", "end", until["prefix"])
    assert asked(url, ALICE.token, "key", "make", "--name", "x", "--expires", "soon").status == 2
    assert "must not be empty" in asked(url, ALICE.token, "key", "make", "--name", "").errors
    assert asked(url, ALICE.token, "key", "make", "--name", "x", "--limit", "nope").status == 2
    text = asked(url, ALICE.token, "key", "make", "--name", "other", "--key-only").output.strip()
    assert json.loads(asked(url, text, "whoami", "--json").output)["key"] == text[:13]
    listed = asked(url, ALICE.token, "key", "mine", "--json").document
    assert [key["name"] for key in listed] == ["nightly", "other"]
    assert re.search(r"calls +all", asked(url, ALICE.token, "key", "make", "--name", "third").output)
    ended = asked(url, ALICE.token, "key", "end", text[:13])
    assert ended.output == f"Revoked {text[:13]}.\n"
    assert "the token was refused" in one_line(asked(url, text, "whoami"), 4)


def test_limits_of_a_key_are_in_the_unit_of_the_resource(database: Database, service: Caller) -> None:
    options = ("--service", "compute_api", "--unit", "USD", "--scale", "6", "--default", "unlimited")
    astakos(database, "resource", "set", "llm.cost", *options, "--meter", "month=5")
    url = service.base_url

    def make(*limits: str) -> Ended:
        options = [word for limit in limits for word in ("--limit", limit)]
        return asked(url, ALICE.token, "key", "make", "--name", "x", *options)

    made = make("llm.cost=0.5", "llm.cost/month=5", f"{VM}=unlimited")
    assert re.search(r"limits +llm.cost=0.5, llm.cost/month=5$", made.output, re.MULTILINE), made.output
    (listed,) = asked(url, ALICE.token, "key", "mine", "--json").document
    assert listed["limits"] == {"llm.cost": 500_000, "llm.cost/month": 5_000_000}
    assert "whole numbers" in make(f"{VM}=0.5").errors
    assert "there is no resource 'nope'" in one_line(make("nope=0.5"), 1)
    assert "give each resource once" in make(f"{VM}=1", f"{VM}=2").errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("end", "nope"), "there is no such key"),
        (("make", "--name", "x" * 300), "name: Expected `str` of length <= "),
        (("make", "--name", "x", "--call", "nope"), "the areas are"),
    ],
)
def test_what_the_service_refuses_is_told_in_its_words(
    standing_service: Caller, arguments: tuple[str, ...], words: str
) -> None:
    line = one_line(asked(standing_service.base_url, ALICE.token, "key", *arguments), 1)
    assert words in line
    assert "http" not in line
    assert "$" not in line
    assert line[0].islower()


def test_a_service_that_fails_is_not_one_that_refuses() -> None:
    with Peer(fault("serviceUnavailable", 503, "Later.", "503 Service Unavailable")) as peer:
        line = one_line(asked(peer.url, ALICE.token, "key", "end", "nope"), 3)
    assert "no usable Astakos service" in line
