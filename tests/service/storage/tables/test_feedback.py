import pytest

from astakos.clock import DAY
from astakos.storage.protocol import Database
from astakos.storage.tables import feedback
from astakos.storage.tables.feedback import (
    MOST_A_DAY,
    MOST_CHARACTERS_A_DAY,
    MOST_KEPT,
    TooMuchFeedbackError,
)
from service.installation import rows
from service.world import LOADED

pytestmark = pytest.mark.every_engine

HALF = "ü" * (MOST_CHARACTERS_A_DAY // 2)


def test_so_many_messages_of_a_user_are_taken_within_a_day(database: Database) -> None:
    with database.transaction() as connection:
        for number in range(MOST_A_DAY):
            feedback.save(connection, 1, LOADED + number, "a message", "")
        with pytest.raises(TooMuchFeedbackError) as refusal:
            feedback.save(connection, 1, LOADED + MOST_A_DAY, "one more", "")
        assert refusal.value.again == LOADED + DAY
        feedback.save(connection, 2, LOADED + MOST_A_DAY, "of another user", "")
        feedback.save(connection, 1, LOADED + DAY, "a day later", "")
        with pytest.raises(TooMuchFeedbackError) as refusal:
            feedback.save(connection, 1, LOADED + DAY, "one more", "")
        assert refusal.value.again == LOADED + DAY + 1


def test_they_can_be_so_long_together(database: Database) -> None:
    with database.transaction() as connection:
        feedback.save(connection, 1, LOADED, HALF, "")
        feedback.save(connection, 1, LOADED + 1, HALF[1:], "x")
        with pytest.raises(TooMuchFeedbackError) as refusal:
            feedback.save(connection, 1, LOADED + 2, "x", "")
        assert refusal.value.again == LOADED + DAY
        with pytest.raises(TooMuchFeedbackError) as refusal:
            feedback.save(connection, 1, LOADED + 2, HALF, HALF)
        assert refusal.value.again == LOADED + DAY + 1


def test_the_newest_messages_of_a_user_are_kept(database: Database) -> None:
    with database.transaction() as connection:
        feedback.save(connection, 2, LOADED, "of another user", "")
        for number in range(MOST_KEPT + 2):
            feedback.save(connection, 1, LOADED + number * DAY, f"{number}", "")
    kept = [message for (message,) in rows(database, "SELECT message FROM feedback ORDER BY user_id, time")]
    assert kept == [*map(str, range(2, MOST_KEPT + 2)), "of another user"]
