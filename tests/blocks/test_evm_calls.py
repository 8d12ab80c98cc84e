"""Bytes of calls, answers and logs: packed by hand, compared with a general encoder."""

from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from blocks import evm_calls as calls
from blocks.jobs import JobState, JobStatus
from contracts import artifact
from sandbox.chain.deployment import calldata

WORD = st.binary(min_size=32, max_size=32)
NUMBER = st.integers(0, 2**256 - 1)
REVERT = "08c379a0" + encode(["string"], ["receiver blocked"]).hex()


@given(WORD, st.integers(1, 40), NUMBER, st.randoms())
def test_a_submission_is_what_a_general_encoder_makes(
    job_id: bytes, n: int, deadline: int, chance: Any
) -> None:
    """Byte by byte, whatever is in it."""
    payload = chance.randbytes(32 * n)
    packed = calldata("submitJob(bytes32,bytes,uint256)", job_id, payload, deadline)
    assert calls.submission(job_id, payload, deadline) == packed


@pytest.mark.parametrize("length", [0, 31, 33])
def test_ragged_recipients_are_not_packed(length: int) -> None:
    """They would shift what follows, and the digest with it."""
    with pytest.raises(ValueError, match=f"{length} bytes are no whole number of words"):
        calls.submission(bytes(32), bytes(length), 1)


def test_calls_are_those_of_the_artifacts() -> None:
    """Names and argument types are the compiled contracts' own."""
    known = {
        f"{item['name']}({','.join(each['type'] for each in item['inputs'])})"
        for name in ("Jobs", "Coin")
        for item in artifact(name).abi
        if "name" in item
    }
    assert {
        "submitJob(bytes32,bytes,uint256)", "job(bytes32)", "dayPaid(uint256)", "transfer(address,uint256)",
        "token()", "operator()", "budget()", "maxPerJob()", "maxPerDay()", "paused()", "decimals()",
        "JobSubmitted(bytes32,bytes32,uint256,uint256,uint256)", "JobCompleted(bytes32,uint256,uint256)",
        "JobFailed(bytes32,string)", "JobCancelled(bytes32)",
    } <= known  # fmt: skip
    assert calls.getter("paused") == calldata("paused()")
    assert calls.day_paid(20_000) == calldata("dayPaid(uint256)", 20_000)
    assert calls.question(bytes(31) + b"\7") == calldata("job(bytes32)", bytes(31) + b"\7")
    words = bytes(19) + b"\1", bytes(11) + b"\2"
    assert calls.transfer(*words) == calldata("transfer(address,uint256)", f"0x{1:040x}", 2)


@given(st.sampled_from(JobStatus), st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), WORD)
def test_a_job_is_read_word_by_word(status: JobStatus, numbers: tuple[int, ...], digest: bytes) -> None:
    """As a general decoder would; the day, the last number, is not asked for."""
    answer = encode(["uint256"] * 5 + ["bytes32"], [status, *numbers, digest])
    assert calls.job_state(answer) == JobState(status, *numbers[:3], digest)


@pytest.mark.parametrize("answer", [b"", bytes(32), bytes(31) + b"\5" + bytes(160), bytes(193)])
def test_what_is_no_job_is_no_unknown_job(answer: bytes) -> None:
    """Nor is a status that the contract does not have."""
    with pytest.raises(ValueError, match=r"job|JobStatus"):
        calls.job_state(answer)


@pytest.mark.parametrize("word", [b"", bytes(31), b"\1" * 32])
def test_what_is_no_address_or_number(word: bytes) -> None:
    """An empty answer is not nought."""
    with pytest.raises(ValueError, match="address"):
        calls.address(word)
    if len(word) != 32:
        with pytest.raises(ValueError, match="number"):
            calls.number(word)


@pytest.mark.parametrize(
    ("message", "data", "reason"),
    [
        ("execution reverted: receiver blocked", "0x" + REVERT, "receiver blocked"),
        ("execution reverted", "0x" + REVERT, "receiver blocked"),
        ("VM execution error.", "Reverted 0x" + REVERT, "receiver blocked"),
        ("Internal JSON-RPC error.", {"data": "0x" + REVERT, "txHash": "0x12"}, "receiver blocked"),
        ("execution reverted: receiver blocked", None, "receiver blocked"),
        ("execution reverted", "0x", "execution reverted"),
        ("execution reverted", "0x08c379a0" + "ff" * 32, "execution reverted"),
    ],
)
def test_a_reason_is_found_wherever_a_client_puts_it(message: str, data: object, reason: str) -> None:
    """geth, Nethermind, Hardhat; and what is no text is left to the node's own words."""
    assert calls.revert_reason(message, data) == reason
