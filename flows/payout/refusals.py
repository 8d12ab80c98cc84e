"""What the ledger does not do, each with what a person can do about it.

Source  docs/runbook.md has a heading for each
"""

from blocks.problem import Problem


class LedgerProblem(Problem):
    """The ledger's own refusals; nothing was written when one is raised."""

    heals = False


class PlayersNotUnique(LedgerProblem):
    """{table} has rows without an id, or two with the same: nobody knows whose coins are whose. Name a table or a
    view with one row for each player.
    """


class PlanUnknown(LedgerProblem):
    """No plan {hash} is stored: another dry run has taken its place, or it is mistyped. Look at the newest dry
    run and approve that one.
    """


class PlanElsewhere(LedgerProblem):
    """Plan {hash} was made for {made_for}, not for {target}. Make a dry run with the Block as it is now."""


class PlanStale(LedgerProblem):
    """Plan {hash} cannot be paid as it was approved: {reason}. Nothing of it was reserved; make a dry run and
    approve that one.
    """


class SignerLocked(LedgerProblem):
    """Another session holds the lock of signer {signer} on chain {chain_id}; it goes on and this one signs
    nothing.
    """


class SignerNotHeld(LedgerProblem):
    """This session does not hold the lock of signer {signer} on chain {chain_id}, so that nothing may be signed.
    Start a new run; state-db must not be reached through a transaction-mode pooler.
    """


class NonceTaken(LedgerProblem):
    """Nonce {nonce} of signer {signer} belongs to a transaction of another job. Nothing was stored or sent: start a new
    run, which asks for the nonce again.
    """


class JobClosed(LedgerProblem):
    """Job {job} is not open for this: {reason}. Nothing was booked or signed: start a new run, and look at
    what payout-reconcile/daily says of the job.
    """


class Miscounted(LedgerProblem):
    """Job {job} has {wanted}, but the accounts that hold it came to {found}. Nothing was booked: somebody changed
    the ledger's tables by hand, and a person must find out what.
    """


class ItemsChanged(LedgerProblem):
    """The rows of job {job} are not those that it was made of: their digest differs. Nothing was signed; a person
    must find out who changed the ledger's tables.
    """
