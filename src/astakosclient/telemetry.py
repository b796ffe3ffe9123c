"""Traces and metrics of a client's attempts in OpenTelemetry; needs ``astakosclient[opentelemetry]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

try:
    from opentelemetry import metrics, propagate, trace
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        'OpenTelemetry is not installed; install it with: pip install "astakosclient[opentelemetry]"',
        name=missing.name,
    ) from missing

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from astakosclient.events import Answered, Attempted

SCOPE: Final = "astakosclient"
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.37.0"
"""The edition of the semantic conventions from which the names below are."""

DURATION: Final = "http.client.request.duration"
DURATION_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

CALL: Final = "astakos.call"
GIVEN_UP: Final = "cancelled"

Attributes = dict[str, str | int]


class OpenTelemetryHooks:
    """Makes of each attempt a client span and a point of the histogram ``http.client.request.duration``.

    Names and units are those of the semantic conventions for HTTP clients; ``astakos.call`` says which call
    of the client it was. The span is a child of the caller's, and its context is sent along, by the
    configured propagators, as ``traceparent`` for one. No token, query or body is recorded. One object may
    serve several clients.

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
        """Record with these providers, or with the global ones."""
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
        """Begin a span, and send its context along."""
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
        """End the span, and count how long it took."""
        outcome = _outcome(answered)
        context = None
        span = self._spans.pop(answered.attempt, None)
        if span is not None:
            context = trace.set_span_in_context(span)
            span.set_attributes(outcome)
            if "error.type" in outcome:
                # Where there is a status, it says all. The text of the exception would show the query.
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
