"""What services do with commissions: each function is one story of a commission, from issue to end."""

import asyncio
from typing import Any

from benchmarks.population import user_token
from benchmarks.soak.book import UNKNOWN, Book, Verdict
from benchmarks.soak.callers import Caller
from benchmarks.soak.http_connection import Answer
from benchmarks.soak.installation import MEMBERS, RESOURCES, TOKENS, USERS, VM, Charge
from benchmarks.wire import ISSUE_PATH

BULK = 10
FORGOTTEN_SECONDS = 5
SHORTEST_WORK, LONGEST_WORK = 0.05, 2.0
"""How many seconds pass between an issue and its end."""
GONE = (404,)
"""What a repetition is answered if the first attempt has resolved the commission."""
PROGRESS = 5


def random_charge(caller: Caller, resource: str, quantity: int) -> Charge:
    """A charge of somebody; a third of them in the project that many share."""
    in_lab = caller.random.random() < 0.3
    user = caller.random.randrange(MEMBERS if in_lab else USERS)
    return Charge(user, in_lab, RESOURCES.index(resource), quantity)


def issue_body(number: int, charge: Charge, options: dict[str, Any]) -> dict[str, Any]:
    """The body of an issue; its name says which one it is."""
    return {"name": Book.name(number), "provisions": charge.provisions(), **options}


async def issue(caller: Caller, kind: str, charge: Charge, **options: Any) -> int | None:
    """Issues one commission, however often that has to be repeated; None if it was refused.

    Returns:
        Its number in the book.
    """
    number = caller.book.ask(charge)
    if options.get("auto_accept"):
        caller.book.decide(number, Verdict.ACCEPT)
    answer = await caller.call(
        kind,
        "POST",
        ISSUE_PATH,
        issue_body(number, charge, options),
        right=(201, 413),
        headers={"Idempotency-Key": Book.name(number)},
    )
    if answer is None:
        return None
    return _taken_in(caller, number, charge, answer.status, answer.document(), options)


def _taken_in(
    caller: Caller, number: int, charge: Charge, status: int, document: Any, options: dict[str, Any]
) -> int | None:
    if status != 201:
        caller.book.refused(number)
        return None
    caller.book.issued(number, document["serial"])
    if options.get("auto_accept"):
        granted = document["granted"][0]["quantity"] if "granted" in document else charge.quantity
        caller.book.resolved(number, granted)
    return number


async def act(
    caller: Caller,
    kind: str,
    number: int,
    body: dict[str, Any],
    *,
    right: tuple[int, ...] = (200,),
    once_more: tuple[int, ...] = (),
) -> Answer | None:
    """Acts on a pending commission."""
    path = f"{ISSUE_PATH}/{caller.book.serials[number]}/action"
    return await caller.call(kind, "POST", path, body, right=right, once_more=once_more)


async def resolve(caller: Caller, number: int, verdict: Verdict) -> None:
    """Accepts or rejects it as it was issued."""
    caller.book.decide(number, verdict)
    body = {verdict.name.lower(): ""}
    answer = await act(caller, verdict.name.lower(), number, body, once_more=GONE)
    if answer is not None:
        quantity = caller.book.quantities[number] if verdict is Verdict.ACCEPT else 0
        caller.book.resolved(number, quantity)


async def settle(caller: Caller, number: int, charge: Charge, quantity: int, overage: str) -> None:
    """Accepts it for another quantity."""
    caller.book.decide(number, Verdict.ACCEPT)
    body = {"accept": {"quantities": charge.provisions(quantity), "overage": overage}}
    answer = await act(caller, "settle", number, body, once_more=GONE)
    if answer is not None:
        caller.book.resolved(number, _settled(answer, quantity))


def _settled(answer: Answer, quantity: int) -> int:
    if answer.status != 200:
        return UNKNOWN
    settled: int = answer.document()["settled"][0]["quantity"] if answer.body else quantity
    return settled


async def work(caller: Caller) -> None:
    """What a service does between the issue and its end."""
    await asyncio.sleep(caller.random.uniform(SHORTEST_WORK, LONGEST_WORK))


async def start_machine(caller: Caller) -> None:
    """Issues, acts, accepts or rejects."""
    number = await issue(caller, "issue", random_charge(caller, VM, caller.random.choice([1, 1, 2, 3])))
    if number is not None:
        await work(caller)
        await resolve(caller, number, caller.random.choice([Verdict.ACCEPT, Verdict.ACCEPT, Verdict.REJECT]))


async def stop_machines(caller: Caller) -> None:
    """Releases some; refused if there are none."""
    charge = random_charge(caller, VM, -caller.random.choice([1, 2, 4]))
    await issue(caller, "release", charge, auto_accept=True)


async def spend(caller: Caller) -> None:
    """Spends what is known beforehand, of budgets and rates."""
    charge = random_charge(caller, TOKENS, caller.random.randrange(1, 200))
    await issue(caller, "spend", charge, auto_accept=True, at_most=caller.random.random() < 0.3)


async def ask_model(caller: Caller) -> None:
    """Reserves an estimate, then settles for what it was: less, or more."""
    estimate = caller.random.randrange(50, 300)
    charge = random_charge(caller, TOKENS, estimate)
    number = await issue(caller, "reserve", charge)
    if number is not None:
        await work(caller)
        used = caller.random.randrange(2 * estimate)
        overage = "refuse" if used <= estimate else caller.random.choice(["available", "debt"])
        await settle(caller, number, charge, used, overage)


async def stream(caller: Caller) -> None:
    """Reserves, grows, extends and tells the progress; then settles."""
    charge = random_charge(caller, TOKENS, 50)
    number = await issue(caller, "reserve", charge, ttl=300)
    if number is None:
        return
    most = charge.quantity
    for _ in range(caller.random.randrange(1, 4)):
        await work(caller)
        grown = await act(
            caller, "grow", number, {"grow": {"quantities": charge.provisions(most + 50)}}, right=(200, 413)
        )
        if grown is None:
            return
        most += 50 if grown.status == 200 else 0
        await act(caller, "progress", number, {"progress": {"quantities": charge.provisions(most // 2)}})
        await act(caller, "extend", number, {"extend": {"ttl": 400}})
    await settle(caller, number, charge, caller.random.randrange(most), "refuse")


async def forget(caller: Caller) -> None:
    """Issues, and crashes for good: it expires, for nothing or for what was told of the progress."""
    charge = random_charge(caller, TOKENS, 20)
    number = await issue(caller, "forget", charge, ttl=FORGOTTEN_SECONDS)
    if number is None:
        return
    caller.book.forget(number, 0)
    if caller.random.random() < 0.5:
        # 404 if the service was away for longer than the commission lasted.
        body = {"progress": {"quantities": charge.provisions(PROGRESS)}}
        told = await act(caller, "progress", number, body, right=(200, 404))
        known = told is not None and told.status == 200
        caller.book.forget(number, PROGRESS if known else UNKNOWN)


async def start_many(caller: Caller) -> None:
    """Issues in bulk, and resolves all in one call."""
    kind = caller.random.choice([VM, TOKENS])
    charges = [random_charge(caller, kind, 1) for _ in range(BULK)]
    numbers = [caller.book.ask(charge) for charge in charges]
    bodies = [issue_body(number, charge, {}) for number, charge in zip(numbers, charges, strict=True)]
    answer = await caller.call(
        "bulk",
        "POST",
        f"{ISSUE_PATH}/bulk",
        {"commissions": bodies},
        headers={"Idempotency-Key": Book.name(numbers[0])},
    )
    if answer is None:
        return
    issued = [
        number
        for number, charge, result in zip(numbers, charges, answer.document()["results"], strict=True)
        if _taken_in(caller, number, charge, result["status"], result["body"], {}) is not None
    ]
    await work(caller)
    await _resolve_all(caller, issued)


async def _resolve_all(caller: Caller, numbers: list[int]) -> None:
    verdicts = {number: caller.random.choice([Verdict.ACCEPT, Verdict.REJECT]) for number in numbers}
    for number, verdict in verdicts.items():
        caller.book.decide(number, verdict)
    lists = {
        verdict.name.lower(): [
            caller.book.serials[number] for number in numbers if verdicts[number] is verdict
        ]
        for verdict in (Verdict.ACCEPT, Verdict.REJECT)
    }
    answer = await caller.call("resolve many", "POST", f"{ISSUE_PATH}/action", lists)
    if answer is not None:
        for number, verdict in verdicts.items():
            caller.book.resolved(number, caller.book.quantities[number] if verdict is Verdict.ACCEPT else 0)


async def spend_with_key(caller: Caller) -> None:
    """The life of an API key: made, used, charged, given a new secret, revoked."""
    user = caller.random.randrange(USERS)
    token = user_token(user)
    keys = "/account/v1.0/keys"
    body = {"name": "soak", "limits": {f"{TOKENS}/minute": 100}}
    made = await caller.call("make key", "POST", keys, body, token=token, right=(200, 201))
    if made is None:
        return
    key = made.document()
    path = f"{keys}/{key['prefix']}"
    await caller.call("authenticate by key", "GET", "/account/v1.0/authenticate", token=key["key"])
    for _ in range(3):
        charge = Charge(user, False, RESOURCES.index(TOKENS), 60)
        await issue(caller, "spend by key", charge, auto_accept=True, key=key["prefix"])
    await caller.call("key quotas", "GET", f"{path}/quotas", token=token)
    await caller.call("rotate key", "POST", f"{path}/action", {"rotate": {}}, token=token)
    await caller.call("revoke key", "DELETE", path, token=token, right=(200, 204), once_more=GONE)
