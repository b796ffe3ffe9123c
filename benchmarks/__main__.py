"""All benchmarks, one after the other."""

from benchmarks import (
    async_calls,
    bulk,
    client_call,
    command_line,
    commissions,
    ledger,
    reads,
    start_up,
    usual_design,
)

if __name__ == "__main__":
    command_line.run(
        "Measure what Astakos costs, beside what one would use instead.",
        [
            client_call.measure,
            async_calls.measure,
            start_up.measure,
            ledger.measure,
            commissions.measure,
            usual_design.measure,
            bulk.measure,
            reads.measure,
        ],
    )
