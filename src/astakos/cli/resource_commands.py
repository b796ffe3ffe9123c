"""`astakos resource list` and `astakos resource set`: resources and their default limits, on the database."""

from collections.abc import Collection, Iterator

import click
import msgspec

from astakos.administration.registered_entries import entry_of_resource
from astakos.administration.state_document import ResourceEntry, StateDocument, StateError
from astakos.cli.built_documents import apply
from astakos.cli.existing_users import FOLLOW, KEEP, let_follow, show_previews
from astakos.cli.meter_options import PERIOD_AND_LIMIT, Given, meter_entries
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_rows, table_options
from astakos.cli.quantities import AMOUNT, GivenAmount, shown
from astakos.cli.shown_values import Amount
from astakos.cli.threshold_options import THRESHOLDS, Percents
from astakos.directory.entities import Resource
from astakos.directory.names import refuse_name
from astakos.ledger.meter_definitions import SEPARATOR, Kind, MeterDefinition, base_of
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, registry
from astakos.storage.tables.meters import find_definitions
from astakosclient.pricing import LARGEST_SCALE


@click.command("list")
@database_option
@table_options
def list_(database_url: str, as_json: bool, wide: bool) -> None:
    """List all resources with their default limits."""
    reader = open_database(database_url).reader()
    meters = find_definitions(reader)
    rows = [_facts(known, meters.get(known.name)) for known in registry.list_resources(reader)]
    columns = (
        "name",
        "service",
        "unit",
        "scale",
        "system_default",
        "period",
        "rollover",
        "project_default",
        "max_debt",
        "thresholds",
        "shadow",
        "api_visible",
        "description",
    )
    droppable = (
        "description",
        "api_visible",
        "max_debt",
        "thresholds",
        "shadow",
        "scale",
        "rollover",
        "project_default",
        "period",
        "unit",
    )
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=droppable)


@click.command("set")
@click.argument("name")
@click.option("--service", help="The service that offers the resource; required for a new resource.")
@click.option("--default", "system_default", type=AMOUNT, help="The default limit of a user.")
@click.option("--project-default", type=AMOUNT, help="The limit in projects that do not set one.")
@click.option("--unit", help="The unit of its quantities, for example bytes.")
@click.option(
    "--scale",
    type=click.IntRange(0, LARGEST_SCALE),
    help="How many digits after the point amounts in the unit have: with 6, a quantity of 12500000 is 12.5.",
)
@click.option(
    "--max-debt", type=AMOUNT, help="How far settlements may take usage beyond a limit, or `unlimited`."
)
@click.option(
    "--thresholds",
    type=THRESHOLDS,
    help="The percentages of a limit at which the user is told, for example 50,80,100; `none`, or `default`.",
)
@click.option("--shadow", "is_shadow", is_flag=True, help="Let limits only report what they would refuse.")
@click.option("--enforce", "is_enforced", is_flag=True, help="Let limits refuse again.")
@click.option("--description", help="A description for people.")
@click.option("--visible/--hidden", "visible", default=None, help="Whether users see the resource.")
@click.option(
    "--meter",
    "budgets",
    type=PERIOD_AND_LIMIT,
    multiple=True,
    help="Limit what is used in each period, for example month=1000000 or 30days=10G. Repeatable.",
)
@click.option(
    "--rate",
    "rates",
    type=PERIOD_AND_LIMIT,
    multiple=True,
    help="Limit how fast it is used: minute=500 lets 500 through, and 500 more each minute. Repeatable.",
)
@click.option(
    "--window",
    "windows",
    type=PERIOD_AND_LIMIT,
    multiple=True,
    help="Limit what is used in a period that begins with the first use, for example 5hours=200. Repeatable.",
)
@click.option("--zone", help="The time zone in which the periods of --meter begin. The default is UTC.")
@click.option(
    "--rollover",
    type=AMOUNT,
    help="How much of what a period of --meter leaves over can be used in the next one.",
)
@click.option(
    "--anchor", help="When a period of --meter begins, for example 2026-01-31T09:00. The default is midnight."
)
@click.option(
    "--existing-users",
    type=click.Choice([KEEP, FOLLOW]),
    default=KEEP,
    show_default=True,
    help="Whether users who have the default so far follow the new --default, or keep it.",
)
@click.option("--preview", is_flag=True, help="Only say whom the new --default would concern.")
@click.option("--yes", is_flag=True, help="Do not ask whether users shall follow.")
@database_option
def set_(
    name: str,
    service: str | None,
    system_default: GivenAmount | None,
    project_default: GivenAmount | None,
    unit: str | None,
    scale: int | None,
    max_debt: GivenAmount | None,
    thresholds: Percents | None,
    is_shadow: bool,
    is_enforced: bool,
    description: str | None,
    visible: bool | None,
    budgets: tuple[Given, ...],
    rates: tuple[Given, ...],
    windows: tuple[Given, ...],
    zone: str | None,
    anchor: str | None,
    rollover: GivenAmount | None,
    existing_users: str,
    preview: bool,
    yes: bool,
    database_url: str,
) -> None:
    """Register the resource NAME, or change the given properties of it.

    The defaults of a new resource apply to everyone, and are 0 unless given. A changed default applies only
    to new users and projects, unless with --existing-users follow: then users who still have the old default
    get the new one, too. To change an existing user's limit, run `astakos quota set`.

    A --scale is for what has fractions, such as money. It says how quantities are given and shown; the
    quantities themselves are integers, and stay as they are.

    The limits of --meter, --rate and --window are such defaults, too, of resources of their own: `--meter
    month=1000000` registers NAME/month, and whatever is charged to NAME counts on it. Together with one of
    these, --max-debt, --thresholds and --shadow are about the meters, otherwise about NAME itself, which can
    be a meter.
    """
    if not budgets and any(option is not None for option in (zone, anchor, rollover)):
        raise click.UsageError("--zone, --anchor and --rollover are about periods; give --meter.")
    database = open_database(database_url)
    resources = {resource.name: resource for resource in registry.list_resources(database.reader())}
    known = resources.get(name)
    if known is None:
        entry = _new_entry(name, service, resources)
    else:
        entry = entry_of_resource(known, find_definitions(database.reader()).get(name))
    new_scale = entry.scale if scale is None else scale
    given: dict[str, object] = {
        "service": service,
        "system_default": system_default and system_default.quantity(name, new_scale),
        "project_default": project_default and project_default.quantity(name, new_scale),
        "unit": unit,
        "scale": scale,
        "description": description,
        "ui_visible": visible,
        "api_visible": visible,
    }
    figures = _figures(
        max_debt and max_debt.quantity(name, new_scale), thresholds, _shadow(is_shadow, is_enforced)
    )
    if not (budgets or rates or windows):
        given |= figures
    changes = {key: value for key, value in given.items() if value is not None or key in figures}
    if known is not None and not (changes or budgets or rates or windows):
        raise click.UsageError(f"Say what to change of {name}: give at least one option.")
    changed = msgspec.structs.replace(entry, **changes)
    definitions = find_definitions(database.reader())
    known_meters = {
        meter: entry_of_resource(resources[meter], definition) for meter, definition in definitions.items()
    }
    begins = {key: value for key, value in {"zone": zone, "anchor": anchor}.items() if value is not None}
    terms = begins | _rollover(rollover, changed)
    given_meters = ((Kind.BUDGET, budgets), (Kind.RATE, rates), (Kind.WINDOW, windows))
    meters = [
        entry
        for kind, periods in given_meters
        for entry in meter_entries(changed, kind, periods, known_meters, terms, figures)
    ]
    meters = [meter for meter in meters if known_meters.get(meter.name) != meter]
    if known is not None and changed == entry and not meters:
        click.echo(f"{name} is like that already. Nothing has changed.")
        return
    limits = [changed, *meters]
    if preview:
        show_previews(database, resources, limits)
        return
    followed = let_follow(database, resources, limits, yes=yes) if existing_users == FOLLOW else set()
    named = {name, *(meter.name for meter in meters)}
    follow = [
        msgspec.structs.replace(meter_entry, scale=changed.scale)
        for meter, meter_entry in known_meters.items()
        if base_of(meter) == name and meter not in named
    ]
    apply(database, StateDocument(resources=[changed, *meters, *follow]))
    if known is None or changed != entry:
        for line in _told(database.reader(), known, changed, follows=name in followed):
            click.echo(line)
    for meter in meters:
        for line in _told(
            database.reader(), resources.get(meter.name), meter, follows=meter.name in followed
        ):
            click.echo(line)


def _new_entry(name: str, service: str | None, resources: Collection[str]) -> ResourceEntry:
    """Returns the entry of a resource that is not registered yet."""
    if SEPARATOR in name:
        raise StateError(_no_such_meter(name, resources))
    refusal = refuse_name(name)
    if refusal:
        raise StateError(refusal)
    if service is None:
        raise StateError(f"there is no resource {name!r}; to register it, give its service: --service NAME")
    return ResourceEntry(name=name, service=service, system_default=0, project_default=0)


def _no_such_meter(name: str, resources: Collection[str]) -> str:
    """Returns how to define a meter that there is not, and the resource that it would count."""
    base = name.rpartition(SEPARATOR)[0]
    if base in resources:
        return f"there is no meter {name!r}; `astakos resource set {base} --meter month=1000` defines one"
    return (
        f"there is no meter {name!r}, and no resource {base!r} that it could count; register that first "
        f"(the name of a resource has no {SEPARATOR})"
    )


def _shadow(is_shadow: bool, is_enforced: bool) -> bool | None:
    """Returns what two options say of a limit; None if neither is given."""
    if is_shadow and is_enforced:
        raise click.UsageError("Give --shadow or --enforce, not both.")
    return is_shadow if is_shadow or is_enforced else None


def _figures(max_debt: int | None, thresholds: Percents | None, shadow: bool | None) -> dict[str, object]:
    """Returns what is given of what resources tell the ledger; thresholds can be given as the usual ones."""
    given = {"max_debt": max_debt, "shadow": shadow}
    figures: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    return figures if thresholds is None else figures | {"thresholds": thresholds.percents}


def _rollover(given: GivenAmount | None, entry: ResourceEntry) -> dict[str, int]:
    return {} if given is None else {"rollover": given.quantity(entry.name, entry.scale)}


def _told(
    reader: Connection, known: Resource | None, entry: ResourceEntry, *, follows: bool = False
) -> Iterator[str]:
    """Says what has happened, and whom the defaults apply to."""
    number = projects.count(reader, system_projects=True)
    limit = shown(entry.system_default, entry.scale)
    if known is None:
        yield f"Registered {entry.name}. Its default limit is {limit}, {_also_for(number)}."
        if entry.system_default == 0:
            yield "Nobody can use any of it until you set a limit for a user with `astakos quota set`."
        return
    yield f"Changed {entry.name}."
    if entry.scale != known.scale:
        now = shown(10**known.scale, entry.scale)
        yield f"Its quantities stay as they are: one that was shown as 1 is now shown as {now}."
    if entry.system_default != known.system_default:
        if follows:
            yield f"New users get a limit of {limit}. So do existing users who had the default."
        else:
            yield f"New users get a limit of {limit}. {_who_keep(number, 'user')}"
            if number:
                before = shown(known.system_default, entry.scale)
                yield (
                    f"To give it to those with the old default, too: set {before} again, and then this with "
                    "--existing-users follow."
                )
    if entry.project_default != known.project_default:
        others = projects.count(reader, system_projects=False)
        default = shown(entry.project_default or 0, entry.scale)
        yield f"New projects get a limit of {default}. {_who_keep(others, 'project')}"


def _also_for(users: int) -> str:
    return "also for the one existing user" if users == 1 else f"also for the {users} existing users"


def _who_keep(number: int, noun: str) -> str:
    """Says that those who exist keep their limits."""
    if number == 1:
        return f"The one existing {noun} keeps its limit."
    return f"The {number} existing {noun}s keep theirs."


def _facts(known: Resource, meter: MeterDefinition | None) -> dict[str, object]:
    facts: dict[str, object] = {name: getattr(known, name) for name in Resource.__slots__ if name != "id"}
    facts["thresholds"] = None if known.thresholds is None else list(known.thresholds)
    facts["period"] = None if meter is None else meter.in_words()
    facts["rollover"] = Amount(meter.rollover, known.scale) if meter is not None and meter.rollover else None
    for default in ("system_default", "project_default", "max_debt"):
        facts[default] = Amount(getattr(known, default), known.scale)
    return facts
