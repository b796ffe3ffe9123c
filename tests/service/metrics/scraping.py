"""Reading metrics as Prometheus does."""

import urllib.request
from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from service.command import TIMEOUT_SECONDS, Serving


class Scraped(NamedTuple):
    """What was told at one moment."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def __call__(self, name: str, **labels: str) -> float:
        """The value of one sample."""
        return self.samples[name, frozenset(labels.items())]

    def all(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """All samples of one name."""
        return {labels: value for (found, labels), value in self.samples.items() if found == name}


def families(served: Serving) -> Iterator[tuple[str, str, str]]:
    """Names, kind and meaning of all metrics."""
    for family in text_string_to_metric_families(_read(served)):
        name = family.name + ("_total" if family.type == "counter" else "")
        yield name, family.type, family.documentation


def labels_by_name(served: Serving) -> dict[str, set[frozenset[str]]]:
    """The names of the labels with which each metric is told, but for the bounds of histograms."""
    found: dict[str, set[frozenset[str]]] = {}
    for family in text_string_to_metric_families(_read(served)):
        name = family.name + ("_total" if family.type == "counter" else "")
        for sample in family.samples:
            found.setdefault(name, set()).add(frozenset(sample.labels) - {"le"})
    return found


def scrape(served: Serving) -> Scraped:
    """Asks now."""
    return Scraped(
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(_read(served))
            for sample in family.samples
        }
    )


def _read(served: Serving) -> str:
    with urllib.request.urlopen(served.metrics_url, timeout=TIMEOUT_SECONDS) as answer:
        text: bytes = answer.read()
    return text.decode()
