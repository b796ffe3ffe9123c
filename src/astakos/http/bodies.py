"""Reads JSON bodies of requests as typed values (`http-api.md` §2)."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from astakos.administration.document_errors import explained
from astakos.http.faults import BadRequest
from astakos.http.media_types import JSON_TYPE
from astakos.http.request import BODY_LIMIT, Request
from astakos.malformed_json import why_malformed
from astakos.storage.texts import is_storable

T = TypeVar("T")


def require_json(request: Request) -> None:
    """Requires a JSON content type.

    Raises:
        BadRequest: The content type is missing or is not JSON.
    """
    content_type = request.header(b"content-type")
    if not content_type.startswith(JSON_TYPE):
        said = f"not {content_type!r}" if content_type else "but it is missing"
        raise BadRequest(f"The Content-Type header must be {JSON_TYPE}, {said}.")


def read_json(request: Request, decoder: msgspec.json.Decoder[T]) -> T:
    """Decodes the body with a decoder.

    Raises:
        BadRequest: The body is not JSON, or does not match the type. The message says where and why.
    """
    body = request.body
    try:
        if not body.isascii():
            # The decoder does not check the encoding of values that it skips.
            body.decode("utf-8")
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The body is not valid: {explained(error, decoder.type)}.") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not valid JSON: {why_malformed(body, error)}.") from error


def require_storable(name: str, text: str) -> None:
    """Requires text that every supported database can store.

    Raises:
        BadRequest: The text contains NUL or an unpaired surrogate.
    """
    if not is_storable(text):
        raise BadRequest(f"The {name} must not contain NUL characters or unpaired surrogates.")


class JsonBody(Generic[T]):
    """A JSON body of one type. The handler reads it, and the API reference shows it.

    ISSUE = JsonBody(IssueBody)
    body = ISSUE.read(request)
    """

    media_types: Sequence[str] = (JSON_TYPE,)
    limit = BODY_LIMIT

    def __init__(
        self,
        kind: type[T],
        *,
        any_content_type: bool = False,
        is_required: bool = True,
        further_schema: dict[str, Any] | None = None,
    ) -> None:
        """Sets the type, which `msgspec` validates bodies against.

        Args:
            kind: Type of the body.
            any_content_type: Whether to accept any content type.
            is_required: Whether a body is required. Affects only the API reference.
            further_schema: Constraints that the type cannot express and the handler checks. Affects only the
                API reference.
        """
        self.kind: Any = Annotated[kind, msgspec.Meta(extra_json_schema=further_schema)]
        self.is_required = is_required
        self._any_content_type = any_content_type
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, request: Request, judge: Callable[[Request], None] = require_json) -> T:
        """Reads the body of a request.

        Args:
            request: The request.
            judge: Refuses a request with a wrong content type. Unused if any content type is accepted.

        Raises:
            BadRequest: The content type is wrong, or the body is not JSON of this type.
        """
        if not self._any_content_type:
            judge(request)
        return read_json(request, self._decoder)
