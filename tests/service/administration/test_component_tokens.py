"""Components have several tokens, so that one is replaced without a moment in which calls fail."""

from typing import Any

import pytest

from astakos.administration.component_tokens import (
    DEFAULT,
    LONGEST_OVERLAP,
    MOST_TOKENS,
    list_tokens,
    replace_token,
    revoke_token,
)
from astakos.administration.dump import dump
from astakos.administration.load import load
from astakos.administration.state_document import (
    ComponentEntry,
    ComponentTokenEntry,
    StateDocument,
    StateError,
)
from astakos.clock import MICROSECONDS
from astakos.directory.entities import Component
from astakos.directory.tokens import token_hash
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import registry
from service.caller import COMMISSIONS
from service.installation import rows, running
from service.world import COMPUTE_TOKEN, LOADED, STORAGE_TOKEN

pytestmark = pytest.mark.every_engine

HOUR = 3600 * MICROSECONDS


def replaced(database: Database, now: int = LOADED, **options: Any) -> str:
    def change(connection: Connection) -> str:
        return replace_token(connection, OPERATOR, "compute", now, **options)

    return database.change(change)


def holder(database: Database, token: str) -> Component | None:
    return registry.find_component_by_token(database.reader(), token_hash(token))


def names(database: Database) -> list[str]:
    component = registry.find_component(database.reader(), "compute")
    assert component is not None
    return [one.name for one in list_tokens(database.reader(), component)]


def kinds(database: Database) -> list[object]:
    return [kind for (kind,) in rows(database, "SELECT kind FROM events ORDER BY id DESC LIMIT 3")]


def test_a_named_token_is_as_good_as_the_other(database: Database) -> None:
    blue = replaced(database, name="blue", expires=LOADED + HOUR)
    assert names(database) == [DEFAULT, "blue"]
    now = LOADED
    with running(database, now=lambda: now) as service:
        serial = service.issued(COMPUTE_TOKEN)
        assert service.pending(blue) == [serial]
        assert service.act(blue, serial, "accept") == 200
        now = LOADED + HOUR + 1
        assert service.get(COMMISSIONS, blue).status == 401
        assert service.get(COMMISSIONS, COMPUTE_TOKEN).status == 200
    assert kinds(database)[0] == "component.token_added"


@pytest.mark.parametrize("name", [DEFAULT, "blue"])
def test_a_token_is_replaced_with_an_overlap(database: Database, name: str) -> None:
    first = COMPUTE_TOKEN if name == DEFAULT else replaced(database, name=name)
    second = replaced(database, name=name, overlap=HOUR)
    assert f"{name}-replaced" in names(database)
    for token, expires in ((first, LOADED + HOUR), (second, None)):
        found = holder(database, token)
        assert found is not None
        assert (found.name, found.token_expires) == ("compute", expires)
    # A second replacement ends the first token: two are valid at a time.
    third = replaced(database, name=name, overlap=2 * HOUR)
    assert [holder(database, token) is not None for token in (first, second, third)] == [False, True, True]
    replaced(database, name=name)
    assert [holder(database, token) for token in (first, second, third)] == [None] * 3
    assert kinds(database) == ["component.token_renewed"] * 3


def test_a_replaced_token_does_not_live_longer_than_it_would_have(database: Database) -> None:
    blue = replaced(database, name="blue", expires=LOADED + HOUR)
    replaced(database, name="blue", overlap=2 * HOUR)
    found = holder(database, blue)
    assert found is not None
    assert found.token_expires == LOADED + HOUR


def test_a_token_is_revoked_by_its_name(database: Database) -> None:
    blue = replaced(database, name="blue")

    def revoke(name: str) -> None:
        database.change(lambda connection: revoke_token(connection, OPERATOR, "compute", name, LOADED))

    revoke("blue")
    assert holder(database, blue) is None
    with pytest.raises(StateError, match="no token 'blue'"):
        revoke("blue")
    revoke(DEFAULT)
    assert holder(database, COMPUTE_TOKEN) is None
    assert names(database) == []
    with pytest.raises(StateError, match="no token 'default'"):
        revoke(DEFAULT)
    assert kinds(database)[:2] == ["component.token_revoked"] * 2


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": "a b"}, "ASCII letters"),
        ({"name": "blue-replaced"}, "does not end in -replaced"),
        ({"name": "blue", "expires": LOADED}, "in the future"),
        ({"overlap": LONGEST_OVERLAP + 1}, "30 days"),
    ],
)
def test_what_a_token_cannot_be_is_refused(database: Database, options: dict[str, Any], told: str) -> None:
    with pytest.raises(StateError, match=told):
        replaced(database, **options)


def test_a_component_has_so_many_tokens(database: Database) -> None:
    for number in range(MOST_TOKENS):
        replaced(database, name=f"n{number}", expires=LOADED + HOUR)
    with pytest.raises(StateError, match="revoke one first"):
        replaced(database, name="one-more")
    # Those that have expired are forgotten.
    replaced(database, LOADED + HOUR + 1, name="one-more")
    assert names(database) == [DEFAULT, "one-more"]


def test_a_dump_has_the_named_tokens_and_loads_them(database: Database, new: Database) -> None:
    blue, green = replaced(database, name="blue"), replaced(database, name="green")
    replaced(database, name="blue", overlap=HOUR)
    document = dump(database)
    new.open()
    load(new, document, LOADED)
    assert names(new) == names(database) == [DEFAULT, "blue", "green", "blue-replaced"]
    for token in (blue, green, COMPUTE_TOKEN):
        assert holder(new, token) == holder(database, token)
    before = rows(new, "SELECT COUNT(*) FROM events")
    load(new, document, LOADED)
    assert rows(new, "SELECT COUNT(*) FROM events") == before


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        ([{"name": "blue"}], r"the token is missing - at `\$.components\[0\].tokens\[0\].token`"),
        ([{"name": "a b", "token": "x"}], "ASCII letters"),
        ([{"name": "blue", "token": STORAGE_TOKEN}], "'storage' already has this token"),
        ([{"name": "blue", "token": COMPUTE_TOKEN}], "twice"),
        ([{"name": "blue", "token": "x"}, {"name": "blue", "token": "y"}], "twice"),
        ([{"name": "blue", "token": "x"}, {"name": "green", "token": "x"}], "twice"),
    ],
)
def test_tokens_in_a_document_are_checked(
    database: Database, tokens: list[dict[str, str]], told: str
) -> None:
    entry = ComponentEntry(name="compute", tokens=[ComponentTokenEntry(**one) for one in tokens])
    with pytest.raises(StateError, match=told):
        load(database, StateDocument(components=[entry]), LOADED)


def test_a_document_without_tokens_leaves_them(database: Database) -> None:
    replaced(database, name="blue")
    load(database, StateDocument(components=[ComponentEntry(name="compute")]), LOADED)
    assert names(database) == [DEFAULT, "blue"]
    load(database, StateDocument(components=[ComponentEntry(name="compute", tokens=[])]), LOADED)
    assert names(database) == [DEFAULT]
    assert kinds(database)[0] == "component.token_revoked"
