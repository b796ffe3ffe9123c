"""Picking services and endpoints from a catalogue."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from astakosclient import errors, parse_endpoints

CATALOGUE: dict[str, Any] = {
    "access": {
        "serviceCatalog": [
            {
                "name": "astakos_account",
                "type": "account",
                "endpoints": [
                    {"versionId": "v1.0", "region": "default", "publicURL": "https://h/account/v1.0"},
                    {"versionId": "", "region": "default", "publicURL": "https://h/ui"},
                ],
            },
            {
                "name": "cyclades_compute",
                "type": "compute",
                "endpoints": [{"versionId": "v2.0", "region": "south", "publicURL": "https://c/v2.0"}],
            },
        ]
    }
}


def names(services: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(service["name"], len(service["endpoints"])) for service in services]


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({}, [("astakos_account", 2), ("cyclades_compute", 1)]),
        ({"ep_name": "astakos_account"}, [("astakos_account", 2)]),
        ({"ep_type": "compute"}, [("cyclades_compute", 1)]),
        ({"ep_region": "default"}, [("astakos_account", 2)]),
        ({"ep_version_id": "v1.0"}, [("astakos_account", 1)]),
        ({"ep_version_id": ""}, [("astakos_account", 1)]),
    ],
)
def test_services_and_endpoints_are_filtered(criteria: dict[str, str], found: list[tuple[str, int]]) -> None:
    assert names(parse_endpoints(CATALOGUE, **criteria)) == found


def test_criteria_are_positional_in_the_documented_order() -> None:
    assert names(parse_endpoints(CATALOGUE, "astakos_account", "account", "default", "v1.0")) == [
        ("astakos_account", 1)
    ]


def test_the_catalogue_is_left_as_it_is() -> None:
    before = copy.deepcopy(CATALOGUE)
    [service] = parse_endpoints(CATALOGUE, ep_version_id="v1.0")
    service["name"] = "changed"
    service["endpoints"][0]["publicURL"] = "changed"
    service["endpoints"].clear()
    assert before == CATALOGUE


@pytest.mark.parametrize(
    "endpoints",
    [
        None,
        {},
        [],
        {"access": None},
        {"access": {"serviceCatalog": []}},
        {"access": {"serviceCatalog": None}},
        {"access": {"serviceCatalog": [{"type": "account"}]}},
        {"access": {"serviceCatalog": ["no service"]}},
    ],
)
def test_what_is_no_catalogue_has_no_endpoints(endpoints: Any) -> None:
    with pytest.raises(errors.NoEndpoints):
        parse_endpoints(endpoints, ep_name="astakos_account")


def test_nothing_that_fits_names_what_was_looked_for() -> None:
    with pytest.raises(errors.NoEndpoints, match="name 'astakos_account', region 'south'"):
        parse_endpoints(CATALOGUE, ep_name="astakos_account", ep_region="south")
