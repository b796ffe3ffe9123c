"""Attackers and victims behind the same proxy, on the same connections to a real service.

By hand, on Debian (the proxies come from the distribution, and nothing else uses them):

    # apt-get install nginx haproxy
    $ PYTHONPATH=src:tests python -m proxies.sharing --seconds 10

Each configuration passes websocket lines on and keeps few connections to the service open, so that all share
them: nginx with and without buffering, HAProxy with its strictest and its freest reuse. Attackers send offers
to upgrade with a body that looks like a request, and the streams of `service.server.corpus`. Each victim
calls with a token of its own. No victim's response may ever be another's or an error, and nothing that an
attacker put into a body may be carried out.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from service.caller import ACCOUNT
from service.command import serving
from service.installation import database_at, make_world, rows
from service.server.corpus import CASES
from service.world import ALICE, BOB

INSTALL: Final = "apt-get install nginx haproxy"
PREFIX: Final = "/astakos"
ATTACKERS: Final = 6
PATIENCE_SECONDS: Final = 0.2
FEEDBACK: Final = b"feedback_msg=smuggled&feedback_data="
TAKER: Final = (
    b"POST /astakos/account/v1.0/feedback HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %b\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 400\r\n\r\n%b"
    % (BOB.token.encode(), FEEDBACK)
)
"""Would swallow the next request on the connection, with its token, as feedback."""
NGINX: Final = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream service {{ server 127.0.0.1:{service}; keepalive 2; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://service; proxy_http_version 1.1; proxy_next_upstream off;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_buffering {buffering}; proxy_request_buffering {buffering};
    }}
  }}
}}
"""
HAPROXY: Final = """
global
  maxconn 256
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 5s
  timeout http-keep-alive 60s
  retries 0
frontend proxy
  bind 127.0.0.1:{port}
  default_backend service
backend service
  http-reuse {reuse}
  server one 127.0.0.1:{service} maxconn 4
"""


@dataclass(frozen=True)
class Proxy:
    """A proxy in one configuration."""

    name: str
    command: Callable[[Path], Sequence[str]]
    configuration: str
    settings: Mapping[str, str]

    @contextlib.contextmanager
    def running(self, service: int) -> Iterator[int]:
        """Runs it in front of a service; its port."""
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
            free.close()
            file = Path(folder, "configuration")
            text = self.configuration.format(folder=folder, service=service, port=port, **self.settings)
            file.write_text(text, encoding="utf-8")
            process = subprocess.Popen(self.command(file), stderr=subprocess.DEVNULL)
            try:
                _wait_for(port)
                yield port
            finally:
                process.terminate()
                process.wait()


def _nginx(file: Path) -> Sequence[str]:
    return "nginx", "-p", str(file.parent), "-c", str(file)


def _haproxy(file: Path) -> Sequence[str]:
    return "haproxy", "-db", "-f", str(file)


PROXIES: Final = (
    Proxy("nginx, buffering", _nginx, NGINX, {"buffering": "on"}),
    Proxy("nginx, not buffering", _nginx, NGINX, {"buffering": "off"}),
    Proxy("haproxy, safe reuse", _haproxy, HAPROXY, {"reuse": "safe"}),
    Proxy("haproxy, any reuse", _haproxy, HAPROXY, {"reuse": "always"}),
)


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError("the proxy does not listen")


def attacks() -> Iterator[bytes]:
    """Streams that a careless service reads as more requests than the proxy has sent."""
    for upgrade in (b"websocket", b"h2c", b"TLS/1.0", b"foo"):
        for path in (b"/astakos/healthz", b"/astakos/account/v1.0/feedback", b"/astakos/nothing"):
            head = b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %b\r\n" % (path, upgrade)
            yield head + b"Content-Length: %d\r\n\r\n%b" % (len(TAKER), TAKER)
            yield head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(TAKER), TAKER)
    yield b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(TAKER), TAKER)
    yield b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(TAKER), TAKER)
    for case in CASES:
        yield case.stream.replace(b" / ", b" /astakos/healthz ").replace(b"GET /next", b"GET /astakos/next")


@dataclass
class Tally:
    """What attackers sent, and what victims got."""

    attacks: int = 0
    answered: int = 0
    answers: int = 0
    wrong: Counter[str] = field(default_factory=Counter)


def _attack(port: int, first: int, end: threading.Event, tally: Tally) -> None:
    for stream in itertools.islice(itertools.cycle(list(attacks())), first, None):
        if end.is_set():
            return
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection,
        ):
            tally.attacks += 1
            connection.sendall(stream)
            # A proxy gives up a request whose client closes its side, so wait without closing.
            connection.settimeout(PATIENCE_SECONDS)
            tally.answered += bool(connection.recv(65536))
            while connection.recv(65536):
                pass


def _suffer(port: int, token: str, uuid: str, end: threading.Event, tally: Tally) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = json.dumps({"uuids": [uuid]})
    calls = (("GET", "authenticate", None), ("POST", "user_catalogs", body))
    for method, path, sent in itertools.cycle(calls):
        if end.is_set():
            return
        try:
            headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
            connection.request(method, f"{PREFIX}{ACCOUNT}/{path}", sent, headers)
            answer = connection.getresponse()
            content = answer.read()
            is_right = answer.status == 200 and uuid in content.decode()
            told = f"{answer.status} {content[:80]!r}"
        except (OSError, http.client.HTTPException) as error:
            is_right, told = False, repr(error)
            connection.close()
        tally.answers += 1
        if not is_right:
            tally.wrong[f"{path}: {told}"] += 1


def share(port: int, seconds: float) -> Tally:
    """Lets attackers and victims share a proxy for some time."""
    tally, end = Tally(), threading.Event()
    count = len(list(attacks()))
    threads = [
        *(
            threading.Thread(target=_attack, args=(port, number * count // ATTACKERS, end, tally))
            for number in range(ATTACKERS)
        ),
        *(
            threading.Thread(target=_suffer, args=(port, one.token, one.uuid, end, tally))
            for one in (ALICE, BOB) * 2
        ),
    ]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    end.set()
    for thread in threads:
        thread.join()
    return tally


def main() -> None:
    """Run it by hand."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10, help="for each configuration")
    options = parser.parse_args()
    if not (shutil.which("nginx") and shutil.which("haproxy")):
        sys.exit(f"nginx and haproxy must be installed: {INSTALL}")
    has_failed = False
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "world.db")
        make_world(path)
        database = database_at(path)
        with serving(database) as service:
            address = urlsplit(service.caller.base_url)
            for proxy in PROXIES:
                with proxy.running(address.port or 0) as port:
                    tally = share(port, options.seconds)
                smuggled = rows(database, "SELECT message FROM feedback")
                sys.stdout.write(f"{proxy.name}: {tally}, feedback: {smuggled}\n")
                has_failed = has_failed or bool(tally.wrong or smuggled or not tally.answers)
            errors = service.end().errors
        database.close()
    sys.stdout.write(errors)
    sys.exit(has_failed or bool(errors))


if __name__ == "__main__":
    main()
