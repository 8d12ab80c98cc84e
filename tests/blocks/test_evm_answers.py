"""What the words of many clients mean; those of two of them are heard from real nodes in test_evm_sending.py."""

import pytest

from blocks.evm_answers import Refusal, explain, explain_estimate, verdict
from blocks.jobs import Verdict
from blocks.jobs_problem import ChainBehind, JobRefused, JobsProblem, JobTooLarge, WrongChain


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("already known", Verdict.KNOWN),  # geth, Erigon
        ("AlreadyKnown", Verdict.KNOWN),  # Nethermind
        ("Known transaction", Verdict.KNOWN),  # Besu
        ("transaction already imported", Verdict.KNOWN),  # anvil
        ("nonce too low: next nonce 5, tx nonce 3", Verdict.NONCE_USED),
        ("OldNonce, Current nonce: 5, nonce of rejected tx: 3", Verdict.NONCE_USED),
        ("Nonce too low", Verdict.NONCE_USED),
        ("replacement transaction underpriced", Verdict.FEE_TOO_LOW),
        ("transaction underpriced: gas tip cap 0, minimum needed 1", Verdict.FEE_TOO_LOW),
        ("max fee per gas less than block base fee", Verdict.FEE_TOO_LOW),
        ("FeeTooLow, MaxFeePerGas too low", Verdict.FEE_TOO_LOW),
        ("Gas price below configured minimum gas price", Verdict.FEE_TOO_LOW),
        ("insufficient funds for gas * price + value", Verdict.NO_FUNDS),
        ("InsufficientFunds, Account balance: 0", Verdict.NO_FUNDS),
        ("Upfront cost exceeds account balance", Verdict.NO_FUNDS),
        ("exceeds block gas limit\nsecond line", "exceeds block gas limit"),
        ("", "an error without words"),
    ],
)
def test_a_refused_transaction(words: str, meaning: str) -> None:
    """By its meaning where there is one for it, else by the first line."""
    assert verdict("jobs-contract", Refusal(words, None)) == meaning


@pytest.mark.parametrize(
    "words", ["invalid chain id for signer: have 1 want 5", "Wrong chainId", "wrong chain"]
)
def test_a_transaction_for_another_chain(words: str) -> None:
    """Looking it up would not help."""
    with pytest.raises(WrongChain):
        verdict("jobs-contract", Refusal(words, None))


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("header not found", ChainBehind),
        ("Unknown block", ChainBehind),
        ("missing trie node 1234 (path )", ChainBehind),
        ("BlockOutOfRangeError: block height is 9 but requested was 19", ChainBehind),
        ("daily request count exceeded, request rate limited", JobsProblem),
    ],
)
def test_a_refused_question(words: str, kind: type[JobsProblem]) -> None:
    """A block that the node has not got, or what it says; both may heal."""
    problem = explain("jobs-contract", Refusal(words, None))
    assert type(problem) is kind
    assert problem.heals
    assert words.splitlines()[0] in str(problem)


@pytest.mark.parametrize(
    ("refusal", "kind", "reason"),
    [
        (Refusal("execution reverted: paused", "0x"), JobRefused, "paused"),
        (Refusal("VM Exception while processing transaction: revert", None), JobRefused, "VM Exception"),
        (Refusal("gas required exceeds allowance (16777216)", None), JobTooLarge, "gas required"),
        (Refusal("Out of gas: gas required exceeds allowance: 30000000", None), JobTooLarge, "Out of gas"),
        (Refusal("header not found", None), ChainBehind, "header not found"),
        (Refusal("rate limited", None), JobsProblem, "rate limited"),
    ],
)
def test_a_refused_estimate(refusal: Refusal, kind: type[JobsProblem], reason: str) -> None:
    """The contract's no, too much gas, or the node's own trouble: three different things to do."""
    problem = explain_estimate("jobs-contract", refusal)
    assert type(problem) is kind
    assert problem.facts["reason"].startswith(reason)


def test_too_large_is_a_refusal() -> None:
    """Who halves jobs catches it; who does not, catches the other."""
    assert issubclass(JobTooLarge, JobRefused)
