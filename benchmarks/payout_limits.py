"""The two limits: the chain with everything encoded and signed beforehand, and COPY of the ledger's rows."""

import time
from typing import Any, NamedTuple

from benchmarks.payout_chain import Node, encoded
from benchmarks.payout_ground import Ground

POLL_S = 0.01
PATIENCE_S = 600.0
FINAL_BLOCKS = 4  # on top of a final one, as blocks/chains.py has it for the sandbox
# `like` leaves the fill factor out.
COPIED = {"item": "", "account": "with (fillfactor = 60)"}
# What is live, and so could be sent again, is the ledger's business: here counts what was mined.
_SUBMITTED = """
    select tx.nonce, tx.raw, job.total from payout.job
    join payout.event using (job_id) join payout.tx using (tx_hash)
    where status = 1 and removed_utc is null order by tx.nonce
"""


class LimitNotReached(Exception):
    """What was pushed or copied is not what was paid, so that there is nothing to compare with."""


class Signed(NamedTuple):
    """The transactions of a whole payout, from nonce 0 on, and the units that they pay."""

    raws: list[bytes]
    units: int


def mined_transactions(ground: Ground, jobs: int) -> Signed:
    """Return what the ledger's only payout signed.

    Raises:
        LimitNotReached: that is not one for each job, or one is missing in between: the next chain would wait for it.
    """
    with ground.database("state") as ledger:
        rows = ledger.execute(_SUBMITTED).fetchall()
    if [nonce for nonce, _, _ in rows] != list(range(jobs)) or not rows:
        raise LimitNotReached(f"{len(rows)} transactions for {jobs} jobs")
    return Signed([raw for _, raw, _ in rows], int(sum(total for _, _, total in rows)))


def push(node: Node, signed: Signed) -> dict[str, Any]:
    """Hand transactions over, one after the other, and wait until the worker has completed all of their jobs.

    Raises:
        NodeRefused: the node does not take one.
        LimitNotReached: not every job pays, or it takes ten minutes.
    """
    bodies = [encoded("eth_sendRawTransaction", "0x" + raw.hex()) for raw in signed.raws]
    before, began_s = node.ask("sandbox_counters"), time.perf_counter()
    for body in bodies:
        node.post(body)
    sent_s = time.perf_counter() - began_s
    done = _until(node, "mined", before["mined"] + 2 * len(bodies))  # submitted and completed
    wall_s = time.perf_counter() - began_s
    # A job that its worker fails is mined just as well.
    if (paid := before["budget"] - done["budget"]) != signed.units:
        raise LimitNotReached(f"{paid} units of {signed.units} are paid")
    _until(node, "head", done["head"] + FINAL_BLOCKS)
    return {"wall_s": wall_s, "sent_s": sent_s, "final_s": time.perf_counter() - began_s}


def _until(node: Node, counter: str, wanted: int) -> dict[str, Any]:
    until_s = time.monotonic() + PATIENCE_S
    while (told := node.ask("sandbox_counters"))[counter] < wanted:
        if time.monotonic() > until_s:
            raise LimitNotReached(f"{counter} is {told[counter]}, and {wanted} was wanted")
        time.sleep(POLL_S)
    return dict(told)


def keep_rows(ground: Ground) -> None:
    """Let the server write the ledger's items and accounts into files, in the order of the key."""
    with ground.database("state") as ledger:
        for table in COPIED:
            rows = f"select * from payout.{table} order by 1, 2"
            ledger.execute(f"copy ({rows}) to '{ground.file(table)}'")


def copy(ground: Ground, users: int) -> float:
    """Time COPY of the kept rows from the server's own files into tables like the ledger's.

    Raises:
        LimitNotReached: they are not as many rows as users, in each table.
    """
    with ground.database("state") as ledger:
        ledger.execute("drop schema if exists copied cascade; create schema copied")
        for table, storage in COPIED.items():
            ledger.execute(f"create table copied.{table} (like payout.{table} including all) {storage}")
    ground.checkpoint()
    began_s = time.perf_counter()
    with ground.database("state") as ledger:
        rows = [
            ledger.execute(f"copy copied.{table} from '{ground.file(table)}'").rowcount for table in COPIED
        ]
    took_s = time.perf_counter() - began_s
    if rows != [users] * len(COPIED):
        raise LimitNotReached(f"{rows} rows are copied, of {users} users")
    return took_s
