"""The audit: the ledger against itself and against the chain's events, and one player's whole story."""

from flows.payout import rules
from flows.payout.findings import Difference, Payment, Story, Totals
from flows.payout.session import AUDIT, Part

MOST = 20
CHECKS = tuple(name for name in AUDIT if name.startswith("check_"))
PERSON = {name: name.removeprefix("check_").replace("_", " ") for name in CHECKS}
ITEMS = "items"


class Audit(Part):
    """Looks at everything, changes nothing."""

    async def differences(self, final_block: int, most: int = MOST) -> list[Difference]:
        """Return what does not agree, at most so many of a kind."""
        # A statement takes of these what it names.
        place = {**self._place, "final_block": final_block, "most": most}
        found: list[Difference] = []
        for name, check in PERSON.items():
            found += [Difference(check, **row) for row in await self._rows(AUDIT[name], **place)]
        return found + await self._changed_items()

    async def totals(self) -> Totals:
        (row,) = await self._rows(AUDIT["totals"], **self._place)
        return Totals(**{**row, **{name: int(row[name]) for name in ("paid", "in_flight", "on_chain")}})

    async def why(self, user_id: int) -> Story:
        """Return a player's whole story."""
        (account,) = await self._rows(AUDIT["player_account"], user_id=user_id)
        rows = await self._rows(AUDIT["player_payments"], user_id=user_id)
        payments = [Payment(**{**row, "amount": int(row["amount"])}) for row in rows]
        amounts = {name: int(account[name] or 0) for name in ("paid", "in_flight")}
        return Story(**{**account, **amounts, "user_id": user_id, "payments": payments})

    async def _changed_items(self) -> list[Difference]:
        """Pack every job's rows again; their digest is the one that the contract holds."""
        changed = []
        async with self._step(), self._connection.stream(AUDIT["packed_jobs"]) as jobs:
            async for job_id, digest, payload in jobs:
                if rules.keccak256(payload or b"") != digest:
                    changed.append(f"job 0x{job_id.hex()}")
        told = "its rows are not those that it was made of"
        return [Difference(ITEMS, job, told, len(changed)) for job in changed[:MOST]]
