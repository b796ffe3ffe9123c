"""The chapter of the demo about budgets: what is spent in a month, and what is known only at the end."""

from typing import Any

from astakos.demo.narrator import Narrator
from astakos.demo.world import World
from astakosclient import errors

TOKENS, MONTHLY = "llm.tokens", "llm.tokens/month"


def tell_of_a_budget(narrator: Narrator, world: World) -> None:
    """Tells of a model that Ada asks, and of her tokens of this month."""
    models = world.tokens["models"]
    narrator.chapter("A budget for each month")
    narrator.say("Ada may use 10,000 tokens of the language model a month. The gateway reserves some:")
    serial = narrator.ask(
        "issue_one_commission",
        models,
        world.ada,
        "system",
        {TOKENS: 4000},
        ttl=600,
        expect=lambda serial: serial > 0,
    )
    narrator.say("The answer takes longer, and more. If the gateway dies now, Ada pays for 3,000:")
    narrator.ask(
        "report_progress", models, serial, _tokens(world, 3000), expect=lambda answer: answer is None
    )
    narrator.ask(
        "grow_commission", models, serial, _tokens(world, 6000), expect=lambda answer: answer is None
    )
    narrator.ask("extend_commission", models, serial, 900, expect=lambda expires: expires is not None)
    narrator.say("It took 7,200 in the end. What was used was used:")
    narrator.ask(
        "accept_commission",
        models,
        serial,
        quantities=_tokens(world, 7200),
        overage="debt",
        expect=lambda answer: answer is None,
    )
    narrator.ask("get_quotas", world.tokens["ada"], expect=lambda quotas: _used(quotas, world) == 7200)
    narrator.ask(
        "get_periods", world.tokens["ada"], MONTHLY, expect=lambda periods: periods[0]["used"] == 7200
    )
    narrator.say("So much is not left of this month. The refusal says when the next one begins:")
    request = {"provisions": _tokens(world, 4000), "auto_accept": True}
    narrator.refuse(errors.QuotaLimit, "check_commission", models, request)
    narrator.refuse(errors.QuotaLimit, "issue_commission", models, request)
    narrator.say("Both can look up later what was refused:")
    narrator.ask("get_refusals", world.tokens["ada"], expect=_is_of_ada)
    narrator.ask("service_get_refusals", models, world.ada, expect=_is_of_ada)
    narrator.say("A gateway can also take what there is:")
    narrator.ask(
        "issue_at_most", models, request, expect=lambda found: found["granted"][0]["quantity"] == 2800
    )
    narrator.say("Grace has bought 5,000 tokens besides. They are used when her month is used up:")
    narrator.ask(
        "issue_one_commission",
        models,
        world.grace,
        "system",
        {TOKENS: 12_000},
        auto_accept=True,
        expect=lambda serial: serial > 0,
    )
    narrator.ask("get_grants", world.tokens["grace"], expect=lambda grants: grants[0]["left"] == 3000)


def _tokens(world: World, quantity: int) -> list[dict[str, object]]:
    return [{"holder": world.ada, "source": "system", "resource": TOKENS, "quantity": quantity}]


def _used(quotas: dict[str, Any], world: World) -> Any:
    return quotas[world.ada][MONTHLY]["usage"]


def _is_of_ada(refusals: Any) -> bool:
    return (refusals[0]["resource"], refusals[0]["requested"]) == (MONTHLY, 4000)
