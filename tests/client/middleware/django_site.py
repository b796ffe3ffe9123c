"""A site of Django, in one module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from astakosclient import get_token_from_cookie
from client.middleware.stories import COOKIE, story_of

if TYPE_CHECKING:
    from astakosclient.middleware import AuthenticatedUser


def user_of(request: HttpRequest) -> AuthenticatedUser | None:
    """Who is calling, on either kind of server."""
    found: AuthenticatedUser | None = getattr(request, "scope", request.META)["astakos.user"]
    return found


def whoami(request: HttpRequest) -> Any:
    return JsonResponse(story_of(user_of(request)))


def cookie(request: HttpRequest) -> Any:
    return JsonResponse({"token": get_token_from_cookie(request, COOKIE)})


urlpatterns = [
    path("whoami", whoami),
    path("cookie", cookie),
    path("open/whoami", whoami),
    path("health", whoami),
]

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="of the tests", ROOT_URLCONF=__name__)
    django.setup()


def wsgi_application() -> Any:
    return get_wsgi_application()


def asgi_application() -> Any:
    return get_asgi_application()
