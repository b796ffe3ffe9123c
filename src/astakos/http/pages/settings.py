"""`ui/admin/settings`: what can be changed while the service runs."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from astakos.administration.administrators import is_administrator
from astakos.administration.runtime_settings import (
    LISTED,
    KnownSetting,
    change_setting,
    find_setting,
    list_settings,
    value_of,
)
from astakos.administration.state_document import StateError
from astakos.events.event import Actor
from astakos.http.faults import ItemNotFound
from astakos.http.pages.page_kinds import administrator_action, administrator_page
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.pages.sentences import sentence
from astakos.storage.protocol import Connection

SETTINGS: Final = "/ui/admin/settings"
PERHAPS: Final = "yes or no"
LONG: Final = 120
"""Texts and lists that are longer get more than a line."""


class ShownSetting(NamedTuple):
    """A setting, its value and its default in words."""

    name: str
    kind: str
    meaning: str
    value: str
    default: str
    is_set: bool
    at_start: bool


class WouldLockOutError(Exception):
    """The change would take the administrator's own rights away."""


async def settings(visit: UserVisit) -> Answer:
    """Shows all settings."""
    known = await visit.service.read(list_settings)
    return visit.page("settings.html", settings=[_shown(one) for one in known])


async def setting(visit: UserVisit) -> Answer:
    """Shows one setting, and the form that changes it."""
    known = await _known(visit)
    return _form(visit, known, _lines(known.value) if known.kind == LISTED else _word(known.value))


async def change(visit: UserVisit) -> Answer:
    """Changes a setting, or lets its default count again."""
    known = await _known(visit)
    given = visit.form.get("value", "")
    is_unset = visit.form.get("to") == "default"

    def act(connection: Connection, actor: Actor) -> KnownSetting:
        value = None if is_unset else value_of(known.name, _texts(known, given))
        changed = change_setting(connection, actor, known.name, value, visit.service.now())
        if not visit.is_confirmed and not is_administrator(connection, visit.user):
            raise WouldLockOutError
        return changed

    try:
        changed = await visit.change(act)
    except StateError as error:
        return _form(visit, known, given, error=_told(known, str(error)))
    except WouldLockOutError:
        return visit.ask(
            Question(
                f"Change {known.name}?",
                ["You are not in that group. You would no longer be an administrator."],
                "Change it",
                f"{SETTINGS}/{known.name}",
            )
        )
    restart = " It counts once the service has been restarted." if known.meaning.at_start else ""
    told = f"{known.name} is now {_word(changed.value)[:LONG]}{'' if changed.is_set else ', the default'}."
    return visit.done(told + restart, SETTINGS)


def _told(known: KnownSetting, message: str) -> str:
    """Returns a refusal as a sentence, which can begin with the name of the setting as it is written."""
    return f"{message.rstrip('.')}." if message.startswith(known.name) else sentence(message)


async def _known(visit: UserVisit) -> KnownSetting:
    try:
        return await visit.service.read(find_setting, visit.request.parameter)
    except StateError as error:
        raise ItemNotFound(f"There is no setting {visit.request.parameter}.") from error


def _texts(known: KnownSetting, given: str) -> Sequence[str]:
    if known.kind == LISTED:
        return [line.strip() for line in given.splitlines() if line.strip()]
    # A form sends lines that end as on paper, whatever the system.
    return [given.replace("\r\n", "\n").strip()]


def _form(visit: UserVisit, known: KnownSetting, given: str, error: str = "") -> Answer:
    shown = _shown(known)
    is_long = known.kind == LISTED or "\n" in given or len(given) > LONG or known.name == "terms"
    kind = "textarea" if is_long else "number" if known.kind.startswith("whole number") else "text"
    options = (
        [(one, one) for one in ("yes", "no")]
        if known.kind == PERHAPS
        else [(one, one) for one in known.kind.removeprefix("one of ").split(", ")]
        if known.kind.startswith("one of ")
        else []
    )
    return visit.page(
        "setting.html",
        status=422 if error else 200,
        setting=shown,
        given=given,
        kind=kind,
        is_list=known.kind == LISTED,
        options=options,
        error=error,
    )


def _shown(known: KnownSetting) -> ShownSetting:
    return ShownSetting(
        known.name,
        known.kind,
        known.meaning.text,
        _word(known.value),
        _word(known.meaning.default),
        known.is_set,
        known.meaning.at_start,
    )


def _lines(value: Sequence[object]) -> str:
    return "\n".join(map(str, value))


def _word(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


ROUTES = (
    administrator_page(SETTINGS, settings),
    administrator_page(f"{SETTINGS}/{{name}}", setting),
    administrator_action(f"{SETTINGS}/{{name}}/change", change),
)
