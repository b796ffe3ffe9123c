"""The gateway as the `openai` package meets it: answers, budgets, and what goes wrong in between."""

import asyncio
import json
import logging
import socket
from typing import Any

import openai
import pytest
from examples.ai_gateway import gateway, world
from openai.types.chat import ChatCompletionUserMessageParam

from astakosclient.errors import ConnectionError  # noqa: A004
from astakosclient.language_models import charge
from examples.gateway_site import Site, Telling, connected

MODEL = "gpt-example"
CHAT = b'{"model": "gpt-example", "messages": [{"role": "user", "content": "hello"}], %b}'
listening = world.listening


def little_buffered(port: int) -> socket.socket:
    """A listener whose connections hold little in the kernel."""
    listener = listening(port)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    return listener


def saying(text: str) -> Any:
    return [ChatCompletionUserMessageParam(role="user", content=text)]


async def streamed(site: Site, text: str, **options: Any) -> str:
    stream = await site.openai.chat.completions.create(
        model=MODEL, messages=saying(text), stream=True, **options
    )
    return "".join([choice.delta.content or "" async for piece in stream for choice in piece.choices])


def test_an_answer_is_charged_for_what_the_provider_says(tell: Telling) -> None:
    async def story(site: Site) -> None:
        answer = await site.openai.chat.completions.create(
            model=MODEL, messages=saying("write 200 words"), max_tokens=1000
        )
        assert answer.choices[0].message.content == "word " * 200
        # 3 tokens at 2.50 and 200 at 10 dollars for a million, rounded up once.
        assert await site.settled() == {"llm.tokens": 203, "llm.usd": 2008}

    tell(story)


def test_a_stream_is_charged_before_its_end_is_told(tell: Telling) -> None:
    async def story(site: Site) -> None:
        assert await streamed(site, "write 200 words", max_tokens=1000) == "word " * 200
        assert site.quota("llm.usd") == (2008, 0)
        assert site.bill.output == 200

    tell(story)


def test_a_client_gets_the_usage_at_the_end_of_a_stream_only_if_it_asks(tell: Telling) -> None:
    async def story(site: Site) -> None:
        for asks in (False, True):
            stream = await site.openai.chat.completions.create(
                model=MODEL,
                messages=saying("write 5 words"),
                stream=True,
                stream_options={"include_usage": asks},
            )
            usages = [piece.usage async for piece in stream if piece.usage]
            assert len(usages) == asks

    tell(story)


@pytest.mark.parametrize("stream", [True, False])
def test_without_usage_tokens_are_counted(tell: Telling, stream: bool) -> None:
    async def story(site: Site) -> None:
        text = "write 100 words without usage"
        if stream:
            await streamed(site, text)
        else:
            await site.openai.chat.completions.create(model=MODEL, messages=saying(text))
        charged = await site.settled()
        # 500 bytes in 100 pieces, or in one, and a prompt of 33 bytes; "user" is a text of it, too.
        assert charged["llm.tokens"] == (100 if stream else 125) + 8

    tell(story)


def test_embeddings_are_charged(tell: Telling) -> None:
    async def story(site: Site) -> None:
        answer = await site.openai.embeddings.create(
            model="embedding-example", input=["one two", "three"], encoding_format="float"
        )
        assert [each.embedding for each in answer.data] == [[0.5, 0.25]] * 2
        assert await site.settled() == {"llm.tokens": 3, "llm.usd": 1}

    tell(story)


def test_the_models_are_listed(tell: Telling) -> None:
    async def story(site: Site) -> None:
        listed = [model.id async for model in await site.openai.models.list()]
        assert listed == ["gpt-example", "gpt-example-mini", "embedding-example"]

    tell(story)


def test_without_room_the_answer_is_429_as_openai_words_it(tell: Telling) -> None:
    async def story(site: Site) -> None:
        with pytest.raises(openai.RateLimitError) as refused:
            await site.openai.chat.completions.create(
                model=MODEL, messages=saying("write 1 words"), max_tokens=1000
            )
        assert refused.value.code == refused.value.type == "insufficient_quota"
        assert "budget of llm.usd" in str(refused.value)
        assert refused.value.response.headers["x-should-retry"] == "false"
        assert site.bill.answers == []
        assert await site.settled() == {"llm.tokens": 0, "llm.usd": 0}
        # What can take less has room.
        assert await streamed(site, "write 20 words", max_tokens=20) == "word " * 20

    tell(story, dollars="0.001")


def test_a_limit_that_resets_says_when(tell: Telling) -> None:
    async def story(site: Site) -> None:
        meter = {
            "name": "llm.tokens/per-minute",
            "service": "gateway",
            "system_default": 400,
            "meter": {"kind": "rate", "unit": "minute"},
        }
        site.service.load({"resources": [meter]})
        site.service.set_limit(site.user, "llm.tokens/per-minute", 400)
        await streamed(site, "write 200 words", max_tokens=200)
        with pytest.raises(openai.RateLimitError) as refused:
            await streamed(site, "write 200 words", max_tokens=200)
        assert refused.value.code == "rate_limit_exceeded"
        assert 1 <= int(refused.value.response.headers["retry-after"]) <= 60

    tell(story)


def test_a_reservation_grows_while_the_answer_does(tell: Telling) -> None:
    async def story(site: Site) -> None:
        stream = await site.openai.chat.completions.create(
            model=MODEL, messages=saying("write 200 words"), max_tokens=200, stream=True
        )
        seen = {site.quota("llm.usd")[1] async for _ in stream}
        assert len(seen) > 3
        # The prompt's bound in bytes, and never more than the 200 tokens that were asked for.
        assert max(seen) < 2000 + 1000
        assert (await site.settled())["llm.usd"] == 2008

    tell(story, at_first=20, seconds_per_token=0.001)


def test_what_had_no_room_to_grow_is_a_debt(tell: Telling) -> None:
    async def story(site: Site) -> None:
        assert await streamed(site, "write 200 words", max_tokens=200) == "word " * 200
        assert (await site.settled())["llm.usd"] == 2008
        with pytest.raises(openai.RateLimitError):
            await streamed(site, "write 1 words", max_tokens=1)

    tell(story, dollars="0.001", at_first=10)


def test_a_client_that_goes_pays_for_what_it_was_sent(tell: Telling) -> None:
    async def story(site: Site) -> None:
        stream = await site.openai.chat.completions.create(
            model=MODEL, messages=saying("write 1000 words"), max_tokens=1000, stream=True
        )
        received = 0
        async for _ in stream:
            received += 1
            if received == 20:
                break
        await stream.close()
        charged = (await site.settled())["llm.tokens"]
        assert received <= charged < 200
        written = site.bill.output
        await asyncio.sleep(0.1)
        assert site.bill.output <= written + 1, "the provider goes on writing"

    tell(story, seconds_per_token=0.005)


def test_a_client_that_does_not_read_is_given_up_and_holds_no_memory(
    tell: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "TO_SEND", 0.3)
    monkeypatch.setattr(world, "listening", little_buffered)

    async def story(site: Site) -> None:
        body = json.dumps(
            {"model": MODEL, "messages": saying("write 16000 words"), "max_tokens": 16_000, "stream": True}
        ).encode()
        async with connected(site) as (_, writer):
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (site.user.token.encode(), len(body), body)
            )
            charged = await site.settled_after_reserving()
        assert 0 < charged["llm.tokens"] < 16_000

    tell(story, at_first=10)


def test_an_error_of_the_provider_costs_nothing_and_is_passed_on(tell: Telling) -> None:
    async def story(site: Site) -> None:
        for stream in (False, True):
            with pytest.raises(openai.InternalServerError) as failed:
                await site.openai.chat.completions.create(model=MODEL, messages=saying("fail"), stream=stream)
            assert "fallen over" in str(failed.value)
        assert await site.settled() == {"llm.tokens": 0, "llm.usd": 0}

    tell(story)


def test_what_the_provider_says_about_the_gateways_key_is_not_passed_on(tell: Telling) -> None:
    async def story(site: Site) -> None:
        with pytest.raises(openai.APIStatusError) as failed:
            await streamed(site, "write 1 words")
        assert failed.value.status_code == 502
        assert "key" not in str(failed.value)

    tell(story, upstream_key="another")


def test_a_provider_that_is_not_there_costs_nothing(tell: Telling) -> None:
    async def story(site: Site) -> None:
        with pytest.raises(openai.InternalServerError) as failed:
            await streamed(site, "write 1 words")
        assert failed.value.status_code == 502
        assert await site.settled() == {"llm.tokens": 0, "llm.usd": 0}

    tell(story, upstream_url="http://127.0.0.1:1")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_that_breaks_off_says_so_and_is_charged_so_far(tell: Telling) -> None:
    async def story(site: Site) -> None:
        stream = await site.openai.chat.completions.create(
            model=MODEL, messages=saying("write 100 words break off"), max_tokens=100, stream=True
        )
        received = 0

        async def read() -> None:
            nonlocal received
            async for _ in stream:
                received += 1

        with pytest.raises(openai.APIError, match="broken"):
            await read()
        assert 0 < received <= 50
        # And the prompt, of 25 bytes beside the role.
        assert (await site.settled())["llm.tokens"] == received + 7

    logging.getLogger("uvicorn.error").disabled = True
    try:
        tell(story, seconds_per_token=0.002)
    finally:
        logging.getLogger("uvicorn.error").disabled = False


@pytest.mark.parametrize("key", ["", "unknown"])
def test_without_a_good_key_the_answer_is_401_as_openai_words_it(tell: Telling, key: str) -> None:
    async def story(site: Site) -> None:
        async with site.openai.with_options(api_key=key or "x") as client:
            with pytest.raises(openai.AuthenticationError) as refused:
                await client.chat.completions.create(model=MODEL, messages=saying("hello"))
        assert refused.value.type == "authentication_error"
        assert site.bill.answers == []

    tell(story)


def test_a_project_can_be_charged_by_its_members_alone(tell: Telling) -> None:
    async def story(site: Site) -> None:
        lab = site.service.add_project(
            members=[site.user], limits={"llm.tokens": 10_000, "llm.usd": 10_000_000}
        )
        other = site.service.add_project(limits={"llm.tokens": 10_000, "llm.usd": 10_000_000})
        client = site.openai.with_options(project=lab.uuid)
        await client.chat.completions.create(model=MODEL, messages=saying("write 10 words"), max_tokens=10)
        assert (await site.settled())["llm.tokens"] == 0
        with pytest.raises(openai.PermissionDeniedError):
            await site.openai.with_options(project=other.uuid).chat.completions.create(
                model=MODEL, messages=saying("write 10 words"), max_tokens=10
            )

    tell(story)


def test_a_key_draws_from_its_own_project_alone(tell: Telling) -> None:
    async def story(site: Site) -> None:
        limits = {"llm.tokens": 10_000, "llm.usd": 10_000_000}
        lab = site.service.add_project(members=[site.user], limits=limits)
        site.service.add_service("others")
        with site.service.client() as client:
            of_lab, of_others, plain = (
                client.create_key(site.user.token, "a key", **limited)["key"]
                for limited in ({"project": lab.uuid}, {"services": ["others"]}, {"services": ["gateway"]})
            )

        async def ask(key: str, project: str | None = None) -> None:
            await site.openai.with_options(api_key=key, project=project).chat.completions.create(
                model=MODEL, messages=saying("write 10 words"), max_tokens=10
            )

        await ask(of_lab)
        await ask(of_lab, lab.uuid)
        with pytest.raises(openai.PermissionDeniedError):
            await ask(of_lab, site.user.uuid)
        with pytest.raises(openai.AuthenticationError):
            await ask(of_others)
        assert (await site.settled())["llm.tokens"] == 0
        await ask(plain)
        assert (await site.settled())["llm.tokens"] == 13
        await ask(plain, lab.uuid)
        assert (await site.settled())["llm.tokens"] == 13

    tell(story)


@pytest.mark.parametrize("trusted", [(), ("127.0.0.1",)])
def test_a_key_of_networks_is_used_from_these_alone(tell: Telling, trusted: tuple[str, ...]) -> None:
    async def story(site: Site) -> None:
        with site.service.client() as client:
            nearby, far = (
                client.create_key(site.user.token, "a key", networks=[network])["key"]
                for network in ("127.0.0.0/8", "192.0.2.0/24")
            )

        async def ask(key: str) -> None:
            await site.openai.with_options(
                api_key=key, default_headers={"X-Forwarded-For": "192.0.2.7"}
            ).chat.completions.create(model=MODEL, messages=saying("write 10 words"), max_tokens=10)

        await ask(far if trusted else nearby)
        assert (await site.settled())["llm.tokens"] == 13
        with pytest.raises(openai.AuthenticationError):
            await ask(nearby if trusted else far)

    tell(story, trusted_proxies=trusted)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "JSON object"),
        (b"[]", 400, "JSON object"),
        (b"{" * 100_000, 400, "JSON object"),
        (b'{"model": "gpt-unknown"}', 404, "no such model"),
        (b'{"model": ["gpt-example"]}', 404, "no such model"),
        (CHAT % b'"max_tokens": 0', 400, "max_tokens must be"),
        (CHAT % b'"max_tokens": 1.5', 400, "max_tokens must be"),
        (CHAT % b'"max_tokens": 100000', 400, "max_tokens must be"),
        (CHAT % b'"n": 1000', 400, "n must be"),
        (CHAT % b'"stream": 1', 400, "stream must be"),
        (CHAT % b'"stream": "true"', 400, "stream must be"),
        (CHAT % b'"stream": []', 400, "stream must be"),
        (CHAT % b'"messages": "hello"', 400, "messages must be"),
        (CHAT % b'"messages": ["hello"]', 400, "messages must be"),
        (b'{"model": "gpt-example"}', 400, "messages must be"),
        (CHAT % b'"model": "embedding-example"', 400, "answers no messages"),
    ],
)
def test_what_is_no_request_is_refused_and_not_forwarded(
    tell: Telling, body: bytes, status: int, words: str
) -> None:
    async def story(site: Site) -> None:
        async with connected(site) as (reader, writer):
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                b"Content-Length: %d\r\nAuthorization: Bearer %b\r\n\r\n%b"
                % (len(body), site.user.token.encode(), body)
            )
            head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
        assert int(head.split()[1]) == status
        error = json.loads(answer)["error"]
        assert (error["type"], words in error["message"]) == ("invalid_request_error", True), error
        assert site.bill.answers == []

    tell(story)


def test_embeddings_are_asked_of_a_model_that_has_them(tell: Telling) -> None:
    async def refused(site: Site, **options: Any) -> str:
        asked = {"model": "embedding-example", "input": "x", "encoding_format": "float", **options}
        with pytest.raises(openai.BadRequestError) as error:
            await site.openai.post("/embeddings", cast_to=object, body=asked)
        return error.value.message

    async def story(site: Site) -> None:
        assert "has no embeddings" in await refused(site, model=MODEL)
        assert "input must be" in await refused(site, input=None)
        assert "input must be" in await refused(site, input=[])
        assert "max_tokens is not for this model" in await refused(site, max_tokens=5)
        assert "no stream" in await refused(site, stream=True)
        assert (site.bill.input, site.quota("llm.tokens")) == (0, (0, 0))

    tell(story)


def test_what_no_route_takes_is_refused_as_openai_words_it(tell: Telling) -> None:
    async def story(site: Site) -> None:
        with pytest.raises(openai.NotFoundError) as missing:
            await site.openai.completions.create(model=MODEL, prompt="hello")
        with pytest.raises(openai.APIStatusError) as unsupported:
            await site.openai.get("/chat/completions", cast_to=object)
        assert unsupported.value.status_code == 405
        assert missing.value.type == unsupported.value.type == "invalid_request_error"

    tell(story)


def test_a_defect_is_told_as_openai_words_it_and_charges_nothing(
    tell: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(gateway, "reported_usage", defect)
    logging.getLogger("uvicorn.error").disabled = True

    async def story(site: Site) -> None:
        with pytest.raises(openai.InternalServerError, match="its log says why"):
            await site.openai.chat.completions.create(model=MODEL, messages=saying("write 1 words"))
        assert await site.settled() == {"llm.tokens": 0, "llm.usd": 0}

    try:
        tell(story)
    finally:
        logging.getLogger("uvicorn.error").disabled = False


def test_a_body_without_end_is_refused(tell: Telling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "LARGEST_REQUEST", 10_000)
    monkeypatch.setattr(gateway, "TO_RECEIVE", 0.2)

    async def story(site: Site) -> None:
        for piece, status in ((b"x" * 20_000, b"413"), (b"x", b"408")):
            async with connected(site) as (reader, writer):
                writer.write(
                    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
                    b"Authorization: Bearer %b\r\n\r\n%b" % (site.user.token.encode(), piece)
                )
                assert (await reader.readline()).split()[1] == status

    tell(story)


def test_while_astakos_does_not_answer_nothing_is_forwarded(tell: Telling) -> None:
    async def story(site: Site) -> None:
        await site.openai.models.list()
        site.service.fail_next(503, times=10, path="/account/v1.0/commissions*")
        with pytest.raises(openai.InternalServerError) as failed:
            await streamed(site, "write 1 words")
        assert failed.value.response.headers["retry-after"] == "2"
        assert site.bill.answers == []

    tell(story)


def test_a_stream_outlives_a_failure_of_astakos_and_is_charged_in_full(
    tell: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charge, "QUIET", 0.1)
    monkeypatch.setattr(charge, "PAUSES", (0.0, 0.1, 0.1, 0.1, 0.1, 0.1))

    async def story(site: Site) -> None:
        stream = await site.openai.chat.completions.create(
            model=MODEL, messages=saying("write 200 words"), max_tokens=200, stream=True
        )
        site.service.cut_next("before", times=6, path="/account/v1.0/commissions/*")
        assert len([piece async for piece in stream if piece.choices[0].delta.content]) == 200
        assert await site.settled() == {"llm.tokens": 203, "llm.usd": 2008}

    tell(story, seconds_per_token=0.001)


def test_a_hold_outlives_an_answer_that_takes_longer_than_it_does(tell: Telling) -> None:
    async def story(site: Site) -> None:
        asking = asyncio.create_task(
            site.openai.chat.completions.create(
                model=MODEL, messages=saying("write 300 words"), max_tokens=300
            )
        )
        reserved = []
        while not asking.done():
            reserved.append(site.quota("llm.usd")[1] > 0)
            await asyncio.sleep(0.02)
        # Nothing before it is reserved, and nothing once it is settled, a moment before the answer.
        held = reserved[reserved.index(True) :]
        assert held.count(True) > 3 * held.count(False)
        assert await site.settled() == {"llm.tokens": 303, "llm.usd": 3008}

    tell(story, seconds_per_token=0.01, ttl=1)


def test_a_hold_that_has_ended_meanwhile_is_made_up_for(tell: Telling) -> None:
    async def story(site: Site) -> None:
        stream = await site.openai.chat.completions.create(
            model=MODEL, messages=saying("write 100 words"), max_tokens=100, stream=True
        )
        received = 0
        async for _ in stream:
            received += 1
            if received == 40:
                with site.service.client() as client:
                    [serial] = client.get_pending_commissions(site.component.token)
                site.service.clock.advance(seconds=600)
        # What was told when it expired, and the rest: never less than it took, nor more than a step.
        charged = await site.settled()
        assert 103 <= charged["llm.tokens"] <= 103 + charge.STEP, serial

    tell(story, seconds_per_token=0.001)


def test_no_token_is_logged(tell: Telling, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story(site: Site) -> None:
        await streamed(site, "write 10 words", max_tokens=10)
        with pytest.raises(openai.InternalServerError):
            await streamed(site, "fail")
        site.service.cut_next(times=20)
        with pytest.raises((openai.InternalServerError, ConnectionError)):
            await streamed(site, "write 10 words", max_tokens=10)
        ours = [one.getMessage() for one in caplog.records if not one.name.startswith(("openai", "httpx"))]
        assert any("charged" in line for line in ours)
        for secret in (site.user.token, site.component.token, "sk-of-the-gateway"):
            assert not any(secret in line for line in ours)

    tell(story)
