"""Following: what final blocks say of our jobs is kept, and booked once."""

from blocks.jobs import Head, JobStatus
from contracts.recipients import WORD_BYTES, pack, unpack
from flows.payout.alarms import DeepReorg
from flows.payout.inbox import Cursor, Fate
from flows.payout.models import Proof
from flows.payout.refusals import JobClosed, Miscounted
from flows.payout.work import Work

SOME_BLOCKS = 2_000  # read at once
REACH = 64  # what was taken back may come again in an earlier block


async def catch_up(work: Work) -> Head:
    """Read the events of all final blocks that were not read yet into the inbox.

    Raises:
        DeepReorg: the chain took back blocks that were final; nothing is booked by itself any more.
    """
    head = await work.jobs.head()
    cursor = await work.inbox.cursor()
    if cursor is None:
        # Before the ledger's first job nothing on the chain is ours.
        block = head.final_number
        await work.inbox.take_in([], Cursor(block, await work.jobs.block_hash(block)))
        return head
    await _check(work, cursor)
    first = cursor.block + 1
    while first <= head.final_number:
        last = min(head.final_number, first + SOME_BLOCKS - 1)
        events = await work.jobs.events(first, last)
        await work.inbox.take_in(events, Cursor(last, await work.jobs.block_hash(last)))
        first = last + 1
    return head


async def _check(work: Work, cursor: Cursor) -> None:
    """Once final, a block stays: where it did not, what rests on it is for a person to look at."""
    if await work.jobs.block_hash(cursor.block) == cursor.block_hash:
        return
    kept = await _kept(work, cursor)
    disowned = await work.inbox.rewind(kept)
    raise DeepReorg(block=cursor.block, kept=kept.block, events=disowned)


async def _kept(work: Work, cursor: Cursor) -> Cursor:
    """Return the last block that is as it was, of those that hold events; where none is, one from before all of them."""
    known = [block for block in await work.inbox.blocks(above=0) if block.block < cursor.block]
    for block in reversed(known):
        if await work.jobs.block_hash(block.block) == block.block_hash:
            return block
    number = max(0, min([cursor, *known]).block - REACH)
    return Cursor(number, await work.jobs.block_hash(number))


async def book(work: Work, head: Head) -> int:
    """Settle or release every job of which a final block tells the end; return how many.

    A job that cannot be booked is put aside and told, the others go on.
    """
    booked = 0
    for fate in await work.inbox.fates():
        if fate.status is JobStatus.SUBMITTED or fate.block > head.final_number:
            continue
        try:
            await _close(work, fate, head)
            booked += 1
        except (JobClosed, Miscounted) as error:
            work.aside.add(fate.job_id)
            work.tell(error)
    return booked


async def _close(work: Work, fate: Fate, head: Head) -> None:
    proof = Proof(fate.block, await work.jobs.block_hash(fate.block), head.final_number)
    if fate.status is JobStatus.COMPLETED:
        await work.ledger.settle(fate.job_id, proof)
        return
    if fate.status is JobStatus.FAILED:
        await _hold_poison(work, fate)
    note = fate.reason or fate.status.name.lower()
    await work.ledger.release_refused(fate.job_id, proof, note[:200])


async def _hold_poison(work: Work, fate: Fate) -> None:
    """One recipient whom the token refuses makes a whole job fail: find out who, so that the others get theirs.

    Where our own account would not get the largest of the amounts either, it is not the recipients' fault.
    """
    payload = await work.ledger.payload(fate.job_id)
    largest = max(amount for _, amount in unpack(payload))
    reasons = await work.jobs.refusals(payload + pack([(work.jobs.account, largest)]))
    if reasons and len(payload) // WORD_BYTES not in reasons:
        await work.ledger.poison(fate.job_id, reasons)
