"""Gas of a payout's jobs, by the chain's own receipts."""

from typing import Any

from benchmarks.payout_chain import Node
from benchmarks.payout_ground import Ground
from sandbox.chain.fees import floor_gas
from sandbox.chain.transaction import decode

_MINED = """
    select job.n, tx.raw, tx.tx_hash, job.note from payout.job join payout.tx using (job_no)
    where booking = 'paid' and live and run_id = (select run_id from payout.job order by job_no desc limit 1)
    order by job_no limit 20
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
