"""Asks at the base URL whether the service answers there, on this database, and as its proxies show it."""

import json
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from astakos.directory.redirects import refuse_base_url
from astakos.doctor.asking import Answer, NoAnswerError, get
from astakos.doctor.findings import Examined, Finding, NotExaminedError, fault, warning
from astakos.storage.tables import registry, settings

OK, BAD_REQUEST = 200, 400
OF_A_PROXY = frozenset({502, 503, 504})
"""What a proxy answers that does not reach the service."""
START = "Start the service, or say with --url where it is."
WRONG_PLACE = (
    "See whether the URL ends with the path of the base URL, where the proxy sends requests for it, and "
    "whether it keeps the path."
)
WANTS_TLS = f"If TLS is expected at that port, the URL begins with https://. Else s{WRONG_PLACE[1:]}"
NOT_REACHED = "Start the service, and see whether the proxy sends requests to where it listens."
NEEDS_TLS = "OAuth2 requires TLS"
"""How the service begins to tell that it does not know of TLS."""


def look_at_address(examined: Examined) -> Iterator[Finding]:
    """Asks the service whether it is well, and compares what it offers with the database."""
    url, is_given = _url(examined)
    refusal = refuse_base_url(url)
    if refusal:
        yield fault(f"{url!r} cannot be the base URL: {refusal}.", "Name another one.")
        return
    try:
        ready = get(f"{url}/readyz")
    except NoAnswerError as error:
        judge = fault if is_given else warning
        yield judge(f"The service does not answer at {url}: the server {error}.", error.remedy or START)
        return
    missing, is_plain = _document(ready).get("missing"), urlsplit(url).scheme == "http"
    if isinstance(missing, list):
        yield fault(
            f"The service at {url} is not ready: {', '.join(map(str, missing))[:200]}.",
            "Read its log, and docs/monitoring.md#health.",
        )
    elif ready.status in OF_A_PROXY:
        yield fault(
            f"At {url}, a proxy answers with status {ready.status}: it does not reach the service.",
            NOT_REACHED,
        )
        return
    elif ready.status != OK or _document(ready).get("ready") is not True:
        yield fault(
            f"Something else than the service answers at {url}, with status {ready.status}.",
            WANTS_TLS if is_plain and ready.status == BAD_REQUEST else WRONG_PLACE,
        )
        return
    yield from _compare(examined, url)
    if is_plain and not _is_local(url):
        yield warning(
            f"{url} is plain HTTP: tokens can be read on the way.",
            "Put a proxy with TLS in front of the service (docs/tls.md).",
        )


def look_at_forwarding(examined: Examined) -> Iterator[Finding]:
    """Checks whether the service knows that it is asked over TLS, which a proxy in front has to tell it."""
    url, _ = _url(examined)
    if urlsplit(url).scheme != "https":
        raise NotExaminedError(f"{url} is not https, so that there is nothing that a proxy has to tell.")
    try:
        answer = get(f"{url}/oauth2/auth")
    except NoAnswerError as error:
        raise NotExaminedError(f"The server at {url} {error}.") from error
    if answer.status != BAD_REQUEST:
        raise NotExaminedError(f"Something else than the service answers at {url}, with {answer.status}.")
    yield from judge_forwarding(url, answer)


def judge_forwarding(url: str, answer: Answer) -> Iterator[Finding]:
    """Judges how a call that needs TLS and parameters is refused without these."""
    if NEEDS_TLS.encode() in answer.body:
        yield fault(
            f"The service does not know that it is asked over TLS at {url}: it does not believe the proxy, "
            "or the proxy does not tell. OAuth2 is refused, and callers count as one for wrong passwords.",
            "Let the proxy send X-Forwarded-Protocol and X-Forwarded-For, and name it with --trusted-proxy "
            "or in the setting trusted_proxies (docs/tls.md#trusted-proxies).",
        )


def _url(examined: Examined) -> tuple[str, bool]:
    """Returns where to ask, and whether somebody said so now."""
    if examined.url is not None:
        return examined.url.rstrip("/"), True
    url = settings.find(examined.connection, settings.BASE_URL)
    if not isinstance(url, str):
        raise NotExaminedError("Nobody says where the service is: give --url, or set base_url.")
    return url.rstrip("/"), False


def _compare(examined: Examined, url: str) -> Iterator[Finding]:
    try:
        offered = _document(get(f"{url}/account/v1.0/resources"))
        issuer = _document(get(f"{url}/.well-known/oauth-authorization-server")).get("issuer")
    except NoAnswerError as error:
        yield fault(f"The service at {url} {error}.", "Read its log.")
        return
    stored = {one.name for one in registry.list_resources(examined.connection) if one.api_visible}
    if set(offered) != stored:
        others = ", ".join(sorted(set(offered) ^ stored)[:3])
        yield fault(
            f"The service at {url} works on another database: its resources are others ({others}).",
            "Give the URL and the database of one service, or see where the proxy sends requests for it.",
        )
    if isinstance(issuer, str) and issuer != url:
        yield warning(
            f"The service is asked at {url}, but calls itself {issuer[:200]}: its links lead there.",
            "Start it with --base-url, or set base_url and restart it.",
        )


def _document(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
