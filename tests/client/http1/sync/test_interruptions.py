"""A call that is interrupted anywhere, as by a signal handler that raises, costs the pool nothing."""

from __future__ import annotations

import dis
import itertools
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import AstakosClient, Timeout
from client.peers import answer

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from client.conftest import PeerFactory

# An interrupted call may leave its socket to the garbage collector, which closes it.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TRACED = ("/http1/permits.py", "/http1/sync/pool.py", "/http1/sync/transport.py")


class _Interruption(BaseException):
    """What a signal handler raises, for example when a job has taken too long."""


@cache
def _openings(code: CodeType) -> frozenset[int]:
    """Where Python looks for signals: at the beginning of functions, after calls, and when loops go back."""
    instructions = list(dis.get_instructions(code))
    after_calls = {
        after.offset for call, after in itertools.pairwise(instructions) if call.opname.startswith("CALL")
    }
    others = {one.offset for one in instructions if one.opname.startswith(("RESUME", "JUMP_BACKWARD"))}
    return frozenset(after_calls | others)


class _Interrupter:
    """Raises at the n-th place, in the traced modules, at which a signal handler could."""

    def __init__(self, countdown: int) -> None:
        self.countdown = countdown

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.endswith(TRACED):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_lasti in _openings(frame.f_code):
            self.countdown -= 1
            if self.countdown == 0:
                raise _Interruption
        return self


def _is_interrupted(client: AstakosClient, place: int) -> bool:
    """Makes a call that is interrupted at one of these places; false if it has fewer."""
    before = sys.gettrace()
    sys.settrace(_Interrupter(place))
    try:
        client.get_quotas("token")
    except _Interruption:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("use_pool", [True, False])
@pytest.mark.parametrize("is_kept", [True, False])
def test_no_connection_of_the_pool_is_lost(use_pool: bool, is_kept: bool, peer_of: PeerFactory) -> None:
    headers = "" if is_kept else "Connection: close\r\n"
    peer = peer_of(answer({}, headers=headers))
    timeout = Timeout(total=2)
    with AstakosClient(peer.url, use_pool=use_pool, pool_size=1, timeout=timeout) as client:
        assert client.get_quotas("token") == {}
        place = 1
        while _is_interrupted(client, place):
            assert client.get_quotas("token") == {}, place
            place += 1
    assert place > 10
