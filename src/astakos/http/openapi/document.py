"""Builds the OpenAPI 3.1 document from the routes and from the descriptions beside their handlers."""

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

import msgspec

from astakos.directory.api_keys import CALLS
from astakos.http.faults import (
    BadRequest,
    BodyTooLarge,
    Fault,
    Forbidden,
    OutcomeUnknown,
    ServiceUnavailable,
    TooManyChanges,
    Unauthorized,
)
from astakos.http.keystone.errors import is_keystone_path
from astakos.http.media_types import HTML_TYPE, JSON_TYPE, XML_TYPE
from astakos.http.openapi.common_parts import COMMON_HEADERS, HEADERS, NOT_ON_ALL, PATH_PARAMETERS, TEXT
from astakos.http.openapi.description import (
    ANY_METHOD,
    PAGE,
    Body,
    Description,
    Parameter,
    Refusals,
    Reply,
    Schema,
    TokenKind,
    description_of,
    handlers_within,
    required_tokens,
)
from astakos.http.status_phrases import phrase_of

WITHOUT_BODY = ("GET", "HEAD")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")

TOKEN_SCHEMES: Mapping[TokenKind, str] = {"user": "userToken", "service": "serviceToken"}
IN_QUERY = "InQuery"
AS_BEARER = "AsBearer"
SCHEMAS = "#/components/schemas/{name}"

INTRODUCTION = """
The Astakos API answers two questions: who holds this token, and may they use more of a resource?
Users call with a user token, components with a service token. Send the token in the `X-Auth-Token` header or
query parameter (which takes precedence), or as `Authorization: Bearer`. Two tokens that differ are refused.
A key of a user counts as a user token, within its limits, unless the description of a call says otherwise.
To choose the format of a response, set the query parameter `format` to `json` or `xml`, or send an `Accept`
header. Only tokens and faults have an XML form; other responses stay JSON and are only labeled as XML.
A path may end with a slash. An unsupported method returns 405. An unknown path returns 400 below `account/`
and `identity/`, and 404 elsewhere. A request body must not exceed 1 MiB.
"""


class Operation(NamedTuple):
    """One method of one path, with its handler and the handler's description."""

    path: str
    method: str
    handler: Callable[..., Any]
    tokens: Sequence[TokenKind]
    description: Description | None
    refusals: Refusals


Routes = Mapping[str, Mapping[str, Callable[..., Any]]]
Announced = Callable[[str], Sequence[tuple[bytes, bytes]]]


def operations(routes: Routes) -> Iterator[Operation]:
    """Yields all operations of the routes, including those without a description."""
    for path, route in routes.items():
        for method, found in route.items():
            methods = METHODS if method == ANY_METHOD else (method,)
            for each, one in handlers_within(found, methods).items():
                description = description_of(one)
                tokens = required_tokens(found) or (description.tokens if description else ())
                refusals: Refusals = getattr(found, "refusals", "faults")
                if is_keystone_path(path):
                    refusals = "keystone"
                yield Operation(path, each, one, tokens, description, refusals)


def openapi_document(routes: Routes, announced: Announced, base_url: str) -> dict[str, Any]:
    """Builds the document.

    Args:
        routes: Handlers by path and method. Those without a description are left out.
        announced: Returns the headers, in addition to the common ones, that all responses of a path carry.
        base_url: URL that the paths are relative to.
    """
    found = [operation for operation in operations(routes) if operation.description is not None]
    schemas = _Schemas([kind for operation in found for kind in _kinds(operation.description)])
    paths: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for operation in found:
        described = _operation(operation, schemas, [_spelled(name) for name, _ in announced(operation.path)])
        described["operationId"] = _operation_id(operation, names)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Astakos",
            "version": version("astakos"),
            "description": INTRODUCTION.strip(),
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "headers": {
                name: {"description": meaning, "schema": schema, "required": name not in NOT_ON_ALL}
                for name, (schema, meaning) in HEADERS.items()
            },
            "securitySchemes": _security_schemes(),
        },
    }


def _spelled(header: bytes) -> str:
    return header.decode("ascii").title()


def _kinds(description: Description | None) -> Iterator[Any]:
    """Yields the types of all bodies and responses of an operation."""
    if description is None:
        return
    if description.body is not None:
        yield description.body.kind
    for replies in description.answers.values():
        yield from (reply.kind for reply in _several(replies) if reply.kind is not None)


def _several(replies: Reply | Sequence[Reply]) -> Sequence[Reply]:
    return [replies] if isinstance(replies, Reply) else replies


class _Schemas:
    """The schemas of types and faults. Schemas that have a name are referred to by it."""

    def __init__(self, kinds: Sequence[Any]) -> None:
        """Builds the schemas of the types."""
        made, components = msgspec.json.schema_components(kinds, ref_template=SCHEMAS)
        self._made = list(zip(kinds, made, strict=True))
        self.components: dict[str, Any] = dict(components)
        for schema in components.values():
            # A docstring keeps its indentation before Python 3.13.
            if "description" in schema:
                schema["description"] = inspect.cleandoc(schema["description"])

    def of(self, kind: Any) -> Schema:
        """Returns the schema of one of the types."""
        return next(schema for one, schema in self._made if one is kind)

    def of_fault(self, fault: type[Fault]) -> Schema:
        """Returns the schema of a fault."""
        name = f"{fault.__name__}Fault"
        properties = {"code": {"const": fault.status}, "message": TEXT, "details": TEXT}
        envelope = {"type": "object", "properties": properties, "required": ["code", "message"]}
        self.components[name] = {
            "type": "object",
            "properties": {fault.name: {**envelope, "additionalProperties": False}},
            "required": [fault.name],
            "additionalProperties": False,
        }
        return {"$ref": SCHEMAS.format(name=name)}

    def of_keystone_fault(self, fault: type[Fault]) -> Schema:
        """Returns the schema of a fault in Keystone's format."""
        name = f"{fault.__name__}Error"
        properties = {"code": {"const": fault.status}, "message": TEXT, "title": TEXT}
        error = {"type": "object", "properties": properties, "required": list(properties)}
        self.components[name] = {"type": "object", "properties": {"error": error}, "required": ["error"]}
        return {"$ref": SCHEMAS.format(name=name)}

    def of_oauth2_refusal(self) -> Schema:
        """Returns the schema of an error of the OAuth2 calls."""
        name = "OAuth2Refusal"
        properties = {"error": {"const": "generic_error"}, "exception": TEXT}
        self.components[name] = {"type": "object", "properties": properties, "required": list(properties)}
        return {"$ref": SCHEMAS.format(name=name)}

    def of_oauth2_error(self) -> Schema:
        """Returns the schema of an error as RFC 6749 has it."""
        name = "OAuth2Error"
        properties = {"error": TEXT, "error_description": TEXT}
        self.components[name] = {"type": "object", "properties": properties, "required": list(properties)}
        return {"$ref": SCHEMAS.format(name=name)}


def _operation(operation: Operation, schemas: _Schemas, announced: Sequence[str]) -> dict[str, Any]:
    path, method, handler, tokens, description, _ = operation
    if description is None:
        raise ValueError(f"{method} {path} has no description")
    described: dict[str, Any] = {
        "tags": [description.area],
        "summary": summary_of(handler),
    }
    if "user" in tokens and description.name not in CALLS:
        described["description"] = "Does not accept keys."
    parameters = [*_path_parameters(path), *map(_parameter, description.parameters)]
    if parameters:
        described["parameters"] = parameters
    if description.body is not None and method not in WITHOUT_BODY:
        described["requestBody"] = _request_body(description.body, schemas)
    if tokens:
        schemes = [TOKEN_SCHEMES[kind] + place for place in ("", IN_QUERY, AS_BEARER) for kind in tokens]
        described["security"] = [{scheme: []} for scheme in schemes]
    described["responses"] = _responses(operation, description, schemas, announced)
    return described


def _operation_id(operation: Operation, taken: set[str]) -> str:
    """Returns an ID that is not taken. A handler can have several methods and several paths."""
    if operation.description is None:
        raise ValueError(f"{operation.method} {operation.path} has no description")
    plain = operation.description.name.replace(".", "_")
    with_method = f"{plain}_{operation.method.lower()}"
    further = (f"{with_method}_{number}" for number in itertools.count(2))
    name = next(name for name in itertools.chain([plain, with_method], further) if name not in taken)
    taken.add(name)
    return name


def summary_of(handler: Callable[..., Any]) -> str:
    """Returns the first line of a handler's docstring."""
    return (handler.__doc__ or "").strip().partition("\n")[0]


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", path):
        yield {"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]}


def _parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
        "required": parameter.is_required,
    }


def _request_body(body: Body, schemas: _Schemas) -> dict[str, Any]:
    content = {media_type: {"schema": schemas.of(body.kind)} for media_type in body.media_types}
    return {"required": body.is_required, "content": content}


def _responses(
    operation: Operation, description: Description, schemas: _Schemas, announced: Sequence[str]
) -> dict[str, Any]:
    headers: dict[int, list[Sequence[str]]] = {}
    contents: dict[int, dict[str, list[Schema]]] = {}
    for status, replies in description.answers.items():
        for reply in _several(replies):
            headers.setdefault(status, []).append(reply.headers)
            content = contents.setdefault(status, {})
            for media_type in reply.media_types:
                # The XML label is on a JSON body, so there is no schema for it.
                is_json = reply.kind is not None and media_type == JSON_TYPE
                content.setdefault(media_type, []).append(schemas.of(reply.kind) if is_json else {})
    of_pages = PAGE.headers if operation.refusals == "page" else ()
    for fault in _faults(operation, description):
        headers.setdefault(fault.status, []).append((*fault.header_names, *of_pages))
        content = contents.setdefault(fault.status, {})
        for media_type, schema in _refusal(operation.refusals, fault, schemas):
            content.setdefault(media_type, []).append(schema)
    without_body = operation.method == "HEAD"
    common = (*COMMON_HEADERS, *announced)
    return {
        str(status): _response(
            status,
            {} if without_body else contents[status],
            [(*common, *kind) for kind in headers[status]],
        )
        for status in sorted(contents)
    }


def _refusal(refusals: Refusals, fault: type[Fault], schemas: _Schemas) -> Iterator[tuple[str, Schema]]:
    """Yields the media types and schemas that an error response can have."""
    if refusals == "keystone":
        yield JSON_TYPE, schemas.of_keystone_fault(fault)
    elif refusals == "page":
        yield HTML_TYPE, {}
    elif refusals == "oauth2" and fault not in (ServiceUnavailable, OutcomeUnknown):
        yield JSON_TYPE, schemas.of_oauth2_refusal()
    elif refusals == "oauth2_standard" and fault not in (ServiceUnavailable, OutcomeUnknown):
        yield JSON_TYPE, schemas.of_oauth2_error()
    else:
        yield JSON_TYPE, schemas.of_fault(fault)
        yield XML_TYPE, {}


def _faults(operation: Operation, description: Description) -> Sequence[type[Fault]]:
    """Returns the faults that the description names, and those that the operation's inputs imply."""
    faults = [*description.faults, ServiceUnavailable]
    if operation.method not in WITHOUT_BODY:
        faults.append(OutcomeUnknown)
    if operation.tokens:
        faults += [Unauthorized, BadRequest]
    if "user" in operation.tokens:
        faults.append(Forbidden)
        if operation.method not in WITHOUT_BODY:
            faults.append(TooManyChanges)
    if description.body is not None:
        faults += [BadRequest, BodyTooLarge]
    if description.parameters or "{" in operation.path:
        faults.append(BadRequest)
    return list(dict.fromkeys(faults))


def _response(
    status: int, content: Mapping[str, list[Schema]], kinds: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Describes what a status can come with. A header that only some kinds of it carry is not required."""
    names = dict.fromkeys(itertools.chain.from_iterable(kinds))
    response: dict[str, Any] = {
        "description": phrase_of(status),
        "headers": {name: _header(name, on_all=all(name in kind for kind in kinds)) for name in names},
    }
    if content:
        response["content"] = {media_type: _media(schemas) for media_type, schemas in content.items()}
    return response


def _header(name: str, *, on_all: bool) -> dict[str, Any]:
    if on_all:
        return {"$ref": f"#/components/headers/{name}"}
    schema, meaning = HEADERS[name]
    return {"description": meaning, "schema": schema, "required": False}


def _media(schemas: Sequence[Schema]) -> dict[str, Any]:
    known = [schema for schema in schemas if schema]
    if not known or len(known) < len(schemas):
        return {}
    return {"schema": known[0] if len(known) == 1 else {"anyOf": known}}


def _security_schemes() -> dict[str, Any]:
    schemes: dict[str, Any] = {}
    for kind, scheme in TOKEN_SCHEMES.items():
        description = f"A {kind} token."
        for suffix, place in (("", "header"), (IN_QUERY, "query")):
            key = {"type": "apiKey", "in": place, "name": "X-Auth-Token"}
            schemes[scheme + suffix] = {**key, "description": description}
        schemes[scheme + AS_BEARER] = {"type": "http", "scheme": "bearer", "description": description}
    return schemes
