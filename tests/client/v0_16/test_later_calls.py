"""The provisions that the later forms of issuing make, and what they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from astakosclient.errors import BadValue
from astakosclient.v0_16 import later_calls

USER, LAB, OTHER = "user-uuid", "lab-uuid", "other-uuid"


def of_user(project: str, quantity: int) -> dict[str, Any]:
    return {"holder": f"user:{USER}", "source": f"project:{project}", "resource": "vm", "quantity": quantity}


def of_project(project: str, quantity: int) -> dict[str, Any]:
    return {"holder": f"project:{project}", "source": None, "resource": "vm", "quantity": quantity}


def provisions_of(body: bytes) -> Any:
    return json.loads(body)["provisions"]


def test_a_charge_is_one_of_the_user_and_one_of_the_project() -> None:
    assert later_calls.mk_provisions(USER, LAB, "vm", 3) == [of_user(LAB, 3), of_project(LAB, 3)]
    call = later_calls.issue_one_commission(
        "t", USER, {(LAB, "vm"): 3, (OTHER, "vm"): -1}, "note", True, True
    )
    assert json.loads(call.body) == {
        "name": "note",
        "force": True,
        "auto_accept": True,
        "provisions": [of_user(LAB, 3), of_project(LAB, 3), of_user(OTHER, -1), of_project(OTHER, -1)],
    }


def test_the_generic_form_doubles_nothing() -> None:
    call = later_calls.issue_commission_generic(
        "t", {(USER, LAB, "vm"): 1}, {(OTHER, "vm"): 2}, "", False, False, None, None
    )
    assert provisions_of(call.body) == [of_user(LAB, 1), of_project(OTHER, 2)]


def test_a_reassignment_takes_from_one_project_what_it_gives_to_another() -> None:
    call = later_calls.issue_resource_reassignment(
        "t", USER, {(LAB, OTHER, "vm"): 2}, "", False, False, None, None
    )
    assert provisions_of(call.body) == [
        of_user(LAB, -2),
        of_project(LAB, -2),
        of_user(OTHER, 2),
        of_project(OTHER, 2),
    ]


@pytest.mark.parametrize(
    ("provisions", "complaint"),
    [
        (None, "provisions must not be None"),
        ([], "must map (source, resource) to quantities, not be a list"),
        ({"vm": 1}, "must be a tuple (source, resource), not 'vm'"),
        ({(USER, LAB, "vm"): 1}, "must be a tuple (source, resource), not"),
        ({(7, "vm"): 1}, "the project of a provision must be a string, not 7"),
        ({(LAB, None): 1}, "the resource of a provision must be a string, not None"),
        ({(LAB, "vm"): {1}}, "cannot be encoded as JSON"),
    ],
)
def test_charges_that_cannot_be_right_are_refused(provisions: Any, complaint: str) -> None:
    with pytest.raises(BadValue) as refused:
        later_calls.issue_one_commission("t", USER, provisions)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("users", "projects", "complaint"),
    [
        (None, {}, "user_provisions must not be None"),
        ({}, None, "project_provisions must not be None"),
        ({(LAB, "vm"): 1}, {}, "must be a tuple (user, project, resource)"),
        ({}, {(USER, LAB, "vm"): 1}, "must be a tuple (project, resource)"),
    ],
)
def test_so_are_those_of_the_generic_form(users: Any, projects: Any, complaint: str) -> None:
    with pytest.raises(BadValue) as refused:
        later_calls.issue_commission_generic("t", users, projects, "", False, False, None, None)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("holder", "provisions", "complaint"),
    [
        (None, {}, "holder must not be None"),
        (7, {(LAB, OTHER, "vm"): 1}, "the holder of a provision must be a string, not 7"),
        (USER, {(LAB, "vm"): 1}, "must be a tuple (from_project, to_project, resource)"),
        (USER, {(LAB, OTHER, "vm"): "1"}, "the quantity of a provision must be an integer, not '1'"),
    ],
)
def test_and_those_of_a_reassignment(holder: Any, provisions: Any, complaint: str) -> None:
    with pytest.raises(BadValue) as refused:
        later_calls.issue_resource_reassignment("t", holder, provisions, "", False, False, None, None)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((None, "id", "secret"), "grant_type must not be None"),
        (("authorization_code", None, "secret"), "client_id must not be None"),
        (("authorization_code", "id", None), "client_secret must not be None"),
        (("authorization_code", "id", "\ud800"), "client_id or client_secret is not valid text"),
    ],
)
def test_a_token_needs_all_of_its_credentials(arguments: tuple[Any, Any, Any], complaint: str) -> None:
    with pytest.raises(BadValue) as refused:
        later_calls.get_token("t", *arguments, {})
    assert complaint in str(refused.value)
