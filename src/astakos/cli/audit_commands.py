"""`astakos audit`: reads, verifies and exports the log of administrative changes."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from astakos.administration.accounts import find_user
from astakos.administration.state_document import StateError
from astakos.cli.event_kinds import KIND
from astakos.cli.files import FileName, reading, writing
from astakos.cli.instants import INSTANT
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.cli.shown_values import Moment, moment
from astakos.cli.whole_numbers import ROW_NUMBER, ROWS
from astakos.counted_nouns import counted
from astakos.events.chain import BrokenChainError, Head, follow
from astakos.events.change_words import changes
from astakos.events.documents import document_of
from astakos.events.event import RecordedEvent
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, users

ORIGINS = ("command", "service")
HEAD = re.compile(r"([0-9a-f]{64})@([0-9]{1,18})", re.ASCII)
LONGEST_HEAD = 2**16
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class HeadDocument(msgspec.Struct):
    """The part of an exported head that verification needs."""

    number: int
    hash: str


@click.group(invoke_without_command=True)
@click.option("--project", help="Only events about the project with this UUID.")
@click.option("--user", help="Only events about this user (an email address or uuid).")
@click.option(
    "--actor",
    help="Only events caused by this user (an email address or uuid), `command`, or `service`.",
)
@click.option("--kind", type=KIND, help="Only events of this kind, like project.suspended, or project.")
@click.option("--since", type=INSTANT, help="Only events at or after this time.")
@click.option("--until", type=INSTANT, help="Only events before this time.")
@click.option("--before", type=ROW_NUMBER, help="Only events before the one with this number: the next page.")
@click.option("--limit", type=ROWS, default=100, show_default=True, help="The maximum number of events.")
@database_option
@table_options
@click.pass_context
def audit(
    context: click.Context,
    project: str | None,
    user: str | None,
    actor: str | None,
    kind: str | None,
    since: int | None,
    until: int | None,
    before: int | None,
    limit: int,
    database_url: str,
    as_json: bool,
    wide: bool,
) -> None:
    """Show administrative changes, newest first: who changed what, when, and from where.

    docs/audit.md says what is recorded, and what the log proves.
    """
    if context.invoked_subcommand is not None:
        _refuse_options_before(context)
        return
    reader = open_database(database_url).reader()
    wanted = events.Wanted(
        project=project,
        subject=None if user is None else _uuid(reader, user),
        actor=None if actor in (None, *ORIGINS) else _uuid(reader, actor or ""),
        origin=actor if actor in ORIGINS else None,
        kind=kind,
        since=since,
        until=until,
        before=before,
    )
    print_events(reader, wanted, limit, as_json=as_json, wide=wide)


def print_events(reader: Connection, wanted: events.Wanted, limit: int, *, as_json: bool, wide: bool) -> None:
    """Prints the newest of the events that are wanted."""
    found = events.read(reader, wanted, limit, newest_first=True)
    if as_json:
        rows = [document_of(one) | {"time": Moment(one.time)} for one in found]
    else:
        uuids = {uuid for one in found for uuid in (one.event.actor.user, one.event.subject) if uuid}
        names = users.names_of(reader, uuids)
        rows = [_shown(one, names) for one in found]
    keys = ("key",) if any(one.event.actor.key for one in found) else ()
    columns = ("number", "time", "kind", "actor", *keys, "origin", "project", "user", "change", "reason")
    droppable = ("reason", "origin", "project", "change", "time")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=droppable)


def _refuse_options_before(context: click.Context) -> None:
    """Refuses filters of a list in front of another command, which would not heed them."""
    for name in context.params:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"Write options after `{context.invoked_subcommand}`.")


def _uuid(reader: Connection, name: str) -> str:
    """Returns the uuid of a user; a user may have been deleted since, and is then known by their uuid."""
    try:
        return find_user(reader, name).uuid
    except StateError:
        if not UUID_FORM.fullmatch(name):
            raise
        return name


def _shown(recorded: RecordedEvent, names: Mapping[str, str]) -> dict[str, Any]:
    event = recorded.event
    actor = event.actor.user or event.actor.origin
    return {
        "number": recorded.number,
        "time": Moment(recorded.time),
        "kind": event.kind,
        "actor": names.get(actor, actor),
        "key": event.actor.key,
        "origin": event.actor.origin,
        "project": event.project,
        "user": None if event.subject is None else names.get(event.subject, event.subject),
        "change": ", ".join(changes(event.before, event.after)) or None,
        "reason": event.reason or None,
    }


@audit.command()
@database_option
@json_option
def head(database_url: str, as_json: bool) -> None:
    """Show the end of the log: its number, time, and hash.

    Keep it where nobody who can write the database can write, and verify the log against it later.
    """
    _print_head(events.find_head(open_database(database_url).reader()), as_json=as_json)


@audit.command()
@click.option(
    "--head",
    "heads",
    multiple=True,
    metavar="FILE|HASH@NUMBER",
    help="A head that was exported before: a file with the output of `audit head --json`, or its hash and "
    "number. Repeatable.",
)
@database_option
@json_option
def verify(heads: tuple[str, ...], database_url: str, as_json: bool) -> None:
    """Check the hashes of the whole log, and that it contains the given heads.

    Without a head that was kept elsewhere, this only finds changes by somebody who did not recompute the
    hashes.
    """
    known = _known(heads)
    reader = open_database(database_url).reader()
    try:
        found = follow(events.walk(reader), known)
    except BrokenChainError as error:
        raise StateError(f"the audit log is broken: {error}") from error
    if as_json:
        _print_head(found, as_json=True)
        return
    click.echo(f"The audit log is intact: {counted(found.number, 'event', 'events')}.")
    if known:
        click.echo(f"It contains the head of event {max(known)} as given.")
    else:
        click.echo("This proves little without a head that was kept elsewhere; see --head.")


def _known(heads: tuple[str, ...]) -> dict[int, bytes]:
    known: dict[int, bytes] = {}
    for text in heads:
        number, hash_ = _read_head(text)
        if known.setdefault(number, hash_) != hash_:
            raise StateError(f"two of the given heads contradict each other about event {number}")
    known.pop(0, None)
    return known


def _read_head(text: str) -> tuple[int, bytes]:
    match = HEAD.fullmatch(text)
    if match:
        return int(match[2]), bytes.fromhex(match[1])
    with reading(Path(text)) as (stream, name):
        content = stream.read(LONGEST_HEAD)
    try:
        document = msgspec.json.decode(content, type=HeadDocument)
        hash_ = bytes.fromhex(document.hash)
    except (msgspec.MsgspecError, ValueError):
        raise StateError(f"{name} is not the output of `astakos audit head --json`") from None
    return document.number, hash_


@audit.command()
@click.argument("file", type=FileName(allow_dash=True), default="-")
@database_option
def export(file: Path, database_url: str) -> None:
    """Write all events, oldest first, to a new FILE or to standard output: one JSON array in each line.

    A line has the stored values that the hash of the event is made of, and the hash. docs/audit.md tells how
    to verify them without this program.
    """
    reader = open_database(database_url).reader()
    with writing(file) as stream:
        for *values, hash_ in events.walk(reader):
            stream.write(msgspec.json.encode([*values, bytes(hash_).hex()]) + b"\n")
        stream.flush()


def _print_head(found: Head, *, as_json: bool) -> None:
    facts = {"number": found.number, "time": moment(found.time), "hash": found.hash.hex()}
    print_facts(facts, as_json=as_json)
