"""Quotas of some users or projects are found without reading those of all."""

from collections.abc import Callable

import pytest

from astakos.storage.protocol import Connection
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables import users
from astakos.storage.tables.quotas import project_quotas, quotas_of_user, service_quotas
from service.storage.tables.counting import steps_of
from service.world import ALICE, LAB, LOADED, VM


def add_users(database: SQLiteDatabase, count: int) -> None:
    """Users with a project of their own each, as registration makes them."""
    with database.transaction() as connection:
        for number in range(count):
            connection.execute(
                "INSERT INTO users (uuid, username, email, first_name, last_name, is_active, email_verified, "
                "moderated, is_rejected, has_signed_terms) VALUES (?, ?, '', '', '', 1, 1, 1, 0, 1)",
                (f"new-{number}", f"new-{number}"),
            )
            holder, source = f"user:new-{number}", f"project:new-{number}"
            connection.executemany(
                'INSERT INTO holdings (holder, source, resource, "limit", usage_min, usage_max) '
                "VALUES (?, ?, ?, 1, 0, 0)",
                [(holder, source, VM), (source, "", VM)],
            )


@pytest.mark.parametrize(
    "read",
    [
        lambda connection: list(service_quotas(connection, {VM}, [ALICE.uuid], None, LOADED)),
        lambda connection: list(service_quotas(connection, {VM}, None, [LAB], LOADED)),
        lambda connection: list(service_quotas(connection, {VM}, [ALICE.uuid], [LAB], LOADED)),
        lambda connection: list(project_quotas(connection, {VM}, [LAB], LOADED)),
    ],
    ids=["a user", "a project", "a user in a project", "a project's own"],
)
def test_the_work_does_not_grow_with_the_number_of_users(
    database: SQLiteDatabase, read: Callable[[Connection], list[object]]
) -> None:
    assert database.read(read)
    steps = steps_of(database, read)
    add_users(database, 1000)
    assert steps_of(database, read) <= 1.1 * steps


def test_the_quotas_of_a_user_in_one_project_are_those_of_all_in_it(database: SQLiteDatabase) -> None:
    with database.transaction() as connection:
        user = users.find_by_uuid(connection, ALICE.uuid)
        assert user is not None
        everywhere = list(quotas_of_user(connection, user.id, LOADED))
        in_the_lab = list(quotas_of_user(connection, user.id, LOADED, LAB))
    assert in_the_lab == [quota for quota in everywhere if quota.project == LAB]
    assert 0 < len(in_the_lab) < len(everywhere)
