"""Loads the base URL and the `settings` of a state document."""

from astakos.administration.document_places import Place
from astakos.administration.document_values import mail_address_at, text_at, uuid_at
from astakos.administration.journal import Journal
from astakos.administration.state_document import Settings
from astakos.directory.login_settings import logo_type
from astakos.directory.network_addresses import Networks
from astakos.directory.redirects import refuse_allowed_next, refuse_base_url
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings, users


def load_settings(connection: Connection, base_url: str | None, entry: Settings, journal: Journal) -> None:
    """Sets the base URL and the settings that an entry names."""
    check_settings(base_url, entry)
    values = {
        settings.BASE_URL: None if base_url is None else base_url.rstrip("/"),
        settings.MODERATION: entry.moderation,
        settings.PROJECT_ADMINS: entry.project_admins,
        settings.ADMINISTRATORS: entry.administrators,
        settings.HELPDESK: entry.helpdesk,
        settings.ADMIN_USERS: entry.admin_users,
        settings.ADMIN_USERS_GROUPS: entry.admin_users_groups,
        settings.HISTORY_DAYS: entry.history_days,
        settings.METER_TTL_SECONDS: entry.meter_ttl_seconds,
        settings.CLOCK_JUMP_SECONDS: entry.clock_jump_seconds,
        settings.CLOCK_AGREEMENT_SECONDS: entry.clock_agreement_seconds,
        settings.END_PROJECTS: entry.end_projects,
        settings.ENDING_NOTICE_DAYS: entry.ending_notice_days,
        settings.GRANT_NOTICE_DAYS: entry.grant_notice_days,
        settings.PENDING_NOTICE_HOURS: entry.pending_notice_hours,
        settings.MOST_MEMBERS_TOLD: entry.most_members_told,
        settings.MOST_KEYS: entry.most_keys,
        settings.COMPATIBILITY: entry.compatibility,
        settings.TRUSTED_PROXIES: entry.trusted_proxies,
        settings.WEBHOOK_NETWORKS: entry.webhook_networks,
        **{name: getattr(entry, name) for name in settings.LOGIN},
    }
    given = {name: value for name, value in values.items() if value is not None}
    known = {name: settings.find(connection, name) for name in given}
    for name, value in given.items():
        settings.save(connection, name, value)
    journal.compare("settings", known, given)
    users.add_groups(connection, entry.groups)


def check_settings(base_url: str | None, entry: Settings) -> None:
    """Checks the values that have the right types.

    Raises:
        PlacedError: one of them cannot be used.
    """
    here = Place("settings")
    refusal = None if base_url is None else refuse_base_url(base_url)
    if refusal:
        raise Place("base_url").error(refusal)
    for position, uuid in enumerate(entry.project_admins or ()):
        uuid_at(uuid, here / f"project_admins[{position}]")
    for position, address in enumerate(entry.helpdesk or ()):
        mail_address_at(address, here / f"helpdesk[{position}]")
    for position, group in enumerate(entry.groups):
        text_at(group, here / f"groups[{position}]")
    if entry.administrators is not None:
        text_at(entry.administrators, here / "administrators")
    _check_addresses(entry, here)
    if entry.logo:
        try:
            logo_type(entry.logo)
        except ValueError as error:
            raise (here / "logo").error(str(error)) from error


def _check_addresses(entry: Settings, here: Place) -> None:
    for position, allowed in enumerate(entry.weblogin_next or ()):
        refusal = refuse_allowed_next(allowed)
        if refusal:
            raise (here / f"weblogin_next[{position}]").error(refusal)
    for key in ("trusted_proxies", "webhook_networks"):
        for position, network in enumerate(getattr(entry, key) or ()):
            try:
                Networks([network])
            except ValueError as error:
                raise (here / f"{key}[{position}]").error(str(error)) from error
