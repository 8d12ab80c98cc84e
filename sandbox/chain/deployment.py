"""Token and Jobs contract, put on the chain by its owner as anybody else would."""

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.abi import function_signature_to_4byte_selector as selector

from contracts import artifact
from sandbox.chain.accounts import JOBS, OPERATOR, OWNER, TOKEN, WORKER, DevAccount
from sandbox.chain.chain import GWEI, Chain
from sandbox.service import SandboxError

COIN = 10**18


@dataclass(frozen=True)
class Terms:
    """What the contract starts with, in the token's smallest units."""

    budget: int = 10**9 * COIN
    max_per_job: int = 10**8 * COIN
    max_per_day: int = 10**9 * COIN


def deploy(chain: Chain, terms: Terms) -> None:
    """Deploy token and contract at their well-known addresses, and fill the budget.

    Raises:
        SandboxError: the artifacts do not fit the sources any more.
    """
    limits = (terms.max_per_job, terms.max_per_day)
    roles = encode(
        ["address", "address", "address", "uint256", "uint256"],
        [TOKEN, OPERATOR.address, WORKER.address, *limits],
    )
    fund = calldata("mint(address,uint256)", JOBS, terms.budget)
    steps = [(None, artifact("Coin").bytecode), (None, artifact("Jobs").bytecode + roles), (TOKEN, fund)]
    for to, data in steps:
        chain.send(signed(chain, OWNER, to, data, chain.rules.limits.transaction_gas))
    receipts = chain.mine().receipts
    if [receipt.created for receipt in receipts] != [TOKEN, JOBS, None] or not receipts[-1].succeeded:
        raise SandboxError("the contracts cannot be deployed: run `python -m contracts.build`")


def check(chain: Chain) -> None:
    """Look at the contracts of a chain that was kept.

    Raises:
        SandboxError: they are not those that our sources compile to now.
    """
    for address, name in ((TOKEN, "Coin"), (JOBS, "Jobs")):
        if not chain.history.head.code(address).startswith(artifact(name).deployed_bytecode):
            raise SandboxError(f"{name} has changed since this chain began: remove the sandbox's folder")


def calldata(signature: str, *values: Any) -> bytes:
    """Encode a call.

    >>> calldata("setPaused(bool)", True).hex()[:8]
    '16c38b3c'
    """
    types = [each for each in signature[signature.index("(") + 1 : -1].split(",") if each]
    return bytes(selector(signature)) + encode(types, values)


def signed(  # noqa: PLR0913 - a transaction has so many fields
    chain: Chain,
    account: DevAccount,
    to: str | None,
    data: bytes,
    gas: int,
    *,
    nonce: int | None = None,
    tip_wei: int = GWEI,
) -> bytes:
    """Sign with a fee that ten blocks' rise of the base fee does not stop."""
    fields: dict[str, Any] = {
        "type": 2, "chainId": chain.rules.limits.chain_id, "gas": gas, "value": 0, "data": data,
        "nonce": chain.pool.next_nonce(account.address, chain.nonce(account.address)) if nonce is None else nonce,
        "maxFeePerGas": 4 * chain.next_base_fee_wei + tip_wei, "maxPriorityFeePerGas": tip_wei,
    }  # fmt: skip
    if to is not None:
        fields["to"] = bytes.fromhex(to[2:])
    return bytes(_signer(account.key).sign_transaction(fields).raw_transaction)


@cache
def _signer(key: str) -> LocalAccount:
    """A key is half a signature's work to read."""
    return cast(LocalAccount, Account.from_key(key))
