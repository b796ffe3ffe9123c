"""The table of all checks. docs/monitoring.md has the same table for people."""

from collections.abc import Iterator

from astakos.doctor.address import look_at_address, look_at_forwarding
from astakos.doctor.clocks import look_at_clocks
from astakos.doctor.configuration import look_at_proxies, look_at_settings
from astakos.doctor.database import look_at_disk, look_at_file, look_at_permissions, look_at_tables
from astakos.doctor.figures import look_at_figures, look_at_levels
from astakos.doctor.findings import Check, Examined, Finding
from astakos.doctor.nesting import look_at_parents
from astakos.doctor.work import look_at_audit_log, look_at_commissions, look_at_deliveries

CHECKS = (
    Check(
        "tables",
        "Tables, columns, unique constraints and indexes are as the schema defines them; indexes are valid. "
        "A missing index is a warning.",
        look_at_tables,
    ),
    Check(
        "file",
        "The pages of an SQLite file are intact, and no row refers to one that is missing.",
        look_at_file,
    ),
    Check(
        "permissions",
        "Only their owner can use the files of an SQLite database, all of them have one owner, who can write "
        "them, and who runs the command can write them, too.",
        look_at_permissions,
    ),
    Check(
        "disk",
        "The disk of an SQLite file has 128 MiB free (else a fault), and as much as the file has (else a "
        "warning).",
        look_at_disk,
    ),
    Check(
        "settings",
        "Each setting has a value that can be used. Warnings: no active administrator, OAuth2 without TLS.",
        look_at_settings,
    ),
    Check(
        "clocks",
        "The clock is not held, and has not jumped. The clock of a database server is at most 5 s from this "
        "machine's (else a warning).",
        look_at_clocks,
    ),
    Check(
        "address",
        "At the base URL, the service answers that it is ready, and offers the resources of this database. "
        "Warnings: it calls itself by another URL, or is asked over plain HTTP from other machines; it does "
        "not answer, and --url was not given.",
        look_at_address,
    ),
    Check(
        "proxies",
        "No network of trusted proxies is larger than a /8 (a warning).",
        look_at_proxies,
    ),
    Check(
        "forwarding",
        "Asked at an https base URL, the service knows of TLS: it believes the proxy in front of it.",
        look_at_forwarding,
    ),
    Check(
        "commissions",
        "Warnings: commissions are pending for longer than pending_notice_hours (24 if unset), or stored "
        "for 5 minutes after they have expired.",
        look_at_commissions,
    ),
    Check(
        "deliveries",
        "Warnings: deliveries were given up, or are due for 2 hours; more than 1,000 events are not planned; "
        "a webhook is disabled.",
        look_at_deliveries,
    ),
    Check(
        "audit log",
        "The hashes of the audit log follow from its contents, as for astakos audit verify.",
        look_at_audit_log,
    ),
    Check(
        "holdings",
        "The figures of every holding follow from the history, from what is pending, and from the periods "
        "that are over.",
        look_at_figures,
    ),
    Check(
        "parents",
        "No project is within itself, or deeper than 8 levels; its holdings count on those of its parent.",
        look_at_parents,
    ),
    Check(
        "levels",
        "On each project, as much is settled as on its members and on the projects in it (else a warning: a "
        "service charges one level only).",
        look_at_levels,
    ),
)
"""All checks, in their order: the ones that take long come last."""


def _nothing(_examined: Examined) -> Iterator[Finding]:
    """The examination looks at the revision itself, since without the right one no other check can look."""
    yield from ()


REVISION_CHECK = Check(
    "revision",
    "The database can be reached, and has the revision of the tables that this version works with.",
    _nothing,
)
