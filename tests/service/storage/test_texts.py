"""Texts that not every database can store are nowhere found and nowhere written, whatever the database."""

import json
from pathlib import Path
from typing import Any

import pytest

from astakos.administration.component_registration import register_own_services
from astakos.administration.load import load
from astakos.administration.state_document import StateDocument, StateError, read_document
from astakos.storage.protocol import Database
from astakos.storage.texts import is_storable
from service.caller import ACCOUNT, COMMISSIONS, Caller
from service.command import astakos, refused
from service.installation import all_rows
from service.world import ALICE, COMPUTE_TOKEN, LAB, LOADED, VM

pytestmark = pytest.mark.every_engine

NUL = "a\0b"
HALF = "a\udcffb"


@pytest.mark.parametrize("text", ["", "x", "Größe", "😀", "\x01\x7f", "\ufffe", "a" * 100_000])
def test_what_can_be_stored(text: str) -> None:
    assert is_storable(text)


@pytest.mark.parametrize("text", ["\0", NUL, "ö\0", HALF, "\ud800", "\udc00\ud800"])
def test_what_can_not(text: str) -> None:
    assert not is_storable(text)


def test_under_such_a_name_no_user_is_found(standing_service: Caller) -> None:
    body = {"uuids": [NUL, ALICE.uuid], "displaynames": [NUL, ALICE.email]}
    for path, token in (("user_catalogs", ALICE.token), ("service/user_catalogs", COMPUTE_TOKEN)):
        assert standing_service.post(f"{ACCOUNT}/{path}", token, body).document == {
            "uuid_catalog": {ALICE.uuid: ALICE.email},
            "displayname_catalog": {ALICE.email: ALICE.uuid},
        }


def test_under_such_a_name_no_quotas_and_no_history_are_found(standing_service: Caller) -> None:
    for query in ("service_quotas?user=%00", "service_project_quotas?project=%00"):
        assert standing_service.get(f"{ACCOUNT}/{query}", COMPUTE_TOKEN).status == 404
    both = standing_service.get(f"{ACCOUNT}/service_quotas?user={ALICE.uuid},%00", COMPUTE_TOKEN).document
    assert set(both) == {ALICE.uuid}
    assert standing_service.get(f"{ACCOUNT}/service_quotas?project=%00", COMPUTE_TOKEN).document == {}
    for query in ("holder=user:%00", "source=project:%00", "resource=%00"):
        found = standing_service.get(f"{COMMISSIONS}/history?{query}", COMPUTE_TOKEN).document
        assert found == {"history": [], "next": None}


def test_a_token_with_such_a_text_in_it_is_not_known(standing_service: Caller) -> None:
    reply = standing_service.get(f"{ACCOUNT}/quotas?X-Auth-Token=%00")
    assert (reply.status, reply.fault) == (401, "unauthorized")


@pytest.mark.parametrize("name", [NUL, HALF])
def test_the_command_finds_nothing_under_such_a_name(database: Database, name: str) -> None:
    assert refused(database, "user", "show", name).startswith(f"there is no user {name!r};")
    assert refused(database, "quota", "show", name).startswith(f"there is no user or project {name!r};")
    no_resource = f"there is no resource {name!r}"
    assert refused(database, "quota", "set", ALICE.email, name, "5").startswith(no_resource)
    assert refused(database, "component", "token", name).startswith(f"there is no component {name!r};")
    assert refused(database, "commission", "list", "--component", name).startswith("there is no component")
    holder = f"user:{name}"
    assert astakos(database, "commission", "history", "--holder", holder, "--json").document == []


@pytest.mark.parametrize("name", [NUL, HALF])
def test_the_command_writes_no_such_text(database: Database, name: str) -> None:
    before = all_rows(database)
    for arguments in (
        ("user", "add", f"{name}@example.org"),
        ("user", "add", "zoe@example.org", "--first-name", name),
        ("user", "add", "zoe@example.org", "--group", name),
        ("component", "add", name),
        ("resource", "set", VM, "--description", name),
    ):
        assert "cannot contain NUL or lone surrogates" in refused(database, *arguments)
    ended = astakos(database, "component", "add", "new", "--url", f"https://example.org/{name}")
    assert (ended.status, ended.output) == (2, "")
    assert "is not a URL like" in ended.errors
    assert "is not a valid name" in refused(database, "resource", "set", name, "--service", "compute_api")
    assert all_rows(database) == before


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ({"users": [{"uuid": NUL, "email": "zoe@example.org"}]}, "$.users[0].uuid"),
        ({"settings": {"groups": ["staff", NUL]}}, "$.settings.groups[1]"),
        (
            {"components": [{"name": "new", "menu": {"order": [{"x": NUL}]}}]},
            "$.components[0].menu.order[0].x",
        ),
        ({"components": [{"name": "new", "menu": {NUL: 1}}]}, "$.components[0].menu"),
        ({"base_url": NUL}, "$.base_url"),
        ({"projects": [{"uuid": LAB, "name": NUL, "end_date": NUL}]}, "$.projects[0].name"),
    ],
)
def test_no_document_with_such_a_text_is_loaded(
    database: Database, tmp_path: Path, part: dict[str, Any], place: str
) -> None:
    before = all_rows(database)
    path = tmp_path / "state.json"
    path.write_text(json.dumps(part))
    with pytest.raises(StateError) as caught:
        load(database, read_document(path.read_bytes(), str(path)), LOADED)
    assert str(caught.value).endswith(f"at `{place}`")
    assert all_rows(database) == before


def test_half_a_character_does_not_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"base_url": "\\udcff"}')
    with pytest.raises(StateError, match="is not JSON"):
        read_document(path.read_bytes(), str(path))


def test_a_base_url_that_can_not_be_stored_is_refused(empty: Database) -> None:
    for text in (NUL, HALF):
        with pytest.raises(StateError, match="base URL"):
            register_own_services(empty, f"https://example.org/{text}", LOADED)
    load(empty, StateDocument(), LOADED)
    assert all_rows(empty)["components"] == []
