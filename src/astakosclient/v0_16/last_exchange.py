"""The last request and answer of a client, for callers that print its traffic: without secrets."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from astakosclient.core.redaction import PLACEHOLDER, without_secrets, without_token
from astakosclient.v0_16.own_headers import HARMLESS, secret_values

if TYPE_CHECKING:
    from astakosclient.core.exchange import Answer, Request, Timeout, Transport

_ABOUT_TOKENS = re.compile(r"/tokens?(?=[/?]|$)")


class Traffic:
    """A transport that carries by another, and keeps the last request and its answer."""

    def __init__(self, transport: Transport) -> None:
        """Carry requests by that transport."""
        self._transport = transport
        self._last: tuple[Request, Answer | None] | None = None

    def send(self, request: Request, timeout: Timeout) -> Answer:
        """As of the transport below."""
        self._last = (request, None)
        answer = self._transport.send(request, timeout)
        self._last = (request, answer)
        return answer

    @property
    def request(self) -> dict[str, Any] | None:
        """The last request: ``method``, ``path``, ``headers``, and ``body`` if it had one."""
        last = self._last
        if last is None:
            return None
        request, _ = last
        shown: dict[str, Any] = {
            "method": request.method,
            "path": without_secrets(request.target),
            "headers": {
                name: value if name.lower() in HARMLESS else PLACEHOLDER for name, value in request.headers
            },
        }
        if request.body:
            text = request.body.decode("utf-8", "replace")
            shown["body"] = PLACEHOLDER if _is_about_tokens(request) else _without_own_secrets(text, request)
        return shown

    @property
    def response(self) -> dict[str, Any] | None:
        """The answer to the last request: ``status``, ``message``, ``data``; None while there is none."""
        request, answer = self._last or (None, None)
        if request is None or answer is None:
            return None
        message, data = answer.reason, answer.text
        if _is_about_tokens(request):
            message, data = _standard_phrase(answer.status), PLACEHOLDER
        return {
            "status": answer.status,
            "message": _without_own_secrets(message, request),
            "data": _without_own_secrets(data, request),
        }


def _standard_phrase(status: int) -> str:
    return next((known.phrase for known in HTTPStatus if known == status), "")


def _is_about_tokens(request: Request) -> bool:
    """Whether body and answer hold tokens or codes; asking for the bare catalogue does not."""
    path = request.target.partition("?")[0]
    return _ABOUT_TOKENS.search(path) is not None and (request.method == "GET" or bool(request.body))


def _without_own_secrets(text: str, request: Request) -> str:
    for secret in secret_values(request.headers):
        text = without_token(text, secret)
    return text
