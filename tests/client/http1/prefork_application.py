"""A WSGI application as its authors write it: one client, made and used before the server forks."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from astakosclient import AstakosClient

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

client = AstakosClient(os.environ["ASTAKOS_URL"], use_pool=True, pool_size=2)
RESOURCES = client.get_resources()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Tells who holds the token, and which process says so."""
    user = client.get_user_info(environ["HTTP_X_AUTH_TOKEN"])
    body = json.dumps({"uuid": user["uuid"], "process": os.getpid()}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
