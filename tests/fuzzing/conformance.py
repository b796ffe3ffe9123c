"""Holds a running service against its own OpenAPI document, by requests that schemathesis makes of it.

By hand, for as long as you like:

    $ PYTHONPATH=src:tests python -m fuzzing.conformance --examples 2000 --seed 1

The seed makes the same requests again. They go over HTTP to `astakos serve` in a process of its own.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from fuzzing.subject import KEYS, METER, errors_in, turn_all_on
from service.caller import Caller
from service.command import serving
from service.installation import database_at, make_world
from service.world import ACCESS_TOKEN, ALICE, BASE_URL, BOB, CHLOE, COMPUTE_TOKEN, LAB, RAM, VM

if TYPE_CHECKING:
    from schemathesis.schemas import BaseSchema

LONGEST_ANSWER_SECONDS = 10.0
TOKENS = {"userToken": ALICE.token, "serviceToken": COMPUTE_TOKEN}
KNOWN: Mapping[str, list[str | int]] = {
    "holders": [f"user:{ALICE.uuid}"],
    "sources": [f"project:{LAB}"],
    "resources": [VM],
    "resources with meters": [RAM],
    "resources and meters": [VM, METER],
    "serials": list(range(1, 40)),
    "quantities": [1, 1000],
    "users": [ALICE.uuid, f"{ALICE.uuid},{BOB.uuid}"],
    "projects": [LAB],
    "projects to draw from": ["system"],
    "tokens": [ALICE.token],
    "tokens of components": [COMPUTE_TOKEN],
    "applications": list(range(1, 6)),
    "memberships": list(range(1, 20)),
    "modes": ["member", "active"],
    "states": ["active"],
    "domains": ["a.example.org", "b.example.org", "c.example.org"],
    "ends": ["2099-01-01T00:00:00Z"],
    "members": [BOB.email, CHLOE.email],
    "people": [BOB.uuid],
    "things": [ALICE.uuid, LAB, "default", ACCESS_TOKEN],
    "methods": ["token", "password"],
    "holders of passwords": [ALICE.uuid],
    "addresses": [f"new-{number}@example.org" for number in range(20)],
    "keys": list(KEYS),
    "services": ["compute_api"],
    "groups": ["staff"],
}
WHERE = {
    "holders": [
        "body.provisions[*].holder",
        "body.commissions[*].provisions[*].holder",
        "body.usage[*].holder",
    ],
    "sources": [
        "body.provisions[*].source",
        "body.commissions[*].provisions[*].source",
        "body.usage[*].source",
    ],
    "resources": [
        "body.provisions[*].resource",
        "body.commissions[*].provisions[*].resource",
        "body.usage[*].resource",
    ],
    "resources with meters": ["header.Astakos-Authz-Resource"],
    "resources and meters": ["query.resource"],
    "serials": ["path.serial", "query.serial"],
    "quantities": ["body.provisions[*].quantity", "body.commissions[*].provisions[*].quantity"],
    "users": ["query.user"],
    "projects": ["query.project", "body.join.project", "body.enroll.project"],
    "projects to draw from": ["header.Astakos-Authz-Project"],
    "applications": [f"body.{action}.app_id" for action in ("approve", "deny", "cancel", "dismiss")],
    "memberships": ["path.membership"],
    "modes": ["query.mode"],
    "states": ["query.state"],
    "domains": ["body.name"],
    "ends": ["body.end_date"],
    "members": ["body.enroll.user"],
    "tokens": [
        "body.auth.token.id",
        "body.auth.passwordCredentials.password",
        "body.auth.identity.token.id",
        "body.auth.identity.password.user.password",
        "body.token",
        "header.X-Subject-Token",
    ],
    "tokens of components": ["header.Astakos-Authz-Charge"],
    "people": ["path.uuid"],
    "things": ["path.id"],
    "methods": ["body.auth.identity.methods[*]"],
    "holders of passwords": ["body.auth.identity.password.user.id"],
    "addresses": ["body.user.username"],
    "keys": ["path.key"],
    "services": ["path.service"],
    "groups": ["header.Astakos-Authz-Groups"],
}
"""Where requests mostly name what there is, so that they get beyond the first check."""

WEIGHTS = {
    # Much must be right at once before these do anything.
    "/account/v1.0/commissions": 3,
    "/identity/v3/auth/tokens": 3,
    # Making their bodies, which are large, takes most of the time.
    "/account/v1.0/commissions/bulk": 1 / 3,
    "/account/v1.0/reconcile": 1 / 3,
}
"""How many more or fewer requests of an operation there are than of others."""

METHODS = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}
SPEAKING = ("GET", "POST")
"""Methods that speak for the others where a path has one handler for all."""


@dataclass
class Outcome:
    """What came of a run."""

    cases: int = 0
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, recorder: ScenarioRecorder) -> None:
        """Adds one scenario."""
        self.cases += len(recorder.interactions)
        for interaction in recorder.interactions.values():
            status = interaction.response.status_code if interaction.response else 0
            self.statuses[recorder.label, status] += 1
        for checks in recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    self.failures.append(f"{recorder.label}: {failure.title}\n{failure.message}\n")
                    self.failures.append(check.failure_info.code_sample)

    def reached(self, operation: str) -> set[int]:
        """The statuses that an operation has answered."""
        return {status for name, status in self.statuses if name == operation}


LEADING_TO_LOGIN = ("/ui/join", "/ui/logout", "/ui/terms")
"""Who is not logged in is led there, whatever the form holds."""


def run(caller: Caller, examples: int, seed: int, *, alike: bool = True) -> Outcome:
    """Sends requests to a service with the world; `examples` for each operation, beyond those at the edges.

    Without those that are `alike`, a path that takes every method is asked with two of them.
    """
    document = _as_understood(caller.get("/openapi.json").document)
    schema: BaseSchema = schemathesis.openapi.from_dict(
        document, config=_configuration(caller.base_url, examples, seed)
    )
    if not alike:
        for path, methods in document["paths"].items():
            if left_out := spoken_for_by(methods):
                schema = schema.exclude(path=path, method=sorted(left_out))
    outcome = Outcome()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            outcome.add(event.recorder)
        elif isinstance(event, events.NonFatalError):
            outcome.failures.append(f"{event.label}: {event.value}")
        elif isinstance(event, events.FatalError):
            raise event.exception
    return outcome


def spoken_for_by(methods: Iterable[str]) -> set[str]:
    """Those whose requests are handled like those with another method."""
    names = {method.upper() for method in methods}
    return names - {*SPEAKING} if names >= METHODS else set()


@schemathesis.hook("before_call")
def spare_the_caller(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Whose token the other requests need is not deactivated; that happens to somebody else."""
    if case.path_parameters.get("uuid") == ALICE.uuid:
        case.path_parameters["uuid"] = BOB.uuid


def _configuration(base_url: str, examples: int, seed: int) -> SchemathesisConfig:
    probability = 0.8
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "cache": {"enabled": False},
            "base-url": base_url,
            "continue-on-failure": True,
            "request-timeout": LONGEST_ANSWER_SECONDS,
            "auth": {
                "openapi": {
                    scheme + place: {credential: token}
                    for scheme, token in TOKENS.items()
                    for place, credential in (
                        ("", "api_key"),
                        ("InQuery", "api_key"),
                        ("AsBearer", "bearer"),
                    )
                }
            },
            "dictionaries": {name: {"values": values} for name, values in KNOWN.items()},
            "parameters": {
                place: {"dictionary": name, "probability": probability}
                for name, places in WHERE.items()
                for place in places
            },
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
            "operations": [
                {"include-path": path, "generation": {"max-examples": max(1, round(examples * factor))}}
                for path, factor in WEIGHTS.items()
            ]
            + [
                {"include-path": path, "checks": {"negative_data_rejection": {"enabled": False}}}
                for path in LEADING_TO_LOGIN
            ],
            "checks": {
                # A limit that is reached, or a NUL, is no matter of a schema.
                "positive_data_acceptance": {"enabled": False},
                "max_response_time": LONGEST_ANSWER_SECONDS,
            },
            "phases": {
                "coverage": {
                    # The menu answers every method, also those that the document has no word for.
                    "unexpected-methods": ["get", "put", "post", "delete", "options", "patch", "trace"]
                }
            },
        }
    )


def _as_understood(value: Any) -> Any:
    """The document, less strict where schemathesis makes of a list of fixed form what no validator reads."""
    if isinstance(value, list):
        return [_as_understood(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "prefixItems" in value:
        items = {"anyOf": [_as_understood(one) for one in value["prefixItems"]]}
        return {**{name: one for name, one in value.items() if name != "prefixItems"}, "items": items}
    return {name: _as_understood(one) for name, one in value.items()}


def main() -> None:
    """Run it by hand."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=1000, help="for each operation")
    parser.add_argument("--seed", type=int, default=random.getrandbits(32))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "world.db")
        make_world(path)
        database = database_at(path)
        turn_all_on(database)
        sys.stdout.write(f"seed {options.seed}\n")
        with serving(database, "--base-url", BASE_URL) as service:
            outcome = run(service.caller, options.examples, options.seed)
            errors = errors_in(service.end().errors)
        database.close()
    for (operation, status), count in sorted(outcome.statuses.items()):
        sys.stdout.write(f"{count:8,} {operation} {status}\n")
    sys.stdout.write("\n".join([f"{outcome.cases:8,} in all", *outcome.failures, *errors, ""]))
    sys.exit(bool(outcome.failures or errors))


if __name__ == "__main__":
    main()
