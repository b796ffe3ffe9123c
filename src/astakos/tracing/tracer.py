"""Records spans with OpenTelemetry. Attributes have no secrets and nothing about people."""

import contextlib
import importlib.metadata
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TracerProvider

from astakos.tracing.spans import NONE, Attributes, Waited

SCOPE: Final = "astakos"
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.37.0"
"""The version of the semantic conventions that defines the names of attributes."""
ERROR_TYPE: Final = "error.type"
MOST_LINKS: Final = 64
"""Of a batch to the requests whose operations it has carried out."""

log = logging.getLogger("astakos.traces")


class Tracer:
    """The spans of one process."""

    def __init__(self, provider: TracerProvider) -> None:
        """Records with a provider."""
        self._tracer = provider.get_tracer(SCOPE, importlib.metadata.version("astakos"), SCHEMA_URL)

    @contextlib.contextmanager
    def span(self, name: str, attributes: Attributes = NONE, /) -> Iterator[None]:
        """Opens a span around some work of this process; see `spans.Span`."""
        with self._around(name, attributes, SpanKind.INTERNAL):
            yield

    @contextlib.contextmanager
    def client_span(self, name: str, attributes: Attributes = NONE, /) -> Iterator[None]:
        """Opens a span around a call of another server."""
        with self._around(name, attributes, SpanKind.CLIENT):
            yield

    @contextlib.contextmanager
    def _around(self, name: str, attributes: Attributes, kind: SpanKind) -> Iterator[None]:
        # The texts of exceptions can have anything in them, so that they are not recorded.
        with self._tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                fail(span, type(error).__name__)
                raise

    def server_span(
        self, name: str, headers: Mapping[bytes, bytes], attributes: Attributes, began: int
    ) -> trace.Span:
        """Begins the span of a request, within that of its caller, and makes it the present one.

        Args:
            name: the method and the route.
            headers: of the request, by names in lower case.
            attributes: what is known at the beginning.
            began: when the head of the request arrived, in nanoseconds since 1970.
        """
        span = self._tracer.start_span(
            name,
            context=propagate.extract(headers, Context(), getter=_HEADERS),
            kind=SpanKind.SERVER,
            attributes=attributes,
            start_time=began,
        )
        # For the rest of this context, which the request has for itself.
        context.attach(trace.set_span_in_context(span))
        return span

    @staticmethod
    def present() -> str:
        """Returns the present span as the header `traceparent` has it; "" if it is not sampled."""
        present = trace.get_current_span().get_span_context()
        if not (present.is_valid and present.trace_flags.sampled):
            return ""
        return f"00-{present.trace_id:032x}-{present.span_id:016x}-01"

    def batch(
        self, waited: Sequence[Waited], operations: int, began: int, ended: int, failure: str, /
    ) -> None:
        """Tells of a batch of the ledger; see `spans.BatchSpans`."""
        try:
            self._tell_batch(waited, operations, began, ended, failure)
        except Exception:
            log.exception("a batch could not be traced")

    def _tell_batch(
        self, waited: Sequence[Waited], operations: int, began: int, ended: int, failure: str
    ) -> None:
        requests = [_span_context(one.trace) for one in waited]
        linked = {request.span_id: request for request in requests[:MOST_LINKS]}
        # Within the first request, and not alone: so it is sampled if that is.
        transaction = self._tracer.start_span(
            "ledger transaction",
            context=_within(requests[0]),
            attributes={"astakos.ledger.operations": operations},
            links=[Link(request) for request in linked.values()],
            start_time=began,
        )
        if failure:
            fail(transaction, failure)
        transaction.end(ended)
        link = [Link(transaction.get_span_context())]
        for request, one in zip(requests, waited, strict=True):
            waiting = self._tracer.start_span(
                "ledger queue",
                context=_within(request),
                links=link,
                start_time=min(one.submitted, began),
            )
            waiting.end(began)


def fail(span: trace.Span, error: str) -> None:
    """Marks a span as failed, for a reason of low cardinality."""
    span.set_attribute(ERROR_TYPE, error)
    span.set_status(Status(StatusCode.ERROR))


def _span_context(traceparent: str) -> SpanContext:
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
    )


def _within(request: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(request), Context())


class _Headers(Getter[Mapping[bytes, bytes]]):
    """Reads the headers of a request."""

    def get(self, carrier: Mapping[bytes, bytes], key: str) -> list[str] | None:
        value = carrier.get(key.encode("ascii"))
        return None if value is None else [value.decode("latin-1")]

    def keys(self, carrier: Mapping[bytes, bytes]) -> list[str]:
        return [name.decode("latin-1") for name in carrier]


_HEADERS = _Headers()
