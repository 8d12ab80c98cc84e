"""Is this the chain, the contract, the token and the operator that were meant? Asked before anything is signed."""

import time
from typing import Any

from blocks import evm_calls as calls
from blocks.evm_answers import Refusal
from blocks.evm_chain import EvmChain
from blocks.evm_node import Node
from blocks.jobs_problem import ChainBehind, ContractMissing, NotOperator, WrongChain, WrongToken


async def check(node: Node, chain: EvmChain, account: str) -> None:
    """Ask all at once, so that one node answers for one moment, and judge in the order of what must hold first.

    Raises:
        WrongChain, ChainBehind, ContractMissing, WrongToken, NotOperator: the first that is found.
    """
    chain_id, syncing, newest, code, token, operator = await node.try_all(
        [
            ("eth_chainId", []),
            ("eth_syncing", []),
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_getCode", [chain.contract, "latest"]),
            calls.view(chain.contract, calls.getter("token")),
            calls.view(chain.contract, calls.getter("operator")),
        ]
    )
    if (found := int(node.result(chain_id), 16)) != chain.chain_id:
        raise WrongChain(block=node.block, reason=f"it says {found}, the Block {chain.chain_id}")
    _check_freshness(node, node.result(syncing), node.result(newest), chain.max_lag_s)
    if node.result(code) == "0x":
        raise ContractMissing(block=node.block, contract=chain.contract, reason="no code there")
    _check_roles(node.block, chain, account, (token, operator))


def _check_freshness(node: Node, syncing: object, newest: Any, max_lag_s: float) -> None:
    age_s = time.time() - int(newest["timestamp"], 16)
    if syncing or age_s > max_lag_s:
        raise ChainBehind(block=node.block, reason=f"its newest block is {age_s:.0f} s old")


def _check_roles(block: str, chain: EvmChain, account: str, answers: tuple[Any, Any]) -> None:
    try:
        token, operator = (calls.address(_word(answer)) for answer in answers)
    except ValueError as error:
        raise ContractMissing(block=block, contract=chain.contract, reason=f"other code: {error}") from None
    if token != chain.token:
        raise WrongToken(block=block, found=token, token=chain.token)
    if operator != account:
        raise NotOperator(block=block, found=operator, account=account)


def _word(answer: str | Refusal) -> bytes:
    if isinstance(answer, Refusal):
        raise ValueError(answer.reason)  # noqa: TRY004 - the contract's answer is wrong, not its type
    return calls.octets(answer)
