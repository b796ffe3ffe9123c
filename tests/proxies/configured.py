"""nginx, Envoy and Traefik, each with its lines of docs/guide/gateways.md in front of an application."""

import contextlib
import re
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from socket import create_connection
from typing import Final
from urllib.parse import urlsplit

from astakos.processes.listening import LOOPBACK, listen

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "gateways.md"
TO_START = 20.0

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen {loopback}:{port};
    {lines}
  }}
}}
"""
CLUSTER = (
    "{{name: {name}, load_assignment: {{cluster_name: {name}, endpoints: [{{lb_endpoints: [{{endpoint: "
    "{{address: {{socket_address: {{address: {host}, port_value: {port}}}}}}}}}]}}]}}}}"
)
ENVOY = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: {loopback}, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: gateway
          route_config:
            request_headers_to_remove: [authorization, x-auth-token]
            virtual_hosts:
            - {{name: all, domains: ["*"], routes: [{{match: {{prefix: "/"}}, route: {{cluster: application}}}}]}}
{lines}
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters: [{application}, {astakos}]
"""  # noqa: E501 - names in Envoy's configuration
TRAEFIK = """
{lines}
    without_token:
      headers: {{customRequestHeaders: {{Authorization: "", X-Auth-Token: ""}}}}
  routers:
    all: {{rule: "PathPrefix(`/`)", service: application, middlewares: [budgets, without_token]}}
  services:
    application: {{loadBalancer: {{servers: [{{url: "http://{loopback}:{behind}"}}]}}}}
"""
ENTRY = """
entryPoints: {{web: {{address: "{loopback}:{port}"}}}}
providers: {{file: {{filename: "{folder}/traefik.yaml"}}}}
"""


def _lines(language: str, first: str, url: str, token: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    (lines,) = (block for block in blocks if block.startswith(first))
    return str(lines).replace("http://127.0.0.1:8000", url).replace("TOKEN_OF_THE_COMPONENT", token)


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[int]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + TO_START
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                create_connection((LOOPBACK, port), timeout=1).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(TO_START)


def _free_port() -> int:
    with listen(LOOPBACK, 0) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def nginx(url: str, token: str, behind: int) -> Iterator[int]:
    """Runs nginx; returns its port."""
    port = _free_port()
    lines = _lines("nginx", "location", url, token).replace("127.0.0.1:8081", f"{LOOPBACK}:{behind}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "nginx.conf")
        file.write_text(NGINX.format(folder=folder, loopback=LOOPBACK, port=port, lines=lines))
        with _running(["nginx", "-c", str(file), "-e", f"{folder}/error.log"], port):
            yield port


@contextlib.contextmanager
def envoy(url: str, token: str, behind: int) -> Iterator[int]:
    """Runs Envoy; returns its port."""
    port, parts = _free_port(), urlsplit(url)
    lines = _lines("yaml", "use_remote_address", f"http://{parts.netloc}", token)
    lines = lines.replace("path_prefix: /authz", f"path_prefix: {parts.path}/authz")
    text = ENVOY.format(
        loopback=LOOPBACK,
        port=port,
        lines=textwrap.indent(lines.rstrip(), " " * 10),
        application=CLUSTER.format(name="application", host=LOOPBACK, port=behind),
        astakos=CLUSTER.format(name="astakos", host=parts.hostname, port=parts.port),
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "envoy.yaml")
        file.write_text(text)
        with _running(["envoy", "-c", str(file), "--disable-hot-restart", "--concurrency", "1"], port):
            yield port


@contextlib.contextmanager
def traefik(url: str, token: str, behind: int) -> Iterator[int]:
    """Runs Traefik; returns its port."""
    port = _free_port()
    lines = _lines("yaml", "http:", url, token).rstrip()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "traefik.yaml").write_text(TRAEFIK.format(lines=lines, loopback=LOOPBACK, behind=behind))
        file = Path(folder, "entry.yaml")
        file.write_text(ENTRY.format(folder=folder, loopback=LOOPBACK, port=port))
        with _running(["traefik", f"--configFile={file}"], port):
            yield port


PROXIES: Final[Mapping[str, Callable[[str, str, int], AbstractContextManager[int]]]] = {
    "nginx": nginx,
    "envoy": envoy,
    "traefik": traefik,
}
"""How to run each, by the name of its program: with Astakos's URL, a component's token and a port behind."""
