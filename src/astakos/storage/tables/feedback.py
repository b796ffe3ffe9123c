"""Stores the feedback that users send to the operators, up to a bound for each user and day."""

from astakos.clock import DAY
from astakos.storage.protocol import Connection

MOST_A_DAY = 20
"""How many messages a user can send within a day."""
MOST_CHARACTERS_A_DAY = 2 * 1024 * 1024
"""How many characters these can have together."""
MOST_KEPT = 100
"""How many messages of a user are kept; a new one replaces the oldest."""
MOST_REPLACED = 1000
"""How many messages are replaced at a time, so that other writers do not wait long."""

LIST_RECENT = """
SELECT time, length(message) + length(data) FROM feedback WHERE user_id = ? AND time > ? ORDER BY time
"""
SAVE = "INSERT INTO feedback (user_id, time, message, data) VALUES (?, ?, ?, ?) RETURNING id"
FIND = "SELECT message, data FROM feedback WHERE id = ?"
REPLACE = """
DELETE FROM feedback WHERE id IN (
    SELECT id FROM feedback WHERE user_id = ? ORDER BY time DESC, id DESC LIMIT ? OFFSET ?
)
"""


class TooMuchFeedbackError(Exception):
    """A user has sent too much feedback, and the message is not stored.

    Attributes:
        again: the instant from which it can be.
    """

    def __init__(self, again: int) -> None:
        """Sets the instant."""
        super().__init__("too much feedback")
        self.again = again


def save(connection: Connection, user: int, now: int, message: str, data: str) -> int:
    """Stores a user's message and the sending program's data; returns its number.

    Raises:
        TooMuchFeedbackError: the user has sent too much within a day.
    """
    recent = connection.execute(LIST_RECENT, (user, now - DAY)).fetchall()
    number = len(recent)
    characters = sum(int(size) for _, size in recent) + len(message) + len(data)
    again = now
    for time, size in recent:
        if number < MOST_A_DAY and characters <= MOST_CHARACTERS_A_DAY:
            break
        number, characters, again = number - 1, characters - int(size), time + DAY
    if again > now:
        raise TooMuchFeedbackError(again)
    (identifier,) = connection.execute(SAVE, (user, now, message, data)).fetchone()
    connection.execute(REPLACE, (user, MOST_REPLACED, MOST_KEPT))
    return int(identifier)


def find(connection: Connection, identifier: int) -> tuple[str, str] | None:
    """Returns a message and its data, by number; None if newer ones have replaced it."""
    row = connection.execute(FIND, (identifier,)).fetchone()
    return None if row is None else (row[0], row[1])
