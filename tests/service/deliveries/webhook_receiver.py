"""A receiver of webhooks for tests, on the loopback."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import NamedTuple

from astakos.processes.listening import LOOPBACK


class Received(NamedTuple):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Keeps what it receives, and answers with a status."""

    def __init__(self, url: str, host: str) -> None:
        self.url = url
        self.host = host
        self.status = 200
        self.received: list[Received] = []


@contextlib.contextmanager
def webhook_receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            self.send_response(receiver.status)
            if receiver.status in range(300, 400):
                self.send_header("location", f"{receiver.url}/elsewhere")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    server = HTTPServer((LOOPBACK, 0), Handler)
    host = f"{LOOPBACK}:{server.server_port}"
    receiver = Receiver(f"http://{host}/hook?a=b", host)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
