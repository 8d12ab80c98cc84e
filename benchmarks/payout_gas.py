"""Gas of a payout's jobs, by the chain's own receipts."""

from typing import Any

from benchmarks.payout_chain import Node
from benchmarks.payout_ground import Ground
from sandbox.chain.fees import floor_gas
from sandbox.chain.transaction import decode

# Which transactions those were is the chain's word, see payout.event; 1 is submitted, 2 completed.
_MINED = """
    select job.n, tx.raw, submitted.tx_hash, completed.tx_hash from payout.job
    join payout.event as submitted on submitted.job_id = job.job_id and submitted.status = 1
    join payout.event as completed on completed.job_id = job.job_id and completed.status = 2
    join payout.tx on tx.tx_hash = submitted.tx_hash
    where run_id = (select run_id from payout.job order by job_no desc limit 1)
    order by job.job_no limit 20
"""


def of_last_run(ground: Ground, node: Node) -> dict[str, Any]:
    """Return the gas for each recipient of the last run's first jobs: submitted, the least that it can be (EIP-7623), completed."""
    with ground.database("state") as ledger:
        recipients, raws, submitted, completed = zip(*ledger.execute(_MINED).fetchall(), strict=True)
    n = sum(recipients)
    floor = sum(floor_gas(decode(raw).data) for raw in raws)
    return {
        "jobs": len(raws),
        "submit": node.gas_used(submitted) / n,
        "floor": floor / n,
        "complete": node.gas_used(completed) / n,
    }
