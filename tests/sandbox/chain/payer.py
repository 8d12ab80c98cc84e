"""A wallet's side of the wire: signed transactions, right and wrong."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from eth_account import Account

from contracts.recipients import pack
from sandbox.chain.accounts import JOBS, OPERATOR, STRANGER, DevAccount
from sandbox.chain.deployment import calldata

GWEI = 10**9
ALICE, BOB = "0x" + "a1" * 20, "0x" + "b0" * 20
FAR_S = 4_000_000_000
SUBMIT = "submitJob(bytes32,bytes,uint256)"


def signed(account: DevAccount = STRANGER, **fields: Any) -> bytes:
    """A transfer of 1 wei unless told otherwise; fees in gwei."""
    fee_gwei, tip_gwei = fields.pop("fee_gwei", 10), fields.pop("tip_gwei", 1)
    fees = {"maxFeePerGas": int(fee_gwei * GWEI), "maxPriorityFeePerGas": int(tip_gwei * GWEI), "type": 2}
    if "gasPrice" in fields:
        fees = {}
    plain = {"chainId": 31337, "nonce": 0, "gas": 21_000, "to": ALICE, "value": 1, "data": b""}
    whole = {**plain, **fees, **fields}
    if isinstance(whole["to"], str):
        whole["to"] = bytes.fromhex(whole["to"][2:])
    present = {name: value for name, value in whole.items() if value is not None}
    return bytes(Account.sign_transaction(present, account.key).raw_transaction)


def submission(number: int, recipients: list[tuple[str, int]], nonce: int) -> bytes:
    """The operator's transaction for one job, whose id is the number."""
    data = calldata(SUBMIT, number.to_bytes(32), pack(recipients), FAR_S)
    return signed(OPERATOR, to=JOBS, value=0, data=data, nonce=nonce, gas=1_000_000)


async def until(condition: Callable[[], Any], patience_s: float = 30.0) -> None:
    """Wait until it holds, or fail."""
    async with asyncio.timeout(patience_s):
        while not condition():
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.01)
