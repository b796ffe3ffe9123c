"""What OpenTelemetry is told, by its own in-memory exporters."""

from __future__ import annotations

import gc
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Histogram, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from astakosclient import AstakosClient, Retry, errors
from astakosclient.events import Answered, Attempted
from astakosclient.telemetry import OpenTelemetryHooks
from client.peers import answer, closed_port

if TYPE_CHECKING:
    from client.conftest import PeerFactory

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"


@dataclass
class Told:
    """Hooks, and what became of what they told."""

    tracer_provider: TracerProvider
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader
    hooks: OpenTelemetryHooks

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    @property
    def points(self) -> list[tuple[dict[str, Any], int, float]]:
        """Attributes, number and sum of all durations."""
        data = self.reader.get_metrics_data()
        assert data is not None
        (scope,) = data.resource_metrics[0].scope_metrics
        (metric,) = scope.metrics
        assert (metric.name, metric.unit) == ("http.client.request.duration", "s")
        assert isinstance(metric.data, Histogram)
        return [(dict(p.attributes or {}), p.count, p.sum) for p in metric.data.data_points]


@pytest.fixture
def told() -> Any:
    tracer_provider, exporter = TracerProvider(), InMemorySpanExporter()
    tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
    reader = InMemoryMetricReader()
    meter_provider = MeterProvider([reader])
    yield Told(tracer_provider, exporter, reader, OpenTelemetryHooks(tracer_provider, meter_provider))
    tracer_provider.shutdown()
    meter_provider.shutdown()


def attempt_of(number: int = 1, server: str = "accounts.example.com:443") -> Attempted:
    path = "/account/v1.0/service_quotas?user=of-ada"
    return Attempted("service_get_quotas", "GET", path, server, number, f"request-{number}")


def test_an_attempt_is_a_client_span_and_a_duration(told: Told) -> None:
    attempt = attempt_of()
    told.hooks.on_attempt(attempt)
    assert told.spans == []
    told.hooks.on_answer(Answered(attempt, 200, None, 0.25))
    (span,) = told.spans
    assert (span.name, span.kind) == ("GET service_get_quotas", SpanKind.CLIENT)
    common = {
        "astakos.call": "service_get_quotas",
        "http.request.method": "GET",
        "server.address": "accounts.example.com",
        "server.port": 443,
        "http.response.status_code": 200,
    }
    assert dict(span.attributes or {}) == common | {
        "url.path": "/account/v1.0/service_quotas",
        "http.request.header.x-request-id": ("request-1",),
    }
    assert span.status.status_code is StatusCode.UNSET
    assert told.points == [(common, 1, 0.25)]


def test_its_context_is_sent_along_under_the_callers_span(told: Told) -> None:
    attempt = attempt_of()
    with told.tracer_provider.get_tracer("of the caller").start_as_current_span("handler") as handler:
        told.hooks.on_attempt(attempt)
    told.hooks.on_answer(Answered(attempt, 200, None, 0.01))
    span = told.spans[-1]
    assert span.context is not None
    assert span.parent == handler.get_span_context()
    version, trace_id, span_id, flags = attempt.headers["traceparent"].split("-")
    assert version == "00"
    assert int(flags, 16) & 1, "it is sampled"
    assert int(trace_id, 16) == span.context.trace_id == handler.get_span_context().trace_id
    assert int(span_id, 16) == span.context.span_id


@pytest.mark.parametrize(
    ("status", "error", "kind", "text"),
    [
        (503, errors.AstakosClientException("Unwell", status=503), "503", None),
        (401, errors.Unauthorized("Unauthorized"), "401", None),
        (200, errors.InvalidResponse("not JSON"), "InvalidResponse", None),
        (
            None,
            errors.ConnectionError(OSError("refused"), sent=False, peer="localhost:1"),
            "ConnectionError",
            "refused",
        ),
        (None, None, "cancelled", None),
    ],
)
def test_a_failure_says_of_which_kind_it_is(
    told: Told, status: int | None, error: errors.AstakosClientException | None, kind: str, text: str | None
) -> None:
    attempt = attempt_of()
    told.hooks.on_attempt(attempt)
    told.hooks.on_answer(Answered(attempt, status, error, 0.5))
    (span,) = told.spans
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, text)
    attributes = dict(span.attributes or {})
    assert attributes["error.type"] == kind
    assert attributes.get("http.response.status_code") == status
    ((found, number, total),) = told.points
    assert (found["error.type"], number, total) == (kind, 1, 0.5)


def test_each_repetition_is_a_span_of_its_own(told: Told) -> None:
    first, second = attempt_of(1), attempt_of(2)
    for attempt, status in ((first, 503), (second, 200)):
        told.hooks.on_attempt(attempt)
        told.hooks.on_answer(Answered(attempt, status, None, 0.1))
    counts = [(span.attributes or {}).get("http.request.resend_count") for span in told.spans]
    assert counts == [None, 1]
    assert first.headers["traceparent"] != second.headers["traceparent"]
    assert len(told.points) == 2


def test_attempts_under_way_at_once_are_not_mixed_up(told: Told) -> None:
    attempts = [attempt_of() for _ in range(10)]
    for attempt in attempts:
        told.hooks.on_attempt(attempt)
    for number, attempt in enumerate(reversed(attempts)):
        told.hooks.on_answer(Answered(attempt, 200 + number, None, 0.1))
    for span, attempt in zip(told.spans, reversed(attempts), strict=True):
        assert span.context is not None
        assert f"{span.context.span_id:016x}" in attempt.headers["traceparent"]


def test_an_attempt_that_is_never_answered_leaves_nothing_behind(told: Told) -> None:
    remembered = told.hooks._spans
    told.hooks.on_attempt(attempt_of())
    gc.collect()
    assert len(remembered) == 0


@pytest.mark.parametrize(
    ("server", "address", "port"),
    [
        ("[::1]:8000", "::1", 8000),
        ("[::1]", "::1", None),
        ("127.0.0.1:80", "127.0.0.1", 80),
        ("accounts.example.com", "accounts.example.com", None),
    ],
)
def test_an_answer_whose_attempt_was_not_told_is_counted_for_its_server(
    told: Told, server: str, address: str, port: int | None
) -> None:
    told.hooks.on_answer(Answered(attempt_of(server=server), 200, None, 0.1))
    assert told.spans == []
    ((found, number, _),) = told.points
    assert (found["server.address"], found.get("server.port"), number) == (address, port, 1)


def test_without_a_configuration_nothing_is_recorded_and_nothing_fails() -> None:
    hooks = OpenTelemetryHooks()
    attempt = attempt_of()
    hooks.on_attempt(attempt)
    hooks.on_answer(Answered(attempt, 200, None, 0.1))
    assert attempt.headers == {}


def test_without_opentelemetry_it_says_what_to_install() -> None:
    program = """
import sys
sys.modules["opentelemetry"] = None
import astakosclient.telemetry
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'pip install "astakos[opentelemetry]"' in done.stderr.splitlines()[-1]


def test_the_attempts_of_a_client_become_spans_whose_context_the_server_gets(
    told: Told, peer_of: PeerFactory
) -> None:
    peer = peer_of(answer(status="503 Busy"), answer({"system": {}}))
    hooks = told.hooks
    with AstakosClient(
        f"{peer.url}/base",
        Retry(2, base=0),
        on_attempt=hooks.on_attempt,
        on_answer=hooks.on_answer,
    ) as client:
        client.service_get_quotas(TOKEN, user="of-ada")
    first, second = told.spans
    assert [span.status.status_code for span in told.spans] == [StatusCode.ERROR, StatusCode.UNSET]
    assert (second.attributes or {})["http.request.resend_count"] == 1
    for span, request in zip((first, second), peer.requests, strict=True):
        assert span.context is not None
        assert request.headers["traceparent"].split("-")[1:3] == [
            f"{span.context.trace_id:032x}",
            f"{span.context.span_id:016x}",
        ]
        attributes = dict(span.attributes or {})
        assert attributes["url.path"] == "/account/v1.0/service_quotas"
        assert attributes["astakos.call"] == "service_get_quotas"
        assert (attributes["server.address"], attributes["server.port"]) == ("localhost", peer.port)
        assert attributes["http.request.header.x-request-id"] == (request.headers["x-request-id"],)
        assert TOKEN not in span.to_json()
        assert "of-ada" not in span.to_json()
    assert sum(number for _, number, _ in told.points) == 2


def test_an_attempt_of_a_client_that_reaches_nobody_is_an_error(told: Told) -> None:
    port = closed_port()
    hooks = told.hooks
    with (
        AstakosClient(
            f"http://127.0.0.1:{port}", on_attempt=hooks.on_attempt, on_answer=hooks.on_answer
        ) as client,
        pytest.raises(errors.ConnectionError),
    ):
        client.service_get_quotas(TOKEN, user="of-ada")
    (span,) = told.spans
    assert (span.attributes or {})["error.type"] == "ConnectionError"
    assert "refused" in str(span.status.description)
    assert "of-ada" not in span.to_json()
