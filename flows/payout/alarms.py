"""What a person must hear of, once everything that could be done is done.

Source  docs/runbook.md has a heading for each
"""

from blocks.problem import Problem


class Alarm(Problem):
    """A run's reasons to end as failed though the ledger is in order."""

    heals = False


class TreasuryShort(Alarm):
    """Not everybody could be paid: {lack}. Nothing of the rest was sent, and it stays due: fill up, or wait for
    the contract's next day, and run again.
    """


class ContractPaused(Alarm):
    """The contract is paused, so nothing was reserved or sent. Its owner paused it, and ends the pause
    with setPaused(false).
    """


class JobsUnanswered(Alarm):
    """The worker has left {jobs} job(s) alone for more than {patience_s} s, the first is {first}: their
    {players} players wait. Ask who runs the worker; the contract's owner can cancel a job, and then its amounts are
    due again.
    """


class DeepReorg(Alarm):
    """The chain took back block {block}, which was final, and {events} events with it, down to block {kept}.
    Nothing is repaid by itself: run payout-reconcile and look at what it finds.
    """


class OrphanJobs(Alarm):
    """The contract knows {jobs} job(s) that this ledger never made, the first is {first}. Either two ledgers use
    one contract, or somebody has the operator's key: pause the contract, then change the operator.
    """


class ChainDiffers(Alarm):
    """Ledger and chain differ in {differences} place(s): payout-reconcile/daily looks at all of them and shows them.
    Nothing was changed.
    """
