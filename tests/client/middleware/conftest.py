from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from astakosclient.middleware.asgi import ASGIAuthentication
from astakosclient.middleware.wsgi import WSGIAuthentication
from client.middleware import django_site, flask_site, starlette_site
from client.middleware.serving import AwaitedClient, asgi_served, wsgi_served

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from astakosclient import AstakosClient
    from service.caller import Caller


class Guarded(Protocol):
    """A framework's application behind the middleware, on a real server."""

    def __call__(self, client: AstakosClient, **options: Any) -> AbstractContextManager[Caller]: ...


@dataclass(frozen=True)
class OnASGI:
    make: Callable[[], Any]
    awaited: bool

    def __call__(self, client: AstakosClient, **options: Any) -> AbstractContextManager[Caller]:
        asked = AwaitedClient(client) if self.awaited else client
        return asgi_served(ASGIAuthentication(self.make(), client=asked, **options))


@dataclass(frozen=True)
class OnWSGI:
    make: Callable[[], Any]

    def __call__(self, client: AstakosClient, **options: Any) -> AbstractContextManager[Caller]:
        return wsgi_served(WSGIAuthentication(self.make(), client=client, **options))


GUARDED: dict[str, Guarded] = {
    "Starlette, awaited": OnASGI(starlette_site.site, awaited=True),
    "Starlette, in threads": OnASGI(starlette_site.site, awaited=False),
    "Django on ASGI": OnASGI(django_site.asgi_application, awaited=True),
    "Django on WSGI": OnWSGI(django_site.wsgi_application),
    "Flask": OnWSGI(flask_site.site),
}


@pytest.fixture(params=GUARDED)
def guarded(request: pytest.FixtureRequest) -> Guarded:
    """Each framework in turn."""
    return GUARDED[request.param]
