"""Whom the node turns away, in the words of a real one, and who waits."""

from typing import Any

import pytest
import rlp

from sandbox.chain.accounts import BALANCE_WEI, OPERATOR, STRANGER
from sandbox.chain.server import ChainServer
from tests.sandbox.chain.payer import GWEI, signed

REFUSED = -32000


@pytest.fixture
def send(rpc: Any) -> Any:
    async def send(raw: bytes) -> Any:
        return await rpc("eth_sendRawTransaction", "0x" + raw.hex())

    return send


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"chainId": 1}, "invalid chain id for signer: have 1 want 31337"),
        ({"chainId": None, "type": None, "gasPrice": 10 * GWEI}, "only replay-protected (EIP-155) transactions"),
        ({"gas": 20_999}, "intrinsic gas too low: gas 20999, minimum needed 21000"),
        ({"gas": 22_000, "data": b"\1" * 100}, "intrinsic gas too low: gas 22000, minimum needed 22600"),
        ({"gas": 24_999, "data": b"\1" * 100}, "insufficient gas for floor data gas cost: gas 24999, minimum needed 25000"),
        ({"gas": (1 << 24) + 1}, "transaction gas limit too high (cap: 16777216, tx: 16777217)"),
        ({"value": BALANCE_WEI}, "insufficient funds for gas * price + value"),
        ({"fee_gwei": 1, "tip_gwei": 2}, "max priority fee per gas higher than max fee per gas"),
        ({"tip_gwei": 0}, "transaction underpriced: gas tip cap 0, minimum needed 1"),
        ({"gas": 1 << 24, "data": bytes(128 * 1024)}, "oversized data: transaction size 131"),
        ({"to": None, "gas": 1 << 23, "data": bytes(49_153)}, "max initcode size exceeded: code size 49153, limit 49152"),
    ],
)  # fmt: skip
async def test_what_is_turned_away(
    send: Any, chain: ChainServer, fields: dict[str, Any], answer: str
) -> None:
    """Each rule by itself, in the node's words; nothing of it gets into the mempool."""
    code, message = await send(signed(**fields))
    assert (code, message[: len(answer)]) == (REFUSED, answer)
    assert len(chain.node.chain.pool) == 0
    assert sum(chain.node.counters.refused.values()) == 1
    assert chain.node.counters.received == 0


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (b"", "rlp: "),
        (b"\x02", "rlp: "),
        (b"\x03" + rlp.encode([b""] * 12), "transaction type not supported: 3"),
        (b"\x02" + rlp.encode([b""] * 11), "rlp: wrong number of fields"),
        (b"\x02" + rlp.encode([b"\0"] + [b""] * 11), "rlp: non-canonical integer"),
        (b"\x02" + rlp.encode([b""] * 5 + [b"\1"] + [b""] * 6), "rlp: no address and data"),
        (b"\x02" + rlp.encode([b""] * 12), "invalid sender"),
        (b"\x02" + rlp.encode([b""] * 8 + [[[b"\1" * 20, []]]] + [b""] * 3), "access lists are not served"),
        (rlp.encode([b""] * 9), "invalid sender"),
    ],
)
async def test_what_is_no_transaction(send: Any, raw: bytes, answer: str) -> None:
    """Bytes that no wallet signed are refused, not crashed on."""
    code, message = await send(raw)
    assert (code, message[: len(answer)]) == (REFUSED, answer)


async def test_a_spoilt_signature_has_another_sender(send: Any) -> None:
    """A single wrong bit makes it somebody else's, who has no money."""
    raw = bytearray(signed())
    raw[-1] ^= 1
    code, message = await send(bytes(raw))
    assert code == REFUSED
    assert message.startswith(("insufficient funds", "invalid sender"))


async def test_the_same_transaction_twice(send: Any, chain: ChainServer) -> None:
    """While it waits it is already known; once mined its nonce is too low."""
    raw = signed()
    assert await send(raw) in chain.node.chain.pool
    assert await send(raw) == (REFUSED, "already known")
    chain.node.chain.mine()
    assert await send(raw) == (REFUSED, "nonce too low: next nonce 1, tx nonce 0")


@pytest.mark.parametrize(
    ("fee_gwei", "tip_gwei", "taken"),
    [(11, 2.2, True), (11, 2.1, False), (10.9, 2.2, False), (20, 2, False), (10, 20, False), (20, 4, True)],
)
async def test_a_replacement_must_pay_more(
    send: Any, chain: ChainServer, fee_gwei: float, tip_gwei: float, taken: bool
) -> None:
    """Ten per cent more of both fees, otherwise the first one stays."""
    first = await send(signed(fee_gwei=10, tip_gwei=2))
    answer = await send(signed(fee_gwei=fee_gwei, tip_gwei=tip_gwei, value=2))
    (waiting,) = chain.node.chain.pool.ready(0, lambda _: 0)
    if taken:
        assert waiting.hash == answer
    elif fee_gwei < tip_gwei:
        assert answer[1].startswith("max priority fee per gas higher")
    else:
        assert answer == (REFUSED, "replacement transaction underpriced")
    assert (waiting.hash == first) is not taken


async def test_funds_count_for_all_that_waits(send: Any) -> None:
    """Two transactions that together cost more than the balance cannot both wait; a replacement counts once."""
    half = BALANCE_WEI // 2
    await send(signed(value=half))
    _, message = await send(signed(value=half, nonce=1))
    assert message.startswith("insufficient funds for gas * price + value: balance")
    assert isinstance(await send(signed(value=half - GWEI, fee_gwei=11, tip_gwei=2)), str)


async def test_a_gap_in_the_nonces_is_waited_out(send: Any, chain: ChainServer, rpc: Any) -> None:
    """What comes after a gap is kept, but not mined before the gap is filled."""
    await send(signed(nonce=1))
    assert len(chain.node.chain.mine().receipts) == 0
    assert await rpc("eth_getTransactionCount", STRANGER.address, "pending") == "0x0"
    await send(signed(nonce=0))
    assert await rpc("eth_getTransactionCount", STRANGER.address, "pending") == "0x2"
    assert [receipt.transaction.nonce for receipt in chain.node.chain.mine().receipts] == [0, 1]


async def test_a_fee_below_the_base_fee_waits(send: Any, chain: ChainServer, rpc: Any) -> None:
    """A transaction that the base fee has outgrown stays pending until the fee falls or it is replaced."""
    await send(signed(fee_gwei=3))
    await rpc("sandbox_setBaseFee", 5 * GWEI)
    assert len(chain.node.chain.mine().receipts) == 0
    await send(signed(fee_gwei=6, tip_gwei=2, value=2))
    (receipt,) = chain.node.chain.mine().receipts
    assert receipt.transaction.value_wei == 2
    assert len(chain.node.chain.pool) == 0


async def test_better_tips_come_first(send: Any, chain: ChainServer) -> None:
    """Between senders the tip decides, then who came first; each sender's own come in order."""
    for account, nonce, tip in ((STRANGER, 0, 1), (OPERATOR, 0, 2), (STRANGER, 1, 9), (OPERATOR, 1, 1)):
        await send(signed(account, nonce=nonce, tip_gwei=tip))
    mined = [
        (receipt.transaction.sender, receipt.transaction.nonce)
        for receipt in chain.node.chain.mine().receipts
    ]
    assert mined == [
        (OPERATOR.address, 0),
        (STRANGER.address, 0),
        (STRANGER.address, 1),
        (OPERATOR.address, 1),
    ]


async def test_a_refused_transaction_can_be_right_later(send: Any, chain: ChainServer) -> None:
    """The node remembers nothing of what it turned away."""
    raw = signed(STRANGER, nonce=0, value=BALANCE_WEI)
    assert (await send(raw))[0] == REFUSED
    await send(signed(OPERATOR, to=STRANGER.address, value=BALANCE_WEI // 2))
    chain.node.chain.mine()
    assert isinstance(await send(raw), str)
