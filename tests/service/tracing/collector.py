"""A collector of traces for tests: OpenTelemetry's protocol over HTTP, on the loopback."""

import contextlib
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from astakos.processes.listening import LOOPBACK

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

Values = dict[str, str | int | list[str]]


class Taken(NamedTuple):
    """A span, the attributes of it and of its resource."""

    span: Span
    attributes: Values
    resource: Values

    @property
    def name(self) -> str:
        return str(self.span.name)

    @property
    def links(self) -> list[bytes]:
        return [link.span_id for link in self.span.links]


class Collector:
    """Keeps what it takes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[Taken]:
        return [
            Taken(span, _values(span.attributes), _values(one.resource.attributes))
            for body in self.bodies
            for one in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in one.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> list[Taken]:
        return [one for one in self.spans if one.name == name]


def _values(attributes: "Iterable[KeyValue]") -> Values:
    found: Values = {}
    for one in attributes:
        value = one.value
        if value.HasField("array_value"):
            found[one.key] = [each.string_value for each in value.array_value.values]
        else:
            found[one.key] = value.int_value if value.HasField("int_value") else value.string_value
    return found


@contextlib.contextmanager
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.headers["content-type"] == "application/x-protobuf"
            assert self.path == "/v1/traces"
            taking.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    taking = Collector(f"http://{LOOPBACK}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield taking
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
