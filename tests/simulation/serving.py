"""The service as a process of its own that can be killed, and calls that tell how it answered."""

import contextlib
import http.client
import json
import os
from typing import Any
from urllib.parse import urlsplit

from service.warm_process import WarmProcess

TOKEN = "a-token-of-the-simulation"
COMMISSIONS = "/account/v1.0/commissions"


class UnexpectedAnswerError(Exception):
    """An answer that can not be right."""


class Server:
    """The service as a process of its own, on a port that is free."""

    def __init__(self, database_url: str, *options: str) -> None:
        environment = {**os.environ, "ASTAKOS_DATABASE": database_url}
        self.process = WarmProcess(["serve", "--port", "0", *options], environment, errors_are_read=False)
        line = self.process.stdout.readline()
        if not line.startswith("astakos is ready at "):
            self.kill()
            raise UnexpectedAnswerError(f"the service did not start: {line!r}")
        self.port = urlsplit(line.split()[-1]).port

    def kill(self) -> None:
        self.process.kill()
        self.process.close()

    def post(self, path: str, body: Any, key: str | None = None) -> tuple[int, Any, str | None]:
        """One call on a connection of its own; for what is repeated after a crash."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            return post(connection, path, body, key)


def post(
    connection: http.client.HTTPConnection, path: str, body: Any, key: str | None = None
) -> tuple[int, Any, str | None]:
    """The status, the document, and whether it was a repetition."""
    headers = {"X-Auth-Token": TOKEN, "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status == 503:
        # Its engine was killed first; this says as little about what has happened as a cut connection.
        raise ConnectionError(text)
    return answer.status, json.loads(text) if text else None, answer.headers.get("Idempotency-Replayed")
