"""What an action has done, told on the page that follows: in a cookie that only its session can make."""

import base64
import binascii
import hmac
from typing import Final

from astakos.http.request import Request
from astakos.http.web.cookies import Cookies
from astakos.service.service import Service

LONGEST: Final = 600
SIGNED: Final = b"astakos flash"


def flash_cookie(service: Service, secret: str, text: str) -> str:
    """Returns the cookie that tells a text on the next page of the session with a secret."""
    content = base64.urlsafe_b64encode(text[:LONGEST].encode("utf-8", "replace")).rstrip(b"=").decode("ascii")
    return Cookies(service.base_url).flash(f"{content}.{_signature(secret, content)}")


def flash_of(request: Request, secret: str) -> str:
    """Returns the text that the action before has left for this page; "" if there is none."""
    content, _, signature = request.cookies.get(Cookies.FLASH, "").partition(".")
    expected = _signature(secret, content)
    if not content or not hmac.compare_digest(signature.encode("latin-1"), expected.encode("latin-1")):
        return ""
    try:
        return base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _signature(secret: str, content: str) -> str:
    return hmac.new(secret.encode(), SIGNED + content.encode("latin-1"), "sha256").hexdigest()
