"""Reads request bodies: JSON as typed values, and forms (`http-api.md` §2, §8.3)."""

import asyncio
from collections.abc import Callable, Sequence
from email import policy
from email.parser import BytesParser
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from astakos.http.faults import BadRequest
from astakos.http.media_types import FORM_TYPE, JSON_TYPE, MULTIPART_TYPE
from astakos.http.request import BODY_LIMIT, Request
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
        raise BadRequest(f"The body is not valid: {error}.") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        reason = "it nests too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadRequest(f"The body is not valid JSON: {reason}.") from error


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

    def __init__(
        self,
        kind: type[T],
        *,
        any_content_type: bool = False,
        is_required: bool = True,
        further_schema: dict[str, Any] | None = None,
        limit: int = BODY_LIMIT,
    ) -> None:
        """Sets the type, which `msgspec` validates bodies against.

        Args:
            kind: Type of the body.
            any_content_type: Whether to accept any content type.
            is_required: Whether a body is required. Affects only the API reference.
            further_schema: Constraints that the type cannot express and the handler checks. Affects only the
                API reference.
            limit: Maximum size of a body in bytes.
        """
        self.kind: Any = Annotated[kind, msgspec.Meta(extra_json_schema=further_schema)]
        self.is_required = is_required
        self.limit = limit
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


class FormBody(Generic[T]):
    """The fields of a form as a type. The handler reads them, and the API reference shows them."""

    media_types: Sequence[str] = (FORM_TYPE, MULTIPART_TYPE)
    is_required = True

    def __init__(self, kind: type[T], limit: int = BODY_LIMIT) -> None:
        """Sets the type, whose fields must all be strings, and the maximum size of a body in bytes."""
        self.kind: Any = kind
        self.limit = limit
        self._type = kind

    async def read(self, request: Request, form_type: Callable[[str], str]) -> T:
        """Reads the fields of a form, and ignores fields that the type does not have.

        Args:
            request: The request.
            form_type: See `read_form`.

        Raises:
            BadRequest: The body is not a form, or a field is missing or invalid.
        """
        form = await read_form(request, form_type)
        try:
            return msgspec.convert(form, self._type)
        except msgspec.ValidationError as error:
            raise BadRequest(f"The form is not valid: {error}.") from error


def form_type_of(content_type: str) -> str:
    """Returns the content type unchanged if it is a form type.

    Raises:
        BadRequest: It is not a form type.
    """
    if content_type not in (FORM_TYPE, MULTIPART_TYPE):
        raise BadRequest(f"The Content-Type header must be {FORM_TYPE} or {MULTIPART_TYPE}.")
    return content_type


async def read_form(request: Request, form_type: Callable[[str], str] = form_type_of) -> dict[str, str]:
    """Reads the fields of a form. If a field occurs more than once, the last one wins.

    Args:
        request: The request.
        form_type: Returns the form type to parse the body as, from its content type without parameters.

    Raises:
        BadRequest: The content type is not a form type, or the body is not valid.
    """
    content_type = request.header(b"content-type")
    kind = form_type(content_type.partition(";")[0].strip().lower())
    body = request.body
    try:
        if kind == FORM_TYPE:
            return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict"))
        # The multipart parser is slow: run it on a thread to keep the event loop free.
        return await asyncio.to_thread(_multipart, content_type, body)
    except (UnicodeError, LookupError) as error:
        raise BadRequest("The form is not valid UTF-8 text.") from error


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    document = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    fields = {}
    for part in document.iter_parts() if document.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content.decode("utf-8")
    return fields
