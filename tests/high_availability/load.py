"""Clients that use the service all the time, and note what they asked for and what they were told."""

import logging
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from astakosclient import AstakosClient, Retry
from astakosclient.errors import AstakosClientException, NotFound, QuotaLimit

CLIENTS = 6
CALL_SECONDS = 15.0
PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.04
LIMIT = 30
RESOURCE = "compute.vm"
TOKEN = "the-token-of-compute-in-the-story"
USERS = tuple(f"0000000{number}-0000-4000-8000-000000000001" for number in range(3))
ACCEPT, REJECT = "accept", "reject"
PASSING = (429, 502, 503, 504)

DOCUMENT: dict[str, Any] = {
    "components": [{"name": "compute", "token": TOKEN}],
    "services": [{"name": "compute", "type": "compute", "component": "compute"}],
    "resources": [{"name": RESOURCE, "service": "compute", "system_default": LIMIT}],
    "users": [{"uuid": uuid, "email": f"{uuid[:8]}@example.org"} for uuid in USERS],
}
"""The installation that they use: limits that they reach all the time."""


def _silent() -> logging.Logger:
    """A logger for what the client repeats: the table has what matters."""
    logger = logging.getLogger("high_availability")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


@dataclass
class Wish:
    """A commission that a client asks for, and what it was told.

    Attributes:
        name: its name and idempotency key.
        holder: the user.
        quantity: negative for a release.
        at_once: whether it is accepted as it is issued.
        serial: once it was issued.
        refused: whether it was refused, because the limit is reached.
        asked: how it is to be resolved.
    """

    name: str
    holder: str
    quantity: int
    at_once: bool
    serial: int | None = None
    refused: bool = False
    asked: str | None = None


@dataclass
class Noted:
    """What all clients have noted, in the order in which it happened."""

    wishes: list[Wish] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)
    """When a write was acknowledged."""
    errors: Counter[str] = field(default_factory=Counter)
    """What the client library has raised, in spite of its own repetitions."""
    longest_call: float = 0.0
    """From the first attempt to the acknowledgement."""


class Load:
    """Clients that work between `resume` and `pause`."""

    def __init__(self, url: str, seed: int) -> None:
        """Starts the clients, which wait to be let go."""
        self._client = AstakosClient(
            url,
            retry=Retry(6, base=0.2, cap=2, budget=1000),
            use_pool=True,
            pool_size=CLIENTS,
            timeout=CALL_SECONDS,
            logger=_silent(),
        )
        self.noted = Noted()
        self._lock = threading.Lock()
        self._ended = False
        self._may_work = threading.Event()
        self._at_rest = [threading.Event() for _ in range(CLIENTS)]
        self._problem: Exception | None = None
        self._threads = [
            threading.Thread(target=self._run, args=(number, random.Random(seed + number)), daemon=True)
            for number in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def resume(self) -> None:
        """Lets the clients work."""
        for at_rest in self._at_rest:
            at_rest.clear()
        self._may_work.set()

    def pause(self) -> None:
        """Lets each client finish what it is doing.

        Raises:
            AssertionError: one of them was answered wrongly, or not at all.
        """
        self._may_work.clear()
        for at_rest in self._at_rest:
            assert at_rest.wait(PATIENCE_SECONDS + 2 * CALL_SECONDS), "a client hangs"
        self.check()

    def check(self) -> None:
        """Raises what a client has met that must not be."""
        if self._problem is not None:
            raise AssertionError(f"a client failed: {self._problem!r}") from self._problem

    def end(self) -> None:
        """Ends the clients."""
        self._ended = True
        self._may_work.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        self._client.close()

    def _run(self, number: int, choice: random.Random) -> None:
        held: list[Wish] = []
        count = 0
        while True:
            if not self._may_work.is_set():
                self._at_rest[number].set()
                self._may_work.wait()
            if self._ended or self._problem is not None:
                self._at_rest[number].set()
                return
            count += 1
            try:
                self._act(f"{number}-{count}", choice, held)
            except Exception as error:  # noqa: BLE001 - the main thread tells it
                self._problem = error
            time.sleep(choice.uniform(0, 2 * PAUSE_SECONDS))

    def _act(self, name: str, choice: random.Random, held: list[Wish]) -> None:
        """Issues and resolves one commission, or releases one that was accepted."""
        if held and choice.random() < 0.5:
            one = held.pop(choice.randrange(len(held)))
            wish = Wish(name, one.holder, -one.quantity, at_once=True)
        else:
            wish = Wish(name, choice.choice(USERS), choice.randint(1, 3), at_once=choice.random() < 0.5)
        self.noted.wishes.append(wish)
        self._issue(wish)
        if wish.refused:
            assert wish.quantity > 0, f"{wish} was refused"
            return
        if not wish.at_once:
            wish.asked = choice.choice([ACCEPT, ACCEPT, REJECT])
            self._resolve(wish)
        if wish.quantity > 0 and wish.asked != REJECT:
            held.append(wish)

    def _issue(self, wish: Wish) -> None:
        def issue() -> None:
            wish.serial = self._client.issue_one_commission(
                TOKEN,
                wish.holder,
                "system",
                {RESOURCE: wish.quantity},
                name=wish.name,
                auto_accept=wish.at_once,
                idempotency_key=wish.name,
            )

        try:
            self._insist(issue)
        except QuotaLimit:
            wish.refused = True

    def _resolve(self, wish: Wish) -> None:
        assert wish.serial is not None
        serial = wish.serial
        act = self._client.accept_commission if wish.asked == ACCEPT else self._client.reject_commission
        attempts = 0

        def resolve() -> None:
            nonlocal attempts
            attempts += 1
            try:
                act(TOKEN, serial)
            except NotFound:
                # An earlier attempt, whose answer was lost, has done it; the ledger is compared in the end.
                if attempts == 1:
                    raise

        self._insist(resolve)

    def _insist(self, call: Any) -> None:
        """Repeats a call until it is answered."""
        began = time.monotonic()
        while True:
            try:
                call()
            except QuotaLimit:
                self._note(began)
                raise
            except AstakosClientException as error:
                if error.response is not None and error.status not in PASSING:
                    raise
                with self._lock:
                    self.noted.errors[str(error.status) if error.response is not None else "no answer"] += 1
                if time.monotonic() - began > PATIENCE_SECONDS:
                    raise
                time.sleep(PAUSE_SECONDS)
            else:
                self._note(began)
                return

    def _note(self, began: float) -> None:
        now = time.monotonic()
        with self._lock:
            self.noted.acknowledged.append(now)
            self.noted.longest_call = max(self.noted.longest_call, now - began)
