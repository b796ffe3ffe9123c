from astakos.storage.schema.definition import metadata
from astakos.storage.tables.users import REFERRING


def test_whatever_refers_to_a_user_is_deleted_along() -> None:
    referring = {
        table.name
        for table in metadata.tables.values()
        if any(key.column.table.name == "users" for key in table.foreign_keys)
    }
    assert referring == set(REFERRING)
