"""The two limits: the chain with everything encoded and signed beforehand, and COPY of the ledger's rows."""

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.payout_chain import Node, NodeRefused, encoded
from benchmarks.payout_ground import Ground

POLL_S = 0.01
FINAL_BLOCKS = 4  # on top of a final one, as blocks/chains.py has it for the sandbox
# `like` leaves the fill factor out.
COPIED = {"item": "", "account": "with (fillfactor = 60)"}


def stored_transactions(ground: Ground) -> list[bytes]:
    """Return what the last payout signed, in the order of the nonces."""
    with ground.database("state") as ledger:
        return [
            raw for (raw,) in ledger.execute("select raw from payout.tx where live order by nonce").fetchall()
        ]


def push(node: Node, raws: Sequence[bytes]) -> dict[str, Any]:
    """Hand transactions over, one after the other, and wait until the worker has completed all of their jobs.

    Raises:
        NodeRefused: the node does not take one, or one fails.
    """
    bodies = [encoded("eth_sendRawTransaction", "0x" + raw.hex()) for raw in raws]
    before, began_s = node.ask("sandbox_counters"), time.perf_counter()
    for body in bodies:
        node.post(body)
    sent_s = time.perf_counter() - began_s
    done = _until_mined(node, before["mined"] + 2 * len(raws))  # submitted and completed
    wall_s = time.perf_counter() - began_s
    if done["reverted"] != before["reverted"] or done["open_jobs"]:
        raise NodeRefused(f"{done['reverted']} transactions failed, {done['open_jobs']} jobs are open")
    while node.ask("sandbox_counters")["head"] < done["head"] + FINAL_BLOCKS:
        time.sleep(POLL_S)
    return {"wall_s": wall_s, "sent_s": sent_s, "final_s": time.perf_counter() - began_s}


def _until_mined(node: Node, wanted: int) -> dict[str, Any]:
    while (told := node.ask("sandbox_counters"))["mined"] < wanted:
        time.sleep(POLL_S)
    return dict(told)


def keep_rows(ground: Ground) -> None:
    """Let the server write the ledger's items and accounts into files, in the order of the key."""
    with ground.database("state") as ledger:
        for table in COPIED:
            rows = f"select * from payout.{table} order by 1, 2"
            ledger.execute(f"copy ({rows}) to '{ground.file(table)}'")


def copy(ground: Ground) -> float:
    """Time COPY of the kept rows from the server's own files into tables like the ledger's."""
    with ground.database("state") as ledger:
        ledger.execute("drop schema if exists copied cascade; create schema copied")
        for table, storage in COPIED.items():
            ledger.execute(f"create table copied.{table} (like payout.{table} including all) {storage}")
    ground.checkpoint()
    began_s = time.perf_counter()
    with ground.database("state") as ledger:
        for table in COPIED:
            ledger.execute(f"copy copied.{table} from '{ground.file(table)}'")
    return time.perf_counter() - began_s
