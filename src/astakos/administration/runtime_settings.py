"""The settings that can be changed while the service runs: their types, defaults and meanings."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec

from astakos.administration.document_checks import require_storable
from astakos.administration.document_places import IT, PlacedError
from astakos.administration.grant_notices import NOTICE_DAYS as GRANT_NOTICE_DAYS
from astakos.administration.journal import Journal
from astakos.administration.key_changes import MOST_KEYS
from astakos.administration.settings_loading import check_settings, load_settings
from astakos.administration.state_document import (
    COOKIE_DOMAIN,
    COOKIE_NAME,
    Settings,
    StateDocument,
    StateError,
)
from astakos.clock import MICROSECONDS
from astakos.directory.login_settings import LoginSettings
from astakos.directory.trusted_proxies import THIS_MACHINE
from astakos.events.event import Actor
from astakos.ledger.clock_guard import AGREEMENT_SECONDS, JUMP_SECONDS
from astakos.ledger.meters import TIME_TO_LIVE
from astakos.projects.endings import NOTICE_DAYS
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings

LOGIN = LoginSettings()
TRUE, FALSE = ("yes", "true", "on"), ("no", "false", "off")
LISTED = "list of texts"
ALPHABETS = {
    COOKIE_NAME: "ASCII letters, digits and _ . -",
    COOKIE_DOMAIN: "ASCII letters, digits and . -",
}
MOST_MEMBERS = 1000
LONGEST_SHOWN = 60
"""Values that are longer are not repeated in a refusal."""
MOST_DIGITS = 19
"""As many as the largest number that can be stored."""


class Meaning(NamedTuple):
    """What a setting is for.

    Attributes:
        default: the value that counts if it is not set; None for none.
        text: what it says, in a sentence.
        at_start: whether the service reads it when it starts, so that a change needs a restart.
    """

    default: Any
    text: str
    at_start: bool = False


MEANINGS: Mapping[str, Meaning] = {
    settings.BASE_URL: Meaning(
        None, "The public URL of the service, unless `serve --base-url` says it.", True
    ),
    settings.ADMINISTRATORS: Meaning(None, "The group whose members are administrators."),
    settings.PROJECT_ADMINS: Meaning([], "The UUIDs of further users who decide about all projects."),
    settings.HELPDESK: Meaning([], "The addresses that feedback and notices for operators are mailed to."),
    settings.MODERATION: Meaning(False, "Stored for other programs; has no effect."),
    settings.ADMIN_USERS: Meaning(False, "Whether users can be managed over HTTP, at identity/v2.0/users."),
    settings.ADMIN_USERS_GROUPS: Meaning(
        settings.DEFAULT_ADMIN_USERS_GROUPS, "The groups whose members may manage users over HTTP."
    ),
    settings.HISTORY_DAYS: Meaning(
        None, "For how many days resolved commissions are kept; forever if unset."
    ),
    settings.METER_TTL_SECONDS: Meaning(
        TIME_TO_LIVE // MICROSECONDS,
        "After how many seconds a pending commission that counts on a meter expires, if it does not say.",
    ),
    settings.CLOCK_JUMP_SECONDS: Meaning(
        JUMP_SECONDS, "By how much the clock may be wrong before nothing expires or is deleted by it."
    ),
    settings.CLOCK_AGREEMENT_SECONDS: Meaning(
        AGREEMENT_SECONDS, "For how long the clock must be right again before that ends."
    ),
    settings.END_PROJECTS: Meaning(False, "Whether projects end by themselves at their end dates."),
    settings.ENDING_NOTICE_DAYS: Meaning(
        NOTICE_DAYS, "How many days before its end a notice tells of it; 0 for no notice."
    ),
    settings.GRANT_NOTICE_DAYS: Meaning(
        GRANT_NOTICE_DAYS, "How many days before a grant expires a notice tells of it; 0 for no notice."
    ),
    settings.PENDING_NOTICE_HOURS: Meaning(
        0, "After how many hours a notice tells of pending commissions; 0 for no notice."
    ),
    settings.MOST_MEMBERS_TOLD: Meaning(
        MOST_MEMBERS, "How many members a project may have if they are mailed that it is suspended or ends."
    ),
    settings.MOST_KEYS: Meaning(MOST_KEYS, "How many valid keys a user can have."),
    settings.TRUSTED_PROXIES: Meaning(
        list(THIS_MACHINE), "The networks whose proxies' forwarding headers are believed.", True
    ),
    settings.WEBHOOK_NETWORKS: Meaning([], "The networks besides the public ones that webhooks may be in."),
    settings.COMPATIBILITY: Meaning("newest", "The generation of the API that the service speaks.", True),
    "weblogin_next": Meaning(
        list(LOGIN.weblogin_next), "The schemes and origins that may receive users' tokens from weblogin."
    ),
    "cookie_name": Meaning(
        LOGIN.cookie_name, "The name of the cookie for other components' pages; empty for no cookie."
    ),
    "cookie_domain": Meaning(LOGIN.cookie_domain, "The domain of that cookie; this host alone if unset."),
    "session_hours": Meaning(LOGIN.session_hours, "How many hours a login in a browser lasts."),
    "access_token_seconds": Meaning(
        LOGIN.access_token_seconds, "How many seconds an OAuth2 access token is valid."
    ),
    "oauth2_without_tls": Meaning(
        LOGIN.oauth2_without_tls, "Whether OAuth2 also works over plain HTTP, for development."
    ),
    "terms": Meaning(LOGIN.terms, "The terms of service, as plain text."),
    "service_name": Meaning(LOGIN.service_name, "What pages call the service."),
    "logo": Meaning(LOGIN.logo, "The path of a file with the logo of the service; empty for none."),
    "forgotten_password": Meaning(
        LOGIN.forgotten_password, "What the login page says about forgotten passwords; empty for nothing."
    ),
}
"""All settings, by name."""


class KnownSetting(NamedTuple):
    """A setting as it is now.

    Attributes:
        name: its name.
        kind: which values it takes, in words.
        value: the value that counts: what is set, or else the default.
        is_set: whether somebody has set it.
        meaning: its default, and what it is for.
    """

    name: str
    kind: str
    value: Any
    is_set: bool
    meaning: Meaning


def list_settings(connection: Connection) -> list[KnownSetting]:
    """Returns all settings, with what they are now."""
    return [find_setting(connection, name) for name in MEANINGS]


def find_setting(connection: Connection, name: str) -> KnownSetting:
    """Returns a setting, with what it is now.

    Raises:
        StateError: there is no such setting.
    """
    meaning = _meaning(name)
    value = settings.find(connection, name)
    counts = meaning.default if value is None else value
    return KnownSetting(name, kind_of(name), counts, value is not None, meaning)


def kind_of(name: str) -> str:
    """Says which values a setting takes."""
    kind = _type_of(name)
    match kind:
        case msgspec.inspect.BoolType():
            return "yes or no"
        case msgspec.inspect.IntType():
            return f"whole number from {kind.ge} to {kind.le}"
        case msgspec.inspect.ListType():
            return LISTED
        case msgspec.inspect.LiteralType():
            return f"one of {', '.join(map(str, kind.values))}"
    return "text"


def value_of(name: str, texts: Sequence[str]) -> Any:
    """Returns the value that texts from a command line or a form give; only lists can have several or none.

    Raises:
        StateError: there is no such setting, or it cannot have that value.
    """
    _meaning(name)
    kind = _type_of(name)
    if isinstance(kind, msgspec.inspect.ListType):
        return list(texts)
    if len(texts) != 1:
        raise StateError(f"{name} must have one value: {_wanted(name)}")
    (text,) = texts
    if isinstance(kind, msgspec.inspect.BoolType) and text.lower() in TRUE + FALSE:
        return text.lower() in TRUE
    if isinstance(kind, msgspec.inspect.IntType) and text.isascii() and text.lstrip("-").isdigit():
        return int(text[:20])
    return text


def change_setting(connection: Connection, actor: Actor, name: str, value: Any, now: int) -> KnownSetting:
    """Changes a setting in a transaction; returns it.

    Args:
        connection: a connection in a transaction.
        actor: who changes it.
        name: its name.
        value: a JSON value; None makes the default count again.
        now: the time of the change.

    Raises:
        StateError: there is no such setting, or it cannot have that value.
    """
    _meaning(name)
    with Journal(connection, actor, now) as journal:
        if value is None:
            known = settings.find(connection, name)
            settings.delete(connection, name)
            journal.compare("settings", {name: known}, {name: None})
        else:
            base_url, entry = _checked(name, value)
            try:
                load_settings(connection, base_url, entry, journal)
            except PlacedError as error:
                raise StateError(_refusal(name, value, error)) from error
    return find_setting(connection, name)


def require_usable(name: str, value: Any) -> None:
    """Checks a value that a setting has, or is to have.

    Raises:
        StateError: there is no such setting, or it cannot have that value.
    """
    _meaning(name)
    try:
        check_settings(*_checked(name, value))
    except PlacedError as error:
        raise StateError(_refusal(name, value, error)) from error


def _checked(name: str, value: Any) -> tuple[str | None, Settings]:
    given = {"base_url": value} if name == settings.BASE_URL else {"settings": {name: value}}
    try:
        document = msgspec.convert(given, StateDocument)
    except msgspec.ValidationError as error:
        raise StateError(f"{name} must be {_wanted(name)}{_but_not(value)}") from error
    try:
        require_storable(document)
    except PlacedError as error:
        raise StateError(_refusal(name, value, error)) from error
    return document.base_url, document.settings


def _refusal(name: str, value: Any, error: PlacedError) -> str:
    """Says in a sentence why a setting cannot have a value, or an element of it."""
    wrong = value if error.position is None else value[error.position]
    if not error.message.startswith(IT):
        return f"{name}: {error.message}"
    if error.position is None or repr(wrong) in error.message:
        return f"{name} {error.message.removeprefix(IT)}"
    shown = f" {wrong!r}" if len(repr(wrong)) <= LONGEST_SHOWN else " one of these"
    return f"{name} cannot have{shown}: {error.message}"


def _wanted(name: str) -> str:
    """Says which values a setting takes, for the end of a sentence."""
    kind = _type_of(name)
    match kind:
        case msgspec.inspect.IntType() | msgspec.inspect.ListType():
            return f"a {kind_of(name)}"
        case msgspec.inspect.StrType(pattern=str() as pattern):
            return f"a text of {ALPHABETS[pattern]}"
        case msgspec.inspect.StrType(min_length=int() as least, max_length=int() as most):
            return f"a text of {least} to {most} characters"
        case msgspec.inspect.StrType(max_length=int() as most):
            return f"a text of at most {most} characters"
        case msgspec.inspect.StrType():
            return "a text"
    return kind_of(name)


def _but_not(value: Any) -> str:
    shown = str(value) if isinstance(value, int) else repr(value)
    most = MOST_DIGITS if isinstance(value, int) else LONGEST_SHOWN
    return f", not {shown}" if len(shown) <= most else ""


def _meaning(name: str) -> Meaning:
    if name not in MEANINGS:
        raise StateError(f"there is no setting {name!r}; there are: {', '.join(MEANINGS)}")
    return MEANINGS[name]


@cache
def _type_of(name: str) -> msgspec.inspect.Type:
    struct = StateDocument if name == settings.BASE_URL else Settings
    found = msgspec.inspect.type_info(struct)
    assert isinstance(found, msgspec.inspect.StructType)  # noqa: S101 - both are
    (kind,) = (field.type for field in found.fields if field.name == name)
    if isinstance(kind, msgspec.inspect.UnionType):
        (kind,) = (one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType))
    return kind
