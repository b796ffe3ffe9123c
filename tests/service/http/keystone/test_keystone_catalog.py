from typing import Any

from astakos.http.keystone.keystone_catalog import keystone_catalog


def service(name: str, *endpoints: dict[str, Any], kind: str = "compute") -> dict[str, Any]:
    return {"name": name, "type": kind, "endpoints_links": [], "endpoints": list(endpoints)}


def urls(catalog: list[dict[str, Any]], interface: str) -> list[str]:
    return [
        endpoint["url"]
        for entry in catalog
        for endpoint in entry["endpoints"]
        if endpoint["interface"] == interface
    ]


def test_each_endpoint_is_there_for_each_interface() -> None:
    (entry,) = keystone_catalog([service("cyclades", {"versionId": "v2", "publicURL": "https://c/v2"})])
    assert (entry["name"], entry["type"]) == ("cyclades", "compute")
    assert {
        (endpoint["interface"], endpoint["url"], endpoint["region"], endpoint["region_id"])
        for endpoint in entry["endpoints"]
    } == {(interface, "https://c/v2", "default", "default") for interface in ("public", "internal", "admin")}


def test_an_interface_that_was_registered_is_used() -> None:
    endpoint = {"publicURL": "https://c", "internalURL": "http://10.0.0.1", "adminURL": ""}
    catalog = keystone_catalog([service("cyclades", endpoint)])
    found = {name: urls(catalog, name) for name in ("public", "internal", "admin")}
    assert found == {"public": ["https://c"], "internal": ["http://10.0.0.1"], "admin": ["https://c"]}


def test_an_endpoint_without_a_public_url_can_not_be_found() -> None:
    (entry,) = keystone_catalog([service("odd", {"versionId": "v1"})])
    assert entry["endpoints"] == []


def test_the_identity_service_is_that_of_this_version() -> None:
    endpoint = {"versionId": "v2.0", "publicURL": "https://a/identity/v2.0"}
    own = service("astakos_identity", endpoint, kind="identity")
    other = service("keystone", endpoint, kind="identity")
    assert urls(keystone_catalog([own, other]), "public") == ["https://a/identity/v3", endpoint["publicURL"]]


def test_ids_are_the_same_each_time_and_all_different() -> None:
    services = [
        service("a", {"publicURL": "https://x"}, {"publicURL": "https://x"}),
        service("b", {"publicURL": "https://x"}),
    ]
    catalog = keystone_catalog(services)
    assert catalog == keystone_catalog(services)
    ids = [entry["id"] for entry in catalog]
    ids += [endpoint["id"] for entry in catalog for endpoint in entry["endpoints"]]
    assert len(set(ids)) == len(ids) == 2 + 9
