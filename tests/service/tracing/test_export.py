import logging
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from astakos.tracing.export import (
    LIBRARY,
    TracingSettingsError,
    WatchedExporter,
    is_switched_off,
    require_settings,
)

OTLP = "OTEL_EXPORTER_OTLP"


@pytest.fixture(autouse=True)
def library() -> Iterator[None]:
    """What is done to the library's loggers ends with the test."""
    logger = logging.getLogger(LIBRARY)
    handlers, propagates = logger.handlers, logger.propagate
    yield
    logger.handlers, logger.propagate = handlers, propagates


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        ({}, "http://localhost:4318/v1/traces"),
        ({f"{OTLP}_ENDPOINT": "http://collector:4318/"}, "http://collector:4318/v1/traces"),
        ({f"{OTLP}_ENDPOINT": "https://[2001:db8::1]/in"}, "https://[2001:db8::1]/in/v1/traces"),
        (
            {
                f"{OTLP}_ENDPOINT": "http://elsewhere:1",
                f"{OTLP}_TRACES_ENDPOINT": "https://somebody:secret@collector.example.org/in?key=secret",
            },
            "https://collector.example.org/in",
        ),
        (
            {f"{OTLP}_TRACES_PROTOCOL": "http/protobuf", f"{OTLP}_PROTOCOL": "grpc"},
            "http://localhost:4318/v1/traces",
        ),
    ],
)
def test_the_endpoint_is_told_without_credentials(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], endpoint: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert require_settings() == endpoint


HTTP_ONLY = (
    "it must be http/protobuf, and the endpoint that of a collector's HTTP receiver, usually port 4318"
)
NO_URL = "must be a URL of http or https, such as http://localhost:4318"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (f"{OTLP}_PROTOCOL", "grpc", f"{OTLP}_PROTOCOL is 'grpc'; {HTTP_ONLY}"),
        (f"{OTLP}_TRACES_PROTOCOL", "http/json", f"{OTLP}_TRACES_PROTOCOL is 'http/json'; {HTTP_ONLY}"),
        (f"{OTLP}_COMPRESSION", "zip", f"{OTLP}_COMPRESSION is 'zip'; it must be none, gzip or deflate"),
        (f"{OTLP}_ENDPOINT", "collector:4318", f"{OTLP}_ENDPOINT {NO_URL}"),
        (f"{OTLP}_TRACES_ENDPOINT", "http://somebody:secret@[half", f"{OTLP}_TRACES_ENDPOINT {NO_URL}"),
        (f"{OTLP}_TIMEOUT", "soon", f"{OTLP}_TIMEOUT is 'soon'; it must be a number of seconds above 0"),
        (f"{OTLP}_TIMEOUT", "0", f"{OTLP}_TIMEOUT is '0'; it must be a number of seconds above 0"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "OTEL_TRACES_EXPORTER is 'zipkin'; it must be otlp or none"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(TracingSettingsError) as refused:
        require_settings()
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("name", "value", "is_off"),
    [
        ("OTEL_SDK_DISABLED", "TRUE", True),
        ("OTEL_SDK_DISABLED", "false", False),
        ("OTEL_TRACES_EXPORTER", "none", True),
        ("OTEL_TRACES_EXPORTER", "otlp", False),
    ],
)
def test_the_environment_can_switch_them_off(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, is_off: bool
) -> None:
    monkeypatch.setenv(name, value)
    assert is_switched_off() == is_off


class Moody(SpanExporter):
    """Fails as long as it is told to, and gives its reasons in the library's way."""

    reason = ""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if not self.reason:
            return SpanExportResult.SUCCESS
        logging.getLogger(f"{LIBRARY}.exporter").warning(self.reason)
        logging.getLogger(f"{LIBRARY}.exporter").error("it failed")
        return SpanExportResult.FAILURE


def test_failures_are_told_once_and_so_is_their_end(caplog: pytest.LogCaptureFixture) -> None:
    moody = Moody()
    watched = WatchedExporter(moody)
    for reason in ("", "nobody listens", "nobody listens", "", ""):
        moody.reason = reason
        watched.export([])
    assert [record.getMessage() for record in caplog.records] == [
        "traces are not taken, and dropped: nobody listens",
        "traces are taken again",
    ]
