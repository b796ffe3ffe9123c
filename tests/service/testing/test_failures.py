"""What a client meets of each thing that goes wrong, and whether the service has done its part."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import AstakosClient, AstakosClientException, Retry, errors
from astakosclient.testing import RunningService, Switch, running_service

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.testing.conftest import Shop

    Setting = Callable[[RunningService], Switch]


@pytest.mark.parametrize(
    ("setting", "raised", "message", "carried_out"),
    [
        (lambda service: service.fail_next(), AstakosClientException, "503 Service Unavailable", False),
        (lambda service: service.fail_next(carried_out=True), AstakosClientException, "503", True),
        (lambda service: service.fail_next(outcome="unknown"), AstakosClientException, "503", False),
        (
            lambda service: service.fail_next(outcome="unknown", carried_out=True),
            AstakosClientException,
            "503",
            True,
        ),
        (lambda service: service.fail_next(outcome="not-carried-out"), AstakosClientException, "503", False),
        (lambda service: service.fail_next(429), AstakosClientException, "429 Too Many Requests", False),
        (lambda service: service.fail_next(502, carried_out=True), AstakosClientException, "502 Bad", True),
        (lambda service: service.fail_next(401), errors.Unauthorized, "401 Unauthorized", False),
        (lambda service: service.fail_next(404), errors.NotFound, "404 Not Found", False),
        (lambda service: service.cut_next(), errors.ConnectionError, "no usable response", False),
        (lambda service: service.cut_next("before"), errors.ConnectionError, "no usable response", False),
        (lambda service: service.cut_next("after"), errors.ConnectionError, "no usable response", True),
        (lambda service: service.cut_next("within"), errors.ConnectionError, "no usable response", True),
        (lambda service: service.delay_next(), errors.ConnectionError, "no usable response", False),
        (lambda service: service.delay_next(carried_out=True), errors.ConnectionError, "no usable", True),
        (lambda service: service.delay_next(30), errors.ConnectionError, "no usable response", False),
        (lambda service: service.garble_next(), errors.InvalidResponse, "not JSON", True),
        (lambda service: service.garble_next("head"), errors.ConnectionError, "no usable response", True),
    ],
)
def test_what_the_client_raises_and_whether_the_call_was_carried_out(
    astakos_service: RunningService,
    shop: Shop,
    setting: Setting,
    raised: type[AstakosClientException],
    message: str,
    carried_out: bool,
) -> None:
    client = astakos_service.client(retry=0, timeout=0.5)
    switch = setting(astakos_service)
    with pytest.raises(raised, match=message) as trouble:
        shop.issue(client, 1)
    assert type(trouble.value) is raised
    if isinstance(trouble.value, errors.ConnectionError):
        assert trouble.value.sent
    assert (switch.used, switch.left) == (1, 0)
    assert shop.pending(client) == carried_out, "the next call is answered as ever"


@pytest.mark.parametrize("when", ["before", "after", "within"])
def test_an_answer_without_a_body_is_cut_as_well(
    astakos_service: RunningService, shop: Shop, when: Any
) -> None:
    client = astakos_service.client(retry=0)
    serial = shop.issue(client, 1)
    astakos_service.cut_next(when)
    with pytest.raises(errors.ConnectionError):
        client.accept_commission(shop.compute.token, serial)
    assert shop.pending(client) == (when == "before")


def test_the_client_is_told_when_to_come_again(astakos_service: RunningService) -> None:
    astakos_service.fail_next(retry_after=6.5)
    with pytest.raises(AstakosClientException) as trouble:
        astakos_service.client(retry=0).get_resources()
    assert (trouble.value.status, trouble.value.fault) == (503, "serviceUnavailable")
    assert trouble.value.retry_after == 7


@pytest.mark.parametrize(
    ("outcome", "fault", "told"),
    [
        (None, "serviceUnavailable", "unknown"),
        ("not-carried-out", "serviceUnavailable", "not-carried-out"),
        ("unknown", "outcomeUnknown", "unknown"),
    ],
)
def test_the_client_is_told_the_outcome(
    astakos_service: RunningService, shop: Shop, outcome: Any, fault: str, told: str
) -> None:
    astakos_service.fail_next(outcome=outcome)
    with pytest.raises(AstakosClientException) as trouble:
        shop.issue(astakos_service.client(retry=0), 1)
    assert (trouble.value.outcome, trouble.value.fault) == (told, fault)


def test_a_call_that_certainly_was_not_carried_out_is_repeated(
    astakos_service: RunningService, shop: Shop
) -> None:
    client = astakos_service.client(retry=Retry(1, base=0.01), timeout=20)
    switch = astakos_service.fail_next(outcome="not-carried-out", path="/account/v1.0/feedback")
    client.send_feedback(shop.ada.token, "Fine", "")
    assert switch.used == 1


def test_a_patient_client_gets_the_late_answer(astakos_service: RunningService, shop: Shop) -> None:
    client = astakos_service.client(retry=0)
    for carried_out in (False, True):
        astakos_service.delay_next(0.2, carried_out=carried_out)
        shop.issue(client, 1)
    assert shop.pending(client) == 2


def test_a_client_that_repeats_gets_through(astakos_service: RunningService, shop: Shop) -> None:
    client = astakos_service.client(retry=Retry(3, base=0.01), timeout=20)
    switches = [astakos_service.fail_next(), astakos_service.cut_next("within"), astakos_service.cut_next()]
    assert client.get_quotas(shop.ada.token)
    assert [switch.used for switch in switches] == [1, 1, 1]
    assert [request.status for request in astakos_service.requests] == [503, None, None, 200]


def test_several_calls_can_fail_in_a_row(astakos_service: RunningService, shop: Shop) -> None:
    client = astakos_service.client(retry=0)
    switch = astakos_service.fail_next(500, times=2)
    for _ in range(2):
        with pytest.raises(AstakosClientException, match="500 Internal Server Error"):
            client.get_resources()
    assert client.get_resources()
    assert switch.used == 2


def test_only_what_fits_fails(astakos_service: RunningService, shop: Shop) -> None:
    client = astakos_service.client(retry=0)
    switch = astakos_service.fail_next(path="/account/v1.0/commissions*", method="post")
    assert client.get_quotas(shop.ada.token)
    assert shop.pending(client) == 0
    assert switch.used == 0
    with pytest.raises(AstakosClientException, match="503"):
        shop.issue(client, 1)
    serial = shop.issue(client, 1)
    action = astakos_service.fail_next(503, path="/account/v1.0/commissions/*/action")
    assert shop.pending(client) == 1
    with pytest.raises(AstakosClientException, match="503"):
        client.accept_commission(shop.compute.token, serial)
    assert action.used == 1


def test_what_was_switched_on_can_be_switched_off(astakos_service: RunningService, shop: Shop) -> None:
    client = astakos_service.client(retry=0)
    switch = astakos_service.fail_next(times=100)
    with pytest.raises(AstakosClientException, match="503"):
        client.get_resources()
    astakos_service.mend()
    assert client.get_resources()
    assert (switch.used, switch.left) == (1, 0)


def test_other_clients_are_served_while_one_waits_for_ever(
    astakos_service: RunningService, shop: Shop
) -> None:
    astakos_service.delay_next(path="*/quotas")
    with pytest.raises(errors.ConnectionError):
        astakos_service.client(retry=0, timeout=0.2).get_quotas(shop.ada.token)
    assert astakos_service.client().get_quotas(shop.ada.token)


def test_what_waits_for_ever_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    raised: list[BaseException] = []

    def call(client: AstakosClient) -> None:
        try:
            client.get_resources()
        except errors.ConnectionError as error:
            raised.append(error)

    with running_service() as service:
        service.delay_next()
        waiting = threading.Thread(target=call, args=(service.client(retry=0, timeout=25),))
        waiting.start()
        while not service.requests:
            time.sleep(0.01)
    waiting.join(5)
    assert not waiting.is_alive()
    assert len(raised) == 1
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_the_service_itself_reports_no_error(
    astakos_service: RunningService, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    client = astakos_service.client(retry=0, timeout=0.3)
    switches = [
        astakos_service.cut_next(),
        astakos_service.delay_next(),
        astakos_service.garble_next(),
        astakos_service.garble_next("head"),
        astakos_service.cut_next("within"),
        astakos_service.cut_next("after"),
    ]
    for _ in switches:
        with pytest.raises(AstakosClientException):
            shop.issue(client, 0)
    assert [switch.used for switch in switches] == [1] * 6
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


@pytest.mark.parametrize(
    ("setting", "what_is_wrong"),
    [
        (lambda service: service.fail_next(200), "from 400 to 599"),
        (lambda service: service.fail_next(499), "from 400 to 599"),
        (lambda service: service.fail_next(outcome="lost"), "outcome must be"),
        (lambda service: service.fail_next(502, outcome="unknown"), "with the status 503 only, not with 502"),
        (
            lambda service: service.fail_next(outcome="not-carried-out", carried_out=True),
            "outcome must be 'unknown'",
        ),
        (lambda service: service.fail_next(times=0), "times must be 1 or more"),
        (lambda service: service.fail_next(path="account"), "below the service's URL"),
        (lambda service: service.fail_next(retry_after=-1), "retry_after"),
        (lambda service: service.cut_next("during"), "'before', 'after', or 'within'"),
        (lambda service: service.delay_next(-1), "seconds must be 0 or more"),
        (lambda service: service.garble_next("tail"), "'body' or 'head'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    astakos_service: RunningService, setting: Setting, what_is_wrong: str
) -> None:
    with pytest.raises(ValueError, match=what_is_wrong):
        setting(astakos_service)
    assert astakos_service.client().get_resources() == {}


def test_a_kept_connection_that_is_cut_looks_as_if_it_had_idled_too_long(
    astakos_service: RunningService, shop: Shop
) -> None:
    client = astakos_service.client(retry=0)
    assert client.get_quotas(shop.ada.token)
    switch = astakos_service.cut_next()
    assert client.get_quotas(shop.ada.token)
    assert switch.used == 1
    switch = astakos_service.cut_next(times=2)
    with pytest.raises(errors.ConnectionError):
        client.get_quotas(shop.ada.token)
    assert switch.used == 2
