import pytest

from astakos.administration.dump import dump
from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Database
from service.command import astakos, refused
from service.installation import all_rows, holdings
from service.world import ALICE, RAM, TOTAL_RAM, VM, member_key

pytestmark = pytest.mark.every_engine


def test_all_resources_are_listed(database: Database) -> None:
    listed = {r["name"]: r for r in astakos(database, "resource", "list", "--json").document}
    assert listed[RAM] == {
        "name": RAM,
        "service": "compute_api",
        "service_type": "compute",
        "unit": "bytes",
        "scale": 0,
        "description": "Memory",
        "system_default": 8 * 2**30,
        "project_default": 2**30,
        "max_debt": UNLIMITED,
        "thresholds": None,
        "shadow": False,
        "ui_visible": False,
        "api_visible": True,
        "period": None,
        "rollover": None,
    }
    assert listed[TOTAL_RAM]["system_default"] == UNLIMITED
    table = astakos(database, "resource", "list").output
    assert "unlimited" in table
    assert str(UNLIMITED) not in table


def test_a_resource_is_registered_for_all_that_is_there(database: Database) -> None:
    options = ("--service", "compute_api", "--default", "2K", "--project-default", "1", "--unit", "cores")
    done = astakos(database, "resource", "set", "gpu", *options, "--description", "Größe", "--hidden")
    assert done.status == 0
    assert done.output == "Registered gpu. Its default limit is 2048, also for the 6 existing users.\n"
    (found,) = (r for r in astakos(database, "resource", "list", "--json").document if r["name"] == "gpu")
    assert (found["system_default"], found["project_default"], found["unit"]) == (2048, 1, "cores")
    assert (found["api_visible"], found["ui_visible"], found["description"]) == (False, False, "Größe")
    assert holdings(database)[member_key(ALICE, ALICE.uuid, "gpu")].limit == 2048


def test_one_existing_user_is_told_of_in_the_singular(empty: Database) -> None:
    assert astakos(empty, "user", "add", "zoe@example.org").status == 0
    assert astakos(empty, "component", "add", "compute").status == 0
    options = ("--service", "compute", "--default", "2")
    assert astakos(empty, "resource", "set", "gpu", *options).output == (
        "Registered gpu. Its default limit is 2, also for the one existing user.\n"
    )
    assert astakos(empty, "resource", "set", "gpu", "--default", "3").output.startswith(
        "Changed gpu.\nNew users get a limit of 3. The one existing user keeps its limit.\n"
    )


@pytest.mark.parametrize("option", ["--default", "--project-default", "--max-debt"])
def test_the_number_that_stands_for_unlimited_is_refused(database: Database, option: str) -> None:
    before = all_rows(database)
    done = astakos(database, "resource", "set", VM, option, str(UNLIMITED))
    assert done.status != 0
    assert "at most 9223372036854775806, or unlimited" in done.errors
    assert all_rows(database) == before


def test_only_what_is_given_is_changed_and_holdings_stay(database: Database) -> None:
    before = holdings(database)
    done = astakos(database, "resource", "set", VM, "--default", "unlimited")
    assert done.status == 0
    assert done.output == (
        f"Changed {VM}.\nNew users get a limit of unlimited. The 6 existing users keep theirs.\n"
        "To give it to those with the old default, too: set 4 again, and then this with "
        "--existing-users follow.\n"
    )
    assert holdings(database) == before
    (found,) = (r for r in astakos(database, "resource", "list", "--json").document if r["name"] == VM)
    assert found["system_default"] == UNLIMITED
    assert (found["project_default"], found["description"]) == (0, "Virtual machines")
    assert found["api_visible"]


@pytest.mark.parametrize("option", ["--visible", "--hidden"])
def test_without_a_default_nobody_may_have_any(database: Database, option: str) -> None:
    done = astakos(database, "resource", "set", "gpu", "--service", "compute_api", option)
    assert done.status == 0
    assert done.output == (
        "Registered gpu. Its default limit is 0, also for the 6 existing users.\n"
        "Nobody can use any of it until you set a limit for a user with `astakos quota set`.\n"
    )
    assert {holding.limit for key, holding in holdings(database).items() if key.resource == "gpu"} == {0}


def test_a_changed_project_default_says_whom_it_touches(database: Database) -> None:
    before = holdings(database)
    done = astakos(database, "resource", "set", VM, "--project-default", "3")
    assert (
        done.output == f"Changed {VM}.\nNew projects get a limit of 3. The 3 existing projects keep theirs.\n"
    )
    assert holdings(database) == before
    assert astakos(database, "resource", "set", VM, "--unit", "machines").output == f"Changed {VM}.\n"


def test_without_anything_to_change_nothing_is_said_to_be_changed(database: Database) -> None:
    before = all_rows(database)
    done = astakos(database, "resource", "set", VM)
    assert (done.status, done.output) == (2, "")
    assert done.errors.endswith(f"Say what to change of {VM}: give at least one option.\n")
    done = astakos(database, "resource", "set", VM, "--project-default", "0", "--visible")
    assert (done.status, done.output) == (0, f"{VM} is like that already. Nothing has changed.\n")
    assert all_rows(database) == before


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("name", ["we ird", "a,b", "größe", "a/b", "", "-a", "a\nb", "x" * 256])
def test_a_name_that_does_not_fit_on_the_wire_is_refused(database: Database, name: str) -> None:
    before = all_rows(database)
    line = refused(database, "resource", "set", "--service", "compute_api", "--", name)
    assert "name" in line or "empty" in line
    assert all_rows(database) == before


def test_what_is_hidden_can_be_made_visible_again(database: Database) -> None:
    for option, visible in (("--hidden", False), ("--visible", True)):
        assert astakos(database, "resource", "set", VM, option).status == 0
        found = astakos(database, "resource", "list", "--json").document[0]
        assert (found["name"], found["api_visible"], found["ui_visible"]) == (VM, visible, visible)


def test_what_can_not_be_registered_is_refused(database: Database) -> None:
    before = all_rows(database)
    assert "--service NAME" in refused(database, "resource", "set", "gpu")
    line = refused(database, "resource", "set", "gpu", "--service", "nothing")
    assert line.startswith("there is no service 'nothing'")
    line = refused(database, "resource", "set", VM, "--service", "storage_api")
    assert "already belongs to the component 'compute'" in line
    assert "$" not in line
    twice = ("--meter", "month=1", "--meter", "month=2")
    assert refused(database, "resource", "set", VM, *twice) == f"'{VM}/month' is already described"
    line = refused(database, "resource", "set", f"{VM}/month", "--max-debt", "3")
    assert line == (
        f"there is no meter '{VM}/month'; `astakos resource set {VM} --meter month=1000` defines one"
    )
    line = refused(database, "resource", "set", "nope/month", "--max-debt", "3")
    assert line.startswith("there is no meter 'nope/month', and no resource 'nope' that it could count")
    assert all_rows(database) == before


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("quantity", ["", "x", "-1", "1.5G", "10X", "G", "1e3", "٣", "1 G", "0x10"])
def test_what_is_no_quantity_is_a_wrong_use(database: Database, quantity: str) -> None:
    done = astakos(database, "resource", "set", VM, f"--default={quantity}")
    assert (done.status, done.output) == (2, "")
    assert "is not a quantity" in done.errors


def test_meters_are_defined_with_the_limits_of_their_periods(database: Database) -> None:
    meters = (
        "--meter",
        "month=1000000",
        "--meter",
        "30days=2M",
        "--rate",
        "minute=500",
        "--window",
        "5 hours=9",
    )
    done = astakos(database, "resource", "set", VM, *meters, "--zone", "Europe/Athens")
    assert done.status == 0
    assert (
        f"Registered {VM}/month. Its default limit is 1000000, also for the 6 existing users." in done.output
    )
    listed = {r["name"]: r for r in astakos(database, "resource", "list", "--json").document}
    found = {name: (r["period"], r["system_default"]) for name, r in listed.items() if r["period"]}
    assert found == {
        f"{VM}/month": ("each month, Europe/Athens", 1000000),
        f"{VM}/30days": ("every 30 days, Europe/Athens", 2 * 2**20),
        f"{VM}/per-minute": ("per minute", 500),
        f"{VM}/5hours-window": ("in 5 hours of first use", 9),
    }
    assert holdings(database)[member_key(ALICE, ALICE.uuid, f"{VM}/month")].limit == 1000000
    again = astakos(database, "resource", "set", f"{VM}/month", "--default", "7")
    assert again.output.startswith(
        f"Changed {VM}/month.\nNew users get a limit of 7. The 6 existing users keep theirs.\n"
    )


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--meter", "fortnight=3"), "'fortnight=3' is not a period with a limit"),
        (("--meter", "month"), "'month' is not a period with a limit"),
        (("--meter", "month=many"), "'many' is not a quantity"),
        (("--meter", "0days=5"), "a period of 0 days has no length"),
        (("--meter", "day=3", "--zone", "Mars"), "there is no time zone 'Mars'"),
        (("--rate", "month=3"), "differ in length; use days"),
        (("--zone", "UTC"), "give --meter"),
    ],
)
def test_a_period_that_is_none_is_refused(database: Database, options: tuple[str, ...], reason: str) -> None:
    before = all_rows(database)
    ended = astakos(database, "resource", "set", VM, *options)
    assert ended.status in (1, 2)
    assert reason in " ".join(ended.errors.split())
    assert all_rows(database) == before


def test_what_is_not_given_of_a_meter_stays(database: Database) -> None:
    astakos(
        database,
        "resource",
        "set",
        VM,
        "--meter",
        "day=5",
        "--zone",
        "Asia/Tokyo",
        "--anchor",
        "2026-01-01T05:00",
    )
    done = astakos(database, "resource", "set", VM, "--meter", "day=6")
    assert "New projects" not in done.output
    listed = {r["name"]: r for r in astakos(database, "resource", "list", "--json").document}
    meter = listed[f"{VM}/day"]
    assert (meter["period"], meter["system_default"]) == ("each day, Asia/Tokyo from 2026-01-01T05:00", 6)
    assert meter["project_default"] == UNLIMITED
    assert astakos(database, "resource", "set", VM, "--meter", "day=6", "--zone", "").status == 1


def test_what_a_period_leaves_over_can_roll_over_in_the_scale_of_the_resource(database: Database) -> None:
    def stored() -> tuple[int, int]:
        meter = next(entry.meter for entry in dump(database).resources if entry.name == f"{VM}/day")
        assert meter is not None
        return meter.rollover, meter.every

    astakos(database, "resource", "set", VM, "--scale", "2", "--meter", "day=5", "--rollover", "1.25")
    assert stored() == (125, 1)
    astakos(database, "resource", "set", VM, "--meter", "day=6")
    assert stored() == (125, 1)
    astakos(database, "resource", "set", VM, "--meter", "day=6", "--rollover", "0")
    assert stored() == (0, 1)
    done = astakos(database, "resource", "set", VM, "--window", "5hours=3", "--rollover", "1")
    assert (done.status, "give --meter" in done.errors) == (2, True)


def test_thresholds_and_shadows_are_of_a_resource_or_of_the_meters_that_are_given(database: Database) -> None:
    def told(*options: str, name: str = VM) -> dict[str, tuple[list[int] | None, bool]]:
        done = astakos(database, "resource", "set", name, *options)
        assert done.status == 0, done.errors
        listed = astakos(database, "resource", "list", "--json").document
        return {
            one["name"]: (one["thresholds"], one["shadow"]) for one in listed if one["name"].startswith(VM)
        }

    month = f"{VM}/month"
    assert told("--meter", "month=100", "--shadow") == {VM: (None, False), month: (None, True)}
    assert told("--thresholds", "50, 80%,100") == {VM: ([50, 80, 100], False), month: (None, True)}
    assert told("--enforce", "--thresholds", "none", name=month)[month] == ([], False)
    assert told("--thresholds", "default")[VM] == (None, False)
    again = astakos(database, "resource", "set", VM, "--thresholds", "default")
    assert again.output == f"{VM} is like that already. Nothing has changed.\n"


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("text", ["80,50", "0", "80,", "x", "1," * 60, "-5", "1,2,3,4,5,6,7,8,9,10,11"])
def test_what_are_no_thresholds_is_refused(database: Database, text: str) -> None:
    done = astakos(database, "resource", "set", VM, "--thresholds", text)
    assert (done.status, done.output) == (2, "")


def test_a_limit_cannot_both_refuse_and_only_report(database: Database) -> None:
    done = astakos(database, "resource", "set", VM, "--shadow", "--enforce")
    assert done.status == 2
    assert "not both" in done.errors


def test_meters_that_are_set_again_change_nothing(database: Database) -> None:
    meters = ("--meter", "month=500", "--zone", "Europe/Athens", "--rollover", "20", "--rate", "minute=5")
    command = ("resource", "set", VM, *meters, "--thresholds", "50")
    assert astakos(database, *command).output.startswith(f"Registered {VM}/month.")
    told = f"{VM} is like that already. Nothing has changed.\n"
    assert astakos(database, *command).output == told
    changed = astakos(database, *command, "--rate", "hour=7").output
    assert changed.startswith(f"Registered {VM}/per-hour.")
    assert "Changed" not in changed


def test_the_rollover_of_a_meter_is_shown(database: Database) -> None:
    meters = ("--meter", "month=500", "--rollover", "20", "--rate", "minute=5")
    astakos(database, "resource", "set", VM, "--unit", "h", "--scale", "1", *meters)
    listed = {r["name"]: r["rollover"] for r in astakos(database, "resource", "list", "--json").document}
    assert (listed[f"{VM}/month"], listed[f"{VM}/per-minute"]) == (200, None)


def test_pending_applications_have_no_meters(database: Database) -> None:
    options = ("--service", "compute_api", "--default", "3", "--meter", "month=9")
    told = refused(database, "resource", "set", "astakos.pending_app", *options)
    assert "astakos.pending_app cannot have meters: applications that are decided are given back" in told
