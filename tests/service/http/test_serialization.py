import json
from xml.etree import ElementTree as ET

import hypothesis.strategies as st
import pytest
from hypothesis import given

from astakos.http.serialization import NAMESPACE, access_to_xml, fault_to_xml, to_json

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(DOCUMENTS)
def test_json_is_ascii_and_means_the_document(document: object) -> None:
    encoded = to_json(document)
    assert encoded.isascii()
    assert json.loads(encoded) == document


@pytest.mark.parametrize("message", ["", "plain", "<a> & \"b\" 'c'", "Größe ✓ 😀"])
def test_a_fault_is_well_formed_whatever_it_says(message: str) -> None:
    fault = ET.fromstring(fault_to_xml("badRequest", 400, message))
    assert fault.tag == f"{{{NAMESPACE}}}badRequest"
    assert fault.attrib == {"code": "400"}
    assert (fault[0].text or "") == message


def test_names_are_escaped_in_xml() -> None:
    access = {"serviceCatalog": [{"name": '<"&">', "type": "a\nb", "endpoints": [{"publicURL": None}]}]}
    (catalog,) = ET.fromstring(access_to_xml(access))
    assert catalog[0].attrib["name"] == '<"&">'
    assert catalog[0][0].attrib == {"publicURL": ""}


def test_what_xml_can_not_say_is_replaced_or_left_out() -> None:
    access = {
        "user": {"id": "u", "name": "a\x00b\x1f", "roles": []},
        "serviceCatalog": [
            {
                "name": "s",
                "type": "t",
                "endpoints": [{"publicURL": "x\x0b", "no name": "1", "SNF:uiURL": "y"}],
            }
        ],
    }
    document = ET.fromstring(access_to_xml(access))
    user, catalog = document
    assert user.get("name") == "a\ufffdb\ufffd"
    assert len(catalog[0][0].attrib) == 2
    assert ET.fromstring(fault_to_xml("badRequest", 400, "\x00")).get("code") == "400"
