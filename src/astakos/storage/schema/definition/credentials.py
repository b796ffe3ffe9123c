"""Tables of what users log in and call with, and of what limits attempts to guess it."""

from sqlalchemy import Index

from astakos.storage.schema.definition.parts import binary, identifier, number, reference, table, text

# The project is a uuid. `limits` is a JSON object, as it is only read and written as a whole: the names of
# services, calls and networks that the key is limited to.
api_keys = table(
    "api_keys",
    identifier(),
    reference("user_id", "users.id"),
    text("prefix", unique=True),
    text("name"),
    text("project", nullable=True),
    text("limits"),
    number("created"),
    number("expires", nullable=True),
    number("last_used", nullable=True),
    text("creator", nullable=True),
    Index("keys_of_user", "user_id", "id"),
    Index("keys_by_expiry", "expires"),
)

# The secrets of a key: the newest, and those before it that have not ended since it was rotated.
api_key_secrets = table(
    "api_key_secrets",
    binary("secret_hash", primary_key=True),
    reference("key_id", "api_keys.id", ends_with_it=True),
    number("created"),
    number("expires", nullable=True),
    Index("secrets_of_key", "key_id"),
)

# Logins on web pages. Each has its own token besides the user's.
sessions = table(
    "sessions",
    identifier(),
    binary("secret_hash", unique=True),
    binary("token_hash", unique=True),
    reference("user_id", "users.id"),
    number("created"),
    number("expires"),
    # For people: where the user has logged in from, with what, and when they have used it last.
    text("origin", nullable=True),
    text("agent", nullable=True),
    number("last_used", nullable=True),
    Index("sessions_of_user", "user_id"),
    Index("sessions_by_expiry", "expires"),
)

# Links with which users set a password or confirm an address. One that is mailed has no secret until then.
password_links = table(
    "password_links",
    identifier(),
    reference("user_id", "users.id"),
    binary("secret_hash", nullable=True, unique=True),
    text("purpose"),
    number("created"),
    number("expires"),
    text("creator", nullable=True),
    text("address", nullable=True),
    Index("password_links_of_user", "user_id"),
    Index("password_links_by_expiry", "expires"),
)

# Browsers that a user has logged in from. Login attempts by strangers must not lock the user out there.
known_browsers = table(
    "known_browsers",
    identifier(),
    binary("secret_hash", unique=True),
    reference("user_id", "users.id"),
    number("expires"),
    Index("known_browsers_of_user", "user_id", "expires"),
    Index("known_browsers_by_expiry", "expires"),
)

# Recent login attempts. The subject is a hash of the account, address, or browser that a limit counts.
login_attempts = table(
    "login_attempts",
    binary("subject", primary_key=True),
    number("began"),
    number("count"),
    Index("login_attempts_by_time", "began"),
)

# Tokens that are valid for at most an hour, besides the user's own: from a password login, or for one
# project. `origin` is the hash of the temporary token that one was issued for. It is not a foreign key,
# because archives restore the rows in the order of their keys.
temporary_tokens = table(
    "temporary_tokens",
    binary("token_hash", primary_key=True),
    reference("user_id", "users.id"),
    text("project", nullable=True),
    text("method"),
    number("created"),
    number("expires"),
    reference("session_id", "sessions.id", nullable=True, ends_with_it=True),
    binary("origin", nullable=True),
    Index("temporary_tokens_of_origin", "origin"),
    Index("temporary_tokens_of_session", "session_id"),
    Index("temporary_tokens_of_user", "user_id", "created"),
    Index("temporary_tokens_by_expiry", "expires"),
    has_rowid=False,
)
