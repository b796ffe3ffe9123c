"""`astakos mcp` as assistants start it or reach it, with the client of the official SDK."""

import asyncio
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from click.testing import CliRunner
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from astakos.cli import main
from astakos.testing.members import Component, User
from astakos.testing.running import RunningService, running_service
from service.command import EXECUTABLE, TIMEOUT_SECONDS, Ended

VM = "compute.vm"
READY = re.compile(r"astakos mcp is ready at (\S+) \(for \S+\)\n")
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPTS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningService]:
    with running_service() as service:
        yield service


@pytest.fixture(scope="module")
def compute(running: RunningService) -> Component:
    return running.add_service("compute", resources={VM: 4})


@pytest.fixture(scope="module")
def ada(running: RunningService, compute: Component) -> User:
    return running.add_user("ada@example.org")


def environment(url: str, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASTAKOS_")}
    return kept | {"ASTAKOS_URL": url} | more


def run(*arguments: str, **variables: str) -> Ended:
    """Runs the command in this process; nothing but an exit may come out of it."""
    env = {"ASTAKOS_URL": "http://127.0.0.1:1"} | variables
    result = CliRunner().invoke(main, ["mcp", *arguments], env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(scope="module")
def address(running: RunningService, compute: Component) -> Iterator[str]:
    """The URL of a server over HTTP, in whose environment is a token that counts for nobody."""
    process = subprocess.Popen(
        [EXECUTABLE, "mcp", "--http", "127.0.0.1:0", "--write", "--allow-host", "assistants.example.org"],
        env=environment(running.url, ASTAKOS_TOKEN=compute.token),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            found = READY.fullmatch(process.stdout.readline())
            assert found is not None
            yield found[1]
            process.send_signal(signal.SIGTERM)
            assert (*process.communicate(timeout=TIMEOUT_SECONDS), process.returncode) == ("", "", 0)
        finally:
            if process.poll() is None:
                process.kill()


def test_an_assistant_starts_it_and_nothing_but_the_protocol_is_on_its_output(
    running: RunningService, ada: User, compute: Component, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(compute.token)
    serial = running.client().issue_one_commission(compute.token, ada.uuid, "system", {VM: 1})
    started = StdioServerParameters(
        command=str(EXECUTABLE),
        args=["mcp", "--write", "--token-file", str(file)],
        env={"ASTAKOS_URL": running.url},
    )

    async def resolve() -> Any:
        with tmp_path.joinpath("errors").open("w") as errors:
            async with Client(stdio_client(started, errlog=errors)) as client:
                pending = await client.call_tool("pending_commissions", {"older_than": 0})
                await client.call_tool("reject_commission", {"serial": serial})
                return pending.structured_content

    pending = asyncio.run(resolve())
    assert [one["serial"] for one in pending["commissions"]] == [serial]
    assert running.client().get_pending_commissions(compute.token) == []
    assert tmp_path.joinpath("errors").read_text() == ""


def test_it_ends_with_its_input(running: RunningService, ada: User) -> None:
    done = subprocess.run(
        [EXECUTABLE, "mcp"],
        env=environment(running.url, ASTAKOS_TOKEN=ada.token),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "words"),
    [
        ([], {}, 2, "A token is required"),
        ([], {"ASTAKOS_TOKEN": "s3cret"}, 3, "no usable Astakos service"),
        (["--token-file", "-"], {}, 2, "standard input"),
        (["--allow-host", "a"], {"ASTAKOS_TOKEN": "s3cret"}, 2, "--http"),
        (["--http", "8766"], {}, 2, "HOST:PORT"),
        (["--http", "127.0.0.1:8766", "--token", "s3cret"], {}, 2, "its own key"),
        (["--http", "192.0.2.1:0"], {}, 1, "cannot listen on 192.0.2.1:0"),
    ],
)
def test_how_it_cannot_be_started(
    arguments: list[str], variables: Mapping[str, str], status: int, words: str
) -> None:
    ended = run(*arguments, **variables)
    assert (ended.status, ended.output) == (status, "")
    assert words in ended.errors
    assert "s3cret" not in ended.errors
    assert "Traceback" not in ended.errors


def test_a_token_that_is_refused_ends_it(running: RunningService) -> None:
    ended = run(ASTAKOS_URL=running.url, ASTAKOS_TOKEN="unknown")
    assert (ended.status, ended.output) == (4, "")
    assert "the token was refused" in ended.errors


def test_without_the_extra_it_says_which() -> None:
    hiding = "import sys; sys.modules['mcp'] = None; from astakos.command import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hiding, "mcp", "--url", "http://127.0.0.1:1", "--token", "t"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert 'pip install "astakos[mcp]"' in done.stderr


def asked(address: str, token: str, tool: str, **arguments: Any) -> Any:
    async def ask() -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=TIMEOUT_SECONDS) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            return (await client.call_tool(tool, arguments)).structured_content

    return asyncio.run(ask())


def test_over_http_each_caller_acts_with_their_own_key(
    running: RunningService, ada: User, compute: Component, address: str
) -> None:
    grace = running.add_user()
    key = running.client().create_key(ada.token, "assistant")["key"]
    for token, user in ((key, ada), (grace.token, grace)):
        rows = asked(address, token, "get_quotas")["quotas"]
        assert {row["project"] for row in rows} == {user.uuid}
    fit = asked(address, compute.token, "would_it_fit", holder=ada.uuid, quantities={VM: 5})
    assert (fit["answer"], fit["available"]) == ("no", 4)


def posted(
    address: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    method: str = "POST",
    path: str = "/mcp",
) -> tuple[int, str]:
    place = urlsplit(address)
    assert place.hostname is not None
    with contextlib.closing(
        http.client.HTTPConnection(place.hostname, place.port, timeout=TIMEOUT_SECONDS)
    ) as connection:
        sent = json.dumps(INITIALIZE).encode() if body is None else body
        connection.request(method, path, sent, {**ACCEPTS, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "assistants.example.org"}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": "evil.example.org"}, 421),
        ({"Origin": "https://evil.example.org"}, 403),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Basic YTpi"}, 401),
        ({"Authorization": "Bearer unknown"}, 401),
    ],
)
def test_who_is_let_in_over_http(ada: User, address: str, headers: Mapping[str, str], status: int) -> None:
    found, words = posted(address, {"Authorization": f"Bearer {ada.token}", **headers})
    assert found == status
    assert ada.token not in words


def test_requests_over_http_have_bounds(ada: User, address: str) -> None:
    bearer = {"Authorization": f"Bearer {ada.token}"}
    assert posted(address, bearer, b" " * (256 * 1024 + 1))[0] == 413
    assert posted(address, bearer, method="GET")[0] == 405
    assert posted(address, bearer, method="DELETE")[0] == 405
    assert posted(address, bearer, path="/")[0] == 404
    assert posted(address, bearer, b"{")[0] == 400


def test_a_server_whose_address_is_taken_says_so(address: str) -> None:
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port)):
        ended = run("--http", f"{place.hostname}:{place.port}")
    assert (ended.status, ended.output) == (1, "")
    assert "Address already in use" in ended.errors
