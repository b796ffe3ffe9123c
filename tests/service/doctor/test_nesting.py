"""Projects that go round in a circle, or count elsewhere than on their parents, are found."""

import io
import re

import pytest

from astakos.administration.archive import load_archive, open_archive, write_archive
from astakos.administration.load import load
from astakos.administration.state_document import ProjectEntry, StateDocument, StateError
from astakos.doctor.findings import Examined, Level
from astakos.doctor.nesting import look_at_parents
from astakos.ledger.counts import MOST_LEVELS
from astakos.storage.protocol import Database
from service.installation import rows
from service.world import FAR, LOADED, UNKNOWN_UUID, VM

pytestmark = pytest.mark.every_engine

CHAIN = [f"000000d{number}-0000-4000-8000-0000000000d{number}" for number in range(MOST_LEVELS + 1)]
SET_PARENT = "UPDATE projects SET parent = ? WHERE uuid = ?"


@pytest.fixture
def chain(database: Database) -> Database:
    """Projects within each other as deep as they can be, and one beside them."""
    entries = [
        ProjectEntry(
            uuid=uuid,
            name=f"p{number}.example.org",
            end_date=FAR,
            parent=CHAIN[number - 1] if 0 < number < MOST_LEVELS else None,
        )
        for number, uuid in enumerate(CHAIN)
    ]
    load(database, StateDocument(projects=entries), LOADED)
    assert found(database) == []
    return database


def found(database: Database) -> list[str]:
    with database.snapshot() as connection:
        findings = list(look_at_parents(Examined(database, connection, LOADED, None, lambda *_: None)))
    assert all(finding.level is Level.FAULT for finding in findings)
    return [finding.text for finding in findings]


def moved(database: Database, new: Database) -> None:
    """Loads an archive of a database into a new one."""
    stream = io.BytesIO()
    write_archive(database, stream, LOADED, lambda *_: None)
    stream.seek(0)
    new.open()
    load_archive(new, open_archive(stream.readline(), stream, "a.archive"), lambda *_: None)


@pytest.mark.parametrize(
    ("project", "parent", "words"),
    [
        (0, CHAIN[0], f"The project {CHAIN[0]} is within itself, by way of {CHAIN[0]}."),
        (0, CHAIN[2], f"is within itself, by way of {CHAIN[2]}, {CHAIN[1]}, {CHAIN[0]}."),
        (2, CHAIN[3], f"is within itself, by way of {CHAIN[3]}, {CHAIN[2]}."),
        (
            MOST_LEVELS,
            CHAIN[MOST_LEVELS - 1],
            f"{CHAIN[MOST_LEVELS]} is more than {MOST_LEVELS} levels deep.",
        ),
        (0, UNKNOWN_UUID, f"{CHAIN[0]} is within {UNKNOWN_UUID}, which does not exist."),
    ],
)
def test_a_place_that_cannot_be_is_found_and_not_loaded(
    chain: Database, new: Database, project: int, parent: str, words: str
) -> None:
    rows(chain, SET_PARENT, parent, CHAIN[project])
    texts = [text for text in found(chain) if "does not count" not in text]
    if "by way of" in words:
        (text,) = texts
        assert set(re.findall(r"[0-9a-f-]{36}", text)) == set(re.findall(r"[0-9a-f-]{36}", words)) | {parent}
    else:
        assert any(words in text for text in texts)
    with pytest.raises(StateError, match=r"a\.archive is damaged: the project .* (is within|is more than)"):
        moved(chain, new)
    assert rows(new, "SELECT * FROM projects") == []


def test_a_deleted_project_takes_up_no_level(chain: Database, new: Database) -> None:
    rows(chain, SET_PARENT, CHAIN[MOST_LEVELS - 1], CHAIN[MOST_LEVELS])
    rows(chain, "DELETE FROM holdings WHERE holder = ?", f"project:{CHAIN[MOST_LEVELS]}")
    rows(chain, "UPDATE projects SET state = 'deleted' WHERE uuid = ?", CHAIN[MOST_LEVELS])
    assert found(chain) == []
    moved(chain, new)


def test_what_is_within_each_other_is_loaded(chain: Database, new: Database) -> None:
    moved(chain, new)
    assert found(new) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE holdings SET parent_id = NULL WHERE holder = ? AND resource = ?",
        "UPDATE holdings SET parent_id = id WHERE holder = ? AND resource = ?",
        "UPDATE holdings SET parent_id = id + 1000000 WHERE holder = ? AND resource = ?",
    ],
)
def test_a_holding_that_does_not_count_on_that_of_the_parent_is_found(chain: Database, change: str) -> None:
    holder = f"project:{CHAIN[1]}"
    rows(chain, change, holder, VM)
    assert found(chain) == [f"The holding of {VM} by {holder} does not count on that of its parent."]


def test_a_holding_of_a_project_without_a_parent_counts_nowhere(chain: Database) -> None:
    holder = f"project:{CHAIN[0]}"
    rows(chain, "UPDATE holdings SET parent_id = 1 WHERE holder = ? AND resource = ?", holder, VM)
    assert len(found(chain)) == 1
