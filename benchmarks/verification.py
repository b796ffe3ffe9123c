"""Whether the usage that a service reports is what was accepted: else its speed is worth nothing."""

import json
from collections.abc import Sequence

from benchmarks.population import COMPONENT_TOKEN, LIMIT, QUANTITIES, USERS, user_uuid
from benchmarks.wire import fetch


class WrongFiguresError(Exception):
    """What was accepted is not what was counted."""


def check_usage(port: int, accepted: Sequence[int]) -> None:
    """Holds the quotas of all users against how many commissions were accepted for each.

    Raises:
        WrongFiguresError: a figure is another one.
    """
    quotas = json.loads(fetch(port, "GET", "/account/v1.0/service_quotas", COMPONENT_TOKEN))
    for number in range(USERS):
        count = accepted[number] if number < len(accepted) else 0
        uuid = user_uuid(number)
        for resource, quantity in QUANTITIES.items():
            found = quotas[uuid][uuid][resource]
            usage = count * quantity
            expected = {
                "limit": LIMIT,
                "usage": usage,
                "pending": 0,
                "project_limit": LIMIT,
                "project_usage": usage,
                "project_pending": 0,
            }
            if found != expected:
                raise WrongFiguresError(f"{resource} of {uuid}: {found}, not {expected}")
