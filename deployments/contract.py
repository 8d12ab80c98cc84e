"""The Jobs contract's Block, made of plain variables: a chain in it, and the operator's key in that."""

from collections.abc import Mapping

from prefect.blocks.core import Block

from blocks.jobs_contract import JobsContract

VARIABLES = {
    "rpc_url": "JOBS_RPC_URL",
    "ws_url": "JOBS_WS_URL",
    "chain_id": "JOBS_CHAIN_ID",
    "contract": "JOBS_CONTRACT",
    "token": "JOBS_TOKEN",
    "confirmations": "JOBS_CONFIRMATIONS",
    "batch_size": "JOBS_BATCH_SIZE",
    "keystore": "JOBS_OPERATOR_KEYSTORE",
    "passphrase_block": "JOBS_OPERATOR_PASSPHRASE_BLOCK",
    "passphrase_variable": "JOBS_OPERATOR_PASSPHRASE_VARIABLE",
    "key": "JOBS_OPERATOR_KEY",
}
OPTIONAL = frozenset(VARIABLES) - {"rpc_url", "chain_id", "contract", "token"}
_SIGNER = {"keystore", "passphrase_block", "passphrase_variable", "key"}


def jobs_contract(values: Mapping[str, str]) -> Block:
    """Return the Block; a key in plain sight counts only where there is no keystore."""
    given = {name: value for name, value in values.items() if value}
    signer = {name: given.pop(name) for name in _SIGNER & given.keys()}
    signer["kind"] = "raw" if signer.keys() == {"key"} else "keystore"
    contract: Block = JobsContract.model_validate({"chain": {"kind": "evm", **given, "signer": signer}})
    return contract
