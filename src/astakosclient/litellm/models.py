"""The models of LiteLLM's router: which of them may answer a request, and what they cost at most."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from astakosclient.language_models.estimates import Model
from astakosclient.language_models.refusals import Refused

FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
PRICES = {"input": "input_cost_per_token", "output": "output_cost_per_token"}
CACHED = "cache_read_input_token_cost"

log = logging.getLogger(__name__)


class Router(Protocol):
    """What is asked of LiteLLM's router."""

    def get_model_list(self, model_name: str) -> Sequence[Mapping[str, Any]] | None:  # noqa: D102
        ...

    def get_model_info(self, id: str) -> Mapping[str, Any] | None:  # noqa: A002, D102
        ...

    def get_deployment_model_info(self, model_id: str, model_name: str) -> Mapping[str, Any] | None:  # noqa: D102
        ...


def estimated(router: Router, data: Mapping[str, Any]) -> Model:
    """Returns the model that a request names, with the highest prices and bounds of all that may answer it.

    Raises:
        Refused: A price or a bound is not known.
    """
    infos = [info for name in _candidates(router, data) for info in _infos(router, name)]
    return _dearest(str(data.get("model")), infos)


def served(router: Router, model_id: str) -> Model | None:
    """Returns the model of a deployment, which may be a fallback; None if the router does not know it.

    Raises:
        Refused: A price or a bound is not known.
    """
    deployment = router.get_model_info(model_id)
    return _dearest(deployment["model_name"], [_info(router, deployment)]) if deployment is not None else None


def _candidates(router: Router, data: Mapping[str, Any]) -> set[str]:
    """Returns the models that may answer a request: the one that it names, and all fallbacks."""
    found = {str(data.get("model"))}
    found.update(name for key in FALLBACKS for name in _names(data.get(key)))
    rules = [rule for key in FALLBACKS for rule in getattr(router, key, None) or ()]
    before = 0
    while before < len(found):
        before = len(found)
        for rule in rules:
            found.update(
                name for of, names in rule.items() if of in found or of == "*" for name in _names(names)
            )
    return found


def _names(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _names(value["model"] if "model" in value else [*value.values()])
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)


def _infos(router: Router, name: str) -> Sequence[Mapping[str, Any]]:
    """Returns what LiteLLM knows about each deployment of a model."""
    deployments = router.get_model_list(model_name=name)
    if not deployments:
        raise Refused(404, "There is no such model; GET /v1/models lists them.", "model_not_found")
    return [_info(router, deployment) for deployment in deployments]


def _info(router: Router, deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    model_id, model = deployment["model_info"]["id"], deployment["litellm_params"]["model"]
    return router.get_deployment_model_info(model_id=model_id, model_name=model) or {}


def _dearest(name: str, infos: Sequence[Mapping[str, Any]]) -> Model:
    try:
        prices = {kind: max(_price(info, of) for info in infos) for kind, of in PRICES.items()}
        # LiteLLM fills in 0 where no price for cached tokens is known.
        cached = [_price(info, CACHED) for info in infos if info.get(CACHED)]
        if cached and len(cached) == len(infos):
            prices["cached_input"] = max(cached)
        context = max(_bound(info, "max_input_tokens") for info in infos)
        most_output = max(_bound(info, "max_output_tokens") for info in infos)
        return Model.priced(name, prices, context=context, most_output=most_output, per=1)
    except (LookupError, ValueError) as error:
        log.error("%s is not offered: set %s in its model_info", name, error)  # noqa: TRY400 - it says it all
        raise Refused(404, "This model has no price here, so it is not offered.", "model_not_found") from None


def _price(info: Mapping[str, Any], of: str) -> Decimal:
    price = info.get(of)
    if price is None and of == PRICES["output"] and info.get("mode") == "embedding":
        price = 0
    try:
        # LiteLLM's prices are floats, whose shortest text is what was written.
        return Decimal(str(price))
    except InvalidOperation:
        raise LookupError(of) from None


def _bound(info: Mapping[str, Any], of: str) -> int:
    if of == "max_output_tokens" and info.get("mode") == "embedding":
        return 0
    bound = info.get(of) or info.get("max_tokens")
    if not isinstance(bound, int):
        raise LookupError(of)  # noqa: TRY004 - it is missing
    return bound
