import pytest

from astakos.storage.protocol import Database
from service.caller import COMMISSIONS, TOKENS, Caller
from service.command import astakos, refused
from service.installation import all_rows, rows
from service.world import ALICE, COMPUTE_TOKEN, PAST, RETIRED_TOKEN, STORAGE_TOKEN, member_key

pytestmark = pytest.mark.every_engine


def test_a_component_that_is_added_can_call_at_once(database: Database) -> None:
    options = ("--url", "https://gpu.example.org/v1/", "--type", "accelerator", "--version", "v1")
    added = astakos(
        database, "component", "add", "gpu", *options, "--ui-url", "https://gpu.example.org", "--json"
    )
    assert (added.status, added.errors) == (0, "")
    assert added.document.keys() == {"name", "token"}
    token = added.document["token"]
    assert token not in astakos(database, "dump").output
    listed = astakos(database, "component", "list", "--json").document
    assert listed[-1]["name"] == "gpu"
    assert (listed[-1]["services"], listed[-1]["ui_url"]) == (["gpu"], "https://gpu.example.org")
    (service,) = (s for s in astakos(database, "dump").document["services"] if s["name"] == "gpu")
    assert service == {
        "name": "gpu",
        "type": "accelerator",
        "component": "gpu",
        "endpoints": [{"versionId": "v1", "publicURL": "https://gpu.example.org/v1"}],
    }


def test_without_a_url_its_service_has_no_endpoint(database: Database) -> None:
    text = astakos(database, "component", "add", "gpu").output
    assert text.splitlines()[0].split() == ["name", "gpu"]
    assert service_named(database, "gpu") == {"name": "gpu", "type": "gpu", "component": "gpu"}


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("option", ["--url", "--ui-url"])
@pytest.mark.parametrize(
    "url", ["gpu.example.org", "ftp://gpu.example.org", "https://", "https://größe.example"]
)
def test_a_url_that_nobody_could_call_is_a_wrong_use(database: Database, option: str, url: str) -> None:
    done = astakos(database, "component", "add", "gpu", option, url)
    assert (done.status, done.output) == (2, "")
    assert "is not a URL like https://" in done.errors


def test_a_name_that_is_taken_or_empty_is_refused(database: Database) -> None:
    assert "already exists" in refused(database, "component", "add", "compute")
    assert "must not be empty" in refused(database, "component", "add", " ")
    line = refused(database, "component", "add", "we ird")
    assert line.startswith("'we ird' is not a valid name")
    assert line.endswith("for example compute")
    line = refused(database, "component", "add", "compute_api")
    assert "the service 'compute_api' already belongs to the component 'compute'" in line


def test_all_components_are_listed_without_tokens(database: Database) -> None:
    listed = astakos(database, "component", "list", "--json").document
    assert [component["name"] for component in listed] == ["compute", "storage", "retired", "astakos"]
    table = astakos(database, "component", "list").output
    for text in (
        "compute_api",
        "astakos_account, astakos_identity, astakos_weblogin, astakos_oauth2",
        "https://storage.example.org/ui",
    ):
        assert text in table
    assert COMPUTE_TOKEN not in table


def test_a_new_token_counts_at_once(database: Database, service: Caller) -> None:
    given = astakos(database, "component", "token", "storage", "--json").document
    assert service.get(COMMISSIONS, given["token"]).status == 200
    assert service.get(COMMISSIONS, STORAGE_TOKEN).status == 401
    assert service.get(COMMISSIONS, COMPUTE_TOKEN).status == 200
    assert service("POST", TOKENS).status == 200


def test_a_component_that_is_not_there_is_named(database: Database) -> None:
    assert (
        refused(database, "component", "token", "nobody")
        == "there is no component 'nobody'; `astakos component list` shows all"
    )


def test_a_token_alone_is_printed_for_a_variable_of_the_shell(database: Database, service: Caller) -> None:
    for arguments in (("add", "gpu"), ("token", "gpu")):
        done = astakos(database, "component", *arguments, "--token-only")
        assert (done.status, done.errors) == (0, "")
        (token,) = done.output.splitlines()
        assert service.get(COMMISSIONS, token).status == 200


def service_named(database: Database, name: str) -> dict[str, object]:
    (found,) = (s for s in astakos(database, "dump").document["services"] if s["name"] == name)
    return dict(found)


def test_a_component_that_was_added_without_a_url_gets_one(database: Database, service: Caller) -> None:
    token = astakos(
        database, "component", "add", "gpu", "--type", "accelerator", "--token-only"
    ).output.strip()
    urls = ("--url", "https://gpu.example.org/v1/", "--version", "v1")
    done = astakos(database, "component", "set", "gpu", *urls)
    assert (done.status, done.output) == (0, "Changed gpu.\n")
    assert service_named(database, "gpu") == {
        "name": "gpu",
        "type": "accelerator",
        "component": "gpu",
        "endpoints": [{"versionId": "v1", "publicURL": "https://gpu.example.org/v1"}],
    }
    assert service.get(COMMISSIONS, token).status == 200
    astakos(database, "component", "set", "gpu", "--ui-url", "https://gpu.example.org/ui")
    listed = {row["name"]: row for row in astakos(database, "component", "list", "--json").document}
    assert listed["gpu"]["ui_url"] == "https://gpu.example.org/ui"
    assert service_named(database, "gpu")["endpoints"]


def test_what_cannot_be_set_is_refused(database: Database) -> None:
    before = all_rows(database)
    url = ("--url", "https://x.example.org")
    assert (
        refused(database, "component", "set", "nobody", *url)
        == "there is no component 'nobody'; `astakos component list` shows all"
    )
    line = refused(database, "component", "set", "retired", *url)
    assert line == "name one service of retired with --service; it has: none"
    line = refused(database, "component", "set", "compute", *url, "--service", "storage_api")
    assert line == "name one service of compute with --service; it has: compute_api"
    assert astakos(database, "component", "set", "compute").status == 2
    line = refused(database, "component", "set", "compute", "--may-charge", "compute.vmm")
    assert line.startswith("there is no resource 'compute.vmm'")
    for words in (("own", "all"), ("all", "storage.space")):
        options = [part for word in words for part in ("--may-charge", word)]
        done = astakos(database, "component", "set", "compute", *options)
        assert (done.status, "alone" in done.errors) == (2, True)
    assert all_rows(database) == before


def shown(database: Database, name: str) -> dict[str, str]:
    """The facts that `component show` prints for people."""
    lines = astakos(database, "component", "show", name).output.splitlines()
    return {title.strip(): value.strip() for title, _, value in (line.partition("  ") for line in lines)}


def test_a_component_that_is_added_may_charge_its_own_resources_alone(
    database: Database, service: Caller
) -> None:
    token = astakos(database, "component", "add", "gpu", "--token-only").output.strip()
    astakos(database, "resource", "set", "gpu.hour", "--service", "gpu", "--default", "5")
    own, foreign = member_key(ALICE, ALICE.uuid, "gpu.hour"), member_key(ALICE, ALICE.uuid)
    assert [service.issue(token, (key, 1)).status for key in (own, foreign)] == [201, 403]
    facts = shown(database, "gpu")
    assert (facts["charges"], facts["reconciles"]) == ("its own resources",) * 2
    assert (facts["resources"], facts["services"]) == ("gpu.hour", "gpu")


@pytest.mark.parametrize(
    ("options", "charges", "reconciles", "exact"),
    [
        ([], "all resources", "its own resources", None),
        (["own"], "its own resources", "its own resources", []),
        (
            ["storage.space", "compute.ram"],
            *("its own resources, compute.ram, storage.space",) * 2,
            ["compute.ram", "storage.space"],
        ),
        (["all"], "all resources", "all resources", "all"),
    ],
)
def test_a_component_is_given_resources_to_charge(
    database: Database, options: list[str], charges: str, reconciles: str, exact: object
) -> None:
    if options:
        given = [part for word in options for part in ("--may-charge", word)]
        done = astakos(database, "component", "set", "compute", *given)
        assert done.output == f"Changed compute.\nIt may charge {charges}.\n"
        (event, *_) = astakos(database, "audit", "--kind", "component.changed", "--json").document
        assert event["after"] == {"component": "compute", "may_charge": exact}
        astakos(database, "component", "set", "compute", "--ui-url", "https://compute.example.org/new")
    facts = shown(database, "compute")
    assert (facts["charges"], facts["reconciles"]) == (charges, reconciles)
    assert astakos(database, "component", "show", "compute", "--json").document["may_charge"] == exact
    if options:
        added = astakos(database, "component", "add", "gpu", *given)
        assert added.status == 0
        assert shown(database, "gpu")["charges"] == charges


def test_a_component_is_shown_without_its_token(database: Database) -> None:
    facts = astakos(database, "component", "show", "retired", "--json").document
    assert (facts["name"], facts["services"], facts["resources"]) == ("retired", [], [])
    assert (facts["ui_url"], facts["token_expires"]) == (None, PAST)
    assert RETIRED_TOKEN not in astakos(database, "component", "show", "retired").output
    assert (
        refused(database, "component", "show", "nobody")
        == "there is no component 'nobody'; `astakos component list` shows all"
    )


def test_tokens_have_names_and_an_overlap(database: Database, service: Caller) -> None:
    blue = astakos(database, "component", "token", "compute", "--name", "blue", "--token-only").output.strip()
    assert service.get(COMMISSIONS, blue).status == 200
    assert service.get(COMMISSIONS, COMPUTE_TOKEN).status == 200
    renewed = astakos(database, "component", "token", "compute", "--overlap", "3600s", "--json").document
    assert service.get(COMMISSIONS, renewed["token"]).status == 200
    assert service.get(COMMISSIONS, COMPUTE_TOKEN).status == 200
    listed = astakos(database, "component", "tokens", "compute", "--json").document
    assert [(one["name"], one["expires"] is None) for one in listed] == [
        ("default", True),
        ("blue", True),
        ("default-replaced", False),
    ]
    assert blue not in str(listed)
    ended = astakos(database, "component", "revoke-token", "compute", "blue")
    assert ended.output == "Revoked the token blue of compute.\n"
    assert "no token 'blue'" in refused(database, "component", "revoke-token", "compute", "blue")
    assert "no component 'nope'" in refused(database, "component", "token", "nope", "--name", "blue")


def test_what_is_set_again_changes_nothing(database: Database) -> None:
    settings = (
        ("--url", "https://compute.example.org/v3", "--version", "v3"),
        ("--ui-url", "https://ui.example.org"),
        ("--may-charge", "own"),
    )
    for options in settings:
        first, second = (astakos(database, "component", "set", "compute", *options).output for _ in range(2))
        assert first.startswith("Changed compute.\n")
        assert second.startswith("compute is like that already. Nothing has changed.\n")


def test_a_token_that_is_replaced_twice_by_mistake_stays_valid(database: Database, service: Caller) -> None:
    renew = ("component", "token", "compute", "--overlap", "24h", "--token-only")
    second = astakos(database, *renew).output.strip()
    told = refused(database, *renew)
    assert "default-replaced of compute is still valid and would end now" in told
    assert "`astakos component revoke-token compute default`" in told
    assert astakos(database, "component", "revoke-token", "compute", "default").status == 0
    third = astakos(database, *renew).output.strip()
    found = [service.get(COMMISSIONS, one).status for one in (COMPUTE_TOKEN, second, third)]
    assert found == [200, 401, 200]


def test_a_token_is_replaced_again_if_that_is_meant(database: Database, service: Caller) -> None:
    renew = ("component", "token", "compute", "--token-only")
    second = astakos(database, *renew, "--overlap", "24h").output.strip()
    third = astakos(database, *renew, "--overlap", "24h", "--yes").output.strip()
    found = [service.get(COMMISSIONS, one).status for one in (COMPUTE_TOKEN, second, third)]
    assert found == [401, 200, 200]


def test_without_an_overlap_all_tokens_of_a_name_end(database: Database, service: Caller) -> None:
    renew = ("component", "token", "compute", "--token-only")
    second = astakos(database, *renew, "--overlap", "24h").output.strip()
    third = astakos(database, *renew).output.strip()
    found = [service.get(COMMISSIONS, one).status for one in (COMPUTE_TOKEN, second, third)]
    assert found == [401, 401, 200]


def test_a_component_that_nothing_refers_to_is_deleted(database: Database, service: Caller) -> None:
    before = all_rows(database)
    token = astakos(database, "component", "add", "gpu", "--token-only").output.strip()
    asked = astakos(database, "component", "remove", "gpu")
    assert (asked.status, "--yes" in asked.errors) == (1, True)
    assert astakos(database, "component", "remove", "gpu", "--yes").output == "Removed gpu.\n"
    assert service.get(COMMISSIONS, token).status == 401
    after = all_rows(database)
    for table in ("components", "services", "component_tokens", "endpoints"):
        assert after[table] == before[table]
    (told,) = astakos(database, "audit", "--kind", "component.removed", "--json").document
    assert told["after"] == {"component": "gpu", "services": ["gpu"], "resources": []}


def test_a_component_with_a_history_stays_without_tokens_and_endpoints(
    database: Database, service: Caller
) -> None:
    serial = service.issued(COMPUTE_TOKEN, (member_key(ALICE), 1))
    assert "1 commission of compute is pending" in refused(
        database, "component", "remove", "compute", "--yes"
    )
    assert astakos(database, "commission", "accept", str(serial)).status == 0
    told = astakos(database, "component", "remove", "compute", "--yes", "--reason", "gone").output
    assert "It stays listed, without tokens" in told
    statement = "SELECT token_hash FROM components WHERE name = 'compute'"
    assert rows(database, statement) == [(None,)]
    (entry,) = astakos(database, "commission", "history", "--json").document
    assert entry["component"] == "compute"
    found = {one["name"]: one for one in astakos(database, "resource", "list", "--json").document}
    assert (found["compute.vm"]["api_visible"], found["storage.space"]["api_visible"]) == (False, True)
    assert "endpoints" not in service_named(database, "compute_api")


@pytest.mark.parametrize(("name", "told"), [("astakos", "cannot be removed"), ("x", "there is no component")])
def test_some_cannot_be_removed(service: Caller, database: Database, name: str, told: str) -> None:
    assert told in refused(database, "component", "remove", name, "--yes")


def test_a_replaced_token_is_valid_for_an_overlap_in_hours(database: Database, service: Caller) -> None:
    new = astakos(
        database, "component", "token", "compute", "--overlap", "24h", "--token-only"
    ).output.strip()
    assert [service.get(COMMISSIONS, token).status for token in (COMPUTE_TOKEN, new)] == [200, 200]
    for wrong in ("1y", "-1h", "31d", "", "24"):
        assert astakos(database, "component", "token", "compute", "--overlap", wrong).status == 2
    assert astakos(database, "component", "update", "compute", "--ui-url", "https://a.example").status == 0
