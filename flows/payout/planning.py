"""Planning: who would be paid what, decided by set-based SQL and stored as it was decided.

The decision is that of rules.py. Only the wallets' checksums are looked at in Python.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.payout import rules, snapshot
from flows.payout.models import Hold, Pay, PlanHead, Policy, Reason, Slot, Source
from flows.payout.refusals import PlanUnknown
from flows.payout.session import PLANNING, Part
from flows.payout.spelling import Spelling

FORGET = {slot: PLANNING[f"forget_rows_{slot}"] for slot in Slot}


class Planning(Part):
    """Makes plans. Each slot holds one; the one before it is gone."""

    async def make(self, game: AsyncConnection, source: Source, policy: Policy, slot: Slot) -> PlanHead:
        """Read all players, decide, and store what was decided, as one transaction; in the game's, nothing is written.

        Raises:
            PlayersNotUnique: an id of the game's table is missing, or there twice.
            DatabaseProblem: one of the databases is away or refuses.
        """
        async with self._step():
            spelling = Spelling()
            await snapshot.take(game, self._connection, source, spelling.look)
            await self._weigh(policy)
            await self._hold(await spelling.wrong())
            await self._store(policy, slot)
        head = await self._head(slot=slot, hash=b"")
        assert head is not None
        return head

    async def find(self, plan_hash: str) -> PlanHead:
        """Return the stored plan of that hash.

        Raises:
            PlanUnknown: there is none.
        """
        head = await self._head(slot=None, hash=rules.hash_bytes(plan_hash))
        if head is None:
            raise PlanUnknown(hash=plan_hash)
        return head

    async def batches(self, slot: Slot) -> list[tuple[int, int]]:
        """Return of each job how many recipients it has and their sum."""
        return [
            (row["n"], int(row["total"])) for row in await self._rows(PLANNING["read_batches"], slot=slot)
        ]

    async def largest(self, slot: Slot, most: int) -> list[Pay]:
        """Return who gets most."""
        rows = await self._rows(PLANNING["read_pays"], slot=slot, most=most)
        return [Pay(row["user_id"], row["wallet"], int(row["amount"])) for row in rows]

    async def held(self, slot: Slot, most: int) -> list[Hold]:
        """Return who is held, so many for each reason, those with the largest amounts."""
        rows = await self._rows(PLANNING["read_holds"], slot=slot, most=most)
        return [Hold(row["user_id"], Reason(row["reason"]), _whole(row["amount"])) for row in rows]

    async def _head(self, **by: Any) -> PlanHead | None:
        rows = await self._rows(PLANNING["read_plan"], **by)
        if not rows:
            return None
        held = await self._rows(PLANNING["read_held"], slot=rows[0]["slot"])
        sums = {Reason(row["reason"]): (row["players"], int(row["amount"])) for row in held}
        facts = {"slot": Slot(rows[0]["slot"]), "total": int(rows[0]["total"]), "held": sums}
        return PlanHead(**{**rows[0], **facts})

    async def keep_holds(self, slot: Slot) -> None:
        """Make the list of those who are held that of the plan; each keeps the day since when."""
        async with self._step():
            for statement in ("forget_holds", "refresh_holds", "note_held"):
                await self._do(PLANNING[statement], slot=slot)

    async def _weigh(self, policy: Policy) -> None:
        await self._do(PLANNING["make_due"])
        await self._do(
            PLANNING["weigh"],
            units_per_coin=Decimal(policy.units_per_coin),
            minimum=policy.minimum,
            largest=policy.largest,
            contract=self._target.contract,
            token=self._target.token,
        )

    async def _hold(self, users: Sequence[bytes]) -> None:
        """Hold players whose wallets are misspelt."""
        driver = (await self._connection.get_raw_connection()).driver_connection
        assert driver is not None
        await self._do(PLANNING["make_misspelt"])
        await driver.copy_records_to_table("payout_misspelt", records=[(int(user),) for user in users])
        await self._do(PLANNING["hold_misspelt"])

    async def _store(self, policy: Policy, slot: Slot) -> None:
        for statement in (PLANNING["forget_plan"], PLANNING["forget_batches"]):
            await self._do(statement, slot=slot)
        await self._do(FORGET[slot])
        for statement in (PLANNING["store_holds"], PLANNING["store_items"]):
            await self._do(statement, slot=slot)
        sizes = {"batch_size": policy.batch_size, "max_per_job": policy.max_per_job}
        await self._do(PLANNING["store_batches"], slot=slot, **sizes)
        digests = list((await self._do(PLANNING["batch_digests"], slot=slot)).scalars())
        plan_hash = rules.plan_hash(self._target, policy, digests)
        told = {**self._place, "token": self._target.token, "policy": policy.told()}
        await self._do(PLANNING["store_plan"], slot=slot, hash=plan_hash, **told)


def _whole(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount)
