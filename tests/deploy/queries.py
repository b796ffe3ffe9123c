"""What queries of Prometheus name, compared with the list of metrics."""

from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser

from astakos.metrics.definitions import ALL, Definition, Kind

OF_PROMETHEUS = frozenset({"job", "instance"})
"""The labels that Prometheus adds to everything that it scrapes."""
OF_EACH_TARGET = {"up": frozenset[str]()}
OF_COUNTERS = {"rate", "increase", "irate"}
HISTOGRAM_SAMPLES = ("_bucket", "_sum", "_count")


def _samples() -> Iterator[tuple[str, Definition]]:
    for one in ALL:
        endings = HISTOGRAM_SAMPLES if one.kind is Kind.HISTOGRAM else ("",)
        for ending in endings:
            yield one.told_name + ending, one


SAMPLES: Mapping[str, Definition] = dict(_samples())


def complaints(query: str, recorded: Mapping[str, frozenset[str]]) -> list[str]:
    """What a query names that there is not, or uses as what it is not.

    Args:
        query: the query.
        recorded: the labels of metrics that are recorded by rules.
    """
    return list(_complaints(promql_parser.parse(query), recorded, ""))


def names(query: str) -> set[str]:
    """The metrics that a query names."""
    return {one.name for one in _within(promql_parser.parse(query)) if _is(one, "VectorSelector")}


def selectors(query: str) -> set[str]:
    """What a query selects, as queries that give its latest values."""
    found = (one for one in _within(promql_parser.parse(query)) if _is(one, "VectorSelector"))
    return {str(one).partition(" offset ")[0] for one in found}


def result_labels(query: str) -> frozenset[str]:
    """The labels that the aggregations of a query leave; of histograms, what their quantiles leave."""
    found = {
        label
        for one in _within(promql_parser.parse(query))
        if _is(one, "AggregateExpr")
        for label in one.modifier.labels
    }
    return frozenset(found - {"le"})


def _complaints(node: Any, recorded: Mapping[str, frozenset[str]], function: str) -> Iterator[str]:
    if _is(node, "VectorSelector"):
        yield from _of_selector(node, recorded, function)
    if _is_first_occurrence(node):
        return
    if _is(node, "AggregateExpr"):
        inner = set[str]()
        for one in _within(node.expr):
            if _is(one, "VectorSelector"):
                inner |= _labels_of(one.name, recorded)
        for label in node.modifier.labels if node.modifier else ():
            if label not in inner:
                yield f"{node}: nothing in it has a label {label}"
    if _is(node, "Call"):
        function = node.func.name
    for one in _inner(node):
        yield from _complaints(one, recorded, function)


def _is_first_occurrence(node: Any) -> bool:
    """Whether it finds the series of a counter that are new: how they begin is no increase."""
    if not (_is(node, "BinaryExpr") and str(node.op) == "unless"):
        return False
    now, before = (str(side) for side in (node.lhs, node.rhs))
    return before.startswith(f"{now} offset ") and node.lhs.name in SAMPLES


def _of_selector(node: Any, recorded: Mapping[str, frozenset[str]], function: str) -> Iterator[str]:
    labels = _labels_of(node.name, recorded)
    if not labels:
        yield f"there is no metric {node.name}"
        return
    for matcher in node.matchers.matchers:
        if matcher.name not in labels:
            yield f"{node.name} has no label {matcher.name}"
    definition = SAMPLES.get(node.name)
    if definition is not None:
        is_counter = definition.kind in {Kind.COUNTER, Kind.HISTOGRAM}
        if is_counter and function not in OF_COUNTERS:
            yield f"{node.name} is a {definition.kind}: only its rate or increase says something"
        if not is_counter and function in OF_COUNTERS:
            yield f"{node.name} is a {definition.kind}, and has no {function}"


def _labels_of(name: str, recorded: Mapping[str, frozenset[str]]) -> frozenset[str]:
    if name in SAMPLES:
        bounds = {"le"} if name.endswith("_bucket") else set()
        return OF_PROMETHEUS | bounds | frozenset(SAMPLES[name].labels)
    if name in OF_EACH_TARGET:
        return OF_PROMETHEUS
    return recorded.get(name, frozenset())


def _within(node: Any) -> Iterator[Any]:
    yield node
    for one in _inner(node):
        yield from _within(one)


def _inner(node: Any) -> Iterator[Any]:
    for part in ("expr", "lhs", "rhs", "vector_selector"):
        one = getattr(node, part, None)
        if one is not None:
            yield one
    yield from getattr(node, "args", ())


def _is(node: Any, kind: str) -> bool:
    return type(node).__name__ == kind
