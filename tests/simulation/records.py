"""What clients asked for and what they were told, and whether the tables agree with it."""

import random
from dataclasses import dataclass
from typing import Any

from astakos.ledger.rules import Key
from astakos.storage.protocol import Connection
from service.stored import stored_commissions
from simulation.invariants import LIST_CLOSED, check_sums, read_holdings
from simulation.killed_installation import (
    BUDGET,
    HOLDINGS,
    KEY_PREFIX,
    KEY_TOKENS,
    LEVELS,
    RATE,
    TOKENS,
)
from simulation.serving import COMMISSIONS, UnexpectedAnswerError

MONTH_SECONDS = 30 * 24 * 3600
DRAINED = 20
"""More than drains in an hour."""


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
    used: int | None = None
    """What it is accepted for, if that is not what was issued; it can be more."""

    @property
    def is_metered(self) -> bool:
        return any(key.resource == "tokens" for key, _ in self.provisions)

    def body(self) -> dict[str, Any]:
        body = {"name": self.name, "provisions": self._listed(None), "auto_accept": self.auto_accept}
        # Otherwise what has meters would expire in an hour, and runs can be longer.
        return {**body, "key": KEY_PREFIX, "ttl": MONTH_SECONDS} if self.is_metered else body

    def action(self) -> dict[str, Any]:
        """The resolution that was asked for, as it is sent."""
        if self.used is None:
            return {str(self.asked): ""}
        return {"accept": {"quantities": self._listed(self.used), "overage": "debt"}}

    def settled(self, verdict: str | None) -> int | None:
        """What comes true of each provision, if it ends so."""
        if verdict != "ACCEPT":
            return None if verdict is None else 0
        return self.provisions[0][1] if self.used is None else self.used

    def decide(self, choice: random.Random) -> None:
        """Asks for one resolution or the other; or settles for another quantity."""
        self.asked = choice.choice(["accept", "reject"])
        if self.is_metered and self.asked == "accept" and choice.random() < 0.7:
            self.used = choice.randint(0, 2 * self.provisions[0][1])

    def _listed(self, other: int | None) -> list[dict[str, Any]]:
        return [
            {**key._asdict(), "quantity": quantity if other is None else other}
            for key, quantity in self.provisions
        ]


@dataclass
class Call:
    """An issue with an idempotency key: of one commission, or of several in one call."""

    key: str
    wishes: list[Wish]
    bulk: bool = False
    acknowledged: bool = False


def random_wish(choice: random.Random, name: str) -> Wish:
    user = choice.choice([*HOLDINGS[::2], *[TOKENS] * 4])
    assert user.source is not None
    quantity = choice.choice([1, 2, 3, 5, 8])
    both = [(user, quantity), (Key(user.source, None, user.resource), quantity)]
    return Wish(name, both, auto_accept=choice.random() < 0.2)


def int_of(serial: int | None) -> int:
    assert serial is not None
    return serial


def request_of(call: Call) -> tuple[str, Any]:
    if call.bulk:
        return f"{COMMISSIONS}/bulk", {"commissions": [wish.body() for wish in call.wishes]}
    return COMMISSIONS, call.wishes[0].body()


def take_in(call: Call, status: int, document: Any, _replayed: str | None) -> None:
    """Notes the serials that an issue was answered with."""
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
            counts = [(count.key, count.quantity, None) for count in commission.counts]
            self.provisions[serial] = [*(provision[:3] for provision in commission.provisions), *counts]
        self.keys: dict[str, int] = dict(connection.execute("SELECT key, serial FROM idempotency_keys"))
        check_sums(connection)
        holdings = read_holdings(connection)
        # As they are stored: a period that has ended since is in no table yet.
        self.figures = {key: row.figures for key, row in holdings.items()}
        self.totals = {key: row.settled for key, row in holdings.items()}
        self.closed: dict[Key, list[int]] = {}
        for holder, source, resource, _, _, total in connection.execute(LIST_CLOSED):
            self.closed.setdefault(Key(holder, source or None, resource), []).append(total)


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
        settled = wish.settled(verdict)
        right = {(key, quantity, settled) for key, quantity in wish.provisions}
        stored = tables.provisions[serial]
        charged = {key for key, _ in wish.provisions}
        assert {one for one in stored if one[0] in charged} == right, f"the provisions of {wish}"
        if wish.is_metered:
            self.check_counts(wish, settled, [one for one in stored if one[0] not in charged])
        else:
            assert len(stored) == len(right)

    def check_counts(
        self, wish: Wish, settled: int | None, counts: list[tuple[Key, int, int | None]]
    ) -> None:
        """Each unit counts at each level on the rate, and on the budget or a grant; and on the key."""
        quantity = wish.provisions[0][1]
        for level in LEVELS:
            own = [one for one in counts if one[0]._replace(resource="tokens") == level]
            rate = [one for one in own if one[0].resource == RATE]
            key = [one for one in own if one[0].resource == "tokens"]
            drawn = [one for one in own if one not in rate and one not in key]
            for part in (rate, drawn, *([key] if level == KEY_TOKENS else [])):
                assert sum(issued for _, issued, _ in part) == quantity, f"what {wish} counts on {level}"
                if settled is not None:
                    assert sum(true or 0 for *_, true in part) == settled, f"{wish} settled on {level}"

    def check_figures(self, tables: Tables) -> None:
        """check_sums has seen that each holding is what its provisions add up to; and all levels agree.

        No limit is exceeded, not even by debts, since there are grants; and what was settled on a budget was
        settled in one of its periods.
        """
        for key, (limit, usage_min, usage_max) in tables.figures.items():
            assert 0 <= usage_min <= usage_max <= limit, f"the limit of {key}"
            if key.resource == BUDGET:
                closed = tables.closed.get(key, [])
                assert sum(closed) + usage_min == tables.totals[key], (
                    f"the periods of {key}: {closed} and {usage_min}, but {tables.totals[key]} in all"
                )
                assert max(closed, default=0) <= limit, f"a period of {key}"
            if (key.source, key.resource) in {(None, "vm"), (None, "tokens")}:
                members = [
                    figures
                    for member, figures in tables.figures.items()
                    if (member.source, member.resource) == (key.holder, key.resource)
                ]
                assert usage_min == sum(figures.usage_min for figures in members), "invariant 10"
                assert usage_max == sum(figures.usage_max for figures in members), "invariant 10"
        for level in LEVELS:
            self.check_rate(tables, level)
        assert tables.figures[KEY_TOKENS][1:] == tables.figures[TOKENS][1:], "what was charged to the key"

    def check_rate(self, tables: Tables, level: Key) -> None:
        """It counts what was settled and what is pending, but for what has drained or was not given back."""
        _, settled, most = tables.figures[level]
        _, usage, same = tables.figures[level._replace(resource=RATE)]
        assert usage == same
        assert tables.totals[level._replace(resource=RATE)] == settled
        assert most - DRAINED <= usage <= most + len(tables.provisions), f"the rate of {level}"

    def check_serials(self, tables: Tables) -> None:
        """A serial once seen keeps its meaning, and new ones are larger than all before."""
        for name, serials in tables.names.items():
            for serial in serials:
                if serial not in self.serials:
                    assert serial > self.largest_serial, f"the serial {serial} of {name} is an old one"
                    self.serials[serial] = name
                assert self.serials[serial] == name, f"the serial {serial} was given out twice"
        self.largest_serial = max(self.serials, default=0)
