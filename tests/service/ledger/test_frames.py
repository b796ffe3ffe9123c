"""Messages that carry what cannot be encoded or decoded: it fails alone."""

from typing import Any

import msgspec
import pytest

from astakos.ledger.frames import Answered, Asked, Frames, Standing, encode, frame, frame_answered
from astakos.ledger.operations import Failure, Issue, Issued, Operation, Outcome, Resolve, Resolved, Undone
from astakos.ledger.rules import Key, NoCapacity, Provision

KEY = Key("user:x", "project:y", "compute.vm")
SOUND = Resolve(1, accept=frozenset([7, 2**70]))
TOO_LONG = 10**4300
"""Has more digits than Python converts to text."""


def framed(document: Any) -> bytes:
    content = msgspec.json.encode(document)
    return len(content).to_bytes(4, "big") + content


def test_messages_arrive_however_they_are_cut() -> None:
    sent = frame(Asked([(1, SOUND)], [5], 6)) + frame(Asked([(2, SOUND)]))
    frames = Frames(Asked, Operation, Failure.DEFECT)
    found = [message for byte in sent for message in frames.feed(bytes([byte]))]
    assert found == [Asked([(1, SOUND)], [5], 6), Asked([(2, SOUND)])]


@pytest.mark.parametrize("raw", [b'["Issue",1,[[["h",null,"r"],%s]]]' % (b"9" * 5000), b'["No such"]', b"7"])
def test_an_operation_that_cannot_be_decoded_arrives_as_undone(
    raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    sound = encode(SOUND)
    operations = [[1, msgspec.Raw(sound)], [2, msgspec.Raw(raw)], [3, msgspec.Raw(sound)]]
    (message,) = Frames(Asked, Operation, Failure.DEFECT).feed(framed([operations, [9], 4]))
    (first, (number, undone), third) = message.operations
    assert (first, third) == ((1, SOUND), (3, SOUND))
    assert number == 2
    assert isinstance(undone, Undone)
    assert undone.failure is Failure.DEFECT
    assert (message.withdrawn, message.standing) == ([9], 4)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_an_outcome_that_cannot_be_decoded_arrives_as_undone() -> None:
    outcomes = [[1, Issued(5)], [2, msgspec.Raw(b'["Issued","five"]')], [3, Resolved(accepted=(1,))]]
    (message,) = Frames(Answered, Outcome | Undone, Failure.OUTCOME_UNKNOWN).feed(
        framed([outcomes, Standing(8, has_stopped=True)])
    )
    (first, (number, undone), third) = message.outcomes
    assert (first, third) == ((1, Issued(5)), (3, Resolved(accepted=(1,))))
    assert number == 2
    assert isinstance(undone, Undone)
    assert undone.failure is Failure.OUTCOME_UNKNOWN
    assert message.standing == Standing(8, has_stopped=True)


def test_an_outcome_that_cannot_be_encoded_is_sent_as_undone() -> None:
    refusal = NoCapacity(Provision(KEY, TOO_LONG), 0, 0)
    sent = frame_answered(Answered([(1, Issued(5)), (2, refusal)], Standing(8, has_stopped=False)))
    (message,) = Frames(Answered, Outcome | Undone, Failure.OUTCOME_UNKNOWN).feed(sent)
    (first, (number, undone)) = message.outcomes
    assert first == (1, Issued(5))
    assert number == 2
    assert isinstance(undone, Undone)
    assert undone.failure is Failure.OUTCOME_UNKNOWN
    assert message.standing == Standing(8, has_stopped=False)


def test_what_is_no_message_at_all_is_an_error() -> None:
    with pytest.raises(msgspec.MsgspecError):
        list(Frames(Asked, Operation, Failure.DEFECT).feed(framed({"operations": [[1, Issue(1, ())]]})))
