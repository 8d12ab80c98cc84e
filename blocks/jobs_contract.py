"""The Jobs contract's Block: which chain it lies on decides who speaks to it, and flows need not know."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field

from blocks.evm_chain import EvmChain
from blocks.jobs import Jobs


class JobsContract(Block):
    """Where coins are paid: a chain, the contract on it, and the key that submits jobs."""

    _block_type_name = "Jobs Contract"
    _block_type_slug = "jobs-contract"
    _description = "The Jobs contract on its chain, and the operator's key."

    model_config = ConfigDict(hide_input_in_errors=True)

    # With a second kind of chain this becomes a union, and `kind` tells them apart.
    chain: EvmChain = Field(description="The chain, by `kind`.")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Jobs]:
        """Yield the contract; asks the chain nothing by itself.

        Raises:
            KeyLocked: the key cannot be read.
            BlockMissing: the passphrase's Block is not there.
        """
        async with self.chain.open(self._block_document_name or self._block_type_slug) as jobs:
            yield jobs
