"""No bytes whatever make a connection fail, answer a request twice, or read a body as a request.

For longer runs see `framing.py`.
"""

import pytest

from fuzzing.framing import MARK, Framing, FramingError, judge
from service.server.corpus import get, post

SEED = 7
STREAMS = 20_000


def test_random_and_mutated_streams_are_read_alike_however_they_are_split() -> None:
    framing = Framing(SEED)
    framing.run(STREAMS)
    assert framing.tally.streams == STREAMS
    assert framing.tally.requests > STREAMS // 2
    # It is not one and the same check that refuses them all.
    assert framing.tally.statuses.keys() >= {200, 400, 417, 431, 505}


def test_it_notices_a_body_that_is_read_as_a_request() -> None:
    with pytest.raises(FramingError, match="were read as"):
        judge(post(MARK), (), [MARK])
    with pytest.raises(FramingError, match="were read as"):
        judge(get() + b"nonsense\r\n\r\n", (), [b""])
