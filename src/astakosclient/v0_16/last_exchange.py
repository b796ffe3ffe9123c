"""Records a client's last request and response, with secrets redacted, for callers that print them."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from astakosclient.core.redaction import PLACEHOLDER, without_secrets, without_token
from astakosclient.v0_16.own_headers import HARMLESS, secret_values

if TYPE_CHECKING:
    from astakosclient.core.exchange import Answer, Request, Timeout, Transport

_ABOUT_TOKENS = re.compile(r"/(?:tokens?|introspect|revoke)(?=[/?]|$)")


class Traffic:
    """A transport that wraps another one and records the last request and response."""

    def __init__(self, transport: Transport) -> None:
        """Wraps a transport."""
        self._transport = transport
        self._last: tuple[Request, Answer | None] | None = None

    def send(self, request: Request, timeout: Timeout) -> Answer:
        """Sends a request through the wrapped transport; see `astakosclient.Transport`."""
        self._last = (request, None)
        answer = self._transport.send(request, timeout)
        self._last = (request, answer)
        return answer

    @property
    def request(self) -> dict[str, Any] | None:
        """The last request: ``method``, ``path``, ``headers``, and ``body`` if it has one; else None."""
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
        """The response to the last request: ``status``, ``message`` and ``data``; else None."""
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
    """Returns whether request or response contains a token or code; a bare catalog request does not."""
    path = request.target.partition("?")[0]
    return _ABOUT_TOKENS.search(path) is not None and (request.method == "GET" or bool(request.body))


def _without_own_secrets(text: str, request: Request) -> str:
    for secret in secret_values(request.headers):
        text = without_token(text, secret)
    return text
