"""Where the Blocks are kept: Prefect's own block documents, by the names of docs/decisions.md."""

from typing import TypeVar

from prefect.blocks.core import Block

from blocks.problem import Problem

B = TypeVar("B", bound=Block)


class BlockMissing(Problem):
    """Block '{name}' is not there: fill its variables in .env (see .env.example) and run `make apply`."""

    heals = False


async def load(kind: type[B], name: str) -> B:
    """Return the Block, loaded afresh.

    Raises:
        BlockMissing: no document of that name and kind exists.
    """
    try:
        block = await kind.aload(name)
    except ValueError as error:
        if "Unable to find block document" not in str(error):
            raise
        raise BlockMissing(name=name) from error
    assert isinstance(block, kind)
    return block
