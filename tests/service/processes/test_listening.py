import contextlib
import errno
import select
import socket

import pytest

from astakos.processes.listening import LOOPBACK, listen, refuse_newcomers

PATIENCE_MILLISECONDS = 20_000


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
def test_those_who_wait_can_still_be_accepted_and_nobody_comes_after_them(host: str) -> None:
    with contextlib.ExitStack() as stack:
        try:
            listener = stack.enter_context(listen(host, 0))
        except OSError:
            pytest.skip("there is no such address")
        address = listener.getsockname()[:2]
        waiting = [stack.enter_context(socket.create_connection(address, timeout=20)) for _ in range(3)]
        for one in waiting:
            one.sendall(b"GET")
        refuse_newcomers(listener)
        newcomer = stack.enter_context(socket.socket(listener.family))
        newcomer.setblocking(False)
        assert newcomer.connect_ex(address) == errno.EINPROGRESS
        listener.settimeout(20)
        for _ in waiting:
            accepted = stack.enter_context(listener.accept()[0])
            accepted.settimeout(20)
            assert accepted.recv(3) == b"GET"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
        listener.close()
        poll = select.poll()
        poll.register(newcomer, select.POLLOUT)
        assert poll.poll(PATIENCE_MILLISECONDS)
        assert newcomer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_the_next_service_on_the_port_is_not_affected() -> None:
    with listen(LOOPBACK, 0) as first:
        address = first.getsockname()
        refuse_newcomers(first)
    with listen(*address) as second, socket.create_connection(address, timeout=20):
        second.settimeout(20)
        second.accept()[0].close()
