"""The chapter of the demo about keys: a program acts as Ada, within limits, with a key of its own."""

from astakos.demo.narrator import Narrator
from astakos.demo.world import World
from astakosclient import errors


def tell_of_keys(narrator: Narrator, world: World) -> None:
    """Tells of a key that Ada makes for a program, limits, rotates and revokes."""
    ada = world.tokens["ada"]
    narrator.chapter("A key for a program")
    narrator.say(
        "A program of Ada's looks at her quotas every night. She makes a key that can do nothing else:"
    )
    made = narrator.ask(
        "create_key", ada, "nightly report", calls=["quotas"], expect=_has_text, key_label="<the key>"
    )
    if made is None:
        return
    prefix, text = made["prefix"], made["key"]
    narrator.ask("get_quotas", text, expect=bool)
    narrator.refuse(errors.Forbidden, "get_projects", text)
    narrator.refuse(errors.Forbidden, "create_key", text, "another one")
    narrator.say("A service that receives the key asks whose it is:")
    narrator.ask(
        "introspect_token", world.tokens["compute"], text, expect=lambda found: found["key"] == prefix
    )
    narrator.say("The key is shown only once. Later, it is known by what it begins with:")
    narrator.ask("get_keys", ada, expect=lambda keys: [key["prefix"] for key in keys] == [prefix])
    narrator.ask("get_key", ada, prefix, expect=lambda key: key["last_used"] is not None)
    narrator.ask(
        "change_key", ada, prefix, name="hourly report", expect=lambda key: key["calls"] == ["quotas"]
    )
    narrator.say("Ada limits what the program may use alone, whatever she may use herself:")
    narrator.ask(
        "change_key", ada, prefix, limits={"compute.vm": 1}, expect=lambda key: key["prefix"] == prefix
    )
    narrator.ask("get_key_quotas", ada, prefix, expect=lambda quotas: quotas["compute.vm"]["limit"] == 1)
    narrator.say("Ada gives it a new secret. The old one is valid for another minute:")
    rotated = narrator.ask("rotate_key", ada, prefix, 60, expect=_has_text, key_label="<the new key>")
    if rotated is not None:
        narrator.ask("get_quotas", rotated["key"], expect=bool)
    narrator.ask("get_quotas", text, expect=bool)
    narrator.say("The program is not needed any more:")
    narrator.ask("revoke_key", ada, prefix, expect=lambda answer: answer is None)
    narrator.refuse(errors.Unauthorized, "get_quotas", text)
    narrator.say("Whoever finds a key can end it with the key itself. This one has ended already:")
    narrator.ask("revoke_token", ada, text, expect=lambda answer: answer is None)


def _has_text(key: dict[str, object]) -> bool:
    return str(key["key"]).startswith(f"{key['prefix']}_")
