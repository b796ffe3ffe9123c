"""What statements in a pipeline return."""

import contextlib

import pytest
from psycopg import pq

from astakos.storage.postgresql.pipeline import Pipelining, array_of_numbers, statement
from astakos.storage.protocol import Database
from service.engines import connected

pytestmark = pytest.mark.postgresql

GIVEN_BACK = statement(
    "given_back",
    "SELECT array_agg(n), array_agg(n) FILTER (WHERE n < 0) FROM unnest($1::bigint[]) AS s (n)",
    returns=pq.Format.BINARY,
)


@pytest.mark.parametrize(
    "numbers", [(), (0,), (-1, -(2**63)), (1, 2**63 - 1, -3), tuple(range(300))], ids=len
)
def test_arrays_are_read_as_the_server_has_them(database: Database, numbers: tuple[int, ...]) -> None:
    with contextlib.closing(connected(database)) as connection:
        (result,) = Pipelining(connection.raw).run((GIVEN_BACK, [array_of_numbers(numbers)]))
    assert result.arrays() == [numbers, tuple(number for number in numbers if number < 0)]
