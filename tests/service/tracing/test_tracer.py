import logging

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from astakos.tracing.spans import Waited
from astakos.tracing.tracer import MOST_LINKS, Tracer
from service.tracing.recorded import Recorded

SECRET = "a-secret-in-the-text-of-an-exception"


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def request(number: int, submitted: int = 100) -> Waited:
    return Waited(f"00-{number:032x}-{number:016x}-01", submitted)


def test_an_exception_ends_a_span_by_its_class_without_its_text(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match=SECRET), recorded.tracer.client_span("call", {"number": 1}):
        raise ValueError(SECRET)
    span = recorded.one()
    assert (span.kind, span.status.status_code) == (SpanKind.CLIENT, StatusCode.ERROR)
    assert span.attributes == {"number": 1, "error.type": "ValueError"}
    assert SECRET not in span.to_json()


def test_a_batch_is_within_its_first_request_and_linked_to_all(recorded: Recorded) -> None:
    recorded.tracer.batch([request(1, 100), request(2, 150)], 5, 200, 300, "")
    transaction, first, second = recorded.spans()
    assert transaction.parent is not None
    assert transaction.parent.span_id == 1
    assert (transaction.start_time, transaction.end_time) == (200, 300)
    assert transaction.attributes == {"astakos.ledger.operations": 5}
    assert [link.context.span_id for link in transaction.links] == [1, 2]
    for span, number, submitted in ((first, 1, 100), (second, 2, 150)):
        assert span.parent is not None
        assert (span.parent.trace_id, span.parent.span_id) == (number, number)
        assert (span.name, span.start_time, span.end_time) == ("ledger queue", submitted, 200)
        assert [link.context.span_id for link in span.links] == [transaction.context.span_id]


def test_operations_of_one_request_are_linked_once_and_links_are_bounded(recorded: Recorded) -> None:
    recorded.tracer.batch([request(1), request(1)], 2, 200, 300, "")
    assert len(recorded.spans()[0].links) == 1
    recorded.tracer.batch([request(number + 1) for number in range(MOST_LINKS + 9)], 2, 200, 300, "")
    assert len(recorded.spans()[3].links) == MOST_LINKS


def test_a_batch_that_was_not_committed_is_an_error(recorded: Recorded) -> None:
    recorded.tracer.batch([request(1)], 1, 200, 300, "undone")
    transaction = recorded.spans()[0]
    assert transaction.status.status_code == StatusCode.ERROR
    assert transaction.attributes == {"astakos.ledger.operations": 1, "error.type": "undone"}


def test_a_defect_in_tracing_ends_no_batch(recorded: Recorded, caplog: pytest.LogCaptureFixture) -> None:
    recorded.tracer.batch([Waited("nonsense", 1)], 1, 200, 300, "")
    assert [(one.levelno, one.getMessage()) for one in caplog.records] == [
        (logging.ERROR, "a batch could not be traced")
    ]


def test_the_present_span_is_passed_on_if_it_is_sampled(recorded: Recorded) -> None:
    assert recorded.tracer.present() == ""
    with recorded.tracer.span("work"):
        identity = trace.get_current_span().get_span_context()
        assert recorded.tracer.present() == f"00-{identity.trace_id:032x}-{identity.span_id:016x}-01"
    with Tracer(TracerProvider(sampler=ALWAYS_OFF)).span("work"):
        assert recorded.tracer.present() == ""
