"""OpenTelemetry traces and metrics for client calls; requires ``astakos[opentelemetry]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

try:
    from opentelemetry import metrics, propagate, trace
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        'OpenTelemetry is not installed; install it with: pip install "astakos[opentelemetry]"',
        name=missing.name,
    ) from missing

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from astakosclient.events import Answered, Attempted

SCOPE: Final = "astakosclient"
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.37.0"
"""The version of the semantic conventions that defines the attribute names below."""

DURATION: Final = "http.client.request.duration"
DURATION_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

CALL: Final = "astakos.call"
GIVEN_UP: Final = "cancelled"

Attributes = dict[str, str | int]


class OpenTelemetryHooks:
    """Hooks that record each attempt as a client span and in ``http.client.request.duration``.

    Span and metric attributes follow the semantic conventions for HTTP clients; ``astakos.call`` holds the
    client method. The span is a child of the caller's span, and the configured propagators send its context
    to the server, for example as ``traceparent``. Tokens, queries and bodies are not recorded. Several
    clients can share one object.

    Example:
        .. code-block:: python

            hooks = OpenTelemetryHooks()
            client = AstakosClient(
                "https://accounts.example.com", on_attempt=hooks.on_attempt, on_answer=hooks.on_answer
            )
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        """Creates the tracer and the histogram.

        Args:
            tracer_provider: creates the tracer; the global provider by default.
            meter_provider: creates the histogram; the global provider by default.
        """
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider, schema_url=SCHEMA_URL)
        self._duration = metrics.get_meter(
            SCOPE, meter_provider=meter_provider, schema_url=SCHEMA_URL
        ).create_histogram(
            DURATION,
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS,
        )
        self._spans: WeakKeyDictionary[Attempted, Span] = WeakKeyDictionary()

    def on_attempt(self, attempt: Attempted) -> None:
        """Starts a span and adds its context to the request headers."""
        attributes = _common(attempt) | {"url.path": "/" + attempt.path.partition("?")[0].lstrip("/")}
        if attempt.number > 1:
            attributes["http.request.resend_count"] = attempt.number - 1
        span = self._tracer.start_span(
            f"{attempt.method} {attempt.call}",
            kind=SpanKind.CLIENT,
            attributes={**attributes, "http.request.header.x-request-id": (attempt.request_id,)},
        )
        self._spans[attempt] = span
        propagate.inject(attempt.headers, context=trace.set_span_in_context(span))

    def on_answer(self, answered: Answered) -> None:
        """Ends the span and records the duration."""
        outcome = _outcome(answered)
        context = None
        span = self._spans.pop(answered.attempt, None)
        if span is not None:
            context = trace.set_span_in_context(span)
            span.set_attributes(outcome)
            if "error.type" in outcome:
                # The conventions leave the description empty if there is a status; str(error) would
                # reveal the query.
                reason = answered.error.message if answered.error and answered.status is None else None
                span.set_status(Status(StatusCode.ERROR, reason))
            span.end()
        self._duration.record(answered.seconds, _common(answered.attempt) | outcome, context=context)


def _common(attempt: Attempted) -> Attributes:
    server = urlsplit(f"//{attempt.server}")
    common: Attributes = {
        CALL: attempt.call,
        "http.request.method": attempt.method,
        "server.address": server.hostname or "",
    }
    if server.port is not None:
        common["server.port"] = server.port
    return common


def _outcome(answered: Answered) -> Attributes:
    outcome: Attributes = {}
    if answered.status is not None:
        outcome["http.response.status_code"] = answered.status
    if answered.status is not None and answered.status >= 400:
        outcome["error.type"] = str(answered.status)
    elif answered.error is not None:
        outcome["error.type"] = type(answered.error).__qualname__
    elif answered.status is None:
        outcome["error.type"] = GIVEN_UP
    return outcome
