"""Sends the spans of a process to a collector, as the standard environment variables say.

Requests hand a span over to a bounded queue and go on. A thread sends; if the collector is slow or dead, the
oldest spans are dropped.
"""

import logging
import math
import os
import threading
import uuid
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from astakos.tracing.tracer import Tracer

FLUSH_SECONDS: Final = 2.0
"""How long a process that ends waits for its last spans to be taken."""
PROTOCOL: Final = "http/protobuf"
OTLP, NONE = "otlp", "none"
COMPRESSIONS: Final = ("none", "gzip", "deflate")
DEFAULT_ENDPOINT: Final = "http://localhost:4318"
LIBRARY: Final = "opentelemetry"

log = logging.getLogger("astakos.traces")


class TracingSettingsError(Exception):
    """An environment variable of OpenTelemetry asks for what cannot be done; the message says which."""


def is_switched_off() -> bool:
    """Returns whether the environment says that nothing is to be exported."""
    is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return is_disabled or os.environ.get("OTEL_TRACES_EXPORTER", "").strip() == NONE


def require_settings() -> str:
    """Checks the variables that this program understands, and returns where traces go, without credentials.

    Raises:
        TracingSettingsError: one of them cannot be followed.
    """
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if exporter not in {"", OTLP, NONE}:
        raise TracingSettingsError(f"OTEL_TRACES_EXPORTER is {exporter!r}; it must be {OTLP} or {NONE}")
    name, protocol = _variable("PROTOCOL")
    if protocol not in {"", PROTOCOL}:
        raise TracingSettingsError(
            f"{name} is {protocol!r}; it must be {PROTOCOL}, and the endpoint that of a collector's HTTP "
            "receiver, usually port 4318"
        )
    name, compression = _variable("COMPRESSION")
    if compression not in {"", *COMPRESSIONS}:
        raise TracingSettingsError(f"{name} is {compression!r}; it must be none, gzip or deflate")
    name, timeout = _variable("TIMEOUT")
    if timeout and not _is_positive(timeout):
        raise TracingSettingsError(f"{name} is {timeout!r}; it must be a number of seconds above 0")
    return _endpoint()


def _is_positive(number: str) -> bool:
    try:
        return 0 < float(number) < math.inf
    except ValueError:
        return False


def _variable(name: str) -> tuple[str, str]:
    """Returns a variable of the exporter that is set, for traces or else for all signals, and its value."""
    of_traces, of_all = f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}"
    chosen = of_traces if os.environ.get(of_traces) else of_all
    return chosen, os.environ.get(chosen, "").strip()


def _endpoint() -> str:
    name, url = _variable("ENDPOINT")
    try:
        parts = urlsplit(url or DEFAULT_ENDPOINT)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme not in {"http", "https"}:
        raise TracingSettingsError(f"{name} must be a URL of http or https, such as {DEFAULT_ENDPOINT}")
    address = f"[{host}]" if ":" in host else host
    path = parts.path if "TRACES" in name else f"{parts.path.removesuffix('/')}/v1/traces"
    return urlunsplit((parts.scheme, address if port is None else f"{address}:{port}", path, "", ""))


class Tracing:
    """The traces of one process, from its start to its end."""

    def __init__(self, process: str) -> None:
        """Begins to export.

        Args:
            process: what this process does, for the resource that its spans belong to.

        Raises:
            TracingSettingsError: a variable cannot be followed.

        Attributes:
            endpoint: where traces go, without credentials.
            tracer: records the spans.
        """
        self.endpoint = require_settings()
        try:
            self._exporter = WatchedExporter(OTLPSpanExporter())
            provider = TracerProvider(resource=_resource(process), shutdown_on_exit=False)
            provider.add_span_processor(BatchSpanProcessor(self._exporter))
        except (ValueError, OSError) as error:
            raise TracingSettingsError(f"traces cannot be exported: {error}") from error
        self._provider = provider
        self.tracer = Tracer(provider)

    def stop(self) -> None:
        """Sends what is left, for at most `FLUSH_SECONDS`; what is not taken by then is dropped."""
        if self._exporter.is_failing:
            # The collector would not take what is left, either.
            self._exporter.shutdown()
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)
        if ending.is_alive():
            log.warning("the last traces were not taken within %.0f s and are dropped", FLUSH_SECONDS)


def _resource(process: str) -> Resource:
    ours = Resource.create(
        {
            "service.name": "astakos",
            "service.instance.id": str(uuid.uuid4()),
            "process.pid": os.getpid(),
            "astakos.process": process,
        }
    )
    # What the operator says comes last, and wins.
    return ours.merge(OTELResourceDetector().detect())


class WatchedExporter(SpanExporter):
    """Tells when exports begin to fail and when they succeed again, in place of a line for each attempt.

    Attributes:
        is_failing: whether the last export failed.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        """Exports with another one."""
        self._exporter = exporter
        self.is_failing = False
        self._reason = _LastReason()
        # The library's loggers have no say: a dead collector would fill the log.
        library = logging.getLogger(LIBRARY)
        library.handlers = [self._reason]
        library.propagate = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Exports, and notes how it went."""
        self._reason.text = ""
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self.is_failing:
            log.warning("traces are not taken, and dropped: %s", self._reason.text or "no reason given")
        elif self.is_failing and not failed:
            log.warning("traces are taken again")
        self.is_failing = failed
        return result

    def shutdown(self) -> None:
        """Gives up what is under way."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is held back here."""
        return self._exporter.force_flush(timeout_millis)


class _LastReason(logging.Handler):
    """Keeps the first reason that the library gives for a failed export; those after it say less."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = self.text or record.getMessage()
