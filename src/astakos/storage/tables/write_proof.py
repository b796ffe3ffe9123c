"""A change that means nothing, to find out whether the database can be written."""

import uuid

from astakos.storage.protocol import Connection

ADD = "INSERT INTO engines (id, batch, time) VALUES (?, 0, 0)"
REMOVE = "DELETE FROM engines WHERE id = ?"


def prove_writable(connection: Connection) -> None:
    """Adds a row and removes it, in the current transaction. Neither database skips writing that."""
    name = uuid.uuid4().hex
    connection.execute(ADD, (name,))
    connection.execute(REMOVE, (name,))
