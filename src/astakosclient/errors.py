"""What can go wrong, as one small tree.

::

    AstakosClientException        anything; also an answer with a status that has no class of its own
    ├── BadValue                  the caller gave an argument that cannot be right
    ├── ConnectionError           no complete answer: refused, timed out, cut short, garbled
    ├── InvalidResponse           the server said "done", but its answer cannot be read
    ├── BadRequest        400     the server does not understand the request
    ├── Unauthorized      401     the token is missing, unknown or expired
    ├── Forbidden         403     the token is good, the holder may not do this
    ├── NotFound          404     there is no such thing, or not for this token
    ├── QuotaLimit        413     a commission was refused: a limit would be exceeded
    ├── NoUserName                the server knows no user with this UUID
    ├── NoUUID                    the server knows no user with this name
    └── NoEndpoints               the service catalogue has nothing that fits

`InsecureConnectionWarning` is no exception but a warning.

Every exception keeps its evidence (see `AstakosClientException`), survives pickling and copying, and its
text is safe to log: it names the call, the status and what the server said, never a token. The attributes
``details`` and ``response`` are the exception to that: they are the server's answer as it came.
"""

# ruff: noqa: N818 - the names are those of the documented API

from __future__ import annotations

from typing import Any, Self

LONGEST_QUOTATION = 200
"""How many characters of a server's own words the text of an exception repeats."""


class AstakosClientException(Exception):
    """Something went wrong; every exception of this package derives from this one.

    Attributes:
        message: what happened, in a few words; for an answer of the server, its reason phrase.
        details: more about it; for an answer of the server, its body.
        status: the HTTP status of the answer, or 500 when there was none.
        response: the body of the server's answer as text, or None when there was no answer.
        errobject: the exception behind this one, if any.
        method, path: the call that failed (secrets in the path are blanked), or empty.
        fault: the key of the server's fault, such as ``itemNotFound``, or empty.
        said: the server's own explanation, as far as the text of this exception repeats it.
        retry_after: after how many seconds the server asked to be called again, or None.
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
        """Attributes are named as the arguments; the status of a class wins over the argument."""
        if not hasattr(type(self), "status"):
            self.status = status
        super().__init__(message, details, self.status)
        self.message = message
        self.details = details
        self.response = response
        self.errobject = errobject
        self.method = ""
        self.path = ""
        self.fault = ""
        self.said: str | None = None
        self.retry_after: float | None = None

    def during(self, method: str, path: str) -> Self:
        """Note which call failed, and return the exception; ``path`` must be free of secrets."""
        self.method = method
        self.path = path
        return self

    def __str__(self) -> str:
        """The call, what happened, and what the server said; no secrets."""
        story = _one_line(self._story())
        return f"{self.method} {self.path}: {story}" if self.method else story

    def __repr__(self) -> str:
        """The class and the text; not the arguments, which hold the server's answer as it came."""
        return f"{type(self).__name__}({str(self)!r})"

    def _story(self) -> str:
        said = _shortened(str(self.details if self.said is None else self.said))
        headline = f"{self.status} {self.message}".rstrip()
        return f"{headline}: {said}" if said else headline

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickling and copying; not by the constructor, since subclasses take other arguments."""
        return _restore, (type(self), self.args, self.__dict__.copy())


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTATION else text[:LONGEST_QUOTATION] + "…"


def _one_line(text: str) -> str:
    """What a peer says must not look like further lines of a log, nor control a terminal."""
    text = " ".join(text.split())
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def _restore(
    kind: type[AstakosClientException], args: tuple[Any, ...], attributes: dict[str, Any]
) -> AstakosClientException:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class BadValue(AstakosClientException):
    """An argument cannot be right, so nothing was sent; `details` says which one and why."""

    status = 500

    def __init__(self, details: str) -> None:
        """Say which argument cannot be right, and why; never repeat a secret."""
        super().__init__("ValueError", details)

    def _story(self) -> str:
        return self.details


class ConnectionError(AstakosClientException):  # noqa: A001 - the documented name
    """There is no complete answer: the peer was not reached, was too slow, or its answer is broken.

    Attributes:
        sent: False only if the request provably did not reach the server, so that repeating it is
            harmless whatever it does. True means that the server may have carried it out.
        peer: whom the connection was for, as ``host:port``, or empty.
    """

    status = 500

    def __init__(self, errobject: BaseException, *, sent: bool = True, peer: str = "") -> None:
        """Wrap what went wrong; its text becomes the message."""
        super().__init__(str(errobject) or type(errobject).__name__, errobject=errobject)
        self.sent = sent
        self.peer = peer

    def _story(self) -> str:
        trouble = "no usable answer from" if self.sent else "cannot reach"
        return f"{trouble} {self.peer or 'the server'}: {_shortened(self.message)}"


class InsecureConnectionWarning(UserWarning):
    """Tokens go to another host over plain HTTP; each host is named once in a process.

    Example:
        .. code-block:: python

            warnings.simplefilter("ignore", errors.InsecureConnectionWarning)  # the network is our own
    """


class InvalidResponse(AstakosClientException):
    """The server answered with success, but with something that the call cannot use.

    A commission may have been issued all the same: look at `AstakosClient.get_pending_commissions`.
    """

    status = 500

    def _story(self) -> str:
        return self.message


class BadRequest(AstakosClientException):
    """The server does not understand the request (400)."""

    status = 400


class Unauthorized(AstakosClientException):
    """The token is missing, unknown or expired (401)."""

    status = 401


class Forbidden(AstakosClientException):
    """The server understood, and refuses: the holder of the token may not do this (403)."""

    status = 403


class NotFound(AstakosClientException):
    """The server has no such thing, or not for this token (404)."""

    status = 404


class QuotaLimit(AstakosClientException):
    """A commission was refused: it would exceed a limit, or release more than is used (413).

    Attributes:
        resource: the resource in question, such as ``cyclades.vm``.
        limit, usage: the limit that stands in the way and what is used of it, pending commissions included.
        requested: the quantity that was asked for; negative for a release.
        available: what could still have been had, ``limit - usage``.

    All five are None when the server's answer did not say.
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
        """As of the base class; the figures are set afterwards."""
        super().__init__(message, details, status, response, errobject)
        self.resource: str | None = None
        self.limit: int | None = None
        self.usage: int | None = None
        self.requested: int | None = None
        self.available: int | None = None


class NoUserName(AstakosClientException):
    """The server knows no user with this UUID."""

    status = 500

    def __init__(self, uuid: str) -> None:
        """Say which UUID is unknown."""
        super().__init__(f"No user name for UUID {uuid}")
        self.uuid = uuid

    def _story(self) -> str:
        return self.message


class NoUUID(AstakosClientException):
    """The server knows no user with this name."""

    status = 500

    def __init__(self, display_name: str) -> None:
        """Say which user name is unknown."""
        super().__init__(f"No UUID for user name {display_name}")
        self.display_name = display_name

    def _story(self) -> str:
        return self.message


class NoEndpoints(AstakosClientException):
    """The service catalogue has no endpoint that meets all the criteria."""

    status = 500

    def __init__(
        self,
        ep_name: str | None = None,
        ep_type: str | None = None,
        ep_region: str | None = None,
        ep_version_id: str | None = None,
    ) -> None:
        """Say what was looked for; None is no criterion."""
        criteria = {"name": ep_name, "type": ep_type, "region": ep_region, "versionId": ep_version_id}
        wanted = ", ".join(f"{key} {value!r}" for key, value in criteria.items() if value is not None)
        super().__init__(f"No endpoints with {wanted}" if wanted else "No endpoints in the service catalogue")

    def _story(self) -> str:
        return self.message
