import contextlib
import errno
import select
import socket

import pytest

from astakos.processes.listening import LOOPBACK, begin_to_listen, bind, listen, refuse_newcomers

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


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
def test_an_address_is_kept_before_anybody_can_connect(host: str) -> None:
    with contextlib.ExitStack() as stack:
        try:
            listener = stack.enter_context(bind(host, 0))
        except OSError:
            pytest.skip("there is no such address")
        address = listener.getsockname()[:2]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=20)
        with pytest.raises(OSError, match="in use") as refusal:
            bind(*address)
        assert refusal.value.errno == errno.EADDRINUSE
        for _ in range(2):
            # Each of several workers does this.
            begin_to_listen(listener)
            socket.create_connection(address, timeout=20).close()
        with pytest.raises(OSError, match="in use"):
            bind(*address)


def test_connections_that_are_left_do_not_keep_the_next_service_from_the_address() -> None:
    with listen(LOOPBACK, 0) as first:
        address = first.getsockname()
        with socket.create_connection(address, timeout=20) as used, first.accept()[0]:
            first.close()
            with bind(*address) as second, bind(*address) as third:
                # Both could be bound, because of the connection that is left.
                begin_to_listen(second)
                with pytest.raises(OSError, match="in use"):
                    begin_to_listen(third)
            assert used.fileno() >= 0


def test_the_next_service_on_the_port_is_not_affected() -> None:
    with listen(LOOPBACK, 0) as first:
        address = first.getsockname()
        refuse_newcomers(first)
    with listen(*address) as second, socket.create_connection(address, timeout=20):
        second.settimeout(20)
        second.accept()[0].close()
