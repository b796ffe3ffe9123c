"""HTML pages. All text is escaped; pages run no scripts and load nothing."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import ClassVar, LiteralString
from urllib.parse import urlsplit

from astakos.directory.redirects import path_of
from astakos.http.browser_protection import POLICY, page_policy
from astakos.http.faults import Fault, OutcomeUnknown, ServiceUnavailable
from astakos.http.media_types import HTML_UTF8, PLAIN_UTF8
from astakos.http.openapi.description import Refusals
from astakos.http.request import Answer, Request
from astakos.ledger.ports import OutcomeUnknownError, StorageUnavailableError
from astakos.service.service import Service

STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --paper: #f6f7f9; --card: #fff; --line: #8a94a3;
  --accent: #0b5cad; --on-accent: #fff; --bad: #a61b1b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebf0; --paper: #14181e; --card: #1d232c;
  --line: #7c8796; --accent: #7cb8f5; --on-accent: #10151b; --bad: #ff9a8f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 27rem; margin: 8vh auto; padding: 1.5rem 2rem 2rem; background: var(--card);
  border: 1px solid color-mix(in srgb, var(--line) 40%, transparent); border-radius: .5rem; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: .25rem 0 1rem; }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; }
label { display: block; font-weight: 600; margin: 1rem 0 .25rem; }
input { width: 100%; padding: .55rem .6rem; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--line); border-radius: .3rem; }
input[aria-invalid] { border-color: var(--bad); }
button { margin: 1.25rem .5rem 0 0; padding: .55rem 1.1rem; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .3rem; }
button.other { color: var(--accent); background: transparent; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.error { color: var(--bad); font-weight: 600; margin: .35rem 0 0; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin: 0; overflow-wrap: anywhere; }
ul { padding-left: 1.2rem; }
.text { white-space: pre-line; overflow-wrap: anywhere; }
"""
PAGE_POLICY = page_policy(STYLE)
OWN_FORMS = ("'self'",)
PRIVATE = {"Vary": "Cookie"}
"""Sent with what depends on who is logged in."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def html(template: LiteralString, *values: object) -> Html:
    """Fills each `{}` of a template with a value. Escapes values that are not HTML already.

    Example:
        >>> html("<b>{}</b>", "<&>")
        '<b>&lt;&amp;&gt;</b>'
    """
    return Html(
        template.format(*(value if isinstance(value, Html) else escape(str(value)) for value in values))
    )


def joined(parts: Sequence[Html]) -> Html:
    """Joins pieces of HTML, one per line."""
    return Html("\n".join(parts))


def hidden(name: str, value: str) -> Html:
    """Returns a hidden form field."""
    return html('<input type="hidden" name="{}" value="{}">', name, value)


def page(
    title: str,
    content: Html,
    *,
    status: int = 200,
    cookies: Sequence[str] = (),
    retry_after: int | None = None,
    forms_may_lead_to: Sequence[str] | None = OWN_FORMS,
) -> Answer:
    """Returns a whole page.

    Args:
        title: Title and heading.
        content: Content below the heading.
        status: Status of the response.
        cookies: Cookies to set.
        retry_after: Seconds to wait before trying again.
        forms_may_lead_to: Sources of the policy `form-action`, which browsers also apply to redirects of a
            submitted form; None for any.
    """
    document = html(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{}</title>\n'
        "<style>{}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n{}\n</main>\n</body>\n</html>\n",
        title,
        Html(STYLE),
        title,
        content,
    )
    policy = (
        PAGE_POLICY
        if forms_may_lead_to is None
        else f"{PAGE_POLICY}; form-action {' '.join(forms_may_lead_to)}"
    )
    headers = {POLICY: policy, **PRIVATE}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Answer(status, document.encode(), HTML_UTF8, headers, cookies)


def form_source(uri: str) -> str:
    """Returns a URI that a form may lead to as a source of the policy `form-action`."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def plain(status: int, text: str) -> Answer:
    """Returns a line of plain text."""
    return Answer(status, text.encode() + b"\n", PLAIN_UTF8, {"Referrer-Policy": "no-referrer", **PRIVATE})


def redirect(location: str, cookies: Sequence[str] = ()) -> Answer:
    """Redirects the browser.

    Args:
        location: URL that is safe in a header.
        cookies: Cookies to set.
    """
    return Answer(302, b"", HTML_UTF8, {"Location": location, **PRIVATE}, cookies)


def base_path(service: Service) -> str:
    """Returns the path of the base URL: links and forms that begin with it stay at the browser's host."""
    return path_of(service.base_url, service.base_url)


def redirect_within(service: Service, address: str, cookies: Sequence[str] = ()) -> Answer:
    """Redirects the browser to a page of this service, at the host that the browser knows it by.

    Args:
        service: The service.
        address: Absolute URL of the page.
        cookies: Cookies to set.
    """
    return redirect(path_of(address, service.base_url), cookies)


@dataclass(frozen=True, slots=True)
class ForPeople:
    """Wraps a handler whose error responses are pages."""

    refusals: ClassVar[Refusals] = "page"

    handler: Callable[[Service, Request], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Calls the handler, and explains errors on a page."""
        try:
            return await self.handler(service, request)
        except Fault as fault:
            return _explained(fault)
        except OutcomeUnknownError:
            return _explained(OutcomeUnknown("Your change may have been made. Look before you try again."))
        except StorageUnavailableError:
            return _explained(ServiceUnavailable("The service is unavailable now. Try again in a moment."))


def _explained(fault: Fault) -> Answer:
    answer = page("That did not work", html("<p>{}</p>", fault.message), status=fault.status)
    return answer._replace(headers={**answer.headers, **fault.headers})
