"""eth_call and eth_estimateGas: runs that change nothing."""

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from sandbox.chain.evm import Message, Outcome, State
from sandbox.chain.fees import floor_gas, intrinsic_gas
from sandbox.chain.forms import REVERTED, SERVER, RpcError, hex_data

STIPEND_GAS = 2300
ERROR_STRING = bytes.fromhex("08c379a0")
NEAR_ENOUGH = 0.015


def call(state: State, message: Message) -> bytes:
    """Return what the call returns.

    Raises:
        RpcError: it reverted (code 3, with the data), or the machine stopped.
    """
    outcome = state.run(message)
    if not outcome.succeeded:
        raise failure(outcome)
    return outcome.output


def estimate(state: State, message: Message, most_gas: int) -> int:
    """Return a gas limit with which the message succeeds, as geth searches for it: within 1.5 %.

    Raises:
        RpcError: it fails with any gas.
    """
    floor = max(floor_gas(message.data), intrinsic_gas(message.data, creates=message.to is None))
    whole = state.run(message._replace(gas=most_gas))
    if not whole.succeeded or floor > most_gas:
        over = whole.halt.startswith("OutOfGas") or floor > most_gas
        raise RpcError(SERVER, f"gas required exceeds allowance ({most_gas})") if over else failure(whole)
    high, low = most_gas, max(whole.gas_used, floor) - 1
    guess = (whole.gas_used + whole.gas_refunded + STIPEND_GAS) * 64 // 63
    while high - low > 1 and (high - low) / high > NEAR_ENOUGH:
        if low < guess < high and state.run(message._replace(gas=guess)).succeeded:
            high = guess
        elif low < guess < high:
            low = guess
        guess = min((high + low) // 2, low * 2)
    return high


def failure(outcome: Outcome) -> RpcError:
    if outcome.halt:
        told = "out of gas" if outcome.halt.startswith("OutOfGas") else outcome.halt
        return RpcError(SERVER, told)
    reason = reason_of(outcome.output)
    return RpcError(
        REVERTED,
        f"execution reverted: {reason}" if reason else "execution reverted",
        hex_data(outcome.output),
    )


def reason_of(output: bytes) -> str:
    """Return the text of `assert …, "text"`, or nothing if there is none."""
    try:
        (reason,) = decode(["string"], output[4:]) if output[:4] == ERROR_STRING else ("",)
    except (DecodingError, UnicodeDecodeError):
        return ""
    return str(reason)
