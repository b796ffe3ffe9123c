"""Tables of OAuth2: clients, and the codes and tokens that they hold."""

from sqlalchemy import Index

from astakos.storage.schema.definition.parts import binary, flag, identifier, number, reference, table, text

oauth2_clients = table(
    "oauth2_clients",
    identifier(),
    text("identifier", unique=True),
    text("name"),
    binary("secret_hash", nullable=True),
    text("type"),
    flag("trusted"),
    text("url", nullable=True),
    text("redirect_urls"),
)

oauth2_tokens = table(
    "oauth2_tokens",
    identifier(),
    binary("token_hash", unique=True),
    reference("client_id", "oauth2_clients.id"),
    reference("user_id", "users.id"),
    text("scope", nullable=True),
    number("expires"),
    reference("session_id", "sessions.id", nullable=True, ends_with_it=True),
    binary("code_hash", nullable=True),
    Index("oauth2_tokens_by_expiry", "expires"),
    Index("oauth2_tokens_of_session", "session_id"),
    Index("oauth2_tokens_for_code", "code_hash"),
)

# OAuth2 requires that a token request matches the authorization request, so a code stores its parameters.
oauth2_codes = table(
    "oauth2_codes",
    identifier(),
    binary("code_hash", unique=True),
    reference("client_id", "oauth2_clients.id"),
    reference("user_id", "users.id"),
    text("redirect_uri"),
    text("scope"),
    text("challenge", nullable=True),
    number("expires"),
    reference("session_id", "sessions.id", ends_with_it=True),
    Index("oauth2_codes_by_expiry", "expires"),
    Index("oauth2_codes_of_session", "session_id"),
)
