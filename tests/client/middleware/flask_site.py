"""An application of Flask."""

from __future__ import annotations

from typing import Any

from flask import Flask, request

from astakosclient import get_token_from_cookie
from client.middleware.stories import COOKIE, story_of


def site() -> Flask:
    app = Flask("site of the tests")

    @app.get("/whoami")
    @app.get("/open/whoami")
    @app.get("/health")
    def whoami() -> dict[str, Any]:
        return story_of(request.environ["astakos.user"])

    @app.get("/cookie")
    def cookie() -> dict[str, Any]:
        return {"token": get_token_from_cookie(request, COOKIE)}

    return app
