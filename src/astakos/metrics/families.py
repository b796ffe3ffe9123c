"""Builds gauges and counters as the list of all metrics defines them."""

from collections.abc import Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from astakos.metrics.definitions import Definition

Values = Mapping[tuple[str, ...], float] | float
"""Values by the values of the labels, or the only value of a metric without labels."""


def gauge(definition: Definition, values: Values) -> Metric:
    """Returns a gauge with its current values."""
    family = GaugeMetricFamily(definition.name, definition.meaning, labels=definition.labels)
    for labels, value in _by_labels(values).items():
        family.add_metric(labels, value)
    return family


def counter(definition: Definition, values: Values) -> Metric:
    """Returns a counter with its current values."""
    family = CounterMetricFamily(definition.name, definition.meaning, labels=definition.labels)
    for labels, value in _by_labels(values).items():
        family.add_metric(labels, value)
    return family


def _by_labels(values: Values) -> Mapping[tuple[str, ...], float]:
    return values if isinstance(values, Mapping) else {(): values}
