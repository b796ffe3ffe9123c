"""What the tools answer users and services, asked with the client of the official SDK, of a real service."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from astakos.assistant import callers
from astakos.assistant.callers import Callers, kind_of
from astakos.assistant.server import server_for
from astakos.testing.members import Component, User
from astakos.testing.running import RunningService, running_service
from astakosclient import errors
from astakosclient.async_client import AsyncAstakosClient
from client.peers import Peer, answer

VM, TOKENS = "compute.vm", "compute.tokens"
READING = ["get_history", "get_quotas", "near_limits", "recent_refusals", "would_it_fit"]


class Assistant:
    """Whoever calls tools with a token."""

    def __init__(self, service: RunningService, token: str, *, write: bool = False) -> None:
        self._service, self._token, self._write = service, token, write

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        async def run(client: Client) -> CallToolResult:
            return await client.call_tool(tool, arguments)

        result: CallToolResult = self._run(run)
        assert self._token not in result.model_dump_json()
        return result

    def ask(self, tool: str, **arguments: Any) -> Any:
        """Returns the structured answer, which is also the text for clients that know no other."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.content
        (content,) = result.content
        assert isinstance(content, TextContent)
        assert json.loads(content.text) == result.structured_content
        return result.structured_content

    def refusal(self, tool: str, **arguments: Any) -> str:
        """Returns the words of an error, which is no traceback."""
        result = self.call(tool, **arguments)
        (content,) = result.content
        assert result.is_error
        assert isinstance(content, TextContent)
        assert "Traceback" not in content.text
        return content.text

    def tools(self) -> dict[str, Any]:
        async def run(client: Client) -> dict[str, Any]:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

        found: dict[str, Any] = self._run(run)
        return found

    def _run(self, call: Any) -> Any:
        async def run() -> Any:
            async with self._service.async_client(retry=0, timeout=10) as astakos:
                kind = await kind_of(astakos, self._token)
                server = server_for(kind, Callers(astakos, self._token), write=self._write)
                async with Client(server) as client:
                    return await call(client)

        return asyncio.run(run())


@pytest.fixture(scope="module")
def running() -> Iterator[RunningService]:
    with running_service() as service:
        yield service


@pytest.fixture(scope="module")
def compute(running: RunningService) -> Component:
    compute = running.add_service("compute", resources={VM: 4, TOKENS: 1000})
    running.add_resource(TOKENS, limit=1000, unit="USD", scale=2)
    return compute


@pytest.fixture
def ada(running: RunningService, compute: Component) -> User:
    return running.add_user()


@pytest.fixture
def assistant(running: RunningService, ada: User) -> Assistant:
    return Assistant(running, ada.token)


@pytest.fixture
def operator(running: RunningService, compute: Component) -> Assistant:
    return Assistant(running, compute.token)


@pytest.fixture
def writer(running: RunningService, compute: Component) -> Assistant:
    return Assistant(running, compute.token, write=True)


def charge(
    running: RunningService, compute: Component, user: User, quantity: int, *, accept: bool = True
) -> int:
    return running.client().issue_one_commission(
        compute.token, user.uuid, "system", {VM: quantity}, auto_accept=accept
    )


def test_users_have_tools_that_read(running: RunningService, ada: User) -> None:
    for write in (False, True):
        tools = Assistant(running, ada.token, write=write).tools()
        assert sorted(tools) == READING
        assert all(tool.annotations.read_only_hint for tool in tools.values())
        assert all(tool.description and tool.output_schema for tool in tools.values())


def test_a_key_is_its_user_s(running: RunningService, ada: User, compute: Component) -> None:
    key = running.client().create_key(ada.token, "assistant", calls=["quotas"])["key"]
    assistant = Assistant(running, key)
    assert sorted(assistant.tools()) == READING
    assert {row["resource"] for row in assistant.ask("get_quotas")["quotas"]} == {VM, TOKENS}
    assert assistant.ask("would_it_fit", resource=VM, quantity=1)["answer"] == "yes"
    assert "not allowed" in assistant.refusal("get_history")


def test_services_resolve_commissions_only_if_that_is_allowed(operator: Assistant, writer: Assistant) -> None:
    assert sorted(operator.tools()) == sorted([*READING, "pending_commissions"])
    tools = writer.tools()
    changing = {name for name, tool in tools.items() if not tool.annotations.read_only_hint}
    assert changing == {"accept_commission", "reject_commission"}
    assert all(tools[name].annotations.destructive_hint for name in changing)
    assert "Unknown tool" in operator.refusal("accept_commission", serial=1)


def test_an_unknown_token_has_no_tools(running: RunningService) -> None:
    with pytest.raises(errors.Unauthorized):
        Assistant(running, "nobody-s").tools()


def test_quotas_have_what_is_available_and_units(
    running: RunningService, compute: Component, ada: User, assistant: Assistant, operator: Assistant
) -> None:
    charge(running, compute, ada, 1)
    charge(running, compute, ada, 1, accept=False)
    (row,) = assistant.ask("get_quotas", resource=VM)["quotas"]
    assert (row["usage"], row["pending"], row["limit"], row["available"]) == (2, 1, 4, 2)
    (money,) = assistant.ask("get_quotas", resource=TOKENS, project=ada.uuid)["quotas"]
    assert (money["unit"], money["scale"]) == ("USD", 2)
    assert assistant.ask("get_quotas", project="none") == {"quotas": [], "left_out": 0}
    (seen,) = operator.ask("get_quotas", users=[ada.uuid], resource=VM)["quotas"]
    assert seen == {**row, "user": ada.uuid}


def test_near_limits_are_those_that_are_nearly_used_up(
    running: RunningService, compute: Component, ada: User, assistant: Assistant, operator: Assistant
) -> None:
    charge(running, compute, ada, 3)
    assert assistant.ask("near_limits")["limits"] == []
    (near,) = assistant.ask("near_limits", percent=75)["limits"]
    assert (near["resource"], near["percent"], near["level"]) == (VM, 75.0, "user")
    found = operator.ask("near_limits", percent=75)["limits"]
    assert {**near, "user": ada.uuid} in found
    refused = assistant.refusal("near_limits", percent=0)
    assert refused == "percent: Input should be greater than 0"
    assert assistant.refusal("near_limits", percent="50") == "percent: Input should be a valid number"
    addressed = operator.refusal("near_limits", users=["ada@example.org"])
    assert "users.0: " in addressed
    assert "write the UUID of the user" in addressed
    unknown = assistant.refusal("near_limits", percentage=5)
    assert unknown.startswith("near_limits has no argument 'percentage'; it has percent"), unknown


def test_the_history_is_read_page_by_page(
    running: RunningService, compute: Component, ada: User, assistant: Assistant, operator: Assistant
) -> None:
    serials = [charge(running, compute, ada, 1) for _ in range(2)]
    first = assistant.ask("get_history", limit=1, resource=VM)
    cursor = first["next_cursor"]
    second = assistant.ask("get_history", limit=1, resource=VM, cursor=cursor)
    assert [page["charges"][0]["serial"] for page in (first, second)] == serials[::-1]
    found = operator.ask("get_history", holder=f"user:{ada.uuid}")["charges"]
    assert [entry["serial"] for entry in found] == serials[::-1]
    assert "since" in assistant.refusal("get_history", since="yesterday")


def test_refusals_say_whose_limit_it_was(
    running: RunningService, compute: Component, ada: User, assistant: Assistant, operator: Assistant
) -> None:
    with pytest.raises(errors.QuotaLimit):
        charge(running, compute, ada, 5)
    for found in (assistant.ask("recent_refusals"), operator.ask("recent_refusals", users=[ada.uuid])):
        (refusal,) = found["refusals"]
        assert (refusal["requested"], refusal["available"], refusal["level"]) == (5, 4, "user")


@pytest.mark.parametrize(("quantity", "answer"), [(3, "yes"), (4, "no")])
def test_whether_it_fits_is_as_the_ledger_decides_and_changes_nothing(
    running: RunningService,
    compute: Component,
    ada: User,
    assistant: Assistant,
    operator: Assistant,
    quantity: int,
    answer: str,
) -> None:
    charge(running, compute, ada, 1, accept=False)
    before = running.client().get_quotas(ada.token), running.client().get_pending_commissions(compute.token)
    told = [
        assistant.ask("would_it_fit", resource=VM, quantity=quantity),
        operator.ask("would_it_fit", holder=ada.uuid, quantities={VM: quantity}),
    ]
    assert [fit["answer"] for fit in told] == [answer, answer]
    if answer == "no":
        assert all((fit["resource"], fit["available"], fit["level"]) == (VM, 3, "user") for fit in told)
    after = running.client().get_quotas(ada.token), running.client().get_pending_commissions(compute.token)
    assert after == before


def test_what_cannot_be_charged_is_told_with_what_can(assistant: Assistant, ada: User) -> None:
    assert VM in assistant.refusal("would_it_fit", resource="compute.nothing", quantity=1)
    assert ada.uuid in assistant.refusal("would_it_fit", resource=VM, quantity=1, project="elsewhere")


def test_stuck_commissions_are_found_by_their_age_and_resolved(
    running: RunningService, compute: Component, ada: User, operator: Assistant, writer: Assistant
) -> None:
    accepted, rejected = (charge(running, compute, ada, 1, accept=False) for _ in range(2))
    assert operator.ask("pending_commissions")["commissions"] == []
    found = operator.ask("pending_commissions", older_than=0, after=accepted - 1)
    assert [one["serial"] for one in found["commissions"]] == [accepted, rejected]
    assert found["next_after"] is None
    assert found["commissions"][0]["provisions"][0]["quantity"] == 1
    assert writer.ask("accept_commission", serial=accepted) == {"serial": accepted, "outcome": "accepted"}
    assert writer.ask("reject_commission", serial=rejected) == {"serial": rejected, "outcome": "rejected"}
    quota = running.client().get_quotas(ada.token)[ada.uuid][VM]
    assert (quota["usage"], quota["pending"]) == (1, 0)
    assert "no pending commission" in writer.refusal("accept_commission", serial=accepted)


def test_a_service_that_fails_is_told_in_words(running: RunningService, assistant: Assistant) -> None:
    running.fail_next(status=503, path="*/quotas")
    assert "503 Service Unavailable" in assistant.refusal("get_quotas")
    running.cut_next(path="*/quotas", times=9)
    assert "Astakos cannot be asked now" in assistant.refusal("get_quotas")
    running.mend()
    running.garble_next(path="*/quotas")
    assert "JSON" in assistant.refusal("get_quotas")


def test_a_tool_ends_in_time(
    running: RunningService, assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "TOOL_SECONDS", 0.1)
    running.delay_next(path="*/quotas")
    assert "within 0.1 s" in assistant.refusal("get_quotas")
    running.mend()


@pytest.mark.parametrize("abilities", [None, "idempotency-key, ttl"])
def test_a_service_that_would_issue_what_is_only_asked_is_not_asked(abilities: str | None) -> None:
    told = "" if abilities is None else f"Astakos-Supports: {abilities}\r\n"

    async def ask(url: str) -> CallToolResult:
        async with AsyncAstakosClient(url) as astakos:
            kind = await kind_of(astakos, "t")
            async with Client(server_for(kind, Callers(astakos, "t"), write=False)) as client:
                arguments = {"holder": "u", "quantities": {VM: 1}}
                return await client.call_tool("would_it_fit", arguments)

    with Peer(answer([], headers=told)) as peer:
        result = asyncio.run(ask(peer.url))
        assert {request.method for request in peer.requests} == {"GET"}
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert "without issuing it" in content.text
