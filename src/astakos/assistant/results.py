"""What the tools answer. The descriptions are part of the schema that assistants read."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_ROWS = 500
"""How many rows an answer has at most."""


class Row(BaseModel):
    """Base class: keys that a later server adds are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class QuotaRow(Row):
    """A quota of one resource from one project. Quantities are integers; see `scale`."""

    user: str | None = Field(default=None, description="UUID of the user; null if it is the caller.")
    project: str = Field(description="UUID of the project. The user's own UUID is their own project.")
    resource: str = Field(description="Name; what is after a slash is a limit on what is spent in a time.")
    limit: int | None = Field(description="The user's own limit; null for none.")
    usage: int = Field(description="What counts on it, with `pending`.")
    pending: int = Field(description="What is only reserved so far.")
    available: int | None = Field(description="limit - usage, not below 0; null without a limit.")
    project_limit: int | None = Field(
        default=None, description="The limit of all members together; null for none."
    )
    project_usage: int | None = None
    project_pending: int | None = None
    project_available: int | None = None
    period: str | None = Field(default=None, description="The time in which it is limited, in words.")
    resets: str | None = Field(default=None, description="When the period ends, or when there is room again.")
    granted: int | None = Field(
        default=None, description="What grants leave to use beyond the limits of periods."
    )
    unit: str | None = Field(
        default=None, description="The unit of quantities, or of the amounts that they stand for."
    )
    scale: int = Field(
        default=0, description="Divide quantities by ten to the power of this for amounts in the unit."
    )


class QuotaRows(Row):
    """Quotas by project and resource."""

    quotas: list[QuotaRow]
    left_out: int = Field(description="How many rows there were no room for. Ask for less, then.")


class NearLimit(Row):
    """A limit of which much is used."""

    user: str | None = Field(description="UUID of the user; null if it is the caller, or all members.")
    project: str
    resource: str
    level: Literal["user", "project"] = Field(description="Whose limit it is: one user's, or all members'.")
    limit: int
    usage: int
    pending: int
    percent: float | None = Field(description="How much of the limit is used; null if the limit is 0.")
    resets: str | None


class NearLimits(Row):
    """Limits of which much is used, the fullest first."""

    limits: list[NearLimit]
    left_out: int = Field(description="How many limits less full there were no room for.")


class Charge(Row):
    """One provision of a commission that was accepted, rejected, or has expired."""

    serial: int
    component: str = Field(description="Which component charged.")
    name: str = Field(description="Its note.")
    issue_time: str
    log_time: str = Field(description="When it was resolved.")
    outcome: Literal["ACCEPT", "REJECT", "EXPIRED"]
    holder: str
    source: str | None
    resource: str
    quantity: int = Field(description="What was issued; negative to release.")
    settled: int = Field(description="What took effect of it.")
    key: str | None = Field(default=None, description="The API key that it was charged to, if any.")


class History(Row):
    """A page of the history, newest first."""

    charges: list[Charge]
    next_cursor: str | None = Field(description="Pass this as `cursor` for the next page; null on the last.")


class Refusal(Row):
    """A request that was refused for want of room."""

    time: str
    component: str
    charged: str = Field(description="Who was to be charged.")
    holder: str = Field(description="Whose limit it was.")
    source: str | None
    resource: str
    level: Literal["key", "user", "project", "parent"]
    requested: int
    available: int
    limit: int


class Refusals(Row):
    """Recent refusals, newest first; only those that this service remembers."""

    refusals: list[Refusal]


class Provision(Row):
    """A quantity of a resource charged to a holder; negative to release."""

    holder: str
    source: str | None
    resource: str
    quantity: int


class PendingCommission(Row):
    """A commission that is neither accepted nor rejected; its quantities are reserved."""

    serial: int
    name: str
    issue_time: str
    age_seconds: int
    expires: str | None = Field(default=None, description="When it is rejected by itself; null for never.")
    provisions: list[Provision]
    key: str | None = Field(default=None, description="The API key that it is charged to, if any.")


class PendingCommissions(Row):
    """Pending commissions, the oldest first."""

    commissions: list[PendingCommission]
    next_after: int | None = Field(description="Pass this as `after` to look further; null at the end.")


class Fit(Row):
    """Whether something would fit."""

    answer: Literal["yes", "no", "perhaps"]
    why: str
    resource: str | None = Field(default=None, description="The resource or meter that has no room.")
    level: Literal["key", "user", "project", "parent"] | None = Field(
        default=None, description="Whose limit it is."
    )
    limit: int | None = None
    available: int | None = None
    resets: str | None = Field(default=None, description="When there is room again, if waiting helps.")


class Resolved(Row):
    """What has become of a commission."""

    serial: int
    outcome: Literal["accepted", "rejected"]
