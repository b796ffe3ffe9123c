"""A provider of language models that only pretends: it writes words, streamed or not, and keeps a bill.

A token is a word. The answer to a chat has as many as its last message asks for (`write 200 words`), 50 if it
does not say, and at most `max_tokens`. Messages can ask for failures: `without usage`, `break off`, `fail`,
`fail once`.
"""

import argparse
import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

WORD = "word "


@dataclass(slots=True)
class Bill:
    """What the provider has done, and would be paid for.

    Attributes:
        input: Tokens that it has read.
        output: Tokens that it has written.
        answers: The output tokens of each request.
    """

    input: int = 0
    output: int = 0
    answers: list[int] = field(default_factory=list)


def provider(bill: Bill, key: str, seconds_per_token: float = 0.0) -> Starlette:
    """Returns the provider as an ASGI application, for whoever has the key."""
    has_failed: set[str] = set()

    async def chat(request: Request) -> Response:
        asked = await _asked(request, key, "messages")
        if isinstance(asked, Response):
            return asked
        text = str(asked["messages"][-1].get("content"))
        if "fail" in text and text not in has_failed:
            if "fail once" in text:
                has_failed.add(text)
            return _error(500, "The model has fallen over.")
        wanted = re.search(r"write (\d+) words", text)
        words = min(int(wanted[1]) if wanted else 50, asked.get("max_tokens") or 16_384)
        prompt = sum(len(str(message.get("content")).split()) for message in asked["messages"])
        usage = {"prompt_tokens": prompt, "completion_tokens": words, "total_tokens": prompt + words}
        bill.input += prompt
        if asked.get("stream"):
            options = asked.get("stream_options") or {}
            says_usage = bool(options.get("include_usage")) and "without usage" not in text
            breaks = "break off" in text
            stream = _stream(asked["model"], words, usage if says_usage else None, breaks=breaks)
            return StreamingResponse(stream, media_type="text/event-stream")
        await asyncio.sleep(words * seconds_per_token)
        bill.output += words
        bill.answers.append(words)
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": WORD * words},
            "finish_reason": "stop",
        }
        document = _document(asked["model"], "chat.completion", [choice])
        return JSONResponse(document if "without usage" in text else {**document, "usage": usage})

    async def _stream(
        model: str, words: int, usage: dict[str, int] | None, *, breaks: bool
    ) -> AsyncIterator[bytes]:
        place = len(bill.answers)
        bill.answers.append(0)
        for number in range(words):
            if breaks and number == words // 2:
                raise ConnectionResetError("the provider breaks off")
            await asyncio.sleep(seconds_per_token)
            bill.output += 1
            bill.answers[place] += 1
            choice = {"index": 0, "delta": {"content": WORD}, "finish_reason": None}
            yield _event(_document(model, "chat.completion.chunk", [choice]))
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        yield _event(_document(model, "chat.completion.chunk", [end]))
        if usage is not None:
            yield _event({**_document(model, "chat.completion.chunk", []), "usage": usage})
        yield b"data: [DONE]\n\n"

    async def embeddings(request: Request) -> Response:
        asked = await _asked(request, key, "input")
        if isinstance(asked, Response):
            return asked
        texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        number = sum(len(str(text).split()) for text in texts)
        bill.input += number
        data = [{"object": "embedding", "index": i, "embedding": [0.5, 0.25]} for i in range(len(texts))]
        usage = {"prompt_tokens": number, "total_tokens": number}
        return JSONResponse({"object": "list", "data": data, "model": asked["model"], "usage": usage})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/embeddings", embeddings, methods=["POST"]),
        ]
    )


async def _asked(request: Request, key: str, needed: str) -> dict[str, Any] | Response:
    if request.headers.get("Authorization") != f"Bearer {key}":
        return _error(401, "Incorrect API key provided.")
    try:
        asked = await request.json()
    except (ValueError, RecursionError):
        asked = None
    if not (isinstance(asked, dict) and isinstance(asked.get("model"), str)):
        return _error(400, "The body must be a JSON object with a model.")
    if not (asked.get(needed) and _is_right(asked, needed)):
        return _error(400, f"{needed} is missing, or not of its type.")
    if not isinstance(asked.get("max_tokens"), int | None) or not isinstance(
        asked.get("stream"), bool | None
    ):
        return _error(400, "max_tokens must be a whole number, and stream true or false.")
    return asked


def _is_right(asked: dict[str, Any], needed: str) -> bool:
    value = asked[needed]
    if needed == "input":
        return isinstance(value, str | list)
    options = asked.get("stream_options")
    are_objects = isinstance(value, list) and all(isinstance(message, dict) for message in value)
    return are_objects and isinstance(options, dict | None)


def _document(model: str, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "answer", "object": kind, "created": 0, "model": model, "choices": choices}


def _event(document: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % json.dumps(document).encode()


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "type": "error", "param": None, "code": None}}, status)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="python -m examples.ai_gateway.upstream", description=__doc__)
    arguments.add_argument("--port", type=int, default=8081)
    arguments.add_argument("--key", default="sk-of-the-gateway", help="the key that the gateway must have")
    arguments.add_argument("--seconds-per-token", type=float, default=0.05)
    chosen = arguments.parse_args()
    app = provider(Bill(), chosen.key, chosen.seconds_per_token)
    uvicorn.run(app, port=chosen.port, log_level="warning")
