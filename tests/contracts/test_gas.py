"""What jobs cost, to the gas: the figures of docs/payout.md.

The pinned figures are those that anvil 1.7.1 (Osaka) gives for the same transactions in the same order.
"""

import pytest
from eth_utils import keccak

from sandbox.chain.fees import floor_gas
from tests.contracts.desk import Desk, Refused, job_id, wallets

# Jobs of 1, 10, 100 and 500: first to fresh wallets, then to the same ones again.
SUBMITS = {1: (105_857, 88_733), 10: (94_634, 94_634), 100: (153_248, 153_248), 500: (571_390, 571_360)}
COMPLETES = {
    1: (74_014, 56_890),
    10: (306_160, 135_160),
    100: (2_627_464, 917_464),
    500: (12_944_356, 4_394_344),
}
FLOOR_OF_A_WORD = 1186
CAP = 1 << 24


def coins(count: int) -> list[tuple[str, int]]:
    return [(wallet, 10**15 + place * 10**12) for place, wallet in enumerate(wallets(count, seed=count))]


def test_jobs_cost_what_another_node_says(desk: Desk) -> None:
    """Submitting and completing, to fresh wallets and again, at every size."""
    for again in (0, 1):
        for count in SUBMITS:
            name = f"job{count}{again}"
            assert job_id(name) == keccak(text=name)
            submit = desk.submit(name, coins(count), deadline=2_000_000_000)
            complete = desk.complete(name, coins(count))
            assert submit.gas_used == SUBMITS[count][again]
            assert complete.gas_used == COMPLETES[count][again]


def test_a_full_batch_is_submitted_at_the_floor(desk: Desk) -> None:
    """500 recipients cost their calldata and not a gas more."""
    receipt = desk.submit("a", coins(500))
    assert receipt.gas_used == floor_gas(receipt.transaction.data)
    assert receipt.gas_used / 500 < FLOOR_OF_A_WORD


@pytest.mark.parametrize(("count", "fits"), [(600, True), (700, False)])
def test_how_many_fresh_wallets_fit_under_the_cap(desk: Desk, count: int, fits: bool) -> None:
    """A transaction may use 2^24 gas (EIP-7825): about 640 wallets that never had the coin."""
    desk.submit("a", coins(count))
    if fits:
        assert desk.complete("a", coins(count)).gas_used < CAP
    else:
        with pytest.raises(Refused, match=r"^$"):  # the token ran out of gas, which gives no reason
            desk.complete("a", coins(count))
        assert desk.job("a")[0] == 1
