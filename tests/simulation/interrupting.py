"""A storage whose transactions are left just before they would be committed."""

from collections.abc import Callable

from astakos.ledger.ports import LedgerStorage, LedgerTransaction


class AbandonedError(Exception):
    """What a transaction is left by that must not leave a trace."""


class Interrupted:
    """A storage that is left just before each commit."""

    repeats = 0

    def __init__(self, store: LedgerStorage, crash: Callable[[], None]) -> None:
        self.store = store
        self.crash = crash
        self.closing_seconds = store.closing_seconds
        self.tidy, self.close = store.tidy, store.close
        self.prove_writable = store.prove_writable
        self.read_clock_record, self.save_clock_record = store.read_clock_record, store.save_clock_record

    def transact(self, work: Callable[[LedgerTransaction], None], *, is_awaited: bool = True) -> None:
        def interrupted(transaction: LedgerTransaction) -> None:
            work(transaction)
            self.crash()
            raise AbandonedError

        self.store.transact(interrupted, is_awaited=is_awaited)
