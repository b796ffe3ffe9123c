"""LiteLLM's proxy with the plugin as the `openai` package meets it: `make test-litellm`.

One proxy runs for all tests, with the configuration of docs/guide/gateways.md and a few models more. It takes
half a minute to start.
"""

import asyncio
import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import openai
import pytest
import yaml
from examples.ai_gateway.litellm_proxy import PROGRAM, deployment, litellm_process
from examples.ai_gateway.upstream import Bill, provider
from examples.ai_gateway.world import ROOT, UPSTREAM_KEY, free_port, serving, set_up
from openai.types.chat import ChatCompletionUserMessageParam

from astakosclient.language_models.charge import STEP
from astakosclient.testing import Component, RunningService, User, running_service

GUIDE = ROOT / "docs" / "guide" / "gateways.md"
NOTHING = {"llm.tokens": 0, "llm.usd": 0}
MODEL = "gpt-example"
PRICES = {
    "input_cost_per_token": 0.00001,
    "output_cost_per_token": 0.00004,
    "max_input_tokens": 1000,
    "max_output_tokens": 1000,
}
Made = TypeVar("Made")


class Loop:
    """An event loop on a thread of its own, for the servers."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Made]) -> Made:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(300)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@dataclass(frozen=True)
class Site:
    """The proxy, what is around it, and a user with a client of theirs."""

    url: str
    service: RunningService
    component: Component
    bill: Bill
    log: Path
    user: User
    openai: openai.OpenAI

    def of(self, user: User, key: str | None = None) -> "Site":
        client = openai.OpenAI(
            base_url=f"{self.url}/v1", api_key=key or user.token, max_retries=0, timeout=60
        )
        return replace(self, user=user, openai=client)

    def quota(self, resource: str) -> tuple[int, int]:
        with self.service.client() as client:
            quota = client.get_quotas(self.user.token)[self.user.uuid][resource]
        return quota["usage"], quota["pending"]

    def settled(self) -> dict[str, int]:
        """What has been charged, once nothing is reserved any more."""
        until = time.monotonic() + 20
        while any(self.quota(resource)[1] for resource in NOTHING):
            assert time.monotonic() < until, "something is still reserved"
            time.sleep(0.02)
        return {resource: self.quota(resource)[0] for resource in NOTHING}

    def ask(self, text: str, model: str = MODEL, **options: Any) -> str:
        answer = self.openai.chat.completions.create(model=model, messages=saying(text), **options)
        return str(answer.choices[0].message.content)

    def stream(self, text: str, model: str = MODEL, **options: Any) -> str:
        pieces = self.openai.chat.completions.create(
            model=model, messages=saying(text), stream=True, **options
        )
        return "".join([choice.delta.content or "" for piece in pieces for choice in piece.choices])


def saying(text: str) -> list[ChatCompletionUserMessageParam]:
    return [ChatCompletionUserMessageParam(role="user", content=text)]


def configuration(upstream: str, **variables: str) -> dict[str, Any]:
    """That of the guide, with models that only tests want, and variables of the environment."""
    _, begins, page = GUIDE.read_text("utf-8").partition("model_list:")
    text = begins + page.partition("```")[0]
    found: dict[str, Any] = yaml.safe_load(text.replace("http://127.0.0.1:8081", upstream))
    cheap = {"input_cost_per_token": 0.000001, "output_cost_per_token": 0.000001}
    dearest = {"input_cost_per_token": 0.001, "output_cost_per_token": 0.001}
    found["model_list"] += [
        deployment("cheap", "http://127.0.0.1:1", UPSTREAM_KEY, **{**PRICES, **cheap}),
        deployment("dearest", "http://127.0.0.1:1", UPSTREAM_KEY, **{**PRICES, **dearest}),
        deployment("dear", upstream, UPSTREAM_KEY, **PRICES),
        deployment("without-price", upstream, UPSTREAM_KEY, max_input_tokens=100, max_output_tokens=100),
    ]
    found["environment_variables"] = variables
    found["router_settings"] = {"num_retries": 0, "fallbacks": [{"cheap": ["dear"]}, {"dearest": ["dear"]}]}
    return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, port, bill, loop = tmp_path_factory.mktemp("litellm"), free_port(), Bill(), Loop()
    log = folder / "log"
    with running_service() as service, contextlib.ExitStack() as leaving, log.open("wb") as output:
        leaving.callback(loop.close)
        component = set_up(service, "1")
        rate = {
            "name": "llm.tokens/per-minute",
            "service": "gateway",
            "meter": {"kind": "rate", "unit": "minute"},
        }
        service.load({"resources": [rate]})
        service.add_service("others")
        stack = contextlib.AsyncExitStack()

        async def start() -> None:
            upstream = await stack.enter_async_context(serving(provider(bill, UPSTREAM_KEY, 0.002)))
            given = configuration(upstream, ASTAKOS_URL=service.url, ASTAKOS_COMPONENT_TOKEN=component.token)
            await stack.enter_async_context(litellm_process(port, folder, given, output=output.fileno()))

        leaving.callback(lambda: loop.run(stack.aclose()))
        loop.run(start())
        user = service.add_user()
        yield Site(
            f"http://127.0.0.1:{port}", service, component, bill, log, user, openai.OpenAI(api_key="none")
        )


@pytest.fixture
def site(shared: Site) -> Iterator[Site]:
    """The same for a user of one test, on whom a key of theirs is used."""
    user = shared.service.add_user()
    with shared.service.client() as client:
        key = client.create_key(user.token, "a program", services=["gateway"])["key"]
    shared.bill.answers.clear()
    one = shared.of(user, key)
    with one.openai:
        yield one


def test_an_answer_is_charged_for_what_the_provider_says(site: Site) -> None:
    assert site.ask("write 200 words", max_tokens=1000) == "word " * 200
    # 3 tokens at 2.50 and 200 at 10 dollars for a million, rounded up once; before the client has the answer.
    assert site.quota("llm.tokens") == (203, 0)
    assert site.quota("llm.usd") == (2008, 0)


def test_a_stream_is_charged_before_its_end_is_told(site: Site) -> None:
    assert site.stream("write 200 words", max_tokens=1000) == "word " * 200
    assert site.quota("llm.usd") == (2008, 0)


def test_embeddings_are_charged(site: Site) -> None:
    answer = site.openai.embeddings.create(
        model="embedding-example", input=["one two", "three"], encoding_format="float"
    )
    assert [each.embedding for each in answer.data] == [[0.5, 0.25]] * 2
    assert site.settled() == {"llm.tokens": 3, "llm.usd": 1}


def test_without_room_the_answer_is_429_as_openai_words_it(site: Site) -> None:
    site.service.set_limit(site.user, "llm.usd", 1000)
    for ask in (site.ask, site.stream):
        with pytest.raises(openai.RateLimitError) as refused:
            ask("write 1 words", max_tokens=1000)
        assert refused.value.code == refused.value.type == "insufficient_quota"
        assert "budget of llm.usd" in str(refused.value)
        assert refused.value.response.headers["x-should-retry"] == "false"
    assert site.bill.answers == []
    assert site.settled() == NOTHING
    # What can take less has room.
    assert site.stream("write 20 words", max_tokens=20) == "word " * 20


def test_a_limit_that_resets_says_when(site: Site) -> None:
    site.service.set_limit(site.user, "llm.tokens/per-minute", 600)
    site.ask("write 200 words", max_tokens=200)
    with pytest.raises(openai.RateLimitError) as refused:
        site.ask("write 200 words", max_tokens=300)
    assert refused.value.code == "rate_limit_exceeded"
    assert 1 <= int(refused.value.response.headers["retry-after"]) <= 60


def test_an_error_of_the_provider_costs_nothing_and_is_passed_on(site: Site) -> None:
    for ask in (site.ask, site.stream):
        with pytest.raises(openai.InternalServerError, match="fallen over"):
            ask("fail")
        # It is released before the client has the error, so that trying again has room.
        assert site.quota("llm.usd") == (0, 0)


def test_a_retry_is_charged_once(site: Site) -> None:
    for number, ask in enumerate((site.ask, site.stream), start=1):
        text = f"fail once for {site.user.uuid} {number}, then write 10 words"
        assert ask(text, max_tokens=10, extra_body={"num_retries": 2}) == "word " * 10
        assert site.settled()["llm.tokens"] == number * (len(text.split()) + 10)


@pytest.mark.parametrize("model", ["cheap", "dearest"])
def test_a_fallback_is_charged_once_at_its_own_prices(site: Site, model: str) -> None:
    for number, ask in enumerate((site.ask, site.stream), start=1):
        assert ask("write 10 words", model=model, max_tokens=10) == "word " * 10
        # 3 tokens at 10 and 10 at 40 millionths, and not at 1 or 1000.
        assert site.settled() == {"llm.tokens": number * 13, "llm.usd": number * 430}


def test_what_a_fallback_can_cost_is_reserved(site: Site) -> None:
    site.service.set_limit(site.user, "llm.usd", 5000)
    with pytest.raises(openai.RateLimitError):
        site.ask("write 10 words", model="cheap", max_tokens=1000)
    # The client can name fallbacks, too.
    assert site.ask("write 10 words", max_tokens=100) == "word " * 10
    with pytest.raises(openai.RateLimitError):
        site.ask("write 10 words", max_tokens=100, extra_body={"fallbacks": ["dear"]})


def test_a_client_that_goes_pays_for_what_it_was_sent(site: Site) -> None:
    received = 0
    with site.openai.chat.completions.create(
        model=MODEL, messages=saying("write 4000 words"), max_tokens=4000, stream=True
    ) as stream:
        for _ in stream:
            received += 1
            if received == 40:
                break
    charged = site.settled()["llm.tokens"]
    assert received <= charged < 2000
    written = site.bill.answers[0]
    time.sleep(0.1)
    assert site.bill.answers[0] <= written + 1, "the provider goes on writing"
    assert charged <= written + 20, "more than there was"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_that_breaks_off_says_so_and_is_charged_so_far(site: Site) -> None:
    received = 0
    stream = site.openai.chat.completions.create(
        model=MODEL, messages=saying("write 100 words break off"), max_tokens=100, stream=True
    )
    try:
        for piece in stream:
            received += bool(piece.choices[0].delta.content)
    except openai.APIError as error:
        assert "onnection" in str(error)  # noqa: PT017
    else:
        pytest.fail("the stream does not say that it broke off")
    assert 0 < received <= 50
    # And the prompt, of 25 bytes beside the role.
    assert site.settled()["llm.tokens"] == received + 7


def test_of_two_at_once_one_has_room(site: Site) -> None:
    # For one answer with 100 tokens, and a prompt of some hundred bytes.
    site.service.set_limit(site.user, "llm.usd", 2500)

    def ask(_: int) -> str:
        try:
            return site.stream("write 100 words", max_tokens=100)
        except openai.RateLimitError:
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(ask, range(2))) == ["refused", "word " * 100]
    assert site.settled() == {"llm.tokens": 103, "llm.usd": 1008}


def test_keys_that_are_not_for_the_proxy_are_refused(site: Site) -> None:
    with site.service.client() as client:
        of_others = client.create_key(site.user.token, "a key", services=["others"])["key"]
        from_elsewhere = client.create_key(site.user.token, "a key", networks=["192.0.2.0/24"])["key"]
    for key in ("unknown", "x" * 2000, of_others, from_elsewhere, site.component.token):
        with pytest.raises(openai.AuthenticationError) as refused:
            site.of(site.user, key).ask("write 1 words", extra_headers={"X-Forwarded-For": "192.0.2.1"})
        assert refused.value.type == "authentication_error"
        assert refused.value.code == "invalid_api_key"
    assert site.bill.answers == []


def test_a_project_can_be_charged_by_its_members_alone(site: Site) -> None:
    limits = {"llm.tokens": 10_000, "llm.usd": 10_000_000}
    lab = site.service.add_project(members=[site.user], limits=limits)
    other = site.service.add_project(limits=limits)
    site.openai.with_options(project=lab.uuid).chat.completions.create(
        model=MODEL, messages=saying("write 10 words"), max_tokens=10
    )
    assert site.settled() == NOTHING
    with pytest.raises(openai.PermissionDeniedError):
        site.openai.with_options(project=other.uuid).models.list()


def test_a_users_token_is_as_good_as_a_key(site: Site) -> None:
    of_token = site.of(site.user)
    assert of_token.ask("write 10 words", max_tokens=10) == "word " * 10
    assert of_token.settled()["llm.tokens"] == 13
    assert MODEL in [model.id for model in of_token.openai.models.list()]


CALLS: tuple[Callable[[openai.OpenAI], object], ...] = (
    lambda client: client.responses.create(model=MODEL, input="hello"),
    lambda client: client.completions.create(model=MODEL, prompt="hello"),
    lambda client: client.images.generate(model=MODEL, prompt="hello"),
    lambda client: client.moderations.create(model=MODEL, input="hello"),
    lambda client: client.get("../key/list", cast_to=object),
    lambda client: client.post("../model/new", cast_to=object, body={}),
)


@pytest.mark.parametrize("call", CALLS)
def test_what_is_not_charged_is_refused(site: Site, call: Callable[[openai.OpenAI], object]) -> None:
    with pytest.raises(openai.PermissionDeniedError) as refused:
        call(site.openai)
    assert refused.value.code == "not_offered"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"model": "without-price"}, 404),
        ({"model": "unknown"}, 404),
        ({"model": "gpt-example,dear"}, 404),
        ({"model": MODEL, "max_tokens": 0}, 400),
        ({"model": MODEL, "max_tokens": 100_000}, 400),
        ({"model": MODEL, "n": 1000}, 400),
        ({"model": MODEL, "extra_body": {"fallbacks": ["without-price"]}}, 404),
    ],
)
def test_what_has_no_bound_is_refused(site: Site, asked: dict[str, Any], status: int) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        site.openai.chat.completions.create(messages=saying("hello"), **asked)
    assert refused.value.status_code == status
    assert site.bill.answers == []
    assert site.settled() == NOTHING


def test_while_astakos_does_not_answer_nothing_is_forwarded(site: Site) -> None:
    for path in ("/oauth2/introspect", "/account/v1.0/commissions*"):
        site.service.fail_next(503, times=3, path=path)
        with pytest.raises(openai.InternalServerError) as failed:
            site.ask("write 1 words")
        assert failed.value.response.headers["retry-after"] == "2"
    assert site.bill.answers == []


def test_a_hold_that_has_ended_meanwhile_is_made_up_for(site: Site) -> None:
    stream = site.openai.chat.completions.create(
        model=MODEL, messages=saying("write 400 words"), max_tokens=400, stream=True
    )
    for received, _ in enumerate(stream):
        if received == 40:
            site.service.clock.advance(seconds=600)
    # What was told when it expired, and the rest: never less than it took, nor more than a step.
    assert 403 <= site.settled()["llm.tokens"] <= 403 + STEP


def test_a_proxy_without_settings_does_not_start() -> None:
    python = PROGRAM.with_name("python")
    found = subprocess.run(
        [python, "-c", "import astakosclient.litellm"],
        env={"ASTAKOS_URL": "http://127.0.0.1:1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stderr.endswith("ValueError: set ASTAKOS_COMPONENT_TOKEN in the environment of the proxy\n")


def test_no_secret_is_logged(site: Site) -> None:
    site.ask("write 10 words", max_tokens=10)
    with pytest.raises(openai.InternalServerError):
        site.stream("fail")
    with pytest.raises(openai.BadRequestError):
        site.ask("write 1 words", max_tokens=0)
    log = site.log.read_text("utf-8", "replace")
    assert "POST /v1/chat/completions" in log
    for secret in (site.user.token, site.openai.api_key, site.component.token, UPSTREAM_KEY):
        assert secret not in log
