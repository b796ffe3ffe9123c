"""What the parts of the service tell of their work, whether or not it is traced. Imports no OpenTelemetry."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import NamedTuple, Protocol

Attributes = Mapping[str, str | int]
NONE: Attributes = MappingProxyType({})


class Span(Protocol):
    """Opens a span around some work, within the present one."""

    def __call__(self, name: str, attributes: Attributes = NONE, /) -> AbstractContextManager[None]:
        """Opens it. An exception that passes through ends it as an error, by its class."""
        ...


class Waited(NamedTuple):
    """An operation of the ledger that came from a traced request.

    Attributes:
        trace: the span of the request, as the header `traceparent` has it.
        submitted: when the request began to wait, in nanoseconds since 1970.
    """

    trace: str
    submitted: int


class BatchSpans(Protocol):
    """Tells of a batch of the ledger after it has been answered."""

    def __call__(
        self, waited: Sequence[Waited], operations: int, began: int, ended: int, failure: str, /
    ) -> None:
        """Tells; it does not fail.

        Args:
            waited: the operations that are traced; at least one.
            operations: how many the batch has in all.
            began: when its transaction began, in nanoseconds since 1970.
            ended: when it was committed or rolled back.
            failure: the kind of failure; "" if the transaction was committed.
        """
        ...


def untraced(_name: str, _attributes: Attributes = NONE, /) -> AbstractContextManager[None]:
    """Opens no span."""
    return nullcontext()
