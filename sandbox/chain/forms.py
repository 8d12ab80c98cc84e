"""What JSON-RPC carries, read and written: quantities, data, addresses; and errors with geth's codes."""

import re
from typing import Any

from sandbox.chain.evm import Message
from sandbox.chain.transaction import NOBODY

INVALID_REQUEST, NO_METHOD, INVALID_PARAMS, INTERNAL, SERVER = -32600, -32601, -32602, -32603, -32000
PARSE = -32700
REVERTED = 3
CALL_GAS = 50_000_000

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]*)")
_CALL_FIELDS = {
    "from", "to", "data", "input", "value", "gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas",
    "nonce", "type", "chainId",
}  # fmt: skip


class RpcError(Exception):
    """An answer with `error` in it."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"code": self.code, "message": self.message}
        return told if self.data is None else told | {"data": self.data}


def address(value: object) -> str:
    return _matching(_ADDRESS, value, "an address").lower()


def block_hash(value: object) -> str:
    return _matching(_HASH, value, "a hash").lower()


def quantity(value: object) -> int:
    return int(_matching(_QUANTITY, value, "a quantity such as 0x41"), 16)


def data(value: object) -> bytes:
    try:
        assert isinstance(value, str)
        assert value.startswith("0x")
        return bytes.fromhex(value[2:])
    except (AssertionError, ValueError):
        raise RpcError(INVALID_PARAMS, "invalid argument: expected data such as 0x41ff") from None


def message(call: object) -> Message:
    """Read the object of eth_call and eth_estimateGas; what is not understood is refused, not ignored."""
    if not isinstance(call, dict) or not call.keys() <= _CALL_FIELDS:
        raise RpcError(INVALID_PARAMS, f"invalid argument 0: an object with any of {sorted(_CALL_FIELDS)}")
    given = {name: value for name, value in call.items() if value is not None}
    return Message(
        address(given.get("from", NOBODY)),
        address(given["to"]) if "to" in given else None,
        data(given.get("input", given.get("data", "0x"))),
        quantity(given.get("value", "0x0")),
        quantity(given["gas"]) if "gas" in given else CALL_GAS,
    )


def words(number: int) -> str:
    """Thirty-two bytes.

    >>> words(1)[-4:]
    '0001'
    """
    return f"0x{number:064x}"


def hex_data(octets: bytes) -> str:
    return "0x" + octets.hex()


def _matching(pattern: re.Pattern[str], value: object, wanted: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise RpcError(INVALID_PARAMS, f"invalid argument: expected {wanted}")
    return value
