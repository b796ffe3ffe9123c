"""The story of the demo: every documented call, with its expected answer."""

from typing import Any

from astakos.demo.budget_story import tell_of_a_budget
from astakos.demo.key_story import tell_of_keys
from astakos.demo.narrator import Narrator
from astakos.demo.project_story import tell_of_a_project
from astakos.demo.world import GIB, World
from astakosclient import errors, parse_endpoints


def tell(narrator: Narrator, world: World, base_url: str) -> None:
    """Tells the whole story."""
    narrator.say(f"A real service answers at {base_url}, on a new SQLite file.")
    narrator.say("Ada and Grace share a project, the lab; the services compute and storage charge them.")
    narrator.say("Tokens and uuids are shown by name: <ada's token>, <ada>.")
    _who_is_it(narrator, world)
    _what_is_there(narrator, world)
    _may_they_have_one_more(narrator, world)
    _what_is_refused(narrator, world)
    _many_at_once(narrator, world)
    _beyond_the_original(narrator, world)
    tell_of_a_budget(narrator, world)
    tell_of_a_project(narrator, world)
    tell_of_keys(narrator, world)
    _feedback(narrator, world)


def _who_is_it(narrator: Narrator, world: World) -> None:
    token = world.tokens
    narrator.chapter("Who holds this token?")
    narrator.ask("get_user_info", token["ada"], expect=lambda info: info["uuid"] == world.ada)
    narrator.refuse(errors.Unauthorized, "get_user_info", "not-a-token")
    narrator.say("A user looks up usernames by uuid, and uuids by username:")
    narrator.ask(
        "get_usernames",
        token["ada"],
        [world.ada, world.grace, "unknown"],
        expect=lambda names: names == {world.ada: "ada@example.org", world.grace: "grace@example.org"},
    )
    narrator.ask("get_username", token["ada"], world.grace, expect=lambda name: name == "grace@example.org")
    narrator.refuse(errors.NoUserName, "get_username", token["ada"], "unknown")
    narrator.ask(
        "get_uuids",
        token["ada"],
        ["Grace@Example.org", "nobody@example.org"],
        expect=lambda uuids: uuids == {"Grace@Example.org": world.grace},
    )
    narrator.ask("get_uuid", token["ada"], "grace@example.org", expect=lambda uuid: uuid == world.grace)
    narrator.refuse(errors.NoUUID, "get_uuid", token["ada"], "nobody@example.org")
    narrator.say("A service does the same with its own token:")
    narrator.ask(
        "service_get_usernames",
        token["compute"],
        [world.ada],
        expect=lambda names: names == {world.ada: "ada@example.org"},
    )
    narrator.ask(
        "service_get_username", token["compute"], world.ada, expect=lambda name: name == "ada@example.org"
    )
    narrator.ask(
        "service_get_uuids",
        token["compute"],
        ["ada@example.org"],
        expect=lambda uuids: uuids == {"ada@example.org": world.ada},
    )
    narrator.ask(
        "service_get_uuid", token["compute"], "ada@example.org", expect=lambda uuid: uuid == world.ada
    )


def _what_is_there(narrator: Narrator, world: World) -> None:
    narrator.chapter("Which services and resources are there?")
    narrator.ask(
        "get_services",
        expect=lambda found: {service["name"] for service in found} >= {"compute", "storage"},
    )
    catalog = narrator.ask(
        "get_endpoints",
        world.tokens["ada"],
        expect=lambda found: found["access"]["user"]["id"] == world.ada,
    )
    if catalog is not None:
        service = parse_endpoints(catalog, ep_type="compute")[0]
        narrator.say(f"parse_endpoints finds compute at {service['endpoints'][0]['publicURL']}.")
    narrator.ask("get_resources", expect=lambda found: found["compute.ram"]["unit"] == "bytes")


def _may_they_have_one_more(narrator: Narrator, world: World) -> None:
    compute = world.tokens["compute"]
    narrator.chapter("May they have one more?")
    narrator.say("Ada's quotas before:")
    _see_vms(narrator, world, usage=0, pending=0)
    narrator.say("Compute is about to start a machine for Ada. First it issues a commission for the charge")
    narrator.say("at both levels: Ada's, and that of the project she draws from.")
    request = {
        "name": "start a machine",
        "provisions": [
            *_both_levels(world.ada, world.ada, "compute.vm", 1),
            *_both_levels(world.ada, world.ada, "compute.ram", 2 * GIB),
        ],
    }
    serial = narrator.ask("issue_commission", compute, request, expect=lambda serial: serial > 0)
    narrator.ask("get_pending_commissions", compute, expect=lambda serials: serials == [serial])
    narrator.ask(
        "get_commission_info",
        compute,
        serial,
        expect=lambda info: len(info["provisions"]) == len(request["provisions"]),
    )
    narrator.say("While the commission is pending, it counts as usage and as pending:")
    _see_vms(narrator, world, usage=1, pending=1)
    narrator.say("The machine runs, so compute accepts the commission.")
    narrator.ask("accept_commission", compute, serial, expect=lambda answer: answer is None)
    _see_vms(narrator, world, usage=1, pending=0)
    narrator.say("The next machine fails to start, so compute rejects the commission. Nothing is charged.")
    serial = narrator.ask(
        "issue_one_commission",
        compute,
        world.ada,
        "system",
        {"compute.vm": 1, "compute.ram": GIB},
        expect=lambda serial: serial > 0,
    )
    narrator.ask("reject_commission", compute, serial, expect=lambda answer: answer is None)
    narrator.ask(
        "service_get_quotas",
        compute,
        world.ada,
        expect=lambda quotas: quotas[world.ada][world.ada]["compute.vm"]["usage"] == 1,
    )
    narrator.ask(
        "service_get_project_quotas",
        compute,
        world.lab,
        expect=lambda quotas: quotas[world.lab]["compute.vm"]["project_limit"] == 5,
    )


def _what_is_refused(narrator: Narrator, world: World) -> None:
    compute = world.tokens["compute"]
    narrator.chapter("What is refused")
    narrator.say("Four more machines would take Ada over her limit of 4:")
    narrator.refuse(
        errors.QuotaLimit, "issue_one_commission", compute, world.ada, "system", {"compute.vm": 4}
    )
    narrator.say("The lab has 5 machines, at most 3 for each member. Ada takes 3, so 2 are left for Grace:")
    serial = narrator.ask(
        "issue_one_commission",
        compute,
        world.ada,
        world.lab,
        {"compute.vm": 3},
        expect=lambda serial: serial > 0,
    )
    narrator.ask("commission_action", compute, serial, "accept", expect=lambda answer: answer is None)
    narrator.refuse(
        errors.QuotaLimit, "issue_one_commission", compute, world.grace, world.lab, {"compute.vm": 3}
    )
    narrator.say("A commission can be resolved only once, and users cannot issue commissions:")
    narrator.refuse(errors.NotFound, "accept_commission", compute, serial)
    narrator.refuse(
        errors.Unauthorized,
        "issue_one_commission",
        world.tokens["ada"],
        world.ada,
        "system",
        {"compute.vm": 1},
    )
    narrator.say("This resource does not exist:")
    narrator.refuse(
        errors.NotFound, "issue_one_commission", compute, world.ada, "system", {"compute.unicorns": 1}
    )


def _many_at_once(narrator: Narrator, world: World) -> None:
    storage = world.tokens["storage"]
    narrator.chapter("Many at once")
    serials = [
        narrator.ask(
            "issue_one_commission",
            storage,
            world.grace,
            "system",
            {"storage.space": quantity * GIB},
            name=f"upload {quantity}",
            expect=lambda serial: serial > 0,
        )
        for quantity in (1, 2, 3)
    ]
    narrator.ask(
        "resolve_commissions",
        storage,
        serials[:2],
        [serials[2], 999999],
        expect=lambda done: (
            done["accepted"] == serials[:2]
            and done["rejected"] == serials[2:]
            and done["failed"][0][0] == 999999
        ),
    )
    narrator.ask(
        "get_quotas",
        world.tokens["grace"],
        expect=lambda quotas: quotas[world.grace]["storage.space"]["usage"] == 3 * GIB,
    )


def _beyond_the_original(narrator: Narrator, world: World) -> None:
    storage = world.tokens["storage"]
    narrator.chapter("Beyond the original API")
    narrator.say(
        "If an answer is lost, repeat the request with its idempotency key; it returns the same commission:"
    )
    serials = [
        narrator.ask(
            "issue_one_commission",
            storage,
            world.ada,
            "system",
            {"storage.space": 5 * GIB},
            ttl=300,
            idempotency_key="upload 4711",
            expect=lambda serial: serial > 0,
        )
        for _ in range(2)
    ]
    same = serials[0] == serials[1]
    narrator.say(
        f"{'The same' if same else 'NOT the same'} serial. If never resolved, it expires after 300 seconds."
    )
    narrator.say("Storage needed only 3 of the 5 GiB, so it settles for less:")
    quantities = [
        {name: value if name != "quantity" else 3 * GIB for name, value in provision.items()}
        for provision in _both_levels(world.ada, world.ada, "storage.space", 5 * GIB)
    ]
    narrator.ask(
        "accept_commission", storage, serials[0], quantities=quantities, expect=lambda answer: answer is None
    )
    request = {"provisions": _both_levels(world.ada, world.ada, "storage.space", 1)}
    narrator.ask(
        "issue_commissions",
        storage,
        [request, request],
        all_or_none=True,
        expect=lambda done: done["done"] and same,
    )
    narrator.say("Ada reads the history of her commissions; storage corrects the ledger to her actual usage:")
    narrator.ask(
        "get_commission_history",
        world.tokens["ada"],
        resource="storage.space",
        limit=1,
        expect=lambda found: found["history"][0]["settled"] == 3 * GIB,
    )
    usage = {"holder": f"user:{world.ada}", "source": f"project:{world.ada}", "resource": "storage.space"}
    narrator.ask(
        "reconcile",
        storage,
        [{**usage, "usage": 2 * GIB}],
        mend=True,
        expect=lambda found: found["holdings"][0]["drift"] == GIB,
    )


def _feedback(narrator: Narrator, world: World) -> None:
    narrator.chapter("Feedback")
    narrator.ask(
        "send_feedback",
        world.tokens["ada"],
        "It counts, and I can count on it.",
        "astakos demo",
        expect=lambda answer: answer is None,
    )


def _see_vms(narrator: Narrator, world: World, *, usage: int, pending: int) -> None:
    def as_told(quotas: dict[str, Any]) -> bool:
        figures = quotas[world.ada]["compute.vm"]
        return bool(figures["usage"] == usage and figures["pending"] == pending)

    quotas = narrator.ask("get_quotas", world.tokens["ada"], expect=as_told)
    if quotas is not None:
        figures = quotas[world.ada]["compute.vm"]
        narrator.say(
            f"She uses {figures['usage']} of {figures['limit']} machines, {figures['pending']} pending."
        )


def _both_levels(user: str, project: str, resource: str, quantity: int) -> list[dict[str, object]]:
    holder, source = f"user:{user}", f"project:{project}"
    return [
        {"holder": holder, "source": source, "resource": resource, "quantity": quantity},
        {"holder": source, "source": None, "resource": resource, "quantity": quantity},
    ]
