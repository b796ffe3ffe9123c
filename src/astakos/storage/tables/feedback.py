"""What users wrote to the operators."""

from astakos.storage.protocol import Connection

SAVE = "INSERT INTO feedback (user_id, time, message, data) VALUES (?, ?, ?, ?)"


def save(connection: Connection, user: int, now: int, message: str, data: str) -> None:
    """Keep a user's message and what the program that sent it says of itself."""
    connection.execute(SAVE, (user, now, message, data))
