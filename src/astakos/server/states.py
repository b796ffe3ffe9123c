"""The life of a connection that brings HTTP/1.1 requests, as a table (RFC 9112 §9).

A connection brings one request after the other. Only one of them is read or answered at any time: the bytes
of the next one wait until the answer to this one is written. So answers leave in the order of their requests,
and a request costs the same however many wait behind it.

    IDLE       no byte of the next request has come
    HEAD       some of its head has come
    BODY       its head is accepted; its body is being collected
    ANSWERING  its answer is being worked out
    SKIPPING   it was answered without its body; what is left of that is read and dropped
    LINGERING  the last answer is written; what still comes is read and dropped, so that the client gets to
               read the answer before the connection is reset (RFC 9112 §9.6)
    CLOSED     nothing more is read or written

What is not in the table is a defect of the code, never of the peer: what a peer can do wrong is an event.
"""

from collections.abc import Mapping
from enum import IntEnum, auto
from typing import Final


class State(IntEnum):
    """How far a connection has got."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    ANSWERING = auto()
    SKIPPING = auto()
    LINGERING = auto()
    CLOSED = auto()


class Event(IntEnum):
    """What happens to a connection."""

    BEGUN = auto()
    """The first byte of a request came."""
    BODY_WANTED = auto()
    """The head is accepted, and the body is needed before the request can be carried out."""
    READY = auto()
    """All of the request that is needed has come."""
    ANSWERED = auto()
    """The answer is written; the connection goes on."""
    ANSWERED_EARLY = auto()
    """The answer is written, and the connection goes on, but not all of the body was read."""
    ANSWERED_LAST = auto()
    """The last answer is written: the client or the server wants no further request."""
    SKIPPED = auto()
    """The end of a body that was not needed has come."""
    REFUSED = auto()
    """What came is not acceptable; an answer says so, and is the last."""
    CLOSED = auto()
    """The connection is no more: closed by the peer, lost, or ended by the server."""


_S, _E = State, Event

TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (_S.IDLE, _E.BEGUN): _S.HEAD,
    (_S.HEAD, _E.BODY_WANTED): _S.BODY,
    (_S.HEAD, _E.READY): _S.ANSWERING,
    (_S.BODY, _E.READY): _S.ANSWERING,
    (_S.ANSWERING, _E.ANSWERED): _S.IDLE,
    (_S.ANSWERING, _E.ANSWERED_EARLY): _S.SKIPPING,
    (_S.ANSWERING, _E.ANSWERED_LAST): _S.LINGERING,
    (_S.SKIPPING, _E.SKIPPED): _S.IDLE,
    (_S.HEAD, _E.REFUSED): _S.LINGERING,
    (_S.BODY, _E.REFUSED): _S.LINGERING,
    (_S.SKIPPING, _E.REFUSED): _S.LINGERING,
    **{(state, _E.CLOSED): _S.CLOSED for state in State},
}


def after(state: State, event: Event) -> State:
    """The state that follows.

    Raises:
        LookupError: the event cannot happen in that state; a defect of the code.
    """
    return TRANSITIONS[state, event]
