"""Planning on a real database says what rules.py says, and an approved plan is paid as it was stored or not at all."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from eth_utils import to_checksum_address
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from blocks.database import TableMissing
from blocks.jobs import JobStatus
from flows.payout import rules
from flows.payout.models import Hold, Pay, Player, Policy, Reason, Reserved, Slot, Source
from flows.payout.planning import Planning
from flows.payout.refusals import PlanElsewhere, PlanStale, PlanUnknown, PlayersNotUnique
from tests.payout.conftest import POLICY, RUN, SOURCE, TARGET, Book, Sessions, empty, wallet

MANY = 1_000_000
GOOD = to_checksum_address("0x" + "5a" * 20)
POISONED = "0x" + "dead" * 10
wallets = st.one_of(
    st.integers(1, 9).map(wallet),
    st.binary(min_size=20, max_size=20).map(to_checksum_address),
    st.sampled_from([
        None, "", "  ", "a.eth", GOOD.swapcase(), GOOD[:2] + GOOD[2:].swapcase(), "0x" + GOOD[2:].upper(), GOOD + "0",
        f" {GOOD}", f"{GOOD}\n", "0x" + "0" * 40, TARGET.contract, to_checksum_address(TARGET.token), POISONED,
        "0x" + POISONED[2:].upper(), to_checksum_address(POISONED), "a\tb\\", "П" * 42,
    ]),
)  # fmt: skip
balances = st.one_of(
    st.none(),
    st.decimals(0, 50, places=3),
    st.sampled_from([
        *map(Decimal, ("NaN", "Infinity", "-Infinity", "-0", "-0.001", "1e40", "0.1", "0.0999", "100", "100.01")),
        Decimal(1 << 96) / 10, Decimal((1 << 96) - 1),
    ]),
)  # fmt: skip
ids = st.one_of(st.integers(1, 30), st.integers(-(1 << 63), (1 << 63) - 1))
earlier = st.sampled_from([(0, 0), (0, 0), (7, 0), (300, 0), (0, 5), (7, 5)])
players = st.lists(
    st.builds(lambda row, ledger: Player(*row, *ledger), st.tuples(ids, balances, wallets), earlier),
    max_size=25, unique_by=lambda player: player.user_id,
)  # fmt: skip
policies = st.builds(
    Policy, st.sampled_from([Decimal(10), Decimal("0.3"), Decimal(10**18)]), st.integers(1, 40),
    st.sampled_from([30, 1_000, 1 << 100]), st.integers(1, 5),
)  # fmt: skip


@given(players, policies)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_database_decides_what_the_rules_decide(
    sessions: Sessions, shared: Book, found: list[Player], policy: Policy
) -> None:
    """The same recipients, amounts, reasons, jobs and plan's hash, whatever stands in the game's table."""
    await prepare(shared, found)
    plan = await shared.plan(policy)
    decided = [rules.decide(player, policy, TARGET, {POISONED}) for player in found]
    pays = sorted(each for each in decided if isinstance(each, Pay))
    holds = sorted((each for each in decided if isinstance(each, Hold)), key=by_user)
    batches = list(rules.batches(pays, policy))
    assert sorted(await shared.planning.largest(Slot.LIVE, MANY)) == pays
    assert sorted(await shared.planning.held(Slot.LIVE, MANY), key=by_user) == holds
    totals = [(len(batch), sum(pay.amount for pay in batch)) for batch in batches]
    assert await shared.planning.batches(Slot.LIVE) == totals
    digests = [rules.batch_digest(batch) for batch in batches]
    assert plan.hash == rules.plan_hash(TARGET, policy, digests).hex()
    counts = (plan.users, plan.waiting, plan.n, plan.total, plan.batches)
    waiting = sum(player.in_flight > 0 for player in found)
    assert counts == (len(found), waiting, len(pays), sum(pay.amount for pay in pays), len(batches))
    assert {reason: n for reason, (n, _) in plan.held.items()} == {
        reason: len(group)
        for reason in Reason
        if (group := [hold for hold in holds if hold.reason is reason])
    }


def by_user(hold: Hold) -> int:
    return hold.user_id


@pytest.fixture
async def shared(book: Book) -> Book:
    """The same book for all examples: each empties it."""
    return book


async def prepare(book: Book, found: list[Player]) -> None:
    """Leave these players, what the ledger says of them, and a poisoned wallet."""
    await book.game.rollback()
    await book.ours.rollback()
    await empty(book.ours)
    if found:
        await book.players(*found)
        known = [player._asdict() for player in found if player.paid or player.in_flight]
        statement = text(
            "insert into payout.account (user_id, paid, in_flight, in_flight_job)"
            " select :user_id, :paid, flying, case when flying > 0 then 1 end"
            " from (select cast(:in_flight as numeric) as flying) as given"
        )
        if known:
            await book.ours.execute(statement, known)
    await book.ours.execute(text(f"insert into payout.poison values ('\\x{POISONED[2:]}', 'no')"))
    await book.ours.commit()


async def test_a_balance_that_fell_pays_nothing(book: Book) -> None:
    """It is told as overpaid, and paid again once it has caught up."""
    await paid(book, 5)
    await book.earn([3])
    plan = await book.plan()
    assert (plan.n, plan.held) == (0, {Reason.OVERPAID: (1, -20)})
    await book.earn([6])
    assert await book.reserve() == Reserved(1, 1, 10)


async def paid(book: Book, coins: int) -> None:
    await book.earn([coins])
    await book.reserve()
    job = await book.open_job()
    await book.ledger.settle(job.job_id, await book.happens(job, JobStatus.COMPLETED))


async def test_an_approval_binds_what_was_stored(book: Book) -> None:
    """Not what would be decided now: balances and wallets that changed since are the next plan's."""
    await book.earn([5])
    preview = await book.plan(slot=Slot.PREVIEW)
    await book.players((1, 9, wallet(99)), (2, 9, wallet(2)))
    assert await book.ledger.reserve(preview.hash, RUN) == Reserved(1, 1, 50)
    (payment,) = (await book.audit.why(1)).payments
    assert (payment.wallet, payment.amount) == (wallet(1), 50)


async def test_a_plan_is_paid_once(book: Book) -> None:
    """Also where all of it was released meanwhile: an approval is for one payment."""
    await book.earn([5])
    plan = await book.plan()
    await book.ledger.reserve(plan.hash, RUN)
    await book.ledger.release_unsigned((await book.open_job()).job_id, "no")
    with pytest.raises(PlanStale, match="run a run reserved it already"):
        await book.ledger.reserve(plan.hash, "another")


async def test_the_same_plan_in_both_slots_is_paid_once(book: Book) -> None:
    """A dry run and a run that decide the same make one payment of it."""
    await book.earn([5])
    hashes = {(await book.plan(slot=slot)).hash for slot in Slot}
    (plan_hash,) = hashes
    await book.ledger.reserve(plan_hash, RUN)
    with pytest.raises(PlanStale):
        await book.ledger.reserve(plan_hash, "another")


@pytest.mark.parametrize("asked", ["ab" * 32, "", "no hash at all", "0x12"])
async def test_a_plan_that_is_not_stored_is_refused(book: Book, asked: str) -> None:
    """Mistyped, or another one has taken its place."""
    await book.earn([5])
    await book.plan()
    with pytest.raises(PlanUnknown):
        await book.ledger.reserve(asked, RUN)
    with pytest.raises(PlanUnknown):
        await book.planning.find(asked)


async def test_a_newer_plan_takes_the_place_of_its_own_kind(book: Book) -> None:
    """A look does not disturb a run that pays, and a run leaves what was looked at for approval."""
    await book.earn([5])
    preview = await book.plan(slot=Slot.PREVIEW)
    await book.earn([6])
    live = await book.plan()
    assert await book.planning.find(preview.hash) == preview
    await book.earn([7])
    await book.plan()
    with pytest.raises(PlanUnknown):
        await book.planning.find(live.hash)
    assert await book.ledger.reserve(preview.hash, RUN) == Reserved(1, 1, 50)


@pytest.mark.parametrize("other", [{"chain_id": 1}, {"contract": wallet(8)}, {"token": wallet(8)}], ids=str)
async def test_a_plan_for_another_place_is_refused(book: Book, other: dict) -> None:
    """Another chain, contract or token than the Block has now."""
    await book.earn([5])
    plan = await Planning(book.ours, replace(TARGET, **other)).make(book.game, SOURCE, POLICY, Slot.PREVIEW)
    with pytest.raises(PlanElsewhere):
        await book.ledger.reserve(plan.hash, RUN)
    assert not await book.ledger.open_jobs()


async def test_nothing_to_pay_is_a_plan_too(book: Book) -> None:
    """No player, no job, and a hash all the same."""
    plan = await book.plan()
    assert (plan.users, plan.n, plan.batches, len(plan.hash)) == (0, 0, 0, 64)
    assert await book.ledger.reserve(plan.hash, RUN) == Reserved(0, 0, 0)


@pytest.mark.parametrize("rows", ["(1, 5, null), (1, 6, null)", "(null, 5, null)"])
async def test_a_table_with_a_player_twice_or_none_is_refused(book: Book, rows: str) -> None:
    """Nothing is planned; the plan before it stays."""
    await book.earn([5])
    plan = await book.plan()
    await book.game.execute(
        text("create table if not exists game.odd (id bigint, coins numeric, wallet text)")
    )
    await book.game.execute(text(f"truncate game.odd; insert into game.odd values {rows}".split(";")[1]))
    await book.game.commit()
    with pytest.raises(PlayersNotUnique, match=r"game\.odd"):
        await book.plan(source=Source("game.odd"))
    await book.game.execute(text("drop table game.odd"))
    await book.game.commit()
    assert await book.planning.find(plan.hash) == plan


@pytest.mark.parametrize(
    "source", [Source("game.nobody"), Source("game.users", coins="gold"), Source('x"; drop')]
)
async def test_a_table_that_is_not_there_is_told(book: Book, source: Source) -> None:
    """Names are names, whatever stands in them; the next plan is made as if nothing had been."""
    await book.earn([5])
    async with asyncio.timeout(10):
        with pytest.raises(TableMissing):
            await book.plan(source=source)
    assert (await book.plan()).n == 1


async def test_the_game_may_keep_other_types(book: Book) -> None:
    """Integers, floating points and fixed-width texts are read as what they mean."""
    await book.game.execute(text("create table game.odd (id int, coins float8, wallet varchar(42))"))
    await book.game.execute(text(f"insert into game.odd values (1, 2.5, '{wallet(1)}')"))
    await book.game.commit()
    plan = await book.plan(source=Source("game.odd"))
    await book.game.execute(text("drop table game.odd"))
    await book.game.commit()
    assert (plan.n, plan.total) == (1, 25)


async def test_the_game_is_only_read(book: Book) -> None:
    """In one transaction that could not write."""
    await book.earn([5])
    await book.plan()
    assert not book.game.in_transaction()
    assert await book.game.scalar(text("show transaction_read_only")) == "off"


async def test_those_held_keep_the_day_since_when(book: Book) -> None:
    """Until the reason is another one; who is paid is held no more."""
    await book.players((1, 5, None), (2, 5, "x"), (3, 5, None))
    await book.plan()
    await book.planning.keep_holds(Slot.LIVE)
    before = {user: await book.audit.why(user) for user in (1, 2, 3)}
    await book.players((1, 6, None), (2, 5, None), (3, 5, wallet(3)))
    await book.plan()
    await book.planning.keep_holds(Slot.LIVE)
    after = {user: await book.audit.why(user) for user in (1, 2, 3)}
    assert [story.held_for for story in before.values()] == ["no wallet", "malformed wallet", "no wallet"]
    assert [story.held_for for story in after.values()] == ["no wallet", "no wallet", None]
    assert (after[1].held_utc, after[1].held_amount) == (before[1].held_utc, 60)
    assert after[2].held_utc > before[2].held_utc
