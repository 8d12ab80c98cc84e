"""Sending: every open job that the contract does not know is on its way, by a transaction stored beforehand."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from blocks.jobs import Draft, Fees, Verdict
from blocks.jobs_problem import JobRefused
from flows.payout import steps
from flows.payout.alarms import Alarm, TreasuryShort
from flows.payout.models import OpenJob, StoredTx
from flows.payout.purse import Purse
from flows.payout.steps import Sight, Step
from flows.payout.work import Work

AT_ONCE = 8  # estimated, signed and sent together
WINDOW = 64  # transactions of ours that wait to be mined; nodes keep no more of one account
SPARE_GAS = 1.2

T = TypeVar("T")


class Sending:
    """One pass over the open jobs after the other; a crash between any two lines costs nothing."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._underpaid: set[bytes] = set()
        self._lack: Alarm | JobRefused | None = None

    async def look(self) -> tuple[list[OpenJob], Sight]:
        """Ask the chain about every open job, and write down what it says."""
        jobs, work = await self._work.ledger.open_jobs(), self._work
        head, fees = await work.jobs.head(), await work.jobs.fees()
        mined = await work.jobs.nonce()  # before the states: they know what is mined by then
        nonces = range(mined, await work.transactions.next_nonce(mined))
        ids = [job.job_id for job in jobs]
        newest = {job: state.status for job, state in zip(ids, await work.jobs.states(ids), strict=True)}
        await work.ledger.observe(newest)
        sight = Sight(head, fees, nonces, newest)
        expired = [job.job_id for job in jobs if not sight.knows(job) and steps.is_expired(job, head)]
        states = await work.jobs.states(expired, head.final_number)
        final = {job: state.status for job, state in zip(expired, states, strict=True)}
        return jobs, replace(sight, final=final)

    async def advance(self, jobs: Sequence[OpenJob], sight: Sight) -> None:
        """Do each job's next step; what keeps new ones from being signed is told, and they come free."""
        unsigned, raws = [], []
        for job in jobs:
            stored = await self._live(job) if job.deadline is not None and not sight.knows(job) else None
            match self._step(job, stored, sight):
                case Step.EXPIRE:
                    await self._work.ledger.release_expired(job.job_id, sight.head.final_timestamp)
                case Step.SIGN:
                    unsigned.append(job)
                case Step.SEND if stored:
                    raws.append((job, stored.raw))
                case Step.BUMP if stored:
                    raws.append((job, await self._bump(job, stored, sight.fees)))
                case Step.RENEW if stored and (raw := await self._renew(job, stored.deadline, sight)):
                    raws.append((job, raw))
        await self._send(raws)
        room = WINDOW - len(raws)
        if unsigned and room > 0:
            await self._sign(unsigned[:room], jobs, sight)

    def _step(self, job: OpenJob, stored: StoredTx | None, sight: Sight) -> Step:
        step = steps.step(job, stored, sight)
        return Step.BUMP if step is Step.SEND and job.job_id in self._underpaid else step

    async def _live(self, job: OpenJob) -> StoredTx | None:
        known = await self._work.transactions.of_job(job.job_id)
        return next((each for each in known if each.live), None)

    async def _bump(self, job: OpenJob, stored: StoredTx, fees: Fees) -> bytes:
        payload = await self._work.ledger.payload(job.job_id)
        outbid = steps.outbid([stored], fees)
        self._underpaid.discard(job.job_id)
        return await self._store(
            Draft(job.job_id, payload, stored.deadline, stored.nonce, stored.gas, outbid)
        )

    async def _renew(self, job: OpenJob, deadline: int, sight: Sight) -> bytes | None:
        """Sign once more if the contract would take it: it takes a job once, whatever else of it is mined."""
        draft = await self._draft(job, deadline, sight.fees)
        gas = await self._estimate(draft)
        if isinstance(gas, JobRefused):
            return None
        nonce = await self._work.transactions.next_nonce(sight.nonces.start)
        return await self._store(replace(draft, nonce=nonce, gas=gas))

    async def _store(self, draft: Draft) -> bytes:
        signed = self._work.jobs.sign(draft)
        await self._work.transactions.store(draft, signed)
        return signed.raw

    async def _send(self, raws: Sequence[tuple[OpenJob, bytes]]) -> None:
        """Whatever the node answers, the chain is asked in the next pass."""
        for chunk in _chunks(raws):
            verdicts = await asyncio.gather(*(self._work.jobs.send(raw) for _, raw in chunk))
            for (job, _), verdict in zip(chunk, verdicts, strict=True):
                if verdict == Verdict.FEE_TOO_LOW:
                    self._underpaid.add(job.job_id)

    async def _sign(self, unsigned: Sequence[OpenJob], jobs: Sequence[OpenJob], sight: Sight) -> None:
        purse = Purse.of(await self._work.jobs.treasury(), jobs, sight)
        for chunk in _chunks(unsigned):
            if self._lack is not None:
                await self._give_up(chunk, self._lack)
                continue
            deadline = sight.head.timestamp + self._work.settings.deadline_s
            drafts = [await self._draft(job, deadline, sight.fees) for job in chunk]
            estimates = await asyncio.gather(*(self._estimate(draft) for draft in drafts))
            raws = []
            for job, draft, gas in zip(chunk, drafts, estimates, strict=True):
                if raw := await self._first(job, draft, gas, sight.nonces.start, purse):
                    raws.append((job, raw))
            await self._send(raws)

    async def _draft(self, job: OpenJob, deadline: int, fees: Fees) -> Draft:
        return Draft(job.job_id, await self._work.ledger.payload(job.job_id), deadline, 0, 0, fees)

    async def _estimate(self, draft: Draft) -> int | JobRefused:
        try:
            gas = await self._work.jobs.gas(draft.job_id, draft.payload, draft.deadline)
        except JobRefused as refusal:
            return refusal
        return int(gas * SPARE_GAS)

    async def _first(
        self, job: OpenJob, draft: Draft, gas: int | JobRefused, mined: int, purse: Purse
    ) -> bytes | None:
        """Store the job's first transaction; or give its amounts back when it cannot be paid."""
        if isinstance(gas, JobRefused):
            self._lack = gas
        elif lack := purse.lacks(job.total, gas * draft.fees.max_fee_wei):
            self._lack = TreasuryShort(lack=lack)
        else:
            purse.spend(job.total, gas * draft.fees.max_fee_wei)
            nonce = await self._work.transactions.next_nonce(mined)
            return await self._store(replace(draft, nonce=nonce, gas=gas))
        await self._give_up([job], self._lack)
        return None

    async def _give_up(self, jobs: Sequence[OpenJob], lack: Exception) -> None:
        self._work.tell(lack)
        for job in jobs:
            await self._work.ledger.release_unsigned(job.job_id, str(lack)[:200])


def _chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]
