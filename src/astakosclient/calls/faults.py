"""Converts error responses to exceptions."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from astakosclient import errors
from astakosclient.retry import seconds_to_wait

if TYPE_CHECKING:
    from astakosclient.core.exchange import Answer

CLASS_OF_STATUS: dict[int, type[errors.AstakosClientException]] = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
}

OVER_LIMIT_HEADLINE = "The account's resource limit is exceeded"
OVER_RELEASE_HEADLINE = "More would be released than is in use"

NOT_PENDING = (
    "the service has no pending commission with this serial: it was accepted or rejected before, it expired, "
    "or it never existed"
)
SPEAKS_HTTPS = "the server speaks https there, not http: the URL is https://…"
_WANTS_TLS = (b"to HTTPS port", b"to an HTTPS server", b"to an SSL-enabled server port")
"""What nginx, servers written in Go, and Apache say to plain HTTP."""
FOREIGN = "this is not an answer of Astakos: check the scheme, host and path of the URL"

RESOURCE_LABELS = {
    "cyclades.disk": "Disk",
    "cyclades.vm": "Virtual Machine",
    "cyclades.cpu": "CPU",
    "cyclades.ram": "RAM",
    "cyclades.floating_ip": "Floating IP address",
    "cyclades.network.private": "Private Network",
    "pithos.diskspace": "Storage space",
    "astakos.pending_app": "Pending Applications",
}
"""Human-readable names of resources; other resources are shown by their own name."""


def explain(answer: Answer) -> errors.AstakosClientException:
    """Returns the exception for an error response, with the body in ``details`` and ``response``."""
    kind = CLASS_OF_STATUS.get(answer.status, errors.AstakosClientException)
    error = _with_evidence(kind(_reason(answer), answer.text, answer.status, answer.text), answer)
    if not error.fault and (300 <= answer.status < 400 or answer.status in {404, 405}):
        # Astakos redirects no call, and refuses with these statuses in JSON.
        error.said = FOREIGN
    elif not error.fault and answer.status == 400 and any(words in answer.body for words in _WANTS_TLS):
        error.said = SPEAKS_HTTPS
    return error


def explain_missing_commission(answer: Answer) -> errors.AstakosClientException:
    """Does the same as `explain`, but knows what an empty 404 about a commission means."""
    error = explain(answer)
    if answer.status == 404 and not answer.body:
        error.said = NOT_PENDING
    return error


def explain_refused_issue(answer: Answer) -> errors.AstakosClientException:
    """Does the same as `explain`, but returns a `QuotaLimit` for status 413."""
    if answer.status != 413:
        return explain(answer)
    error = _over_limit(answer) or errors.QuotaLimit(_reason(answer), "", response=answer.text)
    return _with_evidence(error, answer)


def explain_oauth2(answer: Answer) -> errors.AstakosClientException:
    """Does the same as `explain`, but knows the errors of OAuth2 (RFC 6749, section 5.2)."""
    error = explain(answer)
    document = _document(answer.body)
    if isinstance(document, dict) and isinstance(document.get("error"), str):
        error.fault = document["error"]
        # The original, and this project's token endpoint, name it "exception".
        reason = _text(document, "error_description") or _text(document, "exception")
        error.said = f"{error.fault}: {reason}" if reason else error.fault
    return error


def explain_change(answer: Answer) -> errors.AstakosClientException:
    """Does the same as both, for changes of a pending commission."""
    return explain_refused_issue(answer) if answer.status == 413 else explain_missing_commission(answer)


def _reason(answer: Answer) -> str:
    if answer.reason:
        return answer.reason
    from http import HTTPStatus  # noqa: PLC0415 - slow to import, and rarely needed

    try:
        return HTTPStatus(answer.status).phrase
    except ValueError:
        return ""


def _with_evidence(error: errors.AstakosClientException, answer: Answer) -> errors.AstakosClientException:
    error.fault, said = _fault(answer.body)
    if not isinstance(error, errors.QuotaLimit) or not error.details:
        error.said = said
    elif error.limit == 0 and error.resets is None and error.project_state is None:
        # What follows the first sentence says why there is nothing, and what mends it.
        reason = said.partition(". ")[2]
        error.said = f"{error.details} {reason}" if reason else None
    error.outcome = answer.headers.get("astakos-outcome")
    error.retry_after = seconds_to_wait(answer.headers.get("retry-after"), time.time())
    return error


def _fault(body: bytes) -> tuple[str, str]:
    """Returns key and message of ``{key: {"code": …, "message": …}}``; two empty strings for other bodies.

    The original server sends no message (null) for some refusals.
    """
    document = _document(body)
    if isinstance(document, dict) and len(document) == 1:
        [(key, fault)] = document.items()
        if isinstance(fault, dict) and "message" in fault and isinstance(fault["message"], str | None):
            return key, fault["message"] or ""
    return "", ""


def _over_limit(answer: Answer) -> errors.QuotaLimit | None:
    document = _document(answer.body)
    try:
        data = document["overLimit"]["data"]
        provision = data["provision"]
        resource, requested = provision["resource"], provision["quantity"]
        limit, usage = data["limit"], data["usage"]
    except (KeyError, TypeError, IndexError):
        return None
    if not isinstance(resource, str) or not all(type(figure) is int for figure in (requested, limit, usage)):
        return None
    available = data.get("available")
    if type(available) is not int:
        available = limit - usage
    label = RESOURCE_LABELS.get(resource, resource)
    if data.get("name") == "NoQuantityError":
        headline, details = OVER_RELEASE_HEADLINE, f"{label}: in use {usage}, requested {requested}."
    else:
        headline, details = OVER_LIMIT_HEADLINE, f"{label}: available {available}, requested {requested}."
    error = errors.QuotaLimit(headline, details, response=answer.text)
    error.holder = _text(provision, "holder")
    error.resource, error.limit, error.usage = resource, limit, usage
    error.requested, error.available = requested, available
    error.level = answer.headers.get("astakos-level") or _text(data, "level") or _level(provision)
    error.project_state = answer.headers.get("astakos-project-state") or _text(data, "project_state")
    error.resets = _text(data, "resets")
    return error


def _level(provision: Any) -> str | None:
    """Returns whose limit a provision has met where no header tells; None in the form of 0.14."""
    holder, source = provision.get("holder"), provision.get("source")
    if not isinstance(holder, str):
        return None
    if source is None:
        return "project"
    return "user" if isinstance(source, str) and source.startswith("project:") else None


def _text(data: Any, key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
