"""The Jobs contract's calls, answers and logs as bytes. Pure.

Source  contracts/Jobs.vy; the test compares with what a general encoder makes of its ABI
"""

import re
from collections.abc import Mapping
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import event_signature_to_log_topic as topic
from eth_utils.abi import function_signature_to_4byte_selector as selector
from eth_utils.address import to_checksum_address

from blocks.jobs import JobEvent, JobState, JobStatus
from contracts.recipients import WORD_BYTES

Json = Mapping[str, Any]

_SUBMIT, _JOB = selector("submitJob(bytes32,bytes,uint256)"), selector("job(bytes32)")
_TRANSFER, _DAY_PAID = selector("transfer(address,uint256)"), selector("dayPaid(uint256)")
_JOB_WORDS = 6
_PAYLOAD_AT = 3 * WORD_BYTES
_STATUS = {
    "0x" + topic(signature).hex(): status
    for signature, status in (
        ("JobSubmitted(bytes32,bytes32,uint256,uint256,uint256)", JobStatus.SUBMITTED),
        ("JobCompleted(bytes32,uint256,uint256)", JobStatus.COMPLETED),
        ("JobFailed(bytes32,string)", JobStatus.FAILED),
        ("JobCancelled(bytes32)", JobStatus.CANCELLED),
    )
}
TOPICS = list(_STATUS)
FALSE = "0x" + "00" * WORD_BYTES
# Error(string), wherever in its answer a node puts what was returned.
_REVERTED = re.compile("08c379a0((?:[0-9a-f]{64})+)")


def submission(job_id: bytes, payload: bytes, deadline: int) -> bytes:
    """Return the calldata of submitJob; a general encoder takes fifty times as long.

    Raises:
        ValueError: `payload` is not a whole number of words.
    """
    if len(payload) % WORD_BYTES or not payload:
        raise ValueError(f"{len(payload)} bytes are no whole number of words of {WORD_BYTES}")
    return b"".join((_SUBMIT, job_id, _word(_PAYLOAD_AT), _word(deadline), _word(len(payload)), payload))


def view(
    contract: str, data: bytes, block: str = "latest", sender: str | None = None
) -> tuple[str, list[Any]]:
    """Return the request that asks a contract, as `sender` if given."""
    origin = {} if sender is None else {"from": sender}
    return "eth_call", [{**origin, "to": contract, "data": "0x" + data.hex()}, block]


def getter(name: str) -> bytes:
    """Return the calldata of a function without arguments."""
    return bytes(selector(f"{name}()"))


def question(job_id: bytes) -> bytes:
    return bytes(_JOB) + job_id


def transfer(recipient: bytes, amount: bytes) -> bytes:
    return b"".join((_TRANSFER, recipient.rjust(WORD_BYTES, b"\0"), amount.rjust(WORD_BYTES, b"\0")))


def day_paid(day: int) -> bytes:
    return bytes(_DAY_PAID) + _word(day)


def job_state(answer: bytes) -> JobState:
    """Read what `job` returns.

    Raises:
        ValueError: that is no job, so there is no Jobs contract.
    """
    if len(answer) != _JOB_WORDS * WORD_BYTES:
        raise ValueError(f"{len(answer)} bytes are no job")
    status, n, total, deadline, _ = (
        number(answer[at : at + WORD_BYTES]) for at in range(0, 5 * WORD_BYTES, WORD_BYTES)
    )
    return JobState(JobStatus(status), n, total, deadline, answer[-WORD_BYTES:])


def event(log: Json) -> JobEvent:
    """Read one of the logs that TOPICS ask for."""
    kind, job_id = log["topics"]
    status, data = _STATUS[kind], octets(log["data"])
    n = total = reason = None
    if status is JobStatus.SUBMITTED:
        _, n, total, _ = decode(["bytes32", "uint256", "uint256", "uint256"], data)
    elif status is JobStatus.COMPLETED:
        n, total = decode(["uint256", "uint256"], data)
    elif status is JobStatus.FAILED:
        reason = _text(data)
    place = int(log["blockNumber"], 16), log["blockHash"], log["transactionHash"], int(log["logIndex"], 16)
    return JobEvent(status, octets(job_id), *place, n, total, reason)


def revert_reason(message: str, data: object) -> str:
    """Return why a contract reverted: its own text, else the node's.

    >>> revert_reason("execution reverted: paused", None)
    'paused'
    """
    found = _REVERTED.search(str(data))
    told = _text(bytes.fromhex(found[1])) if found else ""
    return told or message.partition("execution reverted: ")[2] or message


def octets(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def number(word: bytes) -> int:
    """Return the number in an answer's word.

    Raises:
        ValueError: the answer is not one number, say because nobody is there to give one.
    """
    if len(word) != WORD_BYTES:
        raise ValueError(f"{len(word)} bytes are no number")
    return int.from_bytes(word)


def address(word: bytes) -> str:
    """Return the address in an answer's word, with its checksum.

    Raises:
        ValueError: the answer is not one address.
    """
    if len(word) != WORD_BYTES or any(word[:12]):
        raise ValueError(f"{len(word)} bytes are no address")
    return str(to_checksum_address(word[12:]))


def _text(data: bytes) -> str:
    """Read the only string of an answer: somebody else's, so whatever it holds, it can be printed and stored."""
    try:
        (text,) = decode(["bytes"], data)
    except DecodingError:
        return ""
    return "".join(each if each.isprintable() else "?" for each in text.decode(errors="replace"))


def _word(value: int) -> bytes:
    return value.to_bytes(WORD_BYTES)
