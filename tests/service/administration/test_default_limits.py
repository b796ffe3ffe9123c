import pytest

from astakos.administration.default_limits import DefaultPreview, preview_default
from astakos.administration.state_document import StateError
from astakos.ledger.rules import Key
from astakos.storage.protocol import Database
from astakos.storage.tables import default_limits
from service.caller import Caller
from service.command import astakos, refused
from service.installation import holdings, rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    HUGO,
    VM,
    Person,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine
DEFAULT = 4


def limits(database: Database) -> dict[str, int]:
    """The limits of some users' own projects; Bob has another one, and Hugo's is suspended."""
    found = holdings(database)
    return {one.email: found[project_key(one.uuid)].limit for one in (ALICE, BOB, CHLOE, HUGO)}


def levels(person: Person) -> tuple[Key, Key]:
    """Both levels of a user's own project."""
    return member_key(person, person.uuid), project_key(person.uuid)


def capacity(database: Database, uuid: str) -> object:
    statement = """
        SELECT c.project_capacity FROM project_resources c JOIN projects p ON p.id = c.project_id
        JOIN resources r ON r.id = c.resource_id WHERE p.uuid = ? AND r.name = ?
    """
    return rows(database, statement, uuid, VM)[0][0]


def test_users_who_have_the_default_follow_and_others_keep_theirs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(default_limits, "AT_A_TIME", 2)
    preview = astakos(database, "resource", "set", VM, "--default", "9", "--preview").output
    assert preview.startswith(
        "5 users have the default of 4; those who follow get 9.\n1 user has another limit, and keeps"
    )
    assert limits(database) == {ALICE.email: 4, BOB.email: 7, CHLOE.email: 4, HUGO.email: 0}
    asked = ["resource", "set", VM, "--default", "9", "--existing-users", "follow"]
    told = astakos(database, *asked, "--yes")
    assert "So do existing users who had the default." in told.output
    assert limits(database) == {ALICE.email: 9, BOB.email: 7, CHLOE.email: 9, HUGO.email: 0}
    assert (capacity(database, HUGO.uuid), capacity(database, BOB.uuid)) == (9, 7)
    changed = [
        event["after"]["users"]
        for event in astakos(database, "audit", "--kind", "resource.default_followed", "--json").document
    ]
    assert (sum(changed), len(changed) > 1) == (5, True)


def test_without_anybody_who_can_confirm_nothing_changes(database: Database) -> None:
    before = limits(database)
    ended = astakos(database, "resource", "set", VM, "--default", "9", "--existing-users", "follow")
    assert (ended.status, "--yes" in ended.errors) == (1, True)
    astakos(database, "resource", "set", VM, "--default", "8")
    assert limits(database) == before
    assert "new default" in astakos(database, "resource", "set", VM, "--unit", "x", "--preview").errors


def test_users_follow_the_default_of_a_meter_as_well(database: Database) -> None:
    def limit_of(person: Person) -> int:
        return holdings(database)[project_key(person.uuid, f"{VM}/day")].limit

    astakos(database, "resource", "set", VM, "--meter", "day=5")
    astakos(database, "quota", "set", BOB.email, f"{VM}/day", "3")
    asked = ["resource", "set", VM, "--meter", "day=6"]
    preview = astakos(database, *asked, "--preview").output
    assert "5 users have the default of 5; those who follow get 6." in preview
    assert (limit_of(ALICE), limit_of(BOB)) == (5, 3)
    assert "set 5 again" in astakos(database, *asked).output
    assert (limit_of(ALICE), limit_of(BOB)) == (5, 3)
    astakos(database, "resource", "set", VM, "--meter", "day=5")
    told = astakos(database, *asked, "--default", "8", "--existing-users", "follow", "--yes")
    assert told.output.count("So do existing users who had the default.") == 2
    assert (limit_of(ALICE), limit_of(BOB), limits(database)[ALICE.email]) == (6, 3, 8)


def test_those_who_use_more_than_a_lower_default_are_counted(database: Database, service: Caller) -> None:
    service.issued(COMPUTE_TOKEN, *((key, 3) for key in levels(ALICE)), auto_accept=True)
    found = preview_default(database.reader(), VM, 2)
    assert found == DefaultPreview(DEFAULT, 2, following=5, others=1, above=1)
    for name, limit in ((VM, -1), ("x", 1)):
        with pytest.raises(StateError):
            preview_default(database.reader(), name, limit)


def test_a_new_limit_of_a_user_is_previewed(database: Database, service: Caller) -> None:
    service.issued(COMPUTE_TOKEN, *((key, 3) for key in levels(ALICE)))
    before = limits(database)
    told = astakos(database, "quota", "set", ALICE.email, VM, "1", "--preview").output.splitlines()
    assert told == [
        f"{ALICE.email} may have 4 of {VM} now, and 1 then; the default is 4.",
        "They use 3, of which 3 are pending.",
        "That is 2 more than the new limit: they keep it, and get nothing more until they use less.",
        "Nothing has changed.",
    ]
    more = astakos(database, "quota", "set", ALICE.email, VM, "10", "--preview").output
    assert "They could take 7 more." in more
    assert "suspended" in astakos(database, "quota", "set", HUGO.email, VM, "1", "--preview").output
    assert limits(database) == before
    assert "accept the user first" in refused(
        database, "quota", "set", "dora@example.org", VM, "1", "--preview"
    )


def test_a_page_counts_among_the_newest_users_if_there_are_many(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = preview_default(database.reader(), VM, 3, is_bounded=True)
    assert every == preview_default(database.reader(), VM, 3)
    assert every.looked_at is None
    monkeypatch.setattr(default_limits, "MOST_LOOKED_AT", 2)
    some = preview_default(database.reader(), VM, 3, is_bounded=True)
    assert some.looked_at == some.following + some.others == 2
    assert some.following < every.following
