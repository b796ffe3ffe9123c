"""Reads forms: URL-encoded or multipart, strictly, and in time linear in their size (`http-api.md` §8.3)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from multipart import MultipartError, PushMultipartParser, parse_options_header

from astakos.http.faults import BadRequest
from astakos.http.media_types import FORM_TYPE, MULTIPART_TYPE
from astakos.http.request import Request

T = TypeVar("T")

FORM_LIMIT: Final = 64 * 1024
"""Maximum size of a form in bytes, unless an operation takes more."""
MOST_FIELDS: Final = 64
LONGEST_CONTENT_TYPE: Final = 256
LONGEST_BOUNDARY: Final = 70
"""As RFC 2046 §5.1.1 has it."""
LONGEST_PART_HEADER: Final = 512
HEADERS_OF_A_PART: Final = 8
DECODED_AT_ONCE: Final = 64 * 1024
"""After so many bytes other requests get a turn: decoding 1 MiB of percent signs takes 0.2 s."""


class FormBody(Generic[T]):
    """The fields of a form as a type. The handler reads them, and the API reference shows them."""

    media_types: Sequence[str] = (FORM_TYPE, MULTIPART_TYPE)
    is_required = True

    def __init__(self, kind: type[T], limit: int = FORM_LIMIT) -> None:
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


async def read_form(
    request: Request, form_type: Callable[[str], str] = form_type_of, *, once: bool = False
) -> dict[str, str]:
    """Reads the fields of a form. If a field occurs more than once, the last one wins.

    Args:
        request: The request.
        form_type: Returns the form type to parse the body as, from its content type without parameters.
        once: Whether a URL-encoded form in which a field occurs more than once is refused (RFC 6749, 3.1).

    Raises:
        BadRequest: The content type is not a form type, or the body is not valid.
    """
    content_type = request.header(b"content-type")
    if len(content_type) > LONGEST_CONTENT_TYPE:
        raise BadRequest(f"The Content-Type header may have at most {LONGEST_CONTENT_TYPE} characters.")
    kind = form_type(content_type.partition(";")[0].strip().lower())
    try:
        if kind == FORM_TYPE:
            return await _url_encoded(request.body, once=once)
        return _multipart(content_type, request.body)
    except UnicodeDecodeError as error:
        raise BadRequest("The form is not valid UTF-8 text.") from error


async def _url_encoded(body: bytes, *, once: bool) -> dict[str, str]:
    pieces = body.split(b"&", MOST_FIELDS)
    if len(pieces) > MOST_FIELDS:
        raise _too_many_fields()
    fields: dict[str, str] = {}
    for encoded, _, value in (piece.partition(b"=") for piece in pieces if piece):
        name = await _decoded(encoded)
        if once and name in fields:
            raise BadRequest(f"The parameter {name!r} is there more than once. Send it once.")
        fields[name] = await _decoded(value)
    return fields


async def _decoded(text: bytes) -> str:
    """Decodes text, and gives other requests a turn now and then."""
    spaced = text.replace(b"+", b" ")
    parts = []
    start = 0
    while start < len(spaced):
        if start:
            await asyncio.sleep(0)
        end = _end_of_part(spaced, start)
        parts.append(unquote_to_bytes(spaced[start:end]))
        start = end
    return b"".join(parts).decode("utf-8")


def _end_of_part(text: bytes, start: int) -> int:
    """Returns where to cut: not between a percent sign and its two digits."""
    end = start + DECODED_AT_ONCE
    if end >= len(text):
        return len(text)
    percent = text.rfind(b"%", end - 2, end)
    return end if percent < 0 else percent


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    _, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if not (0 < len(boundary) <= LONGEST_BOUNDARY and boundary.isascii()):
        raise BadRequest(
            f"The Content-Type header must name a boundary of at most {LONGEST_BOUNDARY} ASCII characters."
        )
    fields: dict[str, str] = {}
    name, content = "", b""
    try:
        with PushMultipartParser(
            boundary,
            strict=True,
            max_header_size=LONGEST_PART_HEADER,
            max_header_count=HEADERS_OF_A_PART,
            max_segment_count=MOST_FIELDS,
        ) as parser:
            for event in parser.parse(body):
                if event is None:
                    fields[name] = content.decode("utf-8")
                elif isinstance(event, bytes):
                    content += event
                elif event.filename is not None:
                    raise BadRequest(f"The field {event.name!a} must be text, not a file.")
                else:
                    name, content = event.name, b""
    except MultipartError as error:
        raise BadRequest(f"The body is not valid {MULTIPART_TYPE}: {error}.") from error
    return fields


def _too_many_fields() -> BadRequest:
    return BadRequest(f"A form may have at most {MOST_FIELDS} fields.")
