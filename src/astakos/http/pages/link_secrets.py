"""The secrets of links: taken out of the address at once, and kept in a cookie for the pages that need them.

So no later request, no history of a browser and no page has the secret, and looking at the page does not use
the link: programs that check mail look, too.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from astakos.directory.password_links import PARAMETER
from astakos.http.request import Answer, Request
from astakos.http.web.cookies import Cookies
from astakos.http.web.redirects import redirect_within
from astakos.service.service import Service

SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class SecretTaken:
    """Wraps a page that links lead to.

    Attributes:
        handler: The page, which finds the secret by `secret_of`.
        cookie_path: The path below the base URL of the pages that need the secret.
    """

    is_page: ClassVar = True

    handler: Callable[[Service, Request], Awaitable[Answer]]
    cookie_path: str

    @property
    def form_limit(self) -> int:
        """How many bytes a form may have; 0 for a page, which takes none."""
        return getattr(self.handler, "form_limit", 0)

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Leads a browser that comes with a secret to the same page without it, or shows the page."""
        secret = request.query.get(PARAMETER)
        if secret is None or request.method == "POST":
            return await self.handler(service, request)
        made = Cookies(service.base_url)
        # A link that is none must not show what an earlier one leads to.
        is_secret = SECRET.fullmatch(secret) is not None
        cookie = made.link(secret, self.cookie_path) if is_secret else made.no_link(self.cookie_path)
        return redirect_within(service, f"{service.base_url}{request.path}", [cookie])


def secret_of(request: Request) -> str:
    """Returns the secret of the link that the browser has come with; "" if it has none."""
    secret = request.cookies.get(Cookies.LINK, "")
    return secret if SECRET.fullmatch(secret) else ""
