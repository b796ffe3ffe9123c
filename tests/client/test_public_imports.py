"""What others import from the client; it must stay importable whatever moves behind it."""

import importlib
import importlib.metadata

import pytest

import astakosclient

PUBLIC = {
    "astakosclient": tuple(astakosclient.__all__),
    "astakosclient.adapters.httpx2": ("AsyncHttpx2Transport", "Httpx2Transport"),
    "astakosclient.answer_types": ("CommissionInfo", "Endpoints", "Quotas", "UserInfo"),
    "astakosclient.async_client": ("AsyncAstakosClient", "AsyncBoundClient"),
    "astakosclient.catalog": ("parse_endpoints",),
    "astakosclient.client": ("AstakosClient", "BoundClient", "DocumentedClient"),
    "astakosclient.cookies": ("get_token_from_cookie",),
    "astakosclient.errors": (
        "AstakosClientException",
        "BadRequest",
        "BadValue",
        "Conflict",
        "ConnectionError",
        "Forbidden",
        "InvalidResponse",
        "NoUUID",
        "NoUserName",
        "NotFound",
        "QuotaLimit",
        "Unauthorized",
    ),
    "astakosclient.events": ("Answered", "Attempted"),
    "astakosclient.language_models.callers": ("Caller", "identify"),
    "astakosclient.language_models.charge": ("Background", "Charge", "require_resources"),
    "astakosclient.language_models.estimates": ("Model", "Tokens", "most_tokens", "reported_usage"),
    "astakosclient.language_models.refusals": ("Refused", "openai_error", "refusal_of"),
    "astakosclient.middleware": ("AuthenticatedUser", "Keeping"),
    "astakosclient.middleware.asgi": ("ASGIAuthentication",),
    "astakosclient.middleware.wsgi": ("WSGIAuthentication",),
    "astakosclient.pricing": ("PriceTable", "Rounding", "UnknownPriceError", "amount_of", "quantity_of"),
    "astakosclient.retry": ("Retry",),
    "astakosclient.telemetry": ("OpenTelemetryHooks",),
    "astakosclient.testing": (
        "Clock",
        "Component",
        "Project",
        "RunningService",
        "SeenRequest",
        "ServiceNotInstalledError",
        "Switch",
        "User",
        "running_service",
    ),
    "astakosclient.testing.fixtures": ("astakos_client", "astakos_service"),
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module in PUBLIC for name in PUBLIC[module]])
def test_it_can_be_imported(module: str, name: str) -> None:
    assert getattr(importlib.import_module(module), name) is not None


def test_the_version_is_that_of_the_distribution() -> None:
    assert astakosclient.__version__ == importlib.metadata.version("astakos")
