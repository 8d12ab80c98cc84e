"""What can be wrong with a chain, its node, its Jobs contract or our key.

Source  docs/runbook.md has a heading for each exception below
"""

from blocks.problem import Problem


class JobsProblem(Problem):
    """{block}: the chain's node answered {reason}. Look at the node's own log, or ask who runs it."""


class ChainUnreachable(JobsProblem):
    """{block}: the chain's node does not answer ({reason}). Check that it is up and that JOBS_RPC_URL is right."""


class ChainBehind(JobsProblem):
    """{block}: the node knows less of the chain than we need ({reason}). Wait until it has caught up, or use
    another one.
    """


class ChainAccessDenied(JobsProblem):
    """{block}: the node turns us away ({reason}). Correct the address, or the key in it, in JOBS_RPC_URL and run
    `make apply`.
    """

    heals = False


class WrongChain(JobsProblem):
    """{block}: the node is of another chain ({reason}). Make JOBS_RPC_URL and JOBS_CHAIN_ID fit each other and
    run `make apply`.
    """

    heals = False


class ContractMissing(JobsProblem):
    """{block}: there is no Jobs contract at {contract} ({reason}). Correct JOBS_CONTRACT or JOBS_CHAIN_ID and
    run `make apply`.
    """

    heals = False


class WrongToken(JobsProblem):
    """{block}: the contract pays another token: {found}, where the Block says {token}. Find out which is right
    before anything is paid.
    """

    heals = False


class NotOperator(JobsProblem):
    """{block}: the contract's operator is {found}, but our key is that of {account}. Use the operator's key, or
    let the contract's owner call setOperator.
    """

    heals = False


class KeyLocked(JobsProblem):
    """{block}: the signing key cannot be read ({reason}). Put keystore and passphrase right and run `make apply`."""

    heals = False


class JobRefused(JobsProblem):
    """{block}: the contract would refuse the job: {reason}. Nothing of it was sent; ask the contract's owner, and see
    what payout/dry-run says.
    """

    heals = False


class JobTooLarge(JobRefused):
    """{block}: the job needs more gas than a transaction may have ({reason}). Lower JOBS_BATCH_SIZE and run
    `make apply`.
    """
