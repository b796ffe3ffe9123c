"""The models that the gateway offers, from a file like `gateway.toml`."""

import tomllib
from pathlib import Path

from astakosclient.language_models.estimates import Model

PRICES = ("input", "cached_input", "output")


def read_models(path: Path) -> dict[str, Model]:
    """Returns the models of a file, by name.

    Raises:
        ValueError, TypeError, KeyError: The file is not such a file.
    """
    models = tomllib.loads(path.read_text(encoding="utf-8"))["models"]
    return {
        name: Model.priced(
            name,
            {kind: model[kind] for kind in PRICES if kind in model},
            context=model["context"],
            most_output=model["most_output"],
        )
        for name, model in models.items()
    }
