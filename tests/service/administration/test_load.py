import copy
import json
from collections.abc import Callable, Mapping

import pytest

from astakos.administration.dump import dump
from astakos.administration.load import load, load_within
from astakos.administration.state_document import (
    CapacityEntry,
    ComponentEntry,
    MemberEntry,
    OAuth2ClientEntry,
    OAuth2TokenEntry,
    ProjectEntry,
    ResourceEntry,
    ServiceEntry,
    Settings,
    StateDocument,
    StateError,
    UserEntry,
    read_document,
)
from astakos.directory.password_hashes import password_hash, password_matches
from astakos.directory.tokens import USER_TOKEN_LIFETIME
from astakos.events.event import Actor
from astakos.ledger.rules import UNLIMITED, Holding, Key
from astakos.projects.project import MembershipState, ProjectState
from astakos.storage.protocol import Database
from astakos.storage.tables import users
from service.installation import all_rows, holdings, last_event, rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    CLOSED,
    DORA,
    FAR,
    GREG,
    HALTED,
    HUGO,
    LAB,
    LOADED,
    RAM,
    SPACE,
    TOTAL_RAM,
    UNKNOWN_UUID,
    VM,
    Person,
    member_key,
    project_key,
    world,
)

pytestmark = pytest.mark.every_engine

LATER = LOADED + 86_400_000_000


def limit(database: Database, key: Key) -> int:
    return holdings(database)[key].limit


def default_project(database: Database, person: Person) -> str | None:
    user = users.find_by_uuid(database.reader(), person.uuid)
    assert user is not None
    return user.default_project


def use(database: Database, key: Key, usage: int) -> None:
    statement = """
    UPDATE holdings SET usage_min = ?, usage_max = ? WHERE holder = ? AND source = ? AND resource = ?
    """
    rows(database, statement, usage, usage, key.holder, key.source or "", key.resource)


class TestRepeatedly:
    def test_loading_twice_changes_nothing(self, database: Database) -> None:
        before = all_rows(database)
        load(database, world(), LATER)
        assert all_rows(database) == before

    def test_an_empty_document_changes_nothing(self, database: Database) -> None:
        before = all_rows(database)
        load(database, StateDocument(), LATER)
        assert all_rows(database) == before

    def test_what_is_not_named_stays(self, database: Database) -> None:
        before = holdings(database)
        document = world()
        document.users = [entry for entry in document.users if entry.uuid == BOB.uuid]
        document.users[0].last_name = "Baker"
        document.projects, document.services = [], []
        load(database, document, LATER)
        names = rows(database, "SELECT uuid, last_name FROM users")
        assert (BOB.uuid, "Baker") in names
        assert (ALICE.uuid, "Archer") in names
        assert holdings(database) == before

    def test_usage_is_never_touched(self, database: Database) -> None:
        key = member_key(ALICE)
        use(database, key, 8)
        document = world()
        document.projects[0].resources[VM] = CapacityEntry(project_capacity=6, member_capacity=5)
        load(database, document, LATER)
        assert holdings(database)[key] == Holding(5, 8, 8)
        assert holdings(database)[project_key()] == Holding(6)


class TestLimits:
    def test_they_follow_from_the_state_of_projects_and_members(self, database: Database) -> None:
        found = {key: holding.limit for key, holding in holdings(database).items()}
        assert found[project_key(LAB)] == 12
        assert found[member_key(ALICE, LAB)] == found[member_key(BOB, LAB)] == 10
        for project in (HALTED, CLOSED):
            assert found[project_key(project)] == 0
            assert found[member_key(ALICE, project)] == 0
        assert found[member_key(CHLOE, CLOSED)] == 0

    def test_what_a_project_does_not_name_is_at_its_default(self, database: Database) -> None:
        found = {key: holding.limit for key, holding in holdings(database).items()}
        assert found[project_key(LAB, RAM)] == found[member_key(ALICE, LAB, RAM)] == 2**30
        assert found[project_key(LAB, TOTAL_RAM)] == UNLIMITED
        assert found[project_key(ALICE.uuid, VM)] == found[member_key(ALICE, ALICE.uuid, VM)] == 4
        assert found[project_key(ALICE.uuid, TOTAL_RAM)] == UNLIMITED
        assert found[project_key(BOB.uuid, VM)] == found[member_key(BOB, BOB.uuid, VM)] == 7

    @pytest.mark.parametrize("person", [DORA, GREG])
    def test_who_was_not_accepted_has_no_project(self, database: Database, person: tuple[str, ...]) -> None:
        assert not [key for key in holdings(database) if person[0] in str(key)]

    def test_who_is_inactive_has_one_without_limit(self, database: Database) -> None:
        assert limit(database, project_key(HUGO.uuid)) == limit(database, member_key(HUGO, HUGO.uuid)) == 0

    @pytest.mark.parametrize("state", [ProjectState.SUSPENDED, ProjectState.TERMINATED])
    def test_a_project_that_stops_keeps_its_usage_and_gets_its_limits_back(
        self, database: Database, state: ProjectState
    ) -> None:
        use(database, member_key(ALICE), 3)
        use(database, project_key(), 3)
        document = world()
        document.projects[0].state = state
        load(database, document, LATER)
        assert holdings(database)[member_key(ALICE)] == Holding(0, 3, 3)
        assert holdings(database)[project_key()] == Holding(0, 3, 3)
        load(database, world(), LATER)
        assert holdings(database)[member_key(ALICE)] == Holding(10, 3, 3)
        assert holdings(database)[project_key()] == Holding(12, 3, 3)

    def test_members_who_come_and_go(self, database: Database) -> None:
        document = world()
        document.projects[0].members = [
            MemberEntry(user=ALICE.uuid, state=MembershipState.REMOVED),
            MemberEntry(user=BOB.uuid, state=MembershipState.LEAVE_REQUESTED),
            MemberEntry(user=CHLOE.uuid, state=MembershipState.REQUESTED),
        ]
        load(database, document, LATER)
        found = holdings(database)
        assert found[member_key(ALICE)].limit == 0
        assert found[member_key(BOB)].limit == 10
        assert member_key(CHLOE) not in found
        document.projects[0].members = [CHLOE.uuid]
        load(database, document, LATER)
        assert limit(database, member_key(CHLOE)) == 10

    @pytest.mark.parametrize(
        ("ending", "draws"),
        [
            ({"members": [ALICE.uuid]}, False),
            ({"members": [MemberEntry(user=BOB.uuid, state=MembershipState.REMOVED)]}, False),
            ({"state": ProjectState.TERMINATED}, False),
            ({"state": ProjectState.SUSPENDED}, True),
            ({"members": [MemberEntry(user=BOB.uuid, state=MembershipState.LEAVE_REQUESTED)]}, True),
        ],
    )
    def test_who_is_removed_or_loses_a_project_has_their_own_as_default_again(
        self, database: Database, ending: dict[str, object], draws: bool
    ) -> None:
        document = world()
        document.users[1].default_project = LAB
        load(database, document, LATER)
        assert default_project(database, BOB) == LAB
        lab(**ending)(changed := world())
        load(database, changed, LATER)
        assert default_project(database, BOB) == (LAB if draws else BOB.uuid)
        assert default_project(database, ALICE) == ALICE.uuid

    @pytest.mark.parametrize("state", [MembershipState.REQUESTED, MembershipState.REJECTED])
    def test_who_was_a_member_and_asks_again_draws_nothing_meanwhile(
        self, database: Database, state: MembershipState
    ) -> None:
        use(database, member_key(BOB), 2)
        document = world()
        document.projects[0].members = [MemberEntry(user=BOB.uuid, state=state)]
        load(database, document, LATER)
        assert holdings(database)[member_key(BOB)] == Holding(0, 2, 2)

    def test_a_user_who_is_deactivated_and_activated_again(self, database: Database) -> None:
        document = world()
        document.users[0].is_active = False
        load(database, document, LATER)
        assert limit(database, member_key(ALICE, ALICE.uuid)) == 0
        assert limit(database, member_key(ALICE, LAB)) == 0
        load(database, world(), LATER)
        assert limit(database, member_key(ALICE, ALICE.uuid)) == 4
        assert limit(database, member_key(ALICE, LAB)) == 10

    def test_a_resource_that_comes_later_gives_holdings_to_all_that_is_there(
        self, database: Database
    ) -> None:
        before = holdings(database)
        gpu = ResourceEntry(name="gpu", service="compute_api", system_default=3, project_default=2)
        load(database, StateDocument(resources=[gpu]), LATER)
        found = holdings(database)
        new = {key: holding.limit for key, holding in found.items() if key not in before}
        assert {key.resource for key in new} == {"gpu"}
        assert len(new) == len([key for key in before if key.resource == VM])
        assert new[project_key(ALICE.uuid, "gpu")] == new[member_key(ALICE, ALICE.uuid, "gpu")] == 3
        assert new[project_key(LAB, "gpu")] == new[member_key(BOB, LAB, "gpu")] == 2
        assert new[project_key(HALTED, "gpu")] == new[member_key(HUGO, HUGO.uuid, "gpu")] == 0
        assert {key: found[key] for key in before} == before

    def test_a_default_that_changes_later_changes_no_holding_that_is_there(self, database: Database) -> None:
        before = holdings(database)
        document = world()
        document.resources[0].system_default = 99
        document.resources[1].project_default = 99
        newcomer = UserEntry(uuid=UNKNOWN_UUID, email="new@example.org")
        document.users.append(newcomer)
        load(database, document, LATER)
        found = holdings(database)
        assert {key: found[key] for key in before} == before
        assert found[Key(f"user:{UNKNOWN_UUID}", f"project:{UNKNOWN_UUID}", VM)].limit == 99

    def test_defaults_depend_on_visibility(self, empty: Database) -> None:
        resources = [
            ResourceEntry(name="seen", service="s"),
            ResourceEntry(name="hidden", service="s", api_visible=False),
        ]
        document = StateDocument(
            components=[ComponentEntry(name="c")],
            services=[ServiceEntry(name="s", type="t", component="c")],
            resources=resources,
        )
        load(empty, document, LOADED)
        statement = "SELECT name, system_default, project_default, ui_visible FROM resources ORDER BY id"
        assert rows(empty, statement) == [("seen", UNLIMITED, 0, 1), ("hidden", UNLIMITED, UNLIMITED, 0)]


class TestTokens:
    def user(self, **given: str | None) -> StateDocument:
        entry = UserEntry(uuid=ALICE.uuid, email=ALICE.email)
        for name, value in given.items():
            setattr(entry, name, value)
        return StateDocument(users=[entry])

    def times(self, database: Database) -> tuple[object, ...]:
        statement = "SELECT token_created, token_expires FROM users WHERE uuid = ?"
        (found,) = rows(database, statement, ALICE.uuid)
        return found

    def test_a_token_expires_after_720_hours_unless_another_time_is_given(self, empty: Database) -> None:
        load(empty, self.user(token="t"), LOADED)
        assert self.times(empty) == (LOADED, LOADED + USER_TOKEN_LIFETIME)
        load(empty, self.user(token="t"), LATER)
        assert self.times(empty) == (LOADED, LOADED + USER_TOKEN_LIFETIME)
        load(empty, self.user(token="other"), LATER)
        assert self.times(empty) == (LATER, LATER + USER_TOKEN_LIFETIME)
        load(empty, self.user(token="other", token_expires=FAR), LATER)
        assert self.times(empty)[1] == 4_071_006_245_000_000

    def test_without_a_token_the_old_one_stays(self, empty: Database) -> None:
        load(empty, self.user(token="t"), LOADED)
        before = all_rows(empty)["users"]
        load(empty, self.user(), LATER)
        assert all_rows(empty)["users"] == before

    def test_a_password_is_hashed_once_or_given_as_its_hash(self, empty: Database) -> None:
        def stored() -> str:
            return str(rows(empty, "SELECT password_hash FROM users")[0][0])

        load(empty, self.user(password="the first one"), LOADED)
        first = stored()
        assert password_matches(first, "the first one")
        load(empty, self.user(password="the first one"), LATER)
        load(empty, self.user(), LATER)
        assert stored() == first
        load(empty, self.user(password="the second one"), LATER)
        assert password_matches(stored(), "the second one")
        third = password_hash("third")
        load(empty, self.user(password_hash=third), LATER)
        assert stored() == third


Change = Callable[[StateDocument], object]
NEW = "0000000b-0000-4000-8000-00000000000b"


def chloe(**changes: object) -> Change:
    return lambda document: change_all(document.users[2], changes)


def lab(**changes: object) -> Change:
    return lambda document: change_all(document.projects[0], changes)


def change_all(entry: object, changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        setattr(entry, name, value)


def capacity(project: int, member: int) -> dict[str, CapacityEntry]:
    return {VM: CapacityEntry(project_capacity=project, member_capacity=member)}


WRONG: dict[str, tuple[Change, str]] = {
    "$.users[0].default_project": (
        lambda d: setattr(d.users[0], "default_project", CLOSED),
        "has ended",
    ),
    "$.users[2].default_project": (chloe(default_project=LAB), "the user is not a member of the project"),
    "$.users[2].password": (chloe(password="1"), "must have 8 to 1024 characters"),
    "$.components[0].name": (lambda d: setattr(d.components[0], "name", " "), "must not be empty"),
    "$.components[1].token": (
        lambda d: setattr(d.components[1], "token", d.components[0].token),
        "component 'compute' already has this token",
    ),
    "$.components[2].token_expires": (
        lambda d: setattr(d.components[2], "token_expires", "soon"),
        "ISO 8601",
    ),
    "$.components[3]": (
        lambda d: d.components.append(ComponentEntry(name="x", token_hash="md5:00")),
        "sha256:",
    ),
    "$.services[0].component": (
        lambda d: setattr(d.services[0], "component", "nobody"),
        "there is no component 'nobody'",
    ),
    "$.services[0].name": (
        lambda d: setattr(d.services[0], "component", "storage"),
        "already belongs to the component 'compute'",
    ),
    "$.services[0].endpoints[1]": (
        lambda d: d.services[0].endpoints[1].pop("publicURL"),
        "'publicURL' is missing",
    ),
    "$.resources[0].name": (lambda d: setattr(d.resources[0], "name", ""), "must not be empty"),
    "$.resources[0].service": (
        lambda d: setattr(d.resources[0], "service", "nothing"),
        "there is no service 'nothing'",
    ),
    "$.resources[3].service": (
        lambda d: setattr(d.resources[3], "service", "compute_api"),
        "already belongs to the component 'storage'",
    ),
    "$.resources[0].service_type": (
        lambda d: setattr(d.resources[0], "service_type", "other"),
        "is of type 'compute'",
    ),
    "$.resources[2].ui_visible": (
        lambda d: setattr(d.resources[2], "ui_visible", True),
        "must be visible in the API",
    ),
    "$.resources[0].system_default": (
        lambda d: setattr(d.resources[0], "system_default", -1),
        "from 0 to",
    ),
    "$.resources[1].project_default": (
        lambda d: setattr(d.resources[1], "project_default", 2**63),
        "from 0 to",
    ),
    "$.users[2].uuid": (chloe(uuid="00000003000040008000000000000003"), "is not a lowercase UUID"),
    "$.users[2].email": (chloe(email="chloe"), "email address"),
    "$.users[1].email": (
        lambda d: setattr(d.users[1], "email", "<b>@example.org"),
        "without double quotes",
    ),
    "$.users[9].email": (
        lambda d: d.users.append(UserEntry(uuid=NEW, email="ALICE@example.org")),
        "already has this address",
    ),
    "$.users[2].token": (chloe(token=ALICE.token), "alice@example.org already has this token"),
    "$.users[2]": (chloe(token=None, token_hash="sha256:12"), "64 hexadecimal digits"),
    "$.users[2].token_expires": (chloe(token_expires="2031-02-03T04:05:06"), "has no time zone"),
    "$.users[2].password_hash": (chloe(password_hash="secret"), "argon2 hash"),
    "$.users[2].quotas": (chloe(quotas={"nothing": 1}), "there is no resource 'nothing'"),
    "$.users[2].quotas.compute.vm": (chloe(quotas={VM: -1}), "from 0 to"),
    "$.projects[0].uuid": (lab(uuid=ALICE.uuid), "system project"),
    "$.projects[0].name": (lab(name=""), "must not be empty"),
    "$.projects[0].owner": (lab(owner=UNKNOWN_UUID), "there is no user"),
    "$.projects[0].end_date": (lab(end_date="tomorrow"), "ISO 8601"),
    "$.projects[0].creation_date": (lab(creation_date=""), "ISO 8601"),
    "$.projects[0].max_members": (lab(max_members=-1), "from 0 to"),
    "$.projects[0].resources": (
        lab(resources={"nothing": CapacityEntry(project_capacity=1, member_capacity=1)}),
        "there is no resource 'nothing'",
    ),
    "$.projects[0].resources['compute.vm']": (lab(resources=capacity(1, 2)), "must not be larger"),
    "$.projects[0].members[1]": (lab(members=[ALICE.uuid, UNKNOWN_UUID]), "there is no user"),
    "$.oauth2_clients[0].secret": (
        lambda d: setattr(d.oauth2_clients[0], "secret", None),
        "needs a secret",
    ),
    "$.oauth2_clients[1]": (
        lambda d: d.oauth2_clients.append(OAuth2ClientEntry(identifier="x", secret="")),
        "must not be empty",
    ),
    "$.oauth2_tokens[0].access_token": (
        lambda d: setattr(d.oauth2_tokens[0], "access_token", None),
        "is missing",
    ),
    "$.oauth2_tokens[0].client": (
        lambda d: setattr(d.oauth2_tokens[0], "client", "nobody"),
        "there is no OAuth2 client 'nobody'",
    ),
    "$.oauth2_tokens[0].user": (
        lambda d: setattr(d.oauth2_tokens[0], "user", UNKNOWN_UUID),
        "there is no user",
    ),
    "$.oauth2_tokens[1].expires": (
        lambda d: d.oauth2_tokens.append(
            OAuth2TokenEntry(client="viewer", user=ALICE.uuid, access_token="x", expires="never")
        ),
        "ISO 8601",
    ),
}


class TestMistakes:
    @pytest.mark.first_on_every_engine
    @pytest.mark.parametrize("place", WRONG)
    def test_a_mistake_is_named_by_its_place_and_nothing_is_changed(
        self, database: Database, place: str
    ) -> None:
        change, reason = WRONG[place]
        document = world()
        document.components[0].ui_url = "https://changed.example.org"
        document.users[0].last_name = "Changed"
        change(document)
        before = all_rows(database)
        with pytest.raises(StateError) as caught:
            load(database, document, LATER)
        assert str(caught.value).endswith(f" - at `{place}`")
        assert reason in str(caught.value)
        assert all_rows(database) == before

    def test_a_user_does_not_take_over_the_project_of_the_same_uuid(self, database: Database) -> None:
        before = all_rows(database)
        document = StateDocument(users=[UserEntry(uuid=LAB, email="lab@example.org")])
        with pytest.raises(StateError, match=r"\$\.users\[0\]\.uuid"):
            load(database, document, LATER)
        assert all_rows(database) == before

    def test_no_secret_is_repeated_in_an_error(self, database: Database) -> None:
        document = world()
        document.users[2].token = ALICE.token
        with pytest.raises(StateError) as caught:
            load(database, document, LATER)
        assert ALICE.token not in str(caught.value)

    def test_no_two_projects_share_a_name(self, database: Database) -> None:
        before = all_rows(database)
        document = StateDocument(projects=[ProjectEntry(uuid=NEW, name="halted.example.org", end_date=FAR)])
        with pytest.raises(StateError) as caught:
            load(database, document, LATER)
        assert str(caught.value) == (
            f"the project {HALTED} has this name as well; "
            "active and suspended projects must differ in it - at `$.projects[0].name`"
        )
        assert all_rows(database) == before

    def test_two_projects_may_change_their_names_with_each_other(self, database: Database) -> None:
        document = world()
        first, second = document.projects[:2]
        first.name, second.name = second.name, first.name
        load(database, document, LATER)
        assert [row[2] for row in all_rows(database)["projects"] if row[1] in (LAB, HALTED)] == [
            "halted.example.org",
            "lab.example.org",
        ]

    def test_a_project_that_has_ended_leaves_its_name_to_others(self, database: Database) -> None:
        document = StateDocument(projects=[ProjectEntry(uuid=NEW, name="closed.example.org", end_date=FAR)])
        load(database, document, LATER)

    def test_a_project_may_be_loaded_without_members_and_resources(self, database: Database) -> None:
        entry = ProjectEntry(uuid=NEW, name="new.example.org", end_date=FAR)
        load(database, StateDocument(projects=[copy.deepcopy(entry)]), LATER)
        assert limit(database, project_key(NEW, SPACE)) == 0
        assert limit(database, project_key(NEW, RAM)) == 2**30


def test_how_people_log_in_is_declared_and_told_again(empty: Database) -> None:
    declared = Settings(
        weblogin_next=["pithos", "https://files.example.org"],
        cookie_name="",
        cookie_domain="example.org",
        session_hours=1,
        access_token_seconds=60,
        oauth2_without_tls=True,
        terms="One.\nTwo.",
    )
    load(empty, StateDocument(settings=declared), LOADED)
    assert dump(empty).settings == declared
    load(empty, StateDocument(settings=Settings(session_hours=2)), LOADED)
    declared.session_hours = 2
    assert dump(empty).settings == declared


@pytest.mark.parametrize(
    "entry", ["https", "http", "javascript", "data", "", "https://a.example/path", "a b"]
)
def test_tokens_can_not_be_sent_anywhere(empty: Database, entry: str) -> None:
    document = StateDocument(settings=Settings(weblogin_next=["pithos", entry]))
    with pytest.raises(StateError, match=r"weblogin_next\[1\]"):
        load(empty, document, LOADED)


@pytest.mark.parametrize(
    "settings",
    [
        {"cookie_name": "a;b"},
        {"cookie_name": "a\r\nb"},
        {"cookie_domain": "example.org; Path=/"},
        {"cookie_domain": ""},
        {"session_hours": 0},
        {"access_token_seconds": 0},
        {"session_hours": "1"},
    ],
)
def test_settings_of_the_login_that_make_no_sense(settings: dict[str, object]) -> None:
    with pytest.raises(StateError, match="settings"):
        read_document(json.dumps({"settings": settings}).encode(), "a.json")


def test_a_trusted_proxy_must_be_a_network(empty: Database) -> None:
    document = StateDocument(settings=Settings(trusted_proxies=["10.0.0.0/8", "proxy.example.org"]))
    with pytest.raises(StateError, match=r"not 'proxy.example.org' - at `\$.settings.trusted_proxies\[1\]`"):
        load(empty, document, LOADED)


def test_trusted_proxies_are_dumped_as_they_were_loaded(empty: Database) -> None:
    load(empty, StateDocument(settings=Settings(trusted_proxies=["10.0.0.0/8"])), LOADED)
    assert dump(empty).settings.trusted_proxies == ["10.0.0.0/8"]


def test_a_token_beside_a_new_password_is_set_and_keeps_its_times(database: Database) -> None:
    (declared,) = (user for user in world().users if user.uuid == ALICE.uuid)
    token = "SELECT token_hash, token_created, token_expires FROM users WHERE uuid = ?"
    before = rows(database, token, ALICE.uuid)
    declared.password = "another pass phrase"
    declared.token_created = declared.token_expires = None
    load(database, StateDocument(users=[declared]), LOADED + 1)
    assert rows(database, token, ALICE.uuid) == before
    declared.password, declared.token = "one more pass phrase", None
    load(database, StateDocument(users=[declared]), LOADED + 2)
    assert rows(database, token, ALICE.uuid) == [(None, None, None)]


def test_the_token_of_a_user_who_is_not_active_is_not_stored(database: Database) -> None:
    (declared,) = (user for user in world().users if user.uuid == ALICE.uuid)
    declared.is_active = False
    for _ in range(2):
        load(database, StateDocument(users=[declared]), LOADED)
        assert rows(database, "SELECT token_hash FROM users WHERE uuid = ?", ALICE.uuid) == [(None,)]


def test_a_document_is_part_of_a_change_by_somebody(database: Database) -> None:
    actor = Actor(CHLOE.uuid, "192.0.2.7", is_project_admin=True)
    before = all_rows(database)

    def change(document: StateDocument) -> None:
        database.change(lambda connection: load_within(connection, document, LATER, actor))

    gpu = StateDocument(components=[ComponentEntry(name="gpu", ui_url="https://gpu.example.org")])
    for wrong in (
        StateDocument(users=[UserEntry(uuid=BOB.uuid, email=BOB.email, password="a new password")]),
        StateDocument(components=[*gpu.components, ComponentEntry(name="we ird")]),
        StateDocument(components=[*gpu.components, *gpu.components]),
        StateDocument(components=[ComponentEntry(name="gpu", ui_url="https://a.example/\0")]),
    ):
        with pytest.raises(StateError):
            change(wrong)
    assert all_rows(database) == before
    change(gpu)
    assert last_event(database)[2:5] == ("component.created", CHLOE.uuid, "192.0.2.7")


def test_an_address_that_is_stored_can_be_loaded_again_whatever_it_looks_like(database: Database) -> None:
    statement = "UPDATE users SET username = 'b,ob@example.org', email = 'b,ob@example.org' WHERE uuid = ?"
    rows(database, statement, BOB.uuid)
    entry = UserEntry(uuid=BOB.uuid, email="b,ob@example.org", first_name="Robert")
    load(database, StateDocument(users=[entry]), LATER)
    assert rows(database, "SELECT email, first_name FROM users WHERE uuid = ?", BOB.uuid) == [
        ("b,ob@example.org", "Robert")
    ]
