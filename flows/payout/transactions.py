"""Transactions: stored before anybody has them, by the one session that holds their signer's lock."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.jobs import Draft, Signed
from flows.payout import rules
from flows.payout.models import StoredTx, Target
from flows.payout.refusals import JobClosed, NonceTaken, SignerLocked, SignerNotHeld
from flows.payout.session import QUERIES, Part


class Transactions(Part):
    """What was signed.

    Args:
        signer: the address; one session at a time signs for it on this chain.
    """

    def __init__(self, connection: AsyncConnection, target: Target, signer: str) -> None:
        super().__init__(connection, target)
        self._signer = {"signer": signer.lower(), "chain_id": target.chain_id}
        self._key = f"{target.chain_id}:{signer.lower()}"

    async def lock(self) -> None:
        """Hold the signer until the session ends, however it ends.

        Raises:
            SignerLocked: another session has it.
        """
        async with self._step():
            if not (await self._do(QUERIES["lock_signer"], signer_key=self._key)).scalar():
                raise SignerLocked(**self._signer)

    async def holds(self) -> bool:
        """Tell whether this session holds the signer; one that was cut comes back as another, without the lock."""
        (row,) = await self._rows(QUERIES["holds_signer"], signer_key=self._key)
        return bool(row["exists"])

    async def next_nonce(self, mined: int) -> int:
        """Return the nonce for the next transaction.

        Args:
            mined: the chain's word for it, which counts what is mined only.
        """
        (row,) = await self._rows(QUERIES["next_nonce"], **self._signer, mined=mined)
        return int(row["nonce"])

    async def store(self, draft: Draft, signed: Signed) -> None:
        """Commit a signed transaction; only then may anybody have it. Once more is once.

        Raises:
            SignerNotHeld: this session has not got the lock.
            NonceTaken: a live transaction of another job has the nonce.
            JobClosed: the job is not open, or of other recipients.
        """
        transaction = {
            **self._place, **self._signer,
            "tx_hash": signed.tx_hash, "raw": signed.raw, "job_id": draft.job_id,
            "digest": rules.keccak256(draft.payload), "nonce": draft.nonce, "gas": draft.gas,
            "max_fee_wei": draft.fees.max_fee_wei, "tip_wei": draft.fees.tip_wei, "deadline": draft.deadline,
        }  # fmt: skip
        async with self._step():
            if not (await self._do(QUERIES["holds_signer"], signer_key=self._key)).scalar():
                raise SignerNotHeld(**self._signer)
            await self._do(QUERIES["replace_tx"], job_id=draft.job_id)
            await self._insert(transaction)

    async def of_job(self, job_id: bytes) -> list[StoredTx]:
        """Return all that was ever signed for a job, newest first; any of it may be mined."""
        rows = await self._rows(QUERIES["transactions"], job_id=job_id)
        whole = ("max_fee_wei", "tip_wei")
        return [StoredTx(**{**row, **{name: int(row[name]) for name in whole}}) for row in rows]

    async def _insert(self, transaction: dict[str, object]) -> None:
        try:
            stored = await self._do(QUERIES["store_tx"], **transaction)
        except IntegrityError:
            raise NonceTaken(nonce=transaction["nonce"], signer=self._signer["signer"]) from None
        if not stored.rowcount:
            reason = "it is closed, in quarantine, or of other recipients"
            raise JobClosed(job=f"0x{bytes(transaction['job_id']).hex()}", reason=reason)  # type: ignore[call-overload]
