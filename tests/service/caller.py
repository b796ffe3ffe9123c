"""Speaking HTTP to a service, with every detail under the test's control."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from astakos.ledger.rules import Holding, Key

TIMEOUT_SECONDS = 20
ACCOUNT = "/account/v1.0"
COMMISSIONS = f"{ACCOUNT}/commissions"
TOKENS = "/identity/v2.0/tokens"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    lines: Sequence[tuple[str, str]] = ()

    def all(self, name: str) -> list[str]:
        """The values of all headers of a name, in lower case."""
        return [value for found, value in self.lines if found.lower() == name]

    @property
    def document(self) -> Any:
        """The JSON document."""
        return json.loads(self.content)

    @property
    def xml(self) -> ET.Element:
        """The XML document, as a parser reads it that knows namespaces."""
        return ET.fromstring(self.content)

    @property
    def fault(self) -> str:
        """The name of the fault, whose envelope holds nothing else."""
        (name,) = self.document
        return str(name)

    @property
    def message(self) -> str:
        """What the fault says to people."""
        return str(self.document[self.fault]["message"])


@dataclass(frozen=True)
class Caller:
    """Calls of one service by the paths below its base URL."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        document: Any = ...,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Sends one request on a connection of its own; `document` is sent as JSON."""
        parts = urlsplit(self.base_url)
        sent = dict(self.headers)
        if token is not None:
            sent["X-Auth-Token"] = token
        if document is not ...:
            body = json.dumps(document).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, parts.path + path, body, sent)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, found, content, response.getheaders())

    def get(self, path: str, token: str | None = None, **headers: str) -> Reply:
        return self("GET", path, token, headers={n.replace("_", "-"): v for n, v in headers.items()})

    def post(self, path: str, token: str | None, document: Any) -> Reply:
        return self("POST", path, token, document=document)

    def issue(self, token: str, *charges: tuple[Key, int], **options: Any) -> Reply:
        """Issues a commission."""
        provisions = [{**key._asdict(), "quantity": quantity} for key, quantity in charges]
        return self.post(COMMISSIONS, token, {"provisions": provisions, **options})

    def issued(self, token: str, *charges: tuple[Key, int], **options: Any) -> int:
        """Issues a commission that must not be refused; returns its serial."""
        reply = self.issue(token, *charges, **options)
        assert reply.status == 201, reply.content
        return int(reply.document["serial"])

    def act(self, token: str, serial: int, verb: str) -> int:
        """Accepts or rejects one commission; returns the status."""
        return self.post(f"{COMMISSIONS}/{serial}/action", token, {verb: ""}).status

    def pending(self, token: str) -> list[int]:
        serials: list[int] = self.get(COMMISSIONS, token).document
        return serials

    def holdings(self, token: str) -> dict[Key, Holding]:
        """All holdings of the resources of one component, by what the quota calls report of them."""
        found: dict[Key, Holding] = {}
        for user, sources in self.get(f"{ACCOUNT}/service_quotas", token).document.items():
            for project, resources in sources.items():
                for resource, figures in resources.items():
                    found[Key(f"user:{user}", f"project:{project}", resource)] = _holding(figures, "")
        for project, resources in self.get(f"{ACCOUNT}/service_project_quotas", token).document.items():
            for resource, figures in resources.items():
                found[Key(f"project:{project}", None, resource)] = _holding(figures, "project_")
        return found

    def raw(self, request: bytes) -> bytes:
        """Sends bytes as they are, and reads until the service has answered and closed."""
        parts = urlsplit(self.base_url)
        with socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(request)
            answer = b""
            while data := connection.recv(65536):
                answer += data
        return answer

    def leave(self, request: bytes) -> None:
        """Sends bytes as they are, and goes away without an answer."""
        parts = urlsplit(self.base_url)
        with socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(request)


def _holding(figures: Mapping[str, int], prefix: str) -> Holding:
    usage = figures[prefix + "usage"]
    return Holding(figures[prefix + "limit"], usage - figures[prefix + "pending"], usage)
