"""Queries that name what there is not are found."""

import pytest

from deploy.queries import complaints, names, result_labels

RECORDED = {"job:astakos_http_requests:rate5m": frozenset({"job"})}


@pytest.mark.parametrize(
    "query",
    [
        'sum by (job, status) (rate(astakos_http_requests_total{route!~"/healthz"}[5m]))',
        "histogram_quantile(0.99, sum by (le) (rate(astakos_ledger_batch_duration_seconds_bucket[5m])))",
        "max by (instance) (astakos_clock_held) == 1 unless up == 0",
        "job:astakos_http_requests:rate5m > 3",
        "astakos_commissions_total unless astakos_commissions_total offset 15m",
    ],
)
def test_what_there_is_can_be_asked_for(query: str) -> None:
    assert complaints(query, RECORDED) == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("astakos_nothing", "there is no metric astakos_nothing"),
        ("rate(astakos_http_requests[5m])", "there is no metric astakos_http_requests"),
        ('up{status="1"}', "up has no label status"),
        ("astakos_commissions_total", "astakos_commissions_total is a counter: only its rate"),
        ("astakos_commissions_total unless up", "astakos_commissions_total is a counter: only its rate"),
        ("rate(astakos_clock_held[5m])", "astakos_clock_held is a gauge, and has no rate"),
        ("max by (route) (astakos_clock_held)", "nothing in it has a label route"),
        ("job:astakos_http_requests:rate1d", "there is no metric job:astakos_http_requests:rate1d"),
        ("sum(rate(astakos_ledger_batch_operations[5m]))", "there is no metric"),
    ],
)
def test_what_there_is_not_is_complained_of(query: str, told: str) -> None:
    (complaint,) = complaints(query, RECORDED)
    assert told in complaint


def test_a_query_tells_which_metrics_it_names_and_which_labels_it_leaves() -> None:
    query = "sum by (job, le) (rate(astakos_ledger_batch_duration_seconds_bucket[5m])) / on (job) up"
    assert names(query) == {"astakos_ledger_batch_duration_seconds_bucket", "up"}
    assert result_labels(query) == {"job"}
