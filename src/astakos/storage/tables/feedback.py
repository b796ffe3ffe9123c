"""Stores the feedback that users send to the operators."""

from astakos.storage.protocol import Connection

SAVE = "INSERT INTO feedback (user_id, time, message, data) VALUES (?, ?, ?, ?)"


def save(connection: Connection, user: int, now: int, message: str, data: str) -> None:
    """Store a user's message and the sending program's data."""
    connection.execute(SAVE, (user, now, message, data))
