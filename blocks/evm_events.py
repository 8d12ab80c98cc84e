"""The Jobs contract's events between two blocks, without a gap."""

from blocks import evm_calls as calls
from blocks.evm_answers import Refusal
from blocks.evm_node import Node
from blocks.jobs import JobEvent
from blocks.jobs_problem import ChainBehind


async def read(node: Node, contract: str, first: int, last: int) -> list[JobEvent]:
    """Return the events, oldest first. A node that refuses the range is asked for each half of it.

    Raises:
        ChainBehind: the node does not know `last` yet: it would leave events out without a word.
        JobsProblem: it refuses even a single block.
    """
    if first > last:
        return []
    wanted = {"address": contract, "topics": [calls.TOPICS], "fromBlock": hex(first), "toBlock": hex(last)}
    number, logs = await node.try_all([("eth_blockNumber", []), ("eth_getLogs", [wanted])])
    if (head := int(node.result(number), 16)) < last:
        raise ChainBehind(block=node.block, reason=f"its newest block is {head}, we need {last}")
    if isinstance(logs, Refusal) and first < last:
        middle = (first + last) // 2
        earlier = await read(node, contract, first, middle)
        return earlier + await read(node, contract, middle + 1, last)
    return [calls.event(log) for log in node.result(logs) if not log.get("removed")]
