"""The ledger's jobs: reserved with their items at once, closed once, by proof, with every count compared.

Each method is one transaction. The session that reserves and signs holds the signer's lock (transactions.py).

Source  docs/payout.md, "Exactly once"
"""

import secrets
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from enum import StrEnum
from typing import Any

from blocks.jobs import JobStatus
from flows.payout import rules
from flows.payout.models import OpenJob, Proof, Reserved, State, Target
from flows.payout.refusals import ItemsChanged, JobClosed, Miscounted, PlanElsewhere, PlanStale, PlanUnknown
from flows.payout.session import QUERIES, Part

NOTHING = {"block": None, "block_hash": None, "final_block": None, "final_timestamp": None}


class Cause(StrEnum):
    """Why a job may be released."""

    UNSIGNED = "unsigned"  # no transaction of it was ever signed
    REFUSED = "refused"  # a final event says failed or cancelled
    EXPIRED = "expired"  # all its deadlines are behind a final block, and the contract does not know it


class Ledger(Part):
    """What is promised to whom."""

    async def reserve(self, plan_hash: str, run_id: str) -> Reserved:
        """Make the stored plan's jobs, exactly as it was stored; once more by the same run is once.

        Raises:
            PlanUnknown: no such plan is stored.
            PlanElsewhere: it was made for another chain, contract or token.
            PlanStale: another run reserved it, or somebody in it was paid or has a job in flight since.
        """
        async with self._step():
            plan = await self._find(plan_hash, run_id)
            # A commit whose answer was lost is tried again.
            if plan["reserved_run"] is None:
                await self._make_jobs(plan, plan_hash, run_id)
        return Reserved(plan["batches"], plan["n"], int(plan["total"]))

    async def open_jobs(self) -> list[OpenJob]:
        """Return the target's jobs whose amounts are in flight, oldest first, those in quarantine too."""
        rows = await self._rows(QUERIES["open_jobs"], **self._place)
        return [OpenJob(**{**row, "state": State(row["state"]), "total": int(row["total"])}) for row in rows]

    async def payload(self, job_id: bytes) -> bytes:
        """Return the recipients as the contract takes them.

        Raises:
            ItemsChanged: they are not those that the job was made of.
        """
        (row,) = await self._rows(QUERIES["payload"], job_id=job_id)
        payload = row["payload"] or b""
        if rules.keccak256(payload) != row["digest"]:
            raise ItemsChanged(job=told(job_id))
        return bytes(payload)

    async def observe(self, statuses: Mapping[bytes, JobStatus]) -> int:
        """Write down what the newest block says of open jobs; return of how many it is news."""
        columns = {"job_ids": list(statuses), "statuses": [int(status) for status in statuses.values()]}
        async with self._step():
            return (await self._do(QUERIES["observe"], **columns)).rowcount

    async def settle(self, job_id: bytes, proof: Proof) -> None:
        """Book the job as paid.

        Raises:
            JobClosed: it is not open, or no event in the inbox proves it.
            Miscounted: not all of its accounts hold what it says; nothing was booked.
        """
        await self._close("settle", job_id, **proof._asdict())

    async def release_refused(self, job_id: bytes, proof: Proof, note: str) -> None:
        """Make the amounts due again, as a final event says that the job failed or was cancelled.

        Raises:
            JobClosed, Miscounted: as for `settle`.
        """
        await self._close("release", job_id, cause=Cause.REFUSED, note=note, **NOTHING | proof._asdict())

    async def release_expired(self, job_id: bytes, final_timestamp: int) -> None:
        """Make the amounts due again: the caller has asked the contract at the final block of that time.

        Raises:
            JobClosed, Miscounted: as for `settle`; also while a deadline is not behind that time.
        """
        times = NOTHING | {"final_timestamp": final_timestamp}
        await self._close("release", job_id, cause=Cause.EXPIRED, note="expired", **times)

    async def release_unsigned(self, job_id: bytes, note: str) -> None:
        """Make the amounts due again: nothing of this job was ever signed.

        Raises:
            JobClosed, Miscounted: as for `settle`; also where a transaction is stored.
        """
        await self._close("release", job_id, cause=Cause.UNSIGNED, note=note, **NOTHING)

    async def quarantine(self, job_id: bytes, note: str) -> bool:
        """Put a job aside for a person; its amounts stay where they are. False when it is there already."""
        async with self._step():
            return bool((await self._do(QUERIES["quarantine"], job_id=job_id, note=note)).rowcount)

    async def poison(self, job_id: bytes, reasons: Mapping[int, str]) -> int:
        """Hold wallets that the token refuses, by their places in the job's payload, from 0; return how many."""
        columns = {"ords": [place + 1 for place in reasons], "reasons": list(reasons.values())}
        async with self._step():
            return (await self._do(QUERIES["poison"], job_id=job_id, **columns)).rowcount

    async def pardon(self, wallet: str) -> bool:
        """Pay this wallet again; False when it was not held."""
        async with self._step():
            return bool((await self._do(QUERIES["pardon"], wallet=bytes.fromhex(wallet[2:]))).rowcount)

    async def _find(self, plan_hash: str, run_id: str) -> Mapping[str, Any]:
        found = await self._do(QUERIES["find_plan"], hash=rules.hash_bytes(plan_hash), run_id=run_id)
        plan = found.mappings().first()
        if plan is None:
            raise PlanUnknown(hash=plan_hash)
        made_for = Target(plan["chain_id"], plan["contract"], plan["token"])
        if made_for != self._target:
            raise PlanElsewhere(hash=plan_hash, made_for=made_for, target=self._target)
        if plan["reserved_run"] not in {None, run_id}:
            raise PlanStale(hash=plan_hash, reason=f"run {plan['reserved_run']} reserved it already")
        return dict(plan)

    async def _make_jobs(self, plan: Mapping[str, Any], plan_hash: str, run_id: str) -> None:
        columns = await self._name_jobs(plan["slot"], secrets.token_bytes(rules.SALT_BYTES))
        made = await self._do(QUERIES["reserve"], slot=plan["slot"], run_id=run_id, **columns)
        found = made.mappings().one()
        wanted = (plan["batches"], plan["n"], plan["n"], plan["total"])
        if (found["jobs"], found["n"], found["items"], found["total"]) != wanted:
            moved = plan["n"] - found["n"]
            raise PlanStale(hash=plan_hash, reason=f"{moved} of its players were paid or promised since")
        await self._do(QUERIES["use_plan"], slot=plan["slot"], run_id=run_id)

    async def _name_jobs(self, slot: str, salt: bytes) -> dict[str, Any]:
        numbers, digests = [], []
        async with aclosing(self._packed(slot)) as packed:
            async for batch_no, payload in packed:
                numbers.append(batch_no)
                digests.append(rules.keccak256(payload))
        job_ids = [rules.job_id(self._target, salt, *job) for job in zip(numbers, digests, strict=True)]
        return {"salt": salt, "batch_nos": numbers, "job_ids": job_ids, "digests": digests}

    async def _packed(self, slot: str) -> AsyncGenerator[tuple[int, bytes], None]:
        async with self._connection.stream(QUERIES["pack_batches"], {"slot": slot}) as rows:
            async for batch_no, payload in rows:
                yield batch_no, payload

    async def _close(self, statement: str, job_id: bytes, **facts: Any) -> None:
        async with self._step():
            row = (await self._do(QUERIES[statement], job_id=job_id, **facts)).mappings().first()
            if row is None:
                raise JobClosed(job=told(job_id), reason=f"no open job and proof for it to {statement}")
            wanted, found = (row["n"], row["total"]), (row["booked_n"], row["booked_total"])
            if wanted != found:
                raise Miscounted(job=told(job_id), wanted=_counted(wanted), found=_counted(found))


def told(job_id: bytes) -> str:
    return f"0x{job_id.hex()}"


def _counted(pair: Iterable[Any]) -> str:
    return "{} players and {} smallest units".format(*pair)
