"""The tables, defined once for all databases; see `storage/schema/migrations` for older revisions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateSequence, CreateTable
from sqlalchemy.types import TypeEngine

from astakos.ledger.rules import UNLIMITED

# SQLite's STRICT tables have no BIGINT and no BOOLEAN; INTEGER holds both.
NUMBER: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
FLAG: TypeEngine[bool] = Boolean().with_variant(Integer(), "sqlite")

metadata = MetaData()


def _table(name: str, *columns: Column[object] | CheckConstraint | UniqueConstraint | Index) -> Table:
    return Table(name, metadata, *columns, sqlite_strict=True)


def _identifier() -> Column[object]:
    return Column("id", NUMBER, Identity(), primary_key=True)


def _refers(name: str, target: str, *, nullable: bool = False, primary_key: bool = False) -> Column[object]:
    return Column(name, NUMBER, ForeignKey(target), nullable=nullable, primary_key=primary_key)


def _ends_with_session(*, nullable: bool = True) -> Column[object]:
    """The session that a credential was issued in: the database deletes the credential with it."""
    return Column("session_id", NUMBER, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=nullable)


def _text(name: str, *, nullable: bool = False, unique: bool = False) -> Column[object]:
    return Column(name, Text, nullable=nullable, unique=unique)


def _number(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, NUMBER, nullable=nullable)


def _flag(name: str) -> Column[object]:
    return Column(name, FLAG, nullable=False)


def _secret(name: str) -> Column[object]:
    return Column(name, LargeBinary, nullable=False, unique=True)


def _token() -> tuple[Column[object], ...]:
    return (
        Column("token_hash", LargeBinary, unique=True),
        _number("token_created", nullable=True),
        _number("token_expires", nullable=True),
    )


settings = _table("settings", Column("name", Text, primary_key=True), _text("value"))

users = _table(
    "users",
    _identifier(),
    _text("uuid", unique=True),
    _text("username", unique=True),
    _text("email"),
    _text("first_name"),
    _text("last_name"),
    _flag("is_active"),
    _flag("email_verified"),
    _flag("moderated"),
    _flag("is_rejected"),
    _flag("has_signed_terms"),
    _text("default_project", nullable=True),
    _text("password_hash", nullable=True),
    *_token(),
    # Users whose default project is not their own; they are few.
    Index(
        "users_by_default_project",
        "default_project",
        sqlite_where=text("default_project <> uuid"),
        postgresql_where=text("default_project <> uuid"),
    ),
    # Those whom administrators decide about; they are few.
    Index(
        "users_not_active",
        "id",
        sqlite_where=text("NOT is_active"),
        postgresql_where=text("NOT is_active"),
    ),
)

groups = _table("groups", _identifier(), _text("name", unique=True))

user_groups = _table(
    "user_groups",
    _refers("user_id", "users.id", primary_key=True),
    _refers("group_id", "groups.id", primary_key=True),
    Index("members_of_group", "group_id"),
)

# Separate from `users`, because that table is read on every call.
user_records = _table(
    "user_records",
    Column("user_id", NUMBER, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    _number("date_joined", nullable=True),
    _number("verified_at", nullable=True),
    _number("moderated_at", nullable=True),
    _text("deactivated_reason", nullable=True),
    _text("rejected_reason", nullable=True),
    _text("accepted_policy", nullable=True),
    _text("affiliation", nullable=True),
    _text("metadata"),
)

components = _table(
    "components",
    _identifier(),
    _text("name", unique=True),
    _text("ui_url", nullable=True),
    _text("base_url", nullable=True),
    _text("menu"),
    *_token(),
    # JSON: a list of names, or "all"; see `directory/charging_rights.py`.
    _text("may_charge", nullable=True),
)

# Tokens besides the one in the component's own row.
component_tokens = _table(
    "component_tokens",
    _identifier(),
    _refers("component_id", "components.id"),
    _text("name"),
    _secret("token_hash"),
    _number("created"),
    _number("expires", nullable=True),
    UniqueConstraint("component_id", "name"),
)

services = _table(
    "services",
    _identifier(),
    _text("name", unique=True),
    _text("type"),
    _refers("component_id", "components.id"),
)

endpoints = _table("endpoints", _identifier(), _refers("service_id", "services.id"), _text("data"))

resources = _table(
    "resources",
    _identifier(),
    _text("name", unique=True),
    _refers("service_id", "services.id"),
    _text("unit", nullable=True),
    _text("description"),
    _number("system_default"),
    _number("project_default"),
    _flag("ui_visible"),
    _flag("api_visible"),
    # Quantities are integers; one of the unit is 10 ** scale of them.
    Column("scale", NUMBER, nullable=False, server_default=text("0")),
    # By how much a settlement may take usage beyond a limit; the default is no bound.
    Column("max_debt", NUMBER, nullable=False, server_default=text(str(2**63 - 1))),
    # JSON: percentages of a limit that are told when they are reached; null for those of its kind.
    _text("thresholds", nullable=True),
    # Whether limits only report what they would refuse.
    Column("shadow", FLAG, nullable=False, server_default=false()),
)

# Resources that count imports of others in a time. `definition` is JSON (`ledger/meter_definitions.py`).
meters = _table(
    "meters",
    Column("resource_id", NUMBER, ForeignKey("resources.id"), primary_key=True, autoincrement=False),
    _text("definition"),
)

# What everybody sees; among system projects, they are few.
PUBLIC = text("state = 'active' AND NOT private")
# `announced_end` is the end date that a notice has told of last. `ENDING` are the projects that end.
ENDING = text("NOT system_project AND state IN ('active', 'suspended')")

# Each user has a system project; the shared ones are few beside them.
SHARED = text("NOT system_project")

# `parent` is the uuid of the project above; few have one.
WITHIN = text("parent IS NOT NULL")

projects = _table(
    "projects",
    _identifier(),
    _text("uuid", unique=True),
    _text("name"),
    _flag("system_project"),
    _text("owner", nullable=True),
    _text("state"),
    _text("homepage"),
    _text("description"),
    _text("comments"),
    _number("creation_date"),
    _number("end_date"),
    _text("join_policy"),
    _text("leave_policy"),
    _number("max_members"),
    _flag("private"),
    _number("deactivated", nullable=True),
    _number("announced_end", nullable=True),
    _text("parent", nullable=True),
    Index("projects_by_name", "name"),
    Index("projects_by_owner", "owner"),
    Index("projects_by_parent", "parent", sqlite_where=WITHIN, postgresql_where=WITHIN),
    Index("projects_by_end_date", "end_date", "id", sqlite_where=ENDING, postgresql_where=ENDING),
    Index("public_projects", "id", sqlite_where=PUBLIC, postgresql_where=PUBLIC),
    Index("shared_projects", "id", sqlite_where=SHARED, postgresql_where=SHARED),
    Index("shared_projects_by_name", "name", "id", sqlite_where=SHARED, postgresql_where=SHARED),
)

# `user_id` is the applicant. What is null stays as it is in the project. `resources` is a JSON object, as it
# is only read and written as a whole: `{"<resource>": [<project capacity>, <member capacity>]}`.
project_applications = _table(
    "project_applications",
    _identifier(),
    _refers("project_id", "projects.id"),
    _refers("user_id", "users.id"),
    _text("state"),
    _number("submitted"),
    _text("name", nullable=True),
    _text("owner", nullable=True),
    _text("homepage", nullable=True),
    _text("description", nullable=True),
    _text("comments", nullable=True),
    _number("start_date", nullable=True),
    _number("end_date", nullable=True),
    _text("join_policy", nullable=True),
    _text("leave_policy", nullable=True),
    _number("max_members", nullable=True),
    Column("private", FLAG),
    _text("resources"),
    Index("applications_of_project", "project_id"),
    Index("applications_by_applicant", "user_id", "state"),
    Index("applications_by_state", "state", "id"),
)

# `creator` is the uuid of the user who made it, for people. An invitation outlives the account.
project_invitations = _table(
    "project_invitations",
    _identifier(),
    _refers("project_id", "projects.id"),
    _secret("secret_hash"),
    _number("max_uses"),
    _number("uses"),
    _number("created"),
    _number("expires"),
    _text("creator", nullable=True),
    Index("invitations_of_project", "project_id"),
)

project_resources = _table(
    "project_resources",
    _refers("project_id", "projects.id", primary_key=True),
    _refers("resource_id", "resources.id", primary_key=True),
    _number("project_capacity"),
    _number("member_capacity"),
)

# `entered` is a JSON object: when the membership entered each of its states.
memberships = _table(
    "memberships",
    _identifier(),
    _refers("user_id", "users.id"),
    _refers("project_id", "projects.id"),
    _text("state"),
    _flag("ever_accepted"),
    _text("entered", nullable=True),
    UniqueConstraint("user_id", "project_id"),
    Index("memberships_of_project", "project_id", "id"),
)

# Not in `projects`, whose rows the ledger reads: members come and go without being in its way.
member_counts = _table(
    "member_counts",
    _refers("project_id", "projects.id", primary_key=True),
    _number("members"),
)
deactivations = _table(
    "deactivations",
    _refers("user_id", "users.id", primary_key=True),
    _refers("project_id", "projects.id", primary_key=True),
    Column("suspended", Text, primary_key=True),
)

# The audit log: rows are added and never changed. Each hash covers its row and the hash of the row before.
events = Table(
    "events",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    _number("time"),
    _text("kind"),
    _text("actor", nullable=True),
    _text("origin"),
    _text("project", nullable=True),
    _text("subject", nullable=True),
    _text("reason"),
    _text("before", nullable=True),
    _text("after", nullable=True),
    Column("hash", LargeBinary, nullable=False),
    _text("key", nullable=True),
    Index("events_of_project", "project", "id"),
    Index("events_about_user", "subject", "id"),
    Index("events_by_actor", "actor", "id"),
    Index("events_of_kind", "kind", "id"),
    Index("events_by_time", "time", "id"),
    sqlite_strict=True,
)

# Where events are delivered: `mail`, `members`, `log`, and webhooks, which have a URL. The secrets of
# webhooks are derived from a key outside the database.
destinations = Table(
    "destinations",
    metadata,
    Column("name", Text, primary_key=True),
    _text("url", nullable=True),
    _text("kinds"),
    _number("generation"),
    _number("overlap_ends", nullable=True),
    _number("created"),
    _number("planned"),
    _number("attempts"),
    _number("failures"),
    Column("planned_member", NUMBER, nullable=False, server_default=text("0")),
    _number("disabled", nullable=True),
    sqlite_strict=True,
)

deliveries = _table(
    "deliveries",
    _identifier(),
    Column("destination", Text, ForeignKey("destinations.name"), nullable=False),
    _refers("event", "events.id"),
    _text("recipient"),
    _text("state"),
    _number("attempts"),
    _number("due"),
    _number("changed"),
    _text("error", nullable=True),
    Index("deliveries_due", "destination", "state", "due"),
    Index("deliveries_by_change", "state", "changed"),
)

# The project is a uuid. `limits` is a JSON object, as it is only read and written as a whole: the names of
# services, calls and networks that the key is limited to.
api_keys = _table(
    "api_keys",
    _identifier(),
    _refers("user_id", "users.id"),
    _text("prefix", unique=True),
    _text("name"),
    _text("project", nullable=True),
    _text("limits"),
    _number("created"),
    _number("expires", nullable=True),
    _number("last_used", nullable=True),
    _text("creator", nullable=True),
    Index("keys_of_user", "user_id", "id"),
    Index("keys_by_expiry", "expires"),
)

# The secrets of a key: the newest, and those before it that have not ended since it was rotated.
api_key_secrets = _table(
    "api_key_secrets",
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("key_id", NUMBER, ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
    _number("created"),
    _number("expires", nullable=True),
    Index("secrets_of_key", "key_id"),
)

oauth2_clients = _table(
    "oauth2_clients",
    _identifier(),
    _text("identifier", unique=True),
    _text("name"),
    Column("secret_hash", LargeBinary),
    _text("type"),
    _flag("trusted"),
    _text("url", nullable=True),
    _text("redirect_urls"),
)

oauth2_tokens = _table(
    "oauth2_tokens",
    _identifier(),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    _refers("client_id", "oauth2_clients.id"),
    _refers("user_id", "users.id"),
    _text("scope", nullable=True),
    _number("expires"),
    _ends_with_session(),
    Column("code_hash", LargeBinary),
    Index("oauth2_tokens_by_expiry", "expires"),
    Index("oauth2_tokens_of_session", "session_id"),
    Index("oauth2_tokens_for_code", "code_hash"),
)

# OAuth2 requires that a token request matches the authorization request, so a code stores its parameters.
oauth2_codes = _table(
    "oauth2_codes",
    _identifier(),
    _secret("code_hash"),
    _refers("client_id", "oauth2_clients.id"),
    _refers("user_id", "users.id"),
    _text("redirect_uri"),
    _text("scope"),
    _text("challenge", nullable=True),
    _number("expires"),
    _ends_with_session(nullable=False),
    Index("oauth2_codes_by_expiry", "expires"),
    Index("oauth2_codes_of_session", "session_id"),
)

# Logins on web pages. Each has its own token besides the user's.
sessions = _table(
    "sessions",
    _identifier(),
    _secret("secret_hash"),
    _secret("token_hash"),
    _refers("user_id", "users.id"),
    _number("created"),
    _number("expires"),
    # For people: where the user has logged in from, with what, and when they have used it last.
    _text("origin", nullable=True),
    _text("agent", nullable=True),
    _number("last_used", nullable=True),
    Index("sessions_of_user", "user_id"),
    Index("sessions_by_expiry", "expires"),
)

# Links with which users set a password or confirm an address. One that is mailed has no secret until then.
password_links = _table(
    "password_links",
    _identifier(),
    _refers("user_id", "users.id"),
    Column("secret_hash", LargeBinary, unique=True),
    _text("purpose"),
    _number("created"),
    _number("expires"),
    _text("creator", nullable=True),
    _text("address", nullable=True),
    Index("password_links_of_user", "user_id"),
    Index("password_links_by_expiry", "expires"),
)

# Browsers that a user has logged in from. Login attempts by strangers must not lock the user out there.
known_browsers = _table(
    "known_browsers",
    _identifier(),
    _secret("secret_hash"),
    _refers("user_id", "users.id"),
    _number("expires"),
    Index("known_browsers_of_user", "user_id", "expires"),
    Index("known_browsers_by_expiry", "expires"),
)

# Recent login attempts. The subject is a hash of the account, address, or browser that a limit counts.
login_attempts = _table(
    "login_attempts",
    Column("subject", LargeBinary, primary_key=True),
    _number("began"),
    _number("count"),
    Index("login_attempts_by_time", "began"),
)

# Tokens that are valid for at most an hour, besides the user's own: from a password login, or for one
# project. `origin` is the hash of the temporary token that one was issued for. It is not a foreign key,
# because archives restore the rows in the order of their keys.
temporary_tokens = Table(
    "temporary_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    _refers("user_id", "users.id"),
    _text("project", nullable=True),
    _text("method"),
    _number("created"),
    _number("expires"),
    _ends_with_session(),
    Column("origin", LargeBinary),
    Index("temporary_tokens_of_origin", "origin"),
    Index("temporary_tokens_of_session", "session_id"),
    Index("temporary_tokens_of_user", "user_id", "created"),
    Index("temporary_tokens_by_expiry", "expires"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

feedback = _table(
    "feedback",
    _identifier(),
    _refers("user_id", "users.id"),
    _number("time"),
    _text("message"),
    _text("data"),
    Index("feedback_of_user", "user_id", "time"),
)

# A null source is stored as '', because a unique constraint treats nulls as distinct.
# What a project allows stands once for each resource, in its own holding: `limit` for the whole project,
# `member_limit` for each member. The `limit` of a member's holding is 0 if the member cannot draw; otherwise
# its `member_limit`, which is unlimited unless an operator allows this member less. The smaller of the two
# limits applies (`storage/tables/holdings.py`).
holdings = Table(
    "holdings",
    metadata,
    _identifier(),
    _text("holder"),
    _text("source"),
    _text("resource"),
    _number("limit"),
    _number("usage_min"),
    _number("usage_max"),
    # The sum of all that has been settled (`ledger/rules.py`, invariant 3): usage without what is pending.
    Column("settled", NUMBER, nullable=False, server_default=text("0")),
    Column("member_limit", NUMBER, nullable=False, server_default=text(str(UNLIMITED))),
    # For holdings of meters: the instant up to which time has been taken into account (`ledger/meters.py`).
    _number("mark", nullable=True),
    # For holdings of projects: the one of the same resource that the project above has (`ledger/counts.py`).
    _number("parent_id", nullable=True),
    UniqueConstraint("holder", "source", "resource"),
    CheckConstraint("0 <= usage_min AND usage_min <= usage_max"),
    # Leaves room for the next version of a row on its page, so that usage updates change no index. On a
    # million holdings, updates take half the time and write 40% of the log.
    postgresql_with={"fillfactor": 90},
    sqlite_strict=True,
)

# What the ledger has to tell of a holding, once in each period (`ledger/alerts.py`). `event` is the number
# that it has in the audit log; null until it is there, and 0 if it need not be.
quota_alerts = Table(
    "quota_alerts",
    metadata,
    Column("holding_id", NUMBER, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("percent", NUMBER, primary_key=True, autoincrement=False),
    Column("start", NUMBER, primary_key=True, autoincrement=False),
    _number("end"),
    _number("time"),
    _number("usage"),
    _number("limit"),
    _number("event", nullable=True),
    Index(
        "quota_alerts_to_record",
        "time",
        sqlite_where=text("event IS NULL"),
        postgresql_where=text("event IS NULL"),
    ),
    Index("quota_alerts_by_age", "end"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

RANKED = text("resource IS NOT NULL")

# Periods of budgets that are over: what was settled in them on which holding.
closed_periods = Table(
    "closed_periods",
    metadata,
    Column("holding_id", NUMBER, primary_key=True, autoincrement=False),
    Column("start", NUMBER, primary_key=True, autoincrement=False),
    _number("end"),
    _number("total"),
    _number("kept_until"),
    # The resource, if the holding is a project's own; those of members and keys are in no ranking.
    _text("resource", nullable=True),
    Index("closed_periods_by_age", "kept_until"),
    Index(
        "closed_periods_ranked", "resource", "start", "total", sqlite_where=RANKED, postgresql_where=RANKED
    ),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# The holdings with most usage of each resource, as found last (`storage/tables/usage_leaders.py`).
usage_leaders = Table(
    "usage_leaders",
    metadata,
    Column("resource", Text, primary_key=True),
    Column("ranking", Text, primary_key=True),
    Column("holding_id", NUMBER, primary_key=True, autoincrement=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# Grants (`ledger/grants.py`). One for a user in their own project has two rows, one for each level. A row
# refers to the holding of the base, and to that of the grant, whose limit is the amount. `lifts` is a JSON
# list of names of meters. `expires` is the largest number for a grant that does not.
grants = Table(
    "grants",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("base_id", NUMBER, primary_key=True, autoincrement=False),
    Column("holding_id", NUMBER, nullable=False, unique=True),
    _number("priority"),
    _number("starts"),
    _number("expires"),
    _text("lifts", nullable=True),
    _text("note"),
    _text("state"),
    Index(
        "open_grants",
        "base_id",
        "expires",
        "priority",
        "number",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index(
        "expiring_grants",
        "expires",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# What the period of a budget before the one that began at `start` has left over.
rollovers = Table(
    "rollovers",
    metadata,
    Column("holding_id", NUMBER, primary_key=True, autoincrement=False),
    _number("start"),
    _number("amount"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# The ledger's tables have no foreign keys: components and holdings are never deleted, and each check would
# cost a lookup for every row, and on PostgreSQL a lock.

# Pending commissions. They are few, and soon move to the log. `provisions` is a document
# (`storage/tables/provisions.py`), because it is only read and written as a whole.
pending_commissions = Table(
    "pending_commissions",
    metadata,
    Column("component_id", NUMBER, primary_key=True, autoincrement=False),
    Column("serial", NUMBER, primary_key=True, autoincrement=False),
    _text("name"),
    _number("issue_time"),
    _number("expires", nullable=True),
    _text("provisions"),
    Index(
        "expiring_commissions",
        "expires",
        sqlite_where=text("expires IS NOT NULL"),
        postgresql_where=text("expires IS NOT NULL"),
    ),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# The log of resolved commissions: rows are added and never changed.
resolved_commissions = Table(
    "resolved_commissions",
    metadata,
    Column("component_id", NUMBER, primary_key=True, autoincrement=False),
    Column("serial", NUMBER, primary_key=True, autoincrement=False),
    _text("name"),
    _number("issue_time"),
    _number("resolve_time"),
    _text("verdict"),
    _text("provisions"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# The index of a holder's history: a row for each holder in a resolved commission that draws from a source,
# usually one.
commission_holders = Table(
    "commission_holders",
    metadata,
    Column("holder", Text, primary_key=True),
    Column("serial", NUMBER, primary_key=True, autoincrement=False),
    _number("component_id"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# On databases with several writers: each engine and the number of its last transaction.
engines = Table(
    "engines",
    metadata,
    Column("id", Text, primary_key=True),
    _number("batch"),
    _number("time"),
    sqlite_strict=True,
)

# On databases with several writers, serials come from this sequence; SQLite counts them in `settings`.
commission_serials = Sequence("commission_serials", metadata=metadata)

# Commissions issued with an idempotency key; the commission may have been resolved since.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("component_id", NUMBER, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    _number("serial"),
    _number("time"),
    # What was granted of an issue that asked for as much as there is room for.
    _text("granted", nullable=True),
    Index("idempotency_keys_by_time", "time"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


# Alembic's own table. It is created with the others, so that a new database starts at the newest revision.
alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

DIALECTS = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


def creation_statements(dialect: str) -> list[str]:
    """Return the statements that create all tables and indexes in an empty database."""
    language = DIALECTS[dialect]()
    statements = []
    if language.supports_sequences:
        statements.append(str(CreateSequence(commission_serials).compile(dialect=language)))
    for table in (*metadata.sorted_tables, alembic_version):
        statements.append(str(CreateTable(table).compile(dialect=language)))
        statements += [
            str(CreateIndex(index).compile(dialect=language)) for index in sorted(table.indexes, key=str)
        ]
    return statements
