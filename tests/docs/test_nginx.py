"""nginx takes the lines of the pages, and passes on what it could not send to a service."""

import http.client
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from astakos.processes.listening import LOOPBACK, listen

ROOT = Path(__file__).parents[2]
TEXT = "".join(ROOT.joinpath("docs", page).read_text(encoding="utf-8") for page in ("tls.md", "upgrades.md"))
BLOCKS: list[str] = re.findall(r"```nginx\n(.*?)```", TEXT, re.DOTALL)
ONE_SERVICE, NO_SECRETS, ERROR_LOG, TWO_SERVICES, PASSING_ON = BLOCKS
TO_START_SECONDS = 20
SECRET = "/astakos/ui/password?link=secret"
ALL = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/start.log;
events {{ worker_connections 64; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {lines}
}}
"""


class Nginx(NamedTuple):
    """nginx in front of one service that answers and one that is gone."""

    port: int
    folder: Path


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def lines_of_the_page(port: int, services: tuple[int, int], folder: Path) -> str:
    """All lines of the page, with ports of this machine, and without the certificate."""
    server = ONE_SERVICE[ONE_SERVICE.index("server {\n") :]
    server = re.sub(r" +ssl_certificate.*\n", "", server).replace(
        "listen 443 ssl", f"listen {LOOPBACK}:{port}"
    )
    server = server.replace("proxy_next_upstream off;", PASSING_ON)
    server = server.replace("location", f"{ERROR_LOG} location")
    lines = TWO_SERVICES + NO_SECRETS + server
    for address, service in zip(("10.0.0.11:8000", "10.0.0.12:8000"), services, strict=True):
        assert address in lines
        lines = lines.replace(address, f"{LOOPBACK}:{service}")
    return lines.replace("/var/log/nginx/astakos/", f"{folder}/").replace("/var/log/nginx/", f"{folder}/")


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("there is no nginx")
    with listen(LOOPBACK, 0) as free, socket.socket() as gone:
        port = free.getsockname()[1]
        free.close()
        # Bound, but not listened on: connections are refused.
        gone.bind((LOOPBACK, 0))
        service = ThreadingHTTPServer((LOOPBACK, 0), _Answering)
        thread = threading.Thread(target=service.serve_forever, daemon=True)
        thread.start()
        lines = lines_of_the_page(port, (gone.getsockname()[1], service.server_port), tmp_path)
        file = tmp_path / "nginx.conf"
        file.write_text(ALL.format(folder=tmp_path, lines=lines), encoding="utf-8")
        process = subprocess.Popen([program, "-e", str(tmp_path / "start.log"), "-c", str(file)])
        try:
            _wait_for(port, process)
            yield Nginx(port, tmp_path)
        finally:
            process.terminate()
            process.wait(TO_START_SECONDS)
            service.shutdown()
            service.server_close()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(TO_START_SECONDS * 20):
        assert process.poll() is None
        try:
            socket.create_connection((LOOPBACK, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not listen")


def post(nginx: Nginx, target: str) -> int:
    connection = http.client.HTTPConnection(LOOPBACK, nginx.port, timeout=20)
    try:
        connection.request("POST", target, body=b"{}")
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_service_that_is_gone_costs_no_call(nginx: Nginx) -> None:
    assert [post(nginx, "/astakos/account/v1.0/commissions") for _ in range(12)] == [200] * 12


def test_addresses_stand_in_the_protected_file_alone(nginx: Nginx) -> None:
    for _ in range(2):
        post(nginx, SECRET)
    protected = nginx.folder / "error.log"
    assert SECRET in protected.read_text(encoding="utf-8")
    others = [file for file in nginx.folder.glob("*.log") if file != protected]
    assert nginx.folder / "astakos.log" in others
    assert all("secret" not in file.read_text(encoding="utf-8") for file in others)
