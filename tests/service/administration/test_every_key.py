"""Every key of the state document, changed, alone, and left out: applied, refused, or kept as documented."""

import json
from typing import Any

import msgspec
import pytest

from astakos.administration.document_values import HASH_PREFIX
from astakos.administration.dump import dump
from astakos.administration.load import load
from astakos.administration.state_document import (
    GrantEntry,
    StateDocument,
    StateError,
    UserEntry,
    read_document,
)
from astakos.directory.password_hashes import password_hash, password_matches
from astakos.directory.tokens import token_hash
from astakos.storage.protocol import Database
from service.installation import all_rows, holdings, rows
from service.world import ALICE, BOB, FAR, LOADED, PAST, member_key
from service.world import LAB as LAB_OF_THE_WORLD

ADA = "00000001-0000-4000-8000-000000000001"
BEN = "00000002-0000-4000-8000-000000000002"
CLEO = "00000003-0000-4000-8000-000000000003"
LAB = "000000a1-0000-4000-8000-0000000000a1"
OFFICE = "000000a2-0000-4000-8000-0000000000a2"
CAMPUS = "000000a3-0000-4000-8000-0000000000a3"
CREATED = "2030-01-02T03:04:05+00:00"
FIRST_HASH = password_hash("a password")
SECOND_HASH = password_hash("another password")


def hashed(secret: str) -> str:
    return HASH_PREFIX + token_hash(secret).hex()


def base() -> dict[str, Any]:
    """A document that sets every key."""
    return {
        "base_url": "https://a.example/astakos",
        "settings": {
            "moderation": True,
            "project_admins": [ADA],
            "administrators": "staff",
            "groups": ["staff"],
            "helpdesk": ["help@example.org"],
            "admin_users": True,
            "admin_users_groups": ["staff"],
            "history_days": 30,
            "meter_ttl_seconds": 600,
            "clock_jump_seconds": 120,
            "clock_agreement_seconds": 240,
            "end_projects": True,
            "ending_notice_days": 3,
            "grant_notice_days": 4,
            "pending_notice_hours": 12,
            "most_members_told": 50,
            "trusted_proxies": ["192.0.2.0/24"],
            "webhook_networks": ["198.51.100.0/24"],
            "most_keys": 7,
            "weblogin_next": ["pithos"],
            "cookie_name": "a",
            "cookie_domain": "example.org",
            "session_hours": 5,
            "access_token_seconds": 50,
            "oauth2_without_tls": True,
            "terms": "Be kind.",
            "service_name": "Cloud",
            "logo": "/etc/astakos/logo.svg",
            "forgotten_password": "Ask Ada.",
            "compatibility": "0.14",
        },
        "components": [
            {
                "name": "c",
                "ui_url": "https://c.example/ui",
                "base_url": "https://c.example",
                "token": "token of c",
                "token_created": CREATED,
                "token_expires": FAR,
                "tokens": [{"name": "blue", "token_hash": hashed("blue"), "created": CREATED}],
                "menu": {"order": 5},
                "may_charge": ["s.vm"],
            },
            {"name": "d"},
        ],
        "services": [
            {
                "name": "s",
                "type": "compute",
                "component": "c",
                "endpoints": [{"versionId": "v1", "publicURL": "https://c.example/v1"}],
            },
            {"name": "t", "type": "network", "component": "c"},
        ],
        "resources": [
            {
                "name": "s.vm",
                "service": "s",
                "service_type": "compute",
                "unit": "bytes",
                "scale": 6,
                "max_debt": 100,
                "thresholds": [50, 90],
                "shadow": True,
                "description": "Machines",
                "system_default": 4,
                "project_default": 2,
                "ui_visible": False,
                "api_visible": True,
            }
        ],
        "users": [
            {
                "uuid": ADA,
                "email": "ada@example.org",
                "first_name": "Ada",
                "last_name": "Byron",
                "password_hash": FIRST_HASH,
                "token": "token of ada",
                "token_created": CREATED,
                "token_expires": FAR,
                "is_active": True,
                "email_verified": True,
                "moderated": True,
                "is_rejected": False,
                "has_signed_terms": False,
                "default_project": LAB,
                "groups": ["staff"],
                "quotas": {"s.vm": 7},
            },
            {"uuid": BEN, "email": "ben@example.org"},
        ],
        "projects": [
            {
                "uuid": LAB,
                "name": "lab",
                "end_date": FAR,
                "owner": ADA,
                "homepage": "https://lab.example",
                "description": "A lab",
                "comments": "Of Ada",
                "creation_date": CREATED,
                "join_policy": "auto",
                "leave_policy": "closed",
                "max_members": 9,
                "private": True,
                "state": "suspended",
                "parent": OFFICE,
                "resources": {"s.vm": {"project_capacity": 20, "member_capacity": 4}},
                "members": [ADA, BEN],
            },
            {"uuid": OFFICE, "name": "office", "end_date": FAR, "members": [ADA]},
            {"uuid": CAMPUS, "name": "campus", "end_date": FAR},
        ],
        "keys": [
            {
                "user": ADA,
                "prefix": "astk_abcdefgh",
                "name": "ci",
                "project": LAB,
                "services": ["s"],
                "calls": ["quotas"],
                "networks": ["192.0.2.0/24"],
                "created": CREATED,
                "expires": FAR,
                "creator": BEN,
                "limits": {"s.vm": 3},
                "secrets": [{"hash": hashed("a key"), "created": CREATED, "expires": FAR}],
            }
        ],
        "oauth2_clients": [
            {
                "identifier": "viewer",
                "name": "Viewer",
                "secret": "the secret",
                "type": "confidential",
                "trusted": True,
                "url": "https://viewer.example",
                "redirect_urls": ["https://viewer.example/back"],
            },
            {"identifier": "other", "secret": "x"},
        ],
        "oauth2_tokens": [
            {"client": "viewer", "user": ADA, "expires": FAR, "access_token": "the token", "scope": "all"}
        ],
    }


OTHER: dict[str, dict[str, Any]] = {
    "settings": {
        "moderation": False,
        "project_admins": [],
        "administrators": "others",
        "helpdesk": [],
        "admin_users": False,
        "admin_users_groups": [],
        "history_days": 60,
        "meter_ttl_seconds": 900,
        "clock_jump_seconds": 60,
        "clock_agreement_seconds": 30,
        "end_projects": False,
        "ending_notice_days": 0,
        "grant_notice_days": 0,
        "pending_notice_hours": 0,
        "most_members_told": 0,
        "trusted_proxies": [],
        "webhook_networks": [],
        "most_keys": 0,
        "weblogin_next": [],
        "cookie_name": "b",
        "cookie_domain": "example.com",
        "session_hours": 6,
        "access_token_seconds": 60,
        "oauth2_without_tls": False,
        "terms": "Be kinder.",
        "service_name": "Sky",
        "logo": "/etc/astakos/logo.png",
        "forgotten_password": "Ask Ben.",
        "compatibility": "newest",
    },
    "components": {
        "ui_url": "https://c.example/other",
        "base_url": "https://c2.example",
        "token": "another token",
        "token_created": PAST,
        "token_expires": CREATED,
        "tokens": [{"name": "green", "token_hash": hashed("green"), "created": PAST, "expires": FAR}],
        "menu": {"order": 6},
        "may_charge": "all",
    },
    "services": {"type": "image", "endpoints": []},
    "resources": {
        "service": "t",
        "unit": "pieces",
        "scale": 18,
        "max_debt": 0,
        "thresholds": [],
        "shadow": False,
        "description": "Things",
        "system_default": 5,
        "project_default": 3,
        "ui_visible": True,
        "api_visible": False,
    },
    "users": {
        "email": "byron@example.org",
        "first_name": "A.",
        "last_name": "B.",
        "password_hash": SECOND_HASH,
        "token": "another token of ada",
        "token_created": PAST,
        "token_expires": CREATED,
        "is_active": False,
        "email_verified": False,
        "moderated": False,
        "is_rejected": True,
        "has_signed_terms": True,
        "default_project": OFFICE,
        "groups": ["staff", "helpdesk"],
        "quotas": {"s.vm": 8},
    },
    "projects": {
        "name": "lab2",
        "end_date": CREATED,
        "owner": BEN,
        "homepage": "https://lab2.example",
        "description": "Another lab",
        "comments": "Of Ben",
        "creation_date": PAST,
        "join_policy": "closed",
        "leave_policy": "moderated",
        "max_members": 8,
        "private": False,
        "state": "active",
        "parent": CAMPUS,
        "resources": {"s.vm": {"project_capacity": 21, "member_capacity": 5}},
        "members": [{"user": ADA, "state": "leave_requested"}, {"user": BEN, "state": "removed"}],
    },
    "keys": {
        "name": "cd",
        "project": OFFICE,
        "services": ["t"],
        "calls": ["quotas.periods"],
        "networks": ["198.51.100.7"],
        "created": PAST,
        "expires": CREATED,
        "creator": ADA,
        "limits": {"s.vm": 4},
        "secrets": [{"hash": hashed("another key"), "created": PAST}],
    },
    "oauth2_clients": {
        "name": "Reader",
        "secret": "another secret",
        "type": "public",
        "trusted": False,
        "url": "https://reader.example",
        "redirect_urls": ["https://viewer.example/other"],
    },
    "oauth2_tokens": {"client": "other", "user": BEN, "expires": CREATED, "scope": "little"},
}
"""Another value of each key that is applied."""

INSTEAD: dict[tuple[str, str], tuple[str, str]] = {
    ("components", "token_hash"): (hashed("another token"), "token"),
    ("users", "token_hash"): (hashed("another token of ada"), "token"),
    ("users", "password"): ("another password", "password_hash"),
    ("oauth2_clients", "secret_hash"): (hashed("another secret"), "secret"),
}
"""Keys that can be given instead of another one: their value and the other one."""

ELSEWHERE = {
    ("settings", "groups"): "adds: test_groups_are_only_added",
    ("services", "component"): "refused: test_load.WRONG",
    ("resources", "service_type"): "checked: test_load.WRONG",
    ("resources", "meter"): "only where the name has a slash: test_meter_loading",
    **{
        ("grants", field.name): "does not change: test_grants" for field in msgspec.structs.fields(GrantEntry)
    },
    ("keys", "user"): "refused: test_a_key_of_another_user_is_not_taken",
    ("oauth2_tokens", "access_token"): "identifies the entry",
    ("oauth2_tokens", "token_hash"): "identifies the entry",
}

KEPT = {
    *(("settings", key) for key in OTHER["settings"]),
    ("components", "token"),
    ("components", "token_created"),
    ("components", "tokens"),
    ("components", "may_charge"),
    ("users", "password_hash"),
    ("users", "token"),
    ("users", "token_created"),
    ("users", "token_expires"),
    ("users", "default_project"),
    ("users", "quotas"),
    ("keys", "created"),
    ("keys", "secrets"),
    ("projects", "creation_date"),
    ("projects", "parent"),
    ("projects", "resources"),
    ("projects", "members"),
}
"""What stays as it is if the key is left out, as docs/state.md says."""

IDENTITIES = {
    "components": "name",
    "services": "name",
    "resources": "name",
    "users": "uuid",
    "projects": "uuid",
    "keys": "prefix",
    "oauth2_clients": "identifier",
    "oauth2_tokens": "access_token",
}
REQUIRED = {
    "components": (),
    "services": ("type", "component"),
    "resources": ("service",),
    "users": ("email",),
    "projects": ("name", "end_date"),
    "keys": ("user", "name"),
    "oauth2_clients": ("secret",),
    "oauth2_tokens": ("client", "user", "expires"),
}
APPLIED = [(part, key) for part, keys in OTHER.items() for key in keys]
OPTIONAL = [
    (part, key)
    for part, key in APPLIED
    if part == "settings" or (key not in REQUIRED[part] and key != "access_token")
]
DERIVED: dict[tuple[str, str], Any] = {
    ("resources", "project_default"): 0,
    ("resources", "ui_visible"): True,
    ("keys", "calls"): [],
    # What has been counted still is.
    ("keys", "limits"): {"s.vm": None},
}
"""Defaults that follow from other keys of the entry."""
SHOWN_AS = {"token": "token_hash", "secret": "secret_hash"}
"""The keys of a dump that show what a secret key has set."""


def loaded(database: Database, document: dict[str, Any]) -> None:
    load(database, read_document(json.dumps(document).encode(), "state.json"), LOADED)


def found(database: Database, part: str, key: str) -> Any:
    """What a dump shows for a key of the first entry of a part; for a secret, its hash."""
    document = dump(database)
    entry = document.settings if part == "settings" else getattr(document, part)[0]
    return msgspec.to_builtins(getattr(entry, SHOWN_AS.get(key, key)))


def default_of(part: str, key: str) -> Any:
    (entry,) = (
        field.type.__args__[0] for field in msgspec.structs.fields(StateDocument) if field.name == part
    )
    (field,) = (field for field in msgspec.structs.fields(entry) if field.name == key)
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def expected(key: str, value: Any) -> Any:
    return hashed(value) if key in ("token", "secret") else value


def entry_of(document: dict[str, Any], part: str) -> dict[str, Any]:
    found: dict[str, Any] = document["settings"] if part == "settings" else document[part][0]
    return found


def test_every_key_is_tested() -> None:
    known = {(part, key) for part, keys in OTHER.items() for key in keys} | set(INSTEAD) | set(ELSEWHERE)
    identities = set(IDENTITIES.items())
    parts = {field.name: field.type for field in msgspec.structs.fields(StateDocument)}
    declared = {
        (part, field.name)
        for part, kind in parts.items()
        if part not in ("base_url", "token_names")
        for field in msgspec.structs.fields(kind if part == "settings" else kind.__args__[0])
    }
    assert known | identities == declared


@pytest.mark.parametrize(("part", "key"), APPLIED)
def test_a_key_is_applied_alone_and_beside_the_others(empty: Database, part: str, key: str) -> None:
    loaded(empty, base())
    changed = base()
    entry = entry_of(changed, part)
    if part in ("resources", "services"):
        changed["resources"][0].pop("service_type")
    if part == "users" and key in ("moderated", "is_rejected"):
        entry.pop("quotas")
    entry[key] = OTHER[part][key]
    if part == "settings":
        alone: dict[str, Any] = {"settings": {key: entry[key]}}
    else:
        kept = {IDENTITIES[part], *REQUIRED[part], key}
        alone = {part: [{name: value for name, value in entry.items() if name in kept}]}
    for document, wanted in ((alone, changed), (base(), base()), (changed, changed)):
        loaded(empty, document)
        assert found(empty, part, key) == expected(key, entry_of(wanted, part)[key])


@pytest.mark.parametrize(("part", "key"), INSTEAD)
def test_a_secret_is_given_in_clear_or_as_its_hash_but_not_both(empty: Database, part: str, key: str) -> None:
    document = base()
    loaded(empty, document)
    value, other = INSTEAD[part, key]
    entry = entry_of(document, part)
    entry[key] = value
    with pytest.raises(StateError, match="not both"):
        loaded(empty, document)
    del entry[other]
    loaded(empty, document)
    if key == "password":
        assert password_matches(found(empty, part, "password_hash"), value)
    else:
        assert found(empty, part, key) == value


@pytest.mark.parametrize(("part", "key"), OPTIONAL)
def test_a_key_that_is_left_out_stays_or_takes_its_default(empty: Database, part: str, key: str) -> None:
    document = base()
    loaded(empty, document)
    before = found(empty, part, key)
    entry = entry_of(document, part)
    del entry[key]
    loaded(empty, document)
    if (part, key) in KEPT:
        assert found(empty, part, key) == before
    else:
        assert found(empty, part, key) == DERIVED.get((part, key), default_of(part, key))


@pytest.mark.parametrize(("part", "name"), [("components", "d"), ("users", BEN)])
@pytest.mark.parametrize("key", ["token_created", "token_expires"])
def test_times_of_a_token_that_does_not_exist_are_refused(
    empty: Database, part: str, name: str, key: str
) -> None:
    loaded(empty, base())
    entry = {IDENTITIES[part]: name, key: FAR}
    if part == "users":
        entry["email"] = "ben@example.org"
    with pytest.raises(StateError, match=rf"there is no token yet.*\$\.{part}\[0\]\.{key}"):
        loaded(empty, {part: [entry]})


def test_a_change_of_the_times_of_a_token_logs_nobody_out(database: Database) -> None:
    document = StateDocument(
        users=[UserEntry(uuid=ALICE.uuid, email=ALICE.email, token_expires=FAR)],
    )
    assert rows(database, "SELECT COUNT(*) FROM oauth2_tokens") == [(1,)]
    load(database, document, LOADED)
    assert rows(database, "SELECT COUNT(*) FROM oauth2_tokens") == [(1,)]
    assert dump(database).users[0].token_expires == FAR


def test_a_key_of_another_user_is_not_taken(empty: Database) -> None:
    loaded(empty, base())
    document = base()
    document["keys"][0]["user"] = BEN
    with pytest.raises(StateError, match=r"of another user.*\$\.keys\[0\]\.prefix"):
        loaded(empty, document)


def test_the_secret_of_another_key_is_not_taken(empty: Database) -> None:
    loaded(empty, base())
    document = base()
    document["keys"][0]["prefix"] = "astk_bcdefghi"
    with pytest.raises(StateError, match="the key astk_abcdefgh already has this secret"):
        loaded(empty, document)


def test_groups_are_only_added(empty: Database) -> None:
    loaded(empty, base())
    loaded(empty, {"settings": {"groups": ["helpdesk"]}})
    assert found(empty, "settings", "groups") == ["staff", "helpdesk"]


def test_an_empty_list_of_members_removes_all_but_those_who_apply(empty: Database) -> None:
    document = base()
    document["users"][0].pop("default_project")
    lab = document["projects"][0]
    lab["members"] = [ADA, {"user": BEN, "state": "requested"}]
    loaded(empty, document)
    lab["members"] = []
    loaded(empty, document)
    assert found(empty, "projects", "members") == [
        {"user": ADA, "state": "removed"},
        {"user": BEN, "state": "requested"},
    ]


def test_who_is_deactivated_alone_draws_from_no_project_and_does_again_when_activated(
    database: Database,
) -> None:
    def limit() -> int:
        return holdings(database)[member_key(BOB, LAB_OF_THE_WORLD)].limit

    bob = {"uuid": BOB.uuid, "email": BOB.email}
    before = limit()
    loaded(database, {"users": [bob | {"is_active": False}]})
    assert (before, limit()) == (10, 0)
    loaded(database, {"users": [bob]})
    assert limit() == before


REFUSED: dict[str, tuple[str, Any, str]] = {
    "$.base_url": ("", "accounts.example.org", "is not a URL"),
    "$.settings.project_admins[0]": ("settings.project_admins", ["ada"], "UUID"),
    "$.settings.helpdesk[0]": ("settings.helpdesk", ["help"], "email address"),
    "$.settings.groups[1]": ("settings.groups", ["a", ""], "empty"),
    "$.settings.history_days": ("settings.history_days", 10**9, "36500"),
    "$.settings.clock_jump_seconds": ("settings.clock_jump_seconds", 0, "1"),
    "$.settings.ending_notice_days": ("settings.ending_notice_days", 366, "365"),
    "$.settings.most_members_told": ("settings.most_members_told", -1, "0"),
    "$.settings.clock_agreement_seconds": ("settings.clock_agreement_seconds", 10**9, "86400"),
    "$.components[0].ui_url": ("components.ui_url", "javascript:alert(1)", "is not a URL"),
    "$.components[0].base_url": ("components.base_url", "https://c.example/a b", "is not a URL"),
    "$.components[0].menu": ("components.menu", {"order": "first"}, "must be a number"),
    "$.components[0].may_charge[1]": ("components.may_charge", ["s.vm", "u"], "no resource 'u'"),
    "$.components[1].name": ("components+", {"name": "c"}, "already described by `$.components[0]`"),
    "$.components[2].name": ("components.+", {"name": "we ird"}, "letters"),
    "$.services[0].type": ("services.type", "", "empty"),
    "$.services[0].endpoints[0].publicURL": (
        "services.endpoints",
        [{"versionId": "", "publicURL": "compute"}],
        "is not a URL",
    ),
    "$.services[2].name": ("services.+", {"name": "a,b", "type": "x", "component": "c"}, "letters"),
    "$.resources[1].name": ("resources.+", {"name": "r" * 256, "service": "s"}, "255"),
    "$.resources[0].scale": ("resources.scale", 19, "18"),
    "$.resources[0].max_debt": ("resources.max_debt", -1, "from 0"),
    "$.resources[0].thresholds": ("resources.thresholds", [80, 50], "ascend"),
    "$.users[2].password": ("users.+", {"uuid": CLEO, "email": "c@example.org", "password": ""}, "empty"),
    "$.users[0].default_project": ("users.default_project", FAR, "there is no project"),
    "$.users[0].token_expires": ("users.token_expires", "9999-12-31T23:59:59-14:00", "years 1 to 9999"),
    "$.projects[0].members[1]": ("projects.members", [ADA, ADA], "listed twice"),
    "$.oauth2_clients[0].identifier": ("oauth2_clients.identifier", "", "empty"),
    "$.oauth2_clients[0].url": ("oauth2_clients.url", "viewer", "is not a URL"),
    "$.oauth2_clients[0].redirect_urls[0]": (
        "oauth2_clients.redirect_urls",
        ["https://straße.example/back"],
        "ASCII",
    ),
}


@pytest.mark.parametrize("place", REFUSED)
def test_a_value_that_would_never_work_is_refused_at_its_place(empty: Database, place: str) -> None:
    where, value, reason = REFUSED[place]
    document = base()
    part, _, key = where.partition(".")
    if not part:
        document["base_url"] = value
    elif part.endswith("+"):
        document[part[:-1]].insert(1, value)
    elif key == "+":
        document[part].append(value)
    else:
        entry_of(document, part)[key] = value
    before = all_rows(empty)
    with pytest.raises(StateError) as caught:
        loaded(empty, document)
    assert str(caught.value).endswith(f" - at `{place}`")
    assert reason in str(caught.value)
    assert all_rows(empty) == before
