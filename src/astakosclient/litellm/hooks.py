"""The hooks that LiteLLM's proxy calls for each request: who calls, what to reserve, what to settle.

A request is charged once, however often LiteLLM retries it or falls back to other models: what is charged
belongs to the request, and not to LiteLLM's attempts.
"""

import json
import logging
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol, Self

from litellm.integrations.custom_logger import CustomLogger  # pyright: ignore[reportMissingImports]
from litellm.proxy._types import ProxyException, UserAPIKeyAuth  # pyright: ignore[reportMissingImports]
from litellm.proxy.auth.auth_utils import get_request_route  # pyright: ignore[reportMissingImports]
from pydantic import PrivateAttr

from astakosclient.async_client import AsyncAstakosClient
from astakosclient.errors import AstakosClientException
from astakosclient.language_models.callers import Caller, identify
from astakosclient.language_models.charge import Background, Charge, require_resources
from astakosclient.language_models.estimates import (
    StreamedTokens,
    Tokens,
    counted_output,
    counted_prompt,
    most_tokens,
    reported_usage,
    require_boolean_stream,
)
from astakosclient.language_models.refusals import Refused, refusal_of
from astakosclient.litellm.models import Router, estimated, served
from astakosclient.litellm.settings import Settings

CHARGED = ("acompletion", "aembedding")
"""LiteLLM's names of the calls that are charged. All others are refused: none is free by mistake."""
OFFERED = ("/chat/completions", "/embeddings", "/models")
NOT_SENT = ("litellm_logging_obj", "litellm_metadata", "metadata", "proxy_server_request", "secret_fields")
"""What LiteLLM keeps beside a request, and does not send to the provider."""

log = logging.getLogger(__name__)


class Connection(Protocol):
    """What is read of a request, which is one of Starlette's."""

    @property
    def headers(self) -> Mapping[str, str]: ...  # noqa: D102 - a field of Starlette's
    @property
    def client(self) -> Any: ...  # noqa: D102 - a field of Starlette's


class Authenticated(UserAPIKeyAuth):
    """A caller as LiteLLM passes them to all hooks of a request, with the charge of that request."""

    _caller: Caller = PrivateAttr()
    _charge: Charge | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """Returns what LiteLLM is told of a caller, and logs: the prefix of a key is no secret."""
        told = cls(api_key=caller.key or caller.user, key_alias=caller.key, user_id=caller.user)
        told._caller = caller
        return told

    @property
    def caller(self) -> Caller:
        """Who calls."""
        return self._caller

    @property
    def charge(self) -> Charge | None:
        """What the request is charged, once it is reserved."""
        return self._charge

    def begin(self, charge: Charge) -> None:
        """Notes what the request is charged."""
        self._charge = charge


class Answer(ProxyException):
    """A refusal as LiteLLM answers it: its own form has the status in place of OpenAI's code."""

    def __init__(self, refused: Refused) -> None:
        """Sets the answer."""
        self._error: dict[str, Any] = refused.document["error"]
        super().__init__(
            refused.message, self._error["type"], None, refused.status, headers=dict(refused.headers)
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the error of the document."""
        return self._error


class Budgets(CustomLogger):
    """The hooks. LiteLLM calls them in the order of the methods."""

    def __init__(self, settings: Settings) -> None:
        """Sets the settings; sends nothing."""
        super().__init__()
        self._settings = settings
        self._astakos = AsyncAstakosClient(settings.url, retry=2, timeout=5).bind(settings.token)
        self._background = Background()
        self._is_checked = False

    async def authenticate(self, request: Connection, api_key: str) -> UserAPIKeyAuth:
        """Returns whose key it is; for LiteLLM's `custom_auth`."""
        try:
            caller = await identify(
                self._astakos,
                api_key.removeprefix("Bearer ").strip(),
                project=request.headers.get("OpenAI-Project"),
                address=request.client.host if request.client else None,
            )
            _require_offered(get_request_route(request))
        except Refused as refused:
            raise Answer(refused) from None
        return Authenticated.of(caller)

    async def async_pre_call_hook(
        self, user_api_key_dict: UserAPIKeyAuth, cache: object, data: dict[str, Any], call_type: str
    ) -> None:
        """Reserves what the request can take, before LiteLLM chooses a deployment."""
        try:
            await self._reserve(user_api_key_dict, data, call_type)
        except Refused as refused:
            raise Answer(refused) from None

    async def _reserve(self, user: UserAPIKeyAuth, data: Mapping[str, Any], call_type: str) -> None:
        if not isinstance(user, Authenticated):
            log.error("set general_settings.custom_auth to astakosclient.litellm.authenticate")
            raise Refused(500, "The proxy is configured wrongly; its log says how.", "not_configured")
        if call_type not in CHARGED:
            raise Refused(403, "This call is not offered here.", "not_offered")
        require_boolean_stream(data)
        await self._check()
        model = estimated(_router(), data)
        sent = {key: value for key, value in data.items() if key not in NOT_SENT}
        size = len(json.dumps(sent, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass"))
        charge = Charge(
            self._astakos,
            self._background,
            request_id=uuid.uuid4().hex,
            caller=user.caller,
            model=model,
            most=most_tokens(model, data, size),
            at_first=self._settings.at_first,
            ttl=self._settings.ttl,
        )
        if user.charge is not None:
            # Another callback has refused the first model, and LiteLLM begins again with a fallback.
            await user.charge.settle(None)
        await charge.reserve()
        user.begin(charge)

    async def _check(self) -> None:
        if self._is_checked:
            return
        try:
            await require_resources(self._astakos)
        except AstakosClientException as error:
            raise refusal_of(error) from None
        except ValueError as error:
            log.error("%s", error)  # noqa: TRY400 - the message says it all
            raise Refused(
                500, "The proxy is configured wrongly; its log says how.", "not_configured"
            ) from None
        self._is_checked = True

    async def async_post_call_success_hook(
        self, data: Mapping[str, Any], user_api_key_dict: UserAPIKeyAuth, response: object
    ) -> None:
        """Settles an answer that is not streamed, before the client gets it."""
        charge = _charge_of(user_api_key_dict)
        if charge is not None:
            document = _document_of(response)
            _note_who_serves(charge, response)
            await charge.settle(
                reported_usage(document) or Tokens(counted_prompt(data), counted_output(document))
            )

    async def async_post_call_streaming_iterator_hook(
        self,
        user_api_key_dict: UserAPIKeyAuth,
        response: AsyncIterator[object],
        request_data: Mapping[str, Any],
    ) -> AsyncIterator[object]:
        """Passes a stream on, and settles it however it ends: also if its client has gone, or its model."""
        charge = _charge_of(user_api_key_dict)
        taken = StreamedTokens(counted_prompt(request_data))
        served_by: object = None
        used: Tokens | None = None  # of a stream that has not begun: nothing
        try:
            async for piece in response:
                if charge is not None:
                    if (deployment := _deployment_of(piece)) != served_by:
                        served_by = deployment
                        _note_who_serves(charge, piece)
                    if taken.read(_document_of(piece)):
                        await charge.cover(taken.counted)
                    used = taken.so_far
                yield piece
            used = taken.at_end
            if charge is not None:
                await charge.settle(used)
        finally:
            if charge is not None:
                charge.end(used)

    async def async_post_call_failure_hook(
        self,
        request_data: object,
        original_exception: Exception,
        user_api_key_dict: UserAPIKeyAuth,
        traceback_str: str | None = None,
    ) -> None:
        """Releases the reservation of a request that has failed, unless it is settled already."""
        charge = _charge_of(user_api_key_dict)
        if charge is not None:
            await charge.settle(None)


def _charge_of(user: UserAPIKeyAuth) -> Charge | None:
    return user.charge if isinstance(user, Authenticated) else None


def _require_offered(route: str) -> None:
    call = "/" + route.strip("/").removeprefix("v1/")
    if call not in OFFERED and not call.startswith("/models/"):
        raise Refused(403, "This call is not offered here.", "not_offered")


def _router() -> Router:
    from litellm.proxy import proxy_server  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    # It is made after the proxy has imported this module.
    router: Router | None = proxy_server.llm_router
    if router is None:
        raise Refused(404, "There are no models.", "model_not_found")
    return router


def _document_of(response: Any) -> Mapping[str, Any]:
    document = response.model_dump(exclude_none=True) if hasattr(response, "model_dump") else response
    return document if isinstance(document, dict) else {}


def _deployment_of(response: object) -> str | None:
    hidden = getattr(response, "_hidden_params", None)
    model_id = hidden.get("model_id") if isinstance(hidden, dict) else None
    return model_id if isinstance(model_id, str) else None


def _note_who_serves(charge: Charge, response: object) -> None:
    """Counts the prices of the deployment that answers, which may be a fallback."""
    model_id = _deployment_of(response)
    model = served(_router(), model_id) if model_id else None
    if model is not None:
        charge.served_by(model)
