"""Reading request bodies: JSON as typed values, and forms (`http-api.md` §2, §8.3)."""

import asyncio
from collections.abc import Callable, Sequence
from email import policy
from email.parser import BytesParser
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from astakos.http.faults import BadRequest
from astakos.http.media_types import FORM_TYPE, JSON_TYPE, MULTIPART_TYPE
from astakos.http.request import Request
from astakos.storage.texts import is_storable

T = TypeVar("T")


def require_json(request: Request) -> None:
    """Refuse a request whose body is not said to be JSON.

    Raises:
        BadRequest: its content type is another one, or missing.
    """
    content_type = request.header(b"content-type")
    if not content_type.startswith(JSON_TYPE):
        said = f"not {content_type!r}" if content_type else "and there is none"
        raise BadRequest(f"The header Content-Type must be {JSON_TYPE}, {said}.")


async def read_json(request: Request, decoder: msgspec.json.Decoder[T]) -> T:
    """The body as the type of a decoder.

    Raises:
        BadRequest: it is not JSON, or not of that form; the message says where and why.
    """
    body = await request.body()
    try:
        # The decoder does not look at the encoding of what it skips.
        body.decode("utf-8")
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The body does not have the right form: {error}.") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        reason = "it nests too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadRequest(f"The body is not valid JSON: {reason}.") from error


def require_storable(name: str, text: str) -> None:
    """Refuse a text that not every database can store.

    Raises:
        BadRequest: there is a NUL in it, or half of a character.
    """
    if not is_storable(text):
        raise BadRequest(f"The {name} must be text without the character NUL.")


class JsonBody(Generic[T]):
    """A JSON body of one type, as a handler reads it and as the API describes it.

    ISSUE = JsonBody(IssueBody)
    body = await ISSUE.read(request)
    """

    media_types: Sequence[str] = (JSON_TYPE,)

    def __init__(
        self,
        kind: type[T],
        *,
        any_content_type: bool = False,
        is_required: bool = True,
        further_schema: dict[str, Any] | None = None,
    ) -> None:
        """Read a type, of whose form `msgspec` makes sure.

        Args:
            kind: the type.
            any_content_type: read it also if it is not said to be JSON.
            is_required: whether there must be a body; for the description alone.
            further_schema: what the type can not say, and the handler checks; for the description alone.
        """
        self.kind: Any = Annotated[kind, msgspec.Meta(extra_json_schema=further_schema)]
        self.is_required = is_required
        self._any_content_type = any_content_type
        self._decoder = msgspec.json.Decoder(kind)

    async def read(self, request: Request, judge: Callable[[Request], None] = require_json) -> T:
        """The body of a request.

        Args:
            request: whose body it is.
            judge: refuses the request if its content type is not right, where that is looked at.

        Raises:
            BadRequest: it is not said to be JSON, is none, or does not have that form.
        """
        if not self._any_content_type:
            judge(request)
        return await read_json(request, self._decoder)


class FormBody(Generic[T]):
    """The fields of a form as a type, as a handler reads them and as the API describes them."""

    media_types: Sequence[str] = (FORM_TYPE, MULTIPART_TYPE)
    is_required = True

    def __init__(self, kind: type[T]) -> None:
        """Read a type all of whose fields are texts."""
        self.kind: Any = kind
        self._type = kind

    async def read(self, request: Request, form_type: Callable[[str], str]) -> T:
        """The fields of a request; those that the type does not have are ignored.

        Args:
            request: whose body is the form.
            form_type: see `read_form`.

        Raises:
            BadRequest: it is no form, or does not have these fields.
        """
        form = await read_form(request, form_type)
        try:
            return msgspec.convert(form, self._type)
        except msgspec.ValidationError as error:
            raise BadRequest(f"The form does not have the right fields: {error}.") from error


def form_type_of(content_type: str) -> str:
    """The same content type, if it is that of a form.

    Raises:
        BadRequest: it is that of none.
    """
    if content_type not in (FORM_TYPE, MULTIPART_TYPE):
        raise BadRequest(f"The header Content-Type must be {FORM_TYPE} or {MULTIPART_TYPE}.")
    return content_type


async def read_form(request: Request, form_type: Callable[[str], str] = form_type_of) -> dict[str, str]:
    """The fields of a form, the last of several of one name.

    Args:
        request: whose body is the form.
        form_type: which of the two types the body is, by its content type without parameters.

    Raises:
        BadRequest: the content type is that of no form, or the body is no such form.
    """
    content_type = request.header(b"content-type")
    kind = form_type(content_type.partition(";")[0].strip().lower())
    body = await request.body()
    try:
        if kind == FORM_TYPE:
            return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict"))
        # The parser is thorough and slow: nobody else should have to wait for it.
        return await asyncio.to_thread(_multipart, content_type, body)
    except (UnicodeError, LookupError) as error:
        raise BadRequest("The form is not text in UTF-8.") from error


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
