"""What an EVM node's words mean; every client has its own. Pure.

Source  go-ethereum core/txpool/errors.go; Nethermind AcceptTxResult; Besu TransactionInvalidReason; anvil's errors
"""

from dataclasses import dataclass

from blocks.evm_calls import revert_reason
from blocks.jobs import Verdict
from blocks.jobs_problem import ChainBehind, JobRefused, JobsProblem, JobTooLarge, WrongChain

REASON_CHARACTERS = 160
_VERDICTS = {
    Verdict.KNOWN: ("already known", "already imported", "known transaction", "alreadyknown"),
    Verdict.NONCE_USED: ("nonce too low", "nonce is too low", "oldnonce", "nonce has already been used"),
    Verdict.FEE_TOO_LOW: (
        "underpriced", "fee too low", "feetoolow", "gas price too low", "less than block base fee",
        "gas price below", "feecap",
    ),
    Verdict.NO_FUNDS: ("insufficient funds", "insufficientfunds", "upfront cost exceeds"),
}  # fmt: skip
_OTHER_CHAIN = ("chain id", "chainid", "wrong chain")
_BEHIND = (
    "header not found", "block not found", "unknown block", "missing trie node", "out of range",
    "outofrange", "beyond head", "cannot query unfinalized", "not available", "pruned",
)  # fmt: skip
_TOO_LARGE = ("exceeds allowance", "out of gas", "outofgas", "gas limit", "intrinsic gas", "oversized")


@dataclass(frozen=True)
class Refusal:
    """An error as the node told it; `data` is whatever it put beside its words."""

    words: str
    data: object

    @property
    def reason(self) -> str:
        return next(iter(self.words.splitlines()), "")[:REASON_CHARACTERS] or "an error without words"


def verdict(block: str, refusal: Refusal) -> str:
    """Return what a node means that does not take a transaction, or its own words.

    Raises:
        WrongChain: it is for another chain.

    >>> verdict("jobs-contract", Refusal("nonce too low: next nonce 5, tx nonce 3", None))
    <Verdict.NONCE_USED: 'nonce too low'>
    """
    if _says(refusal, _OTHER_CHAIN):
        raise WrongChain(block=block, reason=refusal.reason)
    return next((verdict for verdict, words in _VERDICTS.items() if _says(refusal, words)), refusal.reason)


def explain(block: str, refusal: Refusal) -> JobsProblem:
    """Return what a refused question means."""
    kind = ChainBehind if _says(refusal, _BEHIND) else JobsProblem
    return kind(block=block, reason=refusal.reason)


def explain_estimate(block: str, refusal: Refusal) -> JobsProblem:
    """Return why a job could not be submitted, the contract's own reason where it gives one."""
    if refusal.data is not None or "revert" in refusal.words.lower():
        return JobRefused(block=block, reason=revert_reason(refusal.reason, refusal.data))
    if _says(refusal, _TOO_LARGE):
        return JobTooLarge(block=block, reason=refusal.reason)
    return explain(block, refusal)


def _says(refusal: Refusal, words: tuple[str, ...]) -> bool:
    return any(each in refusal.words.lower() for each in words)
