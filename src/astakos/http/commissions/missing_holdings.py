"""Why a holding does not exist: what is likely wrong with the names in a request."""

from astakos.http.commissions.requested_provisions import BARE_UUID
from astakos.ledger.key_levels import KEY
from astakos.ledger.rules import Key
from astakos.projects.limits import PROJECT, USER
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, projects, registry, users

NOT_NAMES = "holder and resource must be strings, and source a string or null"
MAIL_ADDRESS = "the holder must be user:<uuid>, not a mail address"
NOT_BY_ITSELF = "a key is charged along with its user; say which one in key"
OTHER_HOLDER = "the holder must be user:<uuid> or project:<uuid>"
BARE_SOURCE = "the source must be system, or the uuid of a project, not its name"
PROJECT_WITH_SOURCE = "the source of a project's own holding is null"
OTHER_SOURCE = "the source of a user's holding must be project:<uuid>"
NO_RESOURCE = "there is no such resource"
NO_PROJECT = "there is no such project"
NO_USER = "there is no such user"
NOT_LOWER_CASE = "UUIDs must be in lower case"
NO_MEMBER = "the user is not a member of the project"
NO_QUOTA = "the holder has no quota for the resource from the source"


def malformed_name(key: Key) -> str | None:
    """Returns what is wrong with the form of the names; None if a holding could have them."""
    if key.holder.startswith(KEY):
        return NOT_BY_ITSELF
    if not key.holder.startswith((USER, PROJECT)):
        if BARE_UUID.fullmatch(key.holder) and not (key.source or PROJECT).startswith(PROJECT):
            return BARE_SOURCE
        return MAIL_ADDRESS if "@" in key.holder else OTHER_HOLDER
    if "@" in key.holder:
        return MAIL_ADDRESS
    if key.holder.startswith(PROJECT):
        return None if key.source is None else PROJECT_WITH_SOURCE
    return None if key.source is not None and key.source.startswith(PROJECT) else OTHER_SOURCE


def unknown_name(connection: Connection, key: Key) -> str:
    """Returns which of the names, whose form is right, means nothing."""
    if not registry.has_resource(connection, key.resource):
        return NO_RESOURCE
    project = (key.source or key.holder).removeprefix(PROJECT)
    if projects.find(connection, project) is None:
        return NO_PROJECT if projects.find(connection, project.lower()) is None else NOT_LOWER_CASE
    if key.source is None:
        return NO_QUOTA
    user = key.holder.removeprefix(USER)
    if users.find_by_uuid(connection, user) is None:
        return NO_USER if users.find_by_uuid(connection, user.lower()) is None else NOT_LOWER_CASE
    return NO_MEMBER if memberships.find_state(connection, user, project) is None else NO_QUOTA
