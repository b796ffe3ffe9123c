from dataclasses import replace

import pytest

from astakos.administration.component_registration import register_own_services, renew_component_token
from astakos.administration.load import load
from astakos.administration.state_document import ComponentEntry, ServiceEntry, StateDocument, StateError
from astakos.directory.tokens import token_hash
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Database
from astakos.storage.tables.registry import find_component, list_components, list_services, save_component
from service.installation import all_rows, rows
from service.world import BASE_URL, LOADED

pytestmark = pytest.mark.every_engine


def test_a_component_gets_a_token_that_does_not_expire(database: Database) -> None:
    with database.transaction() as connection:
        token = renew_component_token(connection, OPERATOR, "retired", LOADED)
    statement = "SELECT token_hash, token_created, token_expires FROM components WHERE name = 'retired'"
    assert rows(database, statement) == [(token_hash(token), LOADED, None)]


def test_a_component_that_is_not_there_is_named(database: Database) -> None:
    with pytest.raises(StateError, match="there is no component 'nobody'"), database.transaction() as c:
        renew_component_token(c, OPERATOR, "nobody", LOADED)


def test_own_services_are_registered_once(database: Database) -> None:
    before = all_rows(database)
    register_own_services(database, BASE_URL, LOADED)
    assert all_rows(database) == before


def test_own_services_follow_the_base_url(database: Database) -> None:
    register_own_services(database, "http://localhost:8000", LOADED)
    own = {s.name: s for s in list_services(database.reader()) if s.component.name == "astakos"}
    assert {name: service.endpoints[0]["publicURL"] for name, service in own.items()} == {
        "astakos_account": "http://localhost:8000/account/v1.0",
        "astakos_identity": "http://localhost:8000/identity/v2.0",
        "astakos_weblogin": "http://localhost:8000/weblogin",
        "astakos_oauth2": "http://localhost:8000/oauth2",
    }


def own_urls(database: Database) -> tuple[str | None, str | None]:
    component = find_component(database.reader(), "astakos")
    assert component is not None
    return component.ui_url, component.base_url


def test_the_own_component_follows_the_base_url(empty: Database) -> None:
    for url in ("http://127.0.0.1:8071", "http://127.0.0.1:8072", "https://example.org/astakos"):
        register_own_services(empty, url, LOADED)
        assert own_urls(empty) == (f"{url}/ui", url)
        before = all_rows(empty)
        register_own_services(empty, url, LOADED)
        assert all_rows(empty) == before


def test_urls_that_an_earlier_version_left_behind_follow_as_well(empty: Database) -> None:
    register_own_services(empty, "http://127.0.0.1:8072", LOADED)
    rows(
        empty, "UPDATE components SET ui_url = 'http://127.0.0.1:8071/ui', base_url = 'http://127.0.0.1:8071'"
    )
    register_own_services(empty, "http://127.0.0.1:8072", LOADED)
    assert own_urls(empty) == ("http://127.0.0.1:8072/ui", "http://127.0.0.1:8072")


def test_a_url_that_an_operator_has_set_stays_while_the_others_follow(empty: Database) -> None:
    register_own_services(empty, "http://127.0.0.1:8071", LOADED)
    with empty.transaction() as connection:
        component = find_component(connection, "astakos")
        assert component is not None
        save_component(connection, replace(component, ui_url="https://ui.example.org"))
    register_own_services(empty, "http://127.0.0.1:8072", LOADED)
    assert own_urls(empty) == ("https://ui.example.org", "http://127.0.0.1:8072")


def test_a_menu_that_an_operator_has_set_stays_while_the_urls_follow(empty: Database) -> None:
    register_own_services(empty, "http://127.0.0.1:8071", LOADED)
    with empty.transaction() as connection:
        component = find_component(connection, "astakos")
        assert component is not None
        save_component(connection, replace(component, menu={"order": 7}))
    register_own_services(empty, "http://127.0.0.1:8072", LOADED)
    assert own_urls(empty) == ("http://127.0.0.1:8072/ui", "http://127.0.0.1:8072")
    component = find_component(empty.reader(), "astakos")
    assert component is not None
    assert component.menu == {"order": 7}


def test_an_own_component_that_was_declared_keeps_what_was_declared(empty: Database) -> None:
    declared = StateDocument(
        components=[ComponentEntry(name="astakos", ui_url="https://ui.example.org", token="t")],
        services=[ServiceEntry(name="astakos_weblogin", type="astakos_weblogin", component="astakos")],
    )
    load(empty, declared, LOADED)
    before = all_rows(empty)["components"]
    register_own_services(empty, BASE_URL, LOADED)
    assert all_rows(empty)["components"] == before
    assert [service.name for service in list_services(empty.reader())] == [
        "astakos_weblogin",
        "astakos_account",
        "astakos_identity",
        "astakos_oauth2",
    ]


def test_an_empty_installation_offers_its_own_services(empty: Database) -> None:
    register_own_services(empty, BASE_URL, LOADED)
    assert [component.name for component in list_components(empty.reader())] == ["astakos"]
    assert len(list_services(empty.reader())) == 4
