"""What clients asked for and what they were told, and whether the tables agree with it."""

import random
from dataclasses import dataclass
from typing import Any

from astakos.ledger.rules import UNLIMITED, Key
from astakos.storage.protocol import Connection
from service.stored import stored_commissions
from simulation.invariants import check_sums, read_figures
from simulation.serving import COMMISSIONS, UnexpectedAnswerError

HOLDINGS = tuple(
    key
    for number in range(4)
    for key in (
        Key(f"user:{number}", f"project:{number % 2}", "vm"),
        Key(f"project:{number % 2}", None, "vm"),
    )
)


@dataclass
class Wish:
    """A commission that a client wants, and what it knows of it."""

    name: str
    provisions: list[tuple[Key, int]]
    auto_accept: bool = False
    serial: int | None = None
    asked: str | None = None
    """Which resolution was asked for."""
    resolved: bool = False
    """Whether that was acknowledged."""

    def body(self) -> dict[str, Any]:
        provisions = [{**key._asdict(), "quantity": quantity} for key, quantity in self.provisions]
        return {"name": self.name, "provisions": provisions, "auto_accept": self.auto_accept}


@dataclass
class Call:
    """An issue with an idempotency key: of one commission, or of several in one call."""

    key: str
    wishes: list[Wish]
    bulk: bool = False
    acknowledged: bool = False


def random_wish(choice: random.Random, name: str) -> Wish:
    user = choice.choice(HOLDINGS[::2])
    assert user.source is not None
    quantity = choice.choice([1, 2, 3, 5, 8])
    both = [(user, quantity), (Key(user.source, None, "vm"), quantity)]
    return Wish(name, both, auto_accept=choice.random() < 0.2)


def int_of(serial: int | None) -> int:
    assert serial is not None
    return serial


def request_of(call: Call) -> tuple[str, Any]:
    if call.bulk:
        return f"{COMMISSIONS}/bulk", {"commissions": [wish.body() for wish in call.wishes]}
    return COMMISSIONS, call.wishes[0].body()


def take_in(call: Call, status: int, document: Any, _replayed: str | None) -> None:
    """Note the serials that an issue was answered with."""
    if status != (200 if call.bulk else 201):
        raise UnexpectedAnswerError(f"{call.key} was answered by {status} {document}")
    results = [result["body"] for result in document["results"]] if call.bulk else [document]
    for wish, result in zip(call.wishes, results, strict=True):
        wish.serial = result["serial"]
    call.acknowledged = True


class Tables:
    """What stands in the database, read without the service."""

    def __init__(self, connection: Connection) -> None:
        self.names: dict[str, list[int]] = {}
        self.verdicts: dict[int, str | None] = {}
        self.provisions: dict[int, list[tuple[Key, int, int | None]]] = {}
        for serial, commission in stored_commissions(connection).items():
            self.names.setdefault(commission.name, []).append(serial)
            self.verdicts[serial] = commission.verdict
            self.provisions[serial] = [provision[:3] for provision in commission.provisions]
        self.keys: dict[str, int] = dict(connection.execute("SELECT key, serial FROM idempotency_keys"))
        check_sums(connection)
        self.figures = read_figures(connection)


class Audit:
    """Holds the tables against what clients know, again and again."""

    def __init__(self) -> None:
        self.largest_serial = 0
        self.serials: dict[int, str] = {}

    def check(self, tables: Tables, call: Call) -> None:
        """One call against the tables: acknowledged is there; else all of it is there or nothing is."""
        there = [wish for wish in call.wishes if wish.name in tables.names]
        assert there in ([], call.wishes), f"half of {call} is there"
        assert there or not call.acknowledged, f"{call} was acknowledged and is lost"
        for position, wish in enumerate(call.wishes):
            key = f"{call.key}\n{position}" if call.bulk else call.key
            serials = tables.names.get(wish.name, [])
            assert len(serials) == bool(there), f"{wish} is there {len(serials)} times"
            assert tables.keys.get(key) == (serials[0] if serials else None), f"the key of {wish}"
            if serials:
                self.check_wish(tables, wish, serials[0])

    def check_wish(self, tables: Tables, wish: Wish, serial: int) -> None:
        assert wish.serial in {None, serial}, f"{wish} has the serial {serial}"
        verdict = tables.verdicts[serial]
        asked = "accept" if wish.auto_accept else wish.asked
        wanted = None if asked is None else asked.upper()
        if wish.auto_accept or wish.resolved:
            assert verdict == wanted, f"{wish} was acknowledged, but is {verdict}"
        else:
            assert verdict in {None, wanted}, f"{wish} is {verdict}"
        right = {(key, quantity, _settled(verdict, quantity)) for key, quantity in wish.provisions}
        assert set(tables.provisions[serial]) == right, f"the provisions of {wish}"

    def check_figures(self, tables: Tables) -> None:
        """check_sums has seen that each holding is what its provisions add up to; and both levels agree."""
        for key, (limit, usage_min, usage_max) in tables.figures.items():
            assert 0 <= usage_min <= usage_max <= limit == UNLIMITED
            if key.source is None:
                members = [
                    figures for member, figures in tables.figures.items() if member.source == key.holder
                ]
                assert usage_min == sum(figures.usage_min for figures in members), "invariant 10"
                assert usage_max == sum(figures.usage_max for figures in members), "invariant 10"

    def check_serials(self, tables: Tables) -> None:
        """A serial once seen keeps its meaning, and new ones are larger than all before."""
        for name, serials in tables.names.items():
            for serial in serials:
                if serial not in self.serials:
                    assert serial > self.largest_serial, f"the serial {serial} of {name} is an old one"
                    self.serials[serial] = name
                assert self.serials[serial] == name, f"the serial {serial} was given out twice"
        self.largest_serial = max(self.serials, default=0)


def _settled(verdict: str | None, quantity: int) -> int | None:
    if verdict is None:
        return None
    return quantity if verdict == "ACCEPT" else 0
