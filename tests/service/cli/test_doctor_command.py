from astakos.storage.protocol import Database
from service.command import astakos, serving
from service.installation import rows


def test_its_status_is_how_bad_the_worst_is(database: Database) -> None:
    rows(database, "DELETE FROM settings WHERE name = 'base_url'")
    fine = astakos(database, "doctor")
    assert (fine.status, fine.errors) == (0, "")
    rows(database, "DROP INDEX events_of_kind")
    warned = astakos(database, "doctor")
    assert warned.status == 1
    assert "events_of_kind" in warned.output
    rows(database, "UPDATE holdings SET usage_max = 1")
    broken = astakos(database, "doctor")
    assert broken.status == 2
    assert "more.\n" in broken.output


def test_json_is_for_programs(database: Database) -> None:
    rows(database, "UPDATE events SET reason = 'another' WHERE id = 2")
    found = astakos(database, "doctor", "--json", "--url", "nonsense")
    assert (found.status, found.document["level"]) == (2, "fault")
    checks = {one["check"]: one for one in found.document["checks"]}
    (finding,) = checks["audit log"]["findings"]
    assert finding["level"] == "fault"
    assert "event 2" in finding["text"]
    assert finding["remedy"]
    assert checks["forwarding"]["not_examined"]


def test_a_service_can_run_meanwhile(database: Database) -> None:
    with serving(database) as served:
        found = astakos(database, "doctor", "--json", "--url", served.caller.base_url)
        assert found.document["level"] == "warning", "it is asked at another URL than it calls itself"
        assert served.caller.get("/readyz").status == 200
