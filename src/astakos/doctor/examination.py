"""Carries out all checks, each on a state of its own, and collects a bounded number of findings."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from astakos.doctor.checks import CHECKS, REVISION_CHECK
from astakos.doctor.findings import Check, Examined, Finding, Level, NotExaminedError, Report, fault
from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.errors import DatabaseError
from astakos.storage.opening import transfer_of
from astakos.storage.protocol import Database
from astakos.storage.schema.revisions import require_revision
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase

MOST_FINDINGS = 10
"""How many findings of one check are kept in words; the others are counted."""


class Examination(NamedTuple):
    """What a check has found.

    Attributes:
        check: the check.
        findings: the first findings, at most `MOST_FINDINGS`.
        number: how many there are.
        level: how bad the worst one is.
        not_examined: why the check has not looked; None if it has.
    """

    check: Check
    findings: Sequence[Finding]
    number: int
    level: Level
    not_examined: str | None = None


def examine(database: Database, now: int, url: str | None, report: Report) -> Iterator[Examination]:
    """Carries out all checks, or only the first if the database cannot be used by this version.

    Writes nothing to the database, which need not be opened and may be in use.
    """
    refused = _refusal(database)
    yield _of(REVISION_CHECK, [] if refused is None else [refused])
    if refused is None:
        for check in CHECKS:
            yield _carried_out(check, database, now, url, report)
    database.close()


def _refusal(database: Database) -> Finding | None:
    """Returns why this version cannot work on a database; None if it can."""
    from astakos.storage.schema.migration import present_revision  # noqa: PLC0415 - slow to import

    try:
        require_revision(present_revision(database), database.name)
    except DatabaseError as error:
        text, _, remedy = str(error).partition("; ")
        return fault(_sentence(text), _sentence(remedy or "Name another database with --database"))
    except StorageUnavailableError as error:
        return _not_reached(database, error)
    return None


def _not_reached(database: Database, error: StorageUnavailableError) -> Finding:
    reason, remedy = str(error), None
    if not isinstance(database, SQLiteDatabase):
        from astakos.storage.postgresql.refusals import reason_of, remedy_of  # noqa: PLC0415 - slow to import

        reason = reason_of(error)
        remedy = remedy_of(reason)
    return fault(
        _sentence(f"{database.name} cannot be opened: {reason}"),
        _sentence(
            remedy or "See whether the database is running, can be reached from here, and lets this user in"
        ),
    )


def _carried_out(check: Check, database: Database, now: int, url: str | None, report: Report) -> Examination:
    try:
        with transfer_of(database).reading() as source:
            return _of(check, check.look(Examined(database, source.connection, now, url, report)))
    except NotExaminedError as reason:
        return Examination(check, (), 0, Level.FINE, str(reason))
    except Exception as error:  # noqa: BLE001 - whatever is broken, the other checks are to be carried out
        return _of(
            check,
            [
                fault(
                    f"This cannot be examined: {_words(error)}",
                    "If the file is damaged, restore a backup (docs/backup.md); if the database is "
                    "busy or away, try again.",
                )
            ],
        )


def _words(error: Exception) -> str:
    lines = str(error).splitlines()
    return _sentence(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)


def _of(check: Check, found: Sequence[Finding] | Iterator[Finding]) -> Examination:
    kept: list[Finding] = []
    number, level = 0, Level.FINE
    for finding in found:
        number += 1
        level = max(level, finding.level)
        if len(kept) < MOST_FINDINGS:
            kept.append(finding)
    return Examination(check, kept, number, level)


def _sentence(text: str) -> str:
    # A URL or the name of a file stays as it is.
    start = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]
    return start + text[1:] + ("" if text.endswith(".") else ".")
