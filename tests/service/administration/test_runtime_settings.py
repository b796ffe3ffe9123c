import msgspec
import pytest

from astakos.administration.runtime_settings import MEANINGS, kind_of, list_settings
from astakos.administration.state_document import Settings
from astakos.storage.protocol import Database
from service.command import astakos, refused
from service.installation import all_rows, last_event

NOT_SETTINGS = {"groups"}
"""`groups` adds groups; it sets nothing."""


def test_every_setting_of_a_document_is_described() -> None:
    named = {field.name for field in msgspec.structs.fields(Settings)} - NOT_SETTINGS
    assert set(MEANINGS) == named | {"base_url"}


def test_every_default_is_a_value_that_the_setting_takes() -> None:
    for name, meaning in MEANINGS.items():
        if meaning.default is not None and name != "base_url":
            msgspec.convert({name: meaning.default}, Settings)
        assert kind_of(name)


@pytest.mark.every_engine
@pytest.mark.parametrize(
    ("name", "values", "stored"),
    [
        ("history_days", ["30"], 30),
        ("end_projects", ["YES"], True),
        ("moderation", ["no"], False),
        ("helpdesk", ["a@example.org", "b@example.org"], ["a@example.org", "b@example.org"]),
        ("helpdesk", [], []),
        ("terms", ["Be kind."], "Be kind."),
        ("compatibility", ["0.14"], "0.14"),
        ("base_url", ["https://a.example/astakos/"], "https://a.example/astakos"),
    ],
)
def test_a_setting_is_changed_and_unset(
    database: Database, name: str, values: list[str], stored: object
) -> None:
    told = astakos(database, "setting", "set", name, *values)
    assert (told.status, told.errors) == (0, "")
    found = {one.name: one for one in list_settings(database.reader())}
    assert (found[name].value, found[name].is_set) == (stored, True)
    assert last_event(database)[2] == "settings.changed"
    assert astakos(database, "setting", "unset", name).status == 0
    shown = astakos(database, "setting", "show", name, "--json").document
    assert (shown["value"], shown["is_set"]) == (MEANINGS[name].default, False)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["history_days", "0"], "history_days must be a whole number from 1 to 36500, not 0"),
        (["history_days", "many"], "must be a whole number from 1 to 36500, not 'many'"),
        (["history_days", "9" * 40], "must be a whole number from 1 to 36500"),
        (["history_days"], "must have one value: a whole number"),
        (["end_projects", "perhaps"], "end_projects must be yes or no, not 'perhaps'"),
        (["helpdesk", "a@b.org", "nobody"], "helpdesk cannot have 'nobody': it must be an email address"),
        (["compatibility", "1.0"], "must be one of 0.14, newest, not '1.0'"),
        (["cookie_name", "a b"], "cookie_name must be a text of ASCII letters, digits and _ . -, not 'a b'"),
        (["service_name", ""], "service_name must be a text of 1 to 80 characters, not ''"),
        (["logo", "x" * 1001], "logo must be a text of at most 1000 characters"),
        (
            ["trusted_proxies", "everywhere"],
            "trusted_proxies must be an address or a network like 10.0.0.0/8",
        ),
        (["administrators", " "], "administrators must not be empty"),
        (["terms", "\0"], "NUL"),
        (["base_url", "javascript:x"], "is not a URL"),
        (["groups", "x"], "there is no setting 'groups'"),
    ],
)
def test_what_a_setting_cannot_be_is_refused(database: Database, arguments: list[str], told: str) -> None:
    before = all_rows(database)
    assert told in refused(database, "setting", "set", *arguments)
    assert all_rows(database) == before


def test_settings_are_listed(database: Database) -> None:
    listed = astakos(database, "setting", "list").output
    assert len(listed.splitlines()) == 1 + len(MEANINGS)
    assert "How many hours a login in a browser lasts." in listed
