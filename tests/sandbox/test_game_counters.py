"""What the game counts is what happened, at any size and on any clock."""

import asyncio
import json
import time
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from sandbox.game import Arrival, Capacity, Counters, Fault, GameServer


async def test_arrivals_are_listed_with_time_account_and_outcome(game: GameServer, pop: Any) -> None:
    """Every handshake is one row, in order, with what became of it."""
    game.fault(Fault(kind="hang", accounts=frozenset({"0x02"})))
    for account in ("0x01", "0x02", "0x01"):
        await pop(game, account, patience_s=0.1)
    rows = list(game.counters.arrivals())
    assert [(row.account, row.outcome) for row in rows] == [
        ("0x01", "served"),
        ("0x02", "hang"),
        ("0x01", "exhausted"),
    ]
    assert rows == sorted(rows)
    assert list(game.counters.arrivals(after=2)) == rows[2:]


async def test_connections_in_flight_are_counted_together(game: GameServer, pop: Any, pass_time: Any) -> None:
    """The most at once is remembered after all have left."""
    game.fault(Fault(kind="slow", delay_s=0.1))
    await asyncio.gather(*(pop(game, f"0x{n}") for n in range(3)))
    await pop(game, "0x9")
    assert game.counters.most_in_flight == 3
    await pass_time(0.05)
    assert game.counters.in_flight == 0


@pytest.mark.looptime
async def test_gaps_are_those_between_arrivals(pop: Any, pass_time: Any) -> None:
    """The smallest and the largest gap come from the arrivals themselves, on the loop's own clock."""
    async with GameServer(token="t0ken") as game:
        for pause_s in (10, 2, 30):
            await pop(game)
            await pass_time(pause_s)
        await pop(game)
        assert game.counters.smallest_gap_s == pytest.approx(2, abs=0.1)
        assert game.counters.largest_gap_s == pytest.approx(30, abs=0.1)


@pytest.mark.looptime
async def test_a_virtual_day_passes_in_a_moment(pop: Any, pass_time: Any) -> None:
    """Two days on virtual time: the quota comes back, an hour of faults ends, and hardly any real time goes by."""
    began_s = time.perf_counter()
    async with GameServer(token="t0ken") as game:
        game.fault(Fault(kind="http", duration_s=3600))
        for _ in range(48):
            await pop(game)
            await pass_time(3600)
        assert game.counters.outcomes["http_503"] == 1
        assert game.counters.outcomes["served"] in (2, 3)  # the days that 47 hours touch
    assert time.perf_counter() - began_s < 5


async def test_a_client_that_leaves_without_a_message_is_seen(game: GameServer, pass_time: Any) -> None:
    """A handshake without a message is a visit that left; a mere probe of the port is no visit."""
    _, probe = await asyncio.open_connection("127.0.0.1", game.port)
    probe.close()
    await probe.wait_closed()
    async with visit(game):
        pass
    await pass_time(0.05)
    assert game.counters.outcomes == {"left": 1}


async def test_a_second_message_is_too_much(game: GameServer) -> None:
    """A connection carries one message: the next one closes it with 1008."""
    value = json.dumps({"count": 1, "username": "0xab"})
    async with visit(game) as connection:
        await connection.send(json.dumps({"type": "markPop", "value": value}))
        await connection.recv()
        await connection.send("again")
        with pytest.raises(ConnectionClosedError, match="1008"):
            await connection.recv()


async def test_capacity_refuses_what_is_above_it(game: GameServer, pop: Any) -> None:
    """A burst is borne, the rest is refused with status and Retry-After, and refused calls cost nothing."""
    game.limit(Capacity(rate_per_s=0.001, burst=2, status=429, retry_after_s=9))
    seen = [await pop(game, f"0x{n}") for n in range(4)]
    assert [isinstance(answer, dict) for answer in seen] == [True, True, False, False]
    assert game.counters.refused == {429: 2}


@pytest.mark.looptime
async def test_capacity_comes_back_with_time(pop: Any, pass_time: Any) -> None:
    """The bucket refills at its rate."""
    async with GameServer(token="t0ken", capacity=Capacity(rate_per_s=0.1, status=503)) as game:
        assert isinstance(await pop(game, "0x01"), dict)
        assert await pop(game, "0x02") == "http_503"
        await pass_time(10)
        assert isinstance(await pop(game, "0x02"), dict)


async def test_reset_counts_from_zero(game: GameServer, pop: Any) -> None:
    """After a reset nothing is remembered, and the quota is whole again."""
    await pop(game)
    game.reset()
    assert game.counters.connections == 0
    await pop(game)
    assert game.counters.outcomes == {"served": 1}


def test_two_hundred_thousand_arrivals_are_cheap() -> None:
    """They are counted and asked for their gaps in seconds, not minutes."""
    began_s = time.perf_counter()
    counters = Counters()
    for number in range(200_000):
        counters.settle(counters.arrive(number * 0.5, f"0x{number % 1475}"), "served")
        counters.leave()
    assert (counters.smallest_gap_s, counters.largest_gap_s) == (0.5, 0.5)
    assert next(counters.arrivals(after=199_999)) == Arrival(99_999.5, f"0x{199_999 % 1475}", "served")
    assert time.perf_counter() - began_s < 3


def visit(game: GameServer) -> connect:
    url = f"{game.url}?token={game.token}&username=0xab"
    return connect(url, additional_headers={"Origin": "https://www.popcoin.game"}, proxy=None)
