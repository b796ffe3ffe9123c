"""A small run of the gateway's proof: real processes, a real kill, and the usual way beside it."""

import asyncio

from examples.ai_gateway.proof import Proof


def test_the_promises_hold() -> None:
    lines: list[str] = []
    asyncio.run(Proof(streams=12, words=20, report=lines.append).run())
    bounds, low, in_debt, killed, usual = lines
    assert "refused" in bounds
    assert "charged $1.25" in in_debt
    assert low.startswith("estimates a tenth of the use: 12 streams, 24 refused")
    assert killed.endswith("no hold is left")
    assert usual.endswith("100 % oversold")
