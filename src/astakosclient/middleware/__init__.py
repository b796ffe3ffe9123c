"""Authenticating the users of a service: middleware that asks Astakos whose token a request carries.

`astakosclient.middleware.asgi.ASGIAuthentication` wraps any ASGI application, such as one of Starlette,
FastAPI or Django; `astakosclient.middleware.wsgi.WSGIAuthentication` any WSGI application, such as one of
Flask or Django. They are not imported here: WSGI applications need not wait for `asyncio`.
"""

from astakosclient.middleware.user import AuthenticatedUser
from astakosclient.middleware.verdict_cache import Keeping

__all__ = ["AuthenticatedUser", "Keeping"]
