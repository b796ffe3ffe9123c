from dataclasses import replace
from uuid import uuid4

import pytest

from astakos.directory.entities import User
from astakos.storage.protocol import Connection, Database
from astakos.storage.schema.definition.all_tables import metadata
from astakos.storage.tables import users
from astakos.storage.tables.users import REFERRING
from service.world import ALICE


def test_whatever_refers_to_a_user_is_deleted_along() -> None:
    referring = {
        table.name
        for table in metadata.tables.values()
        if any(key.column.table.name == "users" for key in table.foreign_keys)
    }
    assert referring == set(REFERRING)


@pytest.mark.every_engine
@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 40])
def test_any_number_of_names_is_looked_up_in_the_order_asked(database: Database, count: int) -> None:
    def add(connection: Connection) -> list[User]:
        alice = users.find_by_uuid(connection, ALICE.uuid)
        assert alice is not None
        mails = [f"user-{number}@example.org" for number in range(count)]
        many = [replace(alice, uuid=str(uuid4()), username=mail, email=mail) for mail in mails]
        for user in many:
            users.save(connection, user)
        return many

    names = {user.uuid: user.username for user in database.change(add)}
    asked = [*names, "unknown", "not\0storable", *names]
    found = users.names_of(database.reader(), asked)
    assert list(found.items()) == list(names.items())
    found = users.uuids_of(database.reader(), ["nobody", *names.values()])
    assert found == {name: uuid for uuid, name in names.items()}
