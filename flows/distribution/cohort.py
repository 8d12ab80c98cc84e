"""The users of a day, and who of them gets where.

An IIN is text of up to 12 bytes and a personal identifier: it lives only in numpy arrays of bytes, inside
plain objects, which the engine neither walks through nor shows.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from flows.distribution.models import Campaign, Check, Group, Numbers, Share, Wish

Iins = NDArray[np.bytes_]
"""One IIN for each element, dtype `S12` or shorter, never blank."""


class Cohort:
    """The users of the day that can be distributed.

    Attributes:
        iins: unique, sorted by their bytes.
        read: rows that SPSS gave.
        blank: of these, rows without an IIN.
        duplicates: of these, rows whose IIN came before.
        excluded: users left out because they are assigned already.
        malformed: users whose IIN is not 12 digits; they are distributed like the others.
        too_long: rows left out because no table can hold their IIN.
        digest: keyed hash of all users before the exclusion: the same on two days means a stale source.
    """

    def __init__(  # noqa: PLR0913
        self,
        iins: Iins,
        *,
        read: int,
        blank: int,
        duplicates: int,
        excluded: int,
        malformed: int,
        digest: str,
        too_long: int = 0,
    ) -> None:
        self.iins = iins
        self.read, self.blank, self.duplicates = read, blank, duplicates
        self.excluded, self.malformed, self.digest = excluded, malformed, digest
        self.too_long = too_long

    def numbers(self, distributed: int) -> "Numbers":
        """Return what may be told of the cohort."""
        left_out = (self.blank, self.duplicates, self.excluded, self.malformed)
        return Numbers(self.read, *left_out, distributed)

    def __len__(self) -> int:
        return len(self.iins)

    def __repr__(self) -> str:
        return f"<Cohort of {len(self):,} users>"


class Range:
    """A campaign's share of the users, still in the day's order.

    Attributes:
        first_extra: which of its groups, counted on and on, gets the first of the extras under ROTATE.
    """

    def __init__(self, campaign: Campaign, iins: Iins, first_extra: int) -> None:
        self.campaign, self.iins, self.first_extra = campaign, iins, first_extra

    def __repr__(self) -> str:
        return f"<Range of {len(self.iins):,} users of {self.campaign.id}>"


class Block:
    """The users of one group of one campaign, sorted by IIN."""

    def __init__(self, campaign: Campaign, group: Group, iins: Iins) -> None:
        self.campaign, self.group, self.iins = campaign, group, iins

    @property
    def theory_id(self) -> str:
        return self.campaign.theory_id(self.group)

    def __len__(self) -> int:
        return len(self.iins)

    def __repr__(self) -> str:
        return f"<Block {self.theory_id} of {len(self):,} users>"


class Plan:
    """Who gets where, decided and not yet written.

    Attributes:
        seed: hex; with the users it says everything (docs/distribution.md, "For the auditor").
        blocks: five for each campaign, in the order of campaign and group; empty ones included.
        checks: the quality checks, all of them, passed or not.
    """

    def __init__(
        self,
        wish: Wish,
        seed: str,
        cohort: Cohort,
        blocks: tuple[Block, ...],
        checks: tuple[Check, ...] = (),
    ) -> None:
        self.wish, self.seed, self.cohort, self.blocks, self.checks = wish, seed, cohort, blocks, checks

    @property
    def shares(self) -> tuple[Share, ...]:
        counts: dict[Campaign, list[int]] = {}
        for block in self.blocks:
            counts.setdefault(block.campaign, []).append(len(block))
        return tuple(Share(campaign, (a, b, c, d, e)) for campaign, (a, b, c, d, e) in counts.items())

    @property
    def users(self) -> int:
        return sum(len(block) for block in self.blocks)

    @property
    def numbers(self) -> "Numbers":
        return self.cohort.numbers(self.users)

    def control(self) -> Iterator[Block]:
        """Yield the blocks that only DSSB gets."""
        return (block for block in self.blocks if block.group.is_control)

    def target(self) -> Iterator[Block]:
        """Yield the blocks that both databases get."""
        return (block for block in self.blocks if not block.group.is_control)

    def __repr__(self) -> str:
        return f"<Plan for {self.wish.business_date}: {self.users:,} users in {len(self.blocks)} blocks>"
