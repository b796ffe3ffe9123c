"""Authentication middleware: checks the token of each request with Astakos and identifies the user.

Wrap an ASGI application (Starlette, FastAPI, Django) in
`astakosclient.middleware.asgi.ASGIAuthentication`, and a WSGI application (Flask, Django) in
`astakosclient.middleware.wsgi.WSGIAuthentication`. Import these modules explicitly, so that WSGI applications
do not load `asyncio`.
"""

from astakosclient.middleware.user import AuthenticatedUser
from astakosclient.middleware.verdict_cache import Keeping

__all__ = ["AuthenticatedUser", "Keeping"]
