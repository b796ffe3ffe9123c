"""nginx asks Astakos about each request, with the lines of docs/guide/gateways.md and a real service.

By hand, on Debian (nginx comes from the distribution, and nothing else uses it):

    # apt-get install nginx
    $ PYTHONPATH=src:tests python -m proxies.asking

A user may send three requests a minute. They get through with the user in headers that the client cannot set,
whatever it sends; the fourth is refused with 429 and Retry-After, and requests without a good token with 401.
"""

import contextlib
import http.client
import http.server
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from astakos.processes.listening import LOOPBACK, listen
from astakosclient.testing import RunningService, running_service

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "gateways.md"
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    {lines}
  }}
}}
"""
FROM_OUTSIDE = {
    "X-Astakos-User": "somebody",
    "X-Astakos-Username": "somebody",
    "X-Astakos-Key": "somebody",
    "X-Astakos-Groups": "staff",
    "X-Astakos-Project": "another",
    "X-Astakos-Refused": "nothing",
    "Astakos-Authz-Resource": "nothing.at.all",
    "Astakos-Authz-Charge": "nothing",
    "Astakos-Authz-Project": "another",
    "Astakos-Authz-Groups": "nothing",
    "Astakos-Authz-Refuse": "429",
}
TO_START = 10.0


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
    """Run what is behind the proxy; answer its port."""
    with http.server.ThreadingHTTPServer((LOOPBACK, 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextlib.contextmanager
def nginx(service: RunningService, token: str, application: int) -> Iterator[int]:
    """Run nginx with the lines of the page; answer its port."""
    found = re.search(r"^```nginx\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    lines = found[1].replace("http://127.0.0.1:8081", f"http://{LOOPBACK}:{application}")
    lines = lines.replace("http://127.0.0.1:8000", service.url).replace("TOKEN_OF_THE_COMPONENT", token)
    with listen(LOOPBACK, 0) as listener:
        port = int(listener.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "nginx.conf")
        file.write_text(NGINX.format(folder=folder, port=port, lines=lines))
        process = subprocess.Popen(["nginx", "-c", str(file), "-e", f"{folder}/error.log"])
        try:
            until = time.monotonic() + TO_START
            while time.monotonic() < until:
                with contextlib.suppress(OSError):
                    http.client.HTTPConnection(LOOPBACK, port, timeout=1).connect()
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait(TO_START)


def asked(port: int, token: str | None, method: str = "POST") -> tuple[int, dict[str, str], Any]:
    """Send a request with everything that a client could try."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    headers = FROM_OUTSIDE | ({} if token is None else {"Authorization": f"Bearer {token}"})
    try:
        path = "/v1/chat?Astakos-Authz-Resource=nothing.at.all&X-Auth-Token=nothing"
        connection.request(method, path, b"body", headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    is_json = content.startswith(b"{")
    told = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, told, json.loads(content) if is_json else None


def main() -> None:
    if shutil.which("nginx") is None:
        sys.exit("nginx is not installed: apt-get install nginx")
    with running_service() as service, behind() as application:
        models = service.add_service("models", resources=["models.requests"])
        rate = {"name": "models.requests/per-minute", "service": "models", "system_default": 3}
        service.load({"resources": [{**rate, "meter": {"kind": "rate", "unit": "minute"}}]})
        ada = service.add_user("ada")
        with nginx(service, models.token, application) as port:
            for number in range(3):
                status, _, received = asked(port, ada.token)
                assert (status, received["body"]) == (200, "body"), (number, status, received)
                seen = {key: value for key, value in received["headers"].items() if "X-A" in key}
                assert seen == {
                    "X-Astakos-User": ada.uuid,
                    "X-Astakos-Username": ada.username,
                    "X-Astakos-Project": ada.uuid,
                }, seen
                assert ada.token not in str(received)
            status, headers, refusal = asked(port, ada.token)
            assert (status, refusal["error"]) == (429, "no room on models.requests/per-minute"), refusal
            assert 1 <= int(headers["retry-after"]) <= 20
            for token in (None, "unknown"):
                status, headers, _ = asked(port, token)
                assert status == 401, status
                assert headers["www-authenticate"].startswith('Bearer realm="astakos"')
    sys.stdout.write("as the page says: 3 requests got through, then 429; without a good token 401\n")


if __name__ == "__main__":
    main()
