"""The exceptions that the client raises.

::

    AstakosClientException        base class; also raised for statuses without a class of their own
    ├── BadValue                  an argument is invalid; the client sent nothing
    ├── ConnectionError           no complete response: refused, timed out, truncated or malformed
    ├── InvalidResponse           the server reported success, but its response cannot be parsed
    ├── SecretLost                the call took effect, but the answer with the new secret was lost
    ├── BadRequest        400     the server rejected the request as malformed
    ├── Unauthorized      401     the token is missing, unknown or expired
    ├── Forbidden         403     the token is valid, but its holder is not permitted to do this
    ├── NotFound          404     no such object, or it is not visible with this token, or the URL is wrong
    ├── Conflict          409     the current state does not allow this
    ├── QuotaLimit        413     the server refused a commission because it violates a limit
    ├── NoUserName                no user has this UUID
    ├── NoUUID                    no user has this name
    └── NoEndpoints               the service catalog has no matching endpoint

The module also defines `InsecureConnectionWarning`, a warning category.

Every exception can be pickled and copied, and carries the details of the failure as attributes (see
`AstakosClientException`). ``str()`` and ``repr()`` are safe to log: they include the call, the status and
the server's explanation, but never a token. The attributes ``details`` and ``response`` hold the response
body; what it repeats of the request's token and secrets is redacted, but it may contain others, so do not log
them.
"""

# ruff: noqa: N818 - the names are those of the documented API

from __future__ import annotations

from typing import Any, Self

NOT_CARRIED_OUT = "not-carried-out"
"""The ``outcome`` of a request that certainly had no effect."""
UNKNOWN = "unknown"
"""The ``outcome`` of a request that may have taken effect, or may still do so."""
CARRIED_OUT = "carried-out"
"""The ``outcome`` of a request that certainly took effect."""
LONGEST_QUOTATION = 200
"""Maximum length of the server's explanation, or of the path, in ``str(exception)``, in characters."""
LONGEST_STORY = 1000
"""Maximum length of what ``str(exception)`` says besides the request, in characters."""


class AstakosClientException(Exception):
    """Base class of all exceptions in this package.

    Attributes:
        message: short description; for an HTTP error, the reason phrase.
        details: long description; for an HTTP error, the response body.
        status: the HTTP status, or 500 if there was no response.
        response: the response body as text, or None if there was no response.
        errobject: the underlying exception, or None.
        method, path: the HTTP method and path of the failed request, with secrets redacted; empty if the
            client sent nothing.
        fault: the fault key in the response, for example ``itemNotFound``; empty if there is none.
        said: the server's explanation as shown by ``str()``, or None to show ``details``.
        request_id: the ``X-Request-Id`` of the request, which also appears in the server's logs; may be
            empty.
        retry_after: the server's ``Retry-After``, in seconds, or None.
        outcome: what became of the call: ``not-carried-out`` if it certainly had no effect, ``unknown`` if it
            may have had one or may still have one, ``carried-out`` if it certainly had (`SecretLost`). None
            for exceptions that are not about a failed call, for example `NoUserName`.
    """

    status: int

    def __init__(
        self,
        message: str = "",
        details: str = "",
        status: int = 500,
        response: str | None = None,
        errobject: BaseException | None = None,
    ) -> None:
        """Sets the attributes of the same names. A class-level ``status`` overrides the argument."""
        if not hasattr(type(self), "status"):
            self.status = status
        super().__init__(message, details, self.status)
        self.message = message
        self.details = details
        self.response = response
        self.errobject = errobject
        self.method: str = ""
        self.path: str = ""
        self.fault = ""
        self.said: str | None = None
        self.request_id: str = ""
        self.retry_after: float | None = None
        self.outcome: str | None = None

    def during(self, method: str, path: str, request_id: str = "") -> Self:
        """Records which request failed and returns the exception. ``path`` must not contain secrets."""
        self.method = method
        self.path = path
        self.request_id = request_id
        return self

    def __str__(self) -> str:
        """Returns one line with the request, the failure and the server's explanation; no secrets."""
        story = _one_line(_shortened(self._story(), LONGEST_STORY))
        if not self.method:
            return story
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.method} {_shortened(self.path)}: {story}{request}"

    def __repr__(self) -> str:
        """Returns class and text. Omits ``args``, which include the response body."""
        return f"{type(self).__name__}({str(self)!r})"

    def _story(self) -> str:
        said = _shortened(str(self.details if self.said is None else self.said))
        headline = f"{self.status} {self.message}".rstrip()
        return f"{headline}: {said}" if said else headline

    def __reduce__(self) -> tuple[Any, ...]:
        """Supports pickling and copying; bypasses ``__init__``, whose signature differs in subclasses."""
        return _restore, (type(self), self.args, self.__dict__.copy())


def _shortened(text: str, most: int = LONGEST_QUOTATION) -> str:
    return text if len(text) <= most else text[:most] + "…"


def _one_line(text: str) -> str:
    """Makes text from the peer safe to print: no extra log lines, no terminal control sequences."""
    text = " ".join(text.split())
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def _restore(
    kind: type[AstakosClientException], args: tuple[Any, ...], attributes: dict[str, Any]
) -> AstakosClientException:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class BadValue(AstakosClientException):
    """An argument is invalid; the client sent nothing. `details` names the argument and the reason."""

    status = 500

    def __init__(self, details: str) -> None:
        """Sets ``details``, which must not contain secrets."""
        super().__init__("ValueError", details)
        self.outcome: str | None = NOT_CARRIED_OUT

    def _story(self) -> str:
        return self.details


class ConnectionError(AstakosClientException):  # noqa: A001 - the documented name
    """No complete response arrived: the server was unreachable or too slow, or the response is malformed.

    Attributes:
        sent: False only if the request provably did not reach the server; any request is then safe to send
            again. True means that the server may have carried out the request.
        peer: the server as ``host:port``, plus the proxy, if any; may be empty.
    """

    status = 500

    def __init__(self, errobject: BaseException, *, sent: bool = True, peer: str = "") -> None:
        """Wraps the underlying exception; its text becomes the message."""
        super().__init__(str(errobject) or type(errobject).__name__, errobject=errobject)
        self.sent = sent
        self.peer = peer

    def _story(self) -> str:
        trouble = "no usable response from" if self.sent else "cannot reach"
        return f"{trouble} {self.peer or 'the server'}: {_shortened(self.message)}"


class InsecureConnectionWarning(UserWarning):
    """Warns that tokens travel to another host over plain HTTP; issued once per host and process.

    Example:
        .. code-block:: python

            warnings.simplefilter("ignore", errors.InsecureConnectionWarning)  # trusted network
    """


class InvalidResponse(AstakosClientException):
    """The server reported success, but its response cannot be parsed or lacks an expected key.

    The request may have taken effect. To find out whether a commission was issued, call
    `AstakosClient.get_pending_commissions`.
    """

    status = 500

    def _story(self) -> str:
        return f"{self.message}: {self.said}" if self.said else self.message


class SecretLost(AstakosClientException):
    """The call took effect, but the server cannot show the secret that it made again.

    It was in the answer to an earlier attempt of the call, or to another call with the same idempotency key.
    ``details`` is the server's advice on how to get another secret: rotate the key, or revoke the invitation
    and make another one.

    Attributes:
        made: what was made, for example the key, with its ``prefix``; None stands for the secret.

    Example:
        .. code-block:: python

            try:
                key = client.create_key(token, "ci")
            except errors.SecretLost as lost:
                # Nobody has the first secret.
                key = client.rotate_key(token, lost.made["prefix"], overlap_seconds=0)
    """

    status = 500

    def __init__(self, made: dict[str, Any]) -> None:
        """Sets ``made``, and ``details`` from the message that it includes."""
        super().__init__("The secret is not shown again", str(made.get("message", "")))
        self.made = made
        self.outcome: str | None = CARRIED_OUT

    def _story(self) -> str:
        return self.details or self.message


class BadRequest(AstakosClientException):
    """The server rejected the request as malformed (400)."""

    status = 400


class Unauthorized(AstakosClientException):
    """The token is missing, unknown or expired (401)."""

    status = 401


class Forbidden(AstakosClientException):
    """The token is valid, but its holder is not permitted to do this (403)."""

    status = 403


class NotFound(AstakosClientException):
    """The object does not exist or is not visible with this token, or the URL of the client is wrong (404).

    ``fault`` is empty if the URL is wrong, and if a commission is not pending.
    """

    status = 404


class Conflict(AstakosClientException):
    """The current state does not allow this (409).

    For example, the project is suspended or full, somebody else has decided, or a name is taken.
    """

    status = 409


class QuotaLimit(AstakosClientException):
    """The server refused a commission: it would exceed a limit, or release more than is in use (413).

    ``details`` is a sentence, for example ``compute.vm: available 3, requested 4.``; ``response`` is the
    response body.

    Attributes:
        holder: whose limit it is, for example ``user:<uuid>`` or ``project:<uuid>``.
        resource: the resource, for example ``cyclades.vm``.
        limit: the limit; 0 if the commission releases more than is in use.
        usage: the usage that counts, including pending commissions.
        requested: the requested quantity; negative for a release.
        available: how much there is room for: ``limit - usage``, or more if there are grants.
        level: whose limit it is: ``user``, ``project``, ``parent``: that of a project above the project, or
            ``key``: that of the user's API key.
        resets: for a limit per period or per time, when its period ends or there will be room, as an ISO 8601
            text; None also if waiting does not help.
        project_state: ``suspended`` or ``terminated`` if the project, or the parent, gives nothing to
            anybody for that; otherwise None.

    All are None if the response does not contain them.
    """

    status = 413

    def __init__(
        self,
        message: str = "",
        details: str = "",
        status: int = 413,
        response: str | None = None,
        errobject: BaseException | None = None,
    ) -> None:
        """Takes the same arguments as the base class; the client sets the other attributes afterwards."""
        super().__init__(message, details, status, response, errobject)
        self.holder: str | None = None
        self.resource: str | None = None
        self.limit: int | None = None
        self.usage: int | None = None
        self.requested: int | None = None
        self.available: int | None = None
        self.level: str | None = None
        self.resets: str | None = None
        self.project_state: str | None = None

    def _story(self) -> str:
        story = super()._story()
        if not (self.holder and self.requested):
            return story
        resets = f", resets {self.resets}" if self.resets else ""
        whose = "parent" if self.level == "parent" else "project"
        state = f", the {whose} is {self.project_state}" if self.project_state else ""
        what = "usage" if self.requested < 0 else "limit"
        return f"{story} ({what} of {_shortened(self.holder)}{state}{resets})"


class NoUserName(AstakosClientException):
    """No user has this UUID; see the attribute ``uuid``."""

    status = 500

    def __init__(self, uuid: str) -> None:
        """Sets ``uuid`` and a message that includes it."""
        super().__init__(f"No user name for UUID {uuid}")
        self.uuid = uuid

    def _story(self) -> str:
        return self.message


class NoUUID(AstakosClientException):
    """No user has this name; see the attribute ``display_name``."""

    status = 500

    def __init__(self, display_name: str) -> None:
        """Sets ``display_name`` and a message that includes it."""
        super().__init__(f"No UUID for user name {display_name}")
        self.display_name = display_name

    def _story(self) -> str:
        return self.message


class NoEndpoints(AstakosClientException):
    """The service catalog has no endpoint that matches all criteria."""

    status = 500

    def __init__(
        self,
        ep_name: str | None = None,
        ep_type: str | None = None,
        ep_region: str | None = None,
        ep_version_id: str | None = None,
    ) -> None:
        """Builds a message from the criteria; None means that a criterion was not given."""
        criteria = {"name": ep_name, "type": ep_type, "region": ep_region, "versionId": ep_version_id}
        wanted = ", ".join(f"{key} {value!r}" for key, value in criteria.items() if value is not None)
        super().__init__(f"No endpoints with {wanted}" if wanted else "No endpoints in the service catalog")

    def _story(self) -> str:
        return self.message
