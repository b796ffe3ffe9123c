"""What the refusal says when a holding does not exist, or its quantity is none."""

from typing import Any

import pytest

from astakos.storage.protocol import Database
from service.caller import COMMISSIONS, Caller
from service.command import astakos
from service.installation import rows
from service.world import ALICE, COMPUTE_TOKEN, EDGAR, LAB, UNKNOWN_UUID, VM

pytestmark = pytest.mark.every_engine

USER = f"user:{ALICE.uuid}"
PROJECT = f"project:{LAB}"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"resource": "cyclades.vmm"}, "there is no such resource"),
        ({"resource": "a\0b"}, "there is no such resource"),
        ({"resource": ""}, "there is no such resource"),
        ({"source": f"project:{UNKNOWN_UUID}"}, "there is no such project"),
        ({"source": "project:a\0b"}, "there is no such project"),
        ({"holder": f"project:{UNKNOWN_UUID}", "source": None}, "there is no such project"),
        ({"holder": f"user:{UNKNOWN_UUID}"}, "there is no such user"),
        ({"source": f"project:{LAB.upper()}"}, "UUIDs must be in lower case"),
        ({"holder": f"project:{LAB.upper()}", "source": None}, "UUIDs must be in lower case"),
        ({"holder": f"user:{EDGAR.uuid}"}, "the user is not a member of the project"),
        ({"holder": ALICE.email}, "the holder must be user:<uuid>, not a mail address"),
        ({"holder": f"user:{ALICE.email}"}, "the holder must be user:<uuid>, not a mail address"),
        ({"holder": ALICE.uuid}, "the holder must be user:<uuid> or project:<uuid>"),
        (
            {"holder": ALICE.uuid, "source": "lab.example.org"},
            "the source must be system, or the uuid of a project, not its name",
        ),
        (
            {"holder": ALICE.uuid, "source": "System"},
            "the source must be system, or the uuid of a project, not its name",
        ),
        ({"source": LAB}, "the source of a user's holding must be project:<uuid>"),
        ({"source": None}, "the source of a user's holding must be project:<uuid>"),
        ({"holder": PROJECT}, "the source of a project's own holding is null"),
        ({"holder": 5}, "holder and resource must be strings, and source a string or null"),
        ({"resource": None}, "holder and resource must be strings, and source a string or null"),
    ],
)
def test_the_refusal_names_the_holding_and_what_is_likely_wrong(
    standing_service: Caller, changed: dict[str, Any], reason: str
) -> None:
    asked = {"holder": USER, "source": PROJECT, "resource": VM, "quantity": 1} | changed
    reply = standing_service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [asked]})
    assert reply.status == 404
    named = f"There is no holding {asked['resource']} of {asked['holder']} from {asked['source']}"
    assert reply.message == f"{named}: {reason}."
    assert reply.document["itemNotFound"]["data"] == {"name": "NoHoldingError", "provision": asked}


def test_a_key_in_the_place_of_a_name_is_not_told(standing_service: Caller) -> None:
    key = f"astk_k3j9x2mq_{'4jYfZ0w' * 7}"
    asked = {"holder": key, "source": "system", "resource": VM, "quantity": 1}
    reply = standing_service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [asked]})
    assert reply.message.startswith(f"There is no holding {VM} of astk_k3j9x2mq_… from system")
    refused = standing_service.get(f"{COMMISSIONS}/history?key={key}", COMPUTE_TOKEN)
    assert (refused.status, key in refused.message) == (400, False)


def test_a_quantity_that_is_no_number_is_told_in_words(standing_service: Caller) -> None:
    for quantity, kind in ((1.5, "float"), ("1", "str"), (None, "null")):
        asked = {"holder": USER, "source": PROJECT, "resource": VM, "quantity": quantity}
        reply = standing_service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [asked]})
        where = "at `$.provisions[0].quantity`"
        assert reply.status == 400
        assert reply.message == f"The body is not valid: Expected a whole number, got `{kind}` - {where}."


def test_a_provision_in_the_form_of_0_14_is_named_as_it_was_asked(standing_service: Caller) -> None:
    asked = {"holder": UNKNOWN_UUID, "source": "system", "resource": VM, "quantity": 1}
    reply = standing_service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [asked]})
    assert (
        reply.message == f"There is no holding {VM} of {UNKNOWN_UUID} from system: there is no such project."
    )


def test_commissions_in_bulk_name_the_holding_too(standing_service: Caller) -> None:
    asked = {"holder": ALICE.email, "source": PROJECT, "resource": VM, "quantity": 1}
    commissions = [{"provisions": [asked]}, {"provisions": [asked | {"holder": f"user:{UNKNOWN_UUID}"}]}]
    reply = standing_service.post(f"{COMMISSIONS}/bulk", COMPUTE_TOKEN, {"commissions": commissions})
    messages = [result["body"]["itemNotFound"]["message"] for result in reply.document["results"]]
    mail_address, unknown = messages
    assert mail_address.startswith(f"There is no holding {VM} of {ALICE.email} from {PROJECT}: ")
    assert mail_address.endswith(": the holder must be user:<uuid>, not a mail address.")
    assert unknown.endswith(": the holder has no quota for the resource from the source.")


def test_the_uuid_of_a_user_must_be_in_lower_case(service: Caller, database: Database) -> None:
    assert astakos(database, "user", "add", "zoe@example.org").status == 0
    ((uuid,),) = rows(database, "SELECT uuid FROM users WHERE email = 'zoe@example.org'")
    asked = {"holder": f"user:{str(uuid).upper()}", "source": PROJECT, "resource": VM, "quantity": 1}
    reply = service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [asked]})
    assert (reply.status, reply.message.endswith(": UUIDs must be in lower case.")) == (404, True)
