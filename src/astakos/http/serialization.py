"""Serializes documents: ASCII JSON, and XML where the protocol has it (`http-api.md` §3–§4, §7.2)."""

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

NAMESPACE = "http://docs.openstack.org/identity/api/v2.0"
ENDPOINT_NAMESPACE = "http://synnefo.org/api/v1.0"
XML_NAME = re.compile(r"(SNF:)?[A-Za-z_][A-Za-z0-9_.-]*")
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_encoder = msgspec.json.Encoder()


def to_json(document: Any) -> bytes:
    """Encodes a document as ASCII JSON, the only JSON that the original clients understand."""
    encoded = _encoder.encode(document)
    return encoded if encoded.isascii() else json.dumps(document).encode("ascii")


def fault_to_xml(name: str, code: int, message: str) -> bytes:
    """Encodes a fault as XML."""
    root = Element(name, {"xmlns": NAMESPACE, "code": str(code)})
    SubElement(root, "message").text = _text(message)
    SubElement(root, "details").text = ""
    return _to_bytes(root)


def access_to_xml(access: Mapping[str, Any]) -> bytes:
    """Encodes a tokens response as XML. Unlike the original, it declares the `SNF` prefix."""
    root = Element("access", {"xmlns": NAMESPACE, "xmlns:SNF": ENDPOINT_NAMESPACE})
    if "token" in access:
        token = access["token"]
        element = SubElement(root, "token", _texts(token, "id", "expires"))
        SubElement(element, "tenant", _texts(token["tenant"], "id", "name"))
    if "user" in access:
        user = access["user"]
        element = SubElement(root, "user", _texts(user, "id", "name"))
        roles = SubElement(element, "roles")
        for role in user["roles"]:
            SubElement(roles, "role", _texts(role, "id", "name"))
    catalog = SubElement(root, "serviceCatalog")
    for service in access.get("serviceCatalog", ()):
        element = SubElement(catalog, "service", _texts(service, "type", "name"))
        for endpoint in service["endpoints"]:
            SubElement(element, "endpoint", _texts(endpoint, *filter(XML_NAME.fullmatch, endpoint)))
    return _to_bytes(root)


def _texts(document: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: "" if document[name] is None else _text(str(document[name])) for name in names}


def _text(text: str) -> str:
    return NOT_IN_XML.sub("\ufffd", text)


def _to_bytes(root: Element) -> bytes:
    document: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return document
