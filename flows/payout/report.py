"""What people read afterwards: a run, a reconciliation, one player's story. Pure: models → Markdown."""

from collections.abc import Iterable, Sequence

from flows.common.chart import Series, picture
from flows.payout.findings import Day, Difference, Figures, Heap, Payment, Standing, Story
from flows.payout.markdown import Coins, foreign, table
from flows.payout.models import PlanHead


def run(
    head: PlanHead, figures: Figures, standing: Standing, coins: Coins, troubles: Sequence[Exception]
) -> str:
    """Return what a run did, what a person must look at, and how the ledger stands."""
    warnings = "".join(f"\n- **{foreign(str(trouble))}**\n" for trouble in troubles)
    return f"""\
# Payout: {_paid(figures.made, coins)}
{warnings}
## This run's jobs

{_made(head, figures, coins)}

## In flight now

{_heaps(figures.open, coins)}

## The ledger and the chain

{_standing(standing, coins)}

## Held

{_held(figures.held, coins)}

## Two weeks

{_course(figures.course, coins)}
"""


def _paid(made: Sequence[Heap], coins: Coins) -> str:
    paid = [heap for heap in made if heap.name == "paid"]
    return (
        f"{coins(sum(heap.total for heap in paid))} coins to {sum(heap.players for heap in paid):,} players"
    )


def reconciliation(found: Sequence[Difference], standing: Standing, coins: Coins) -> str:
    """Return what does not agree."""
    rows = [(each.check, foreign(each.subject), foreign(each.told)) for each in found]
    return f"""\
# Payout reconciled: {differences(found):,} differences

{_standing(standing, coins)}

{table("check", "where", "what", rows=rows)}
"""


def differences(found: Sequence[Difference]) -> int:
    """Count all of each kind, those too that are not listed."""
    return sum({difference.check: difference.found for difference in found}.values())


def story(told: Story, coins: Coins, explorer: str | None) -> str:
    """Return one player's whole story."""
    held = "not held"
    if told.held_utc is not None:
        held = f"held: {told.held_for}, since {told.held_utc:%Y-%m-%d %H:%M} UTC"
    names = ("reserved, UTC", "coins", "state", "wallet", "job", "transactions", "note")
    rows = [_payment(payment, coins, explorer) for payment in told.payments]
    return f"""\
# Player {told.user_id}: {coins(told.paid)} coins paid, {coins(told.in_flight)} in flight

{held}

{table(*names, rows=rows)}
"""


def _payment(payment: Payment, coins: Coins, explorer: str | None) -> tuple[str, ...]:
    return (
        f"{payment.reserved_utc:%Y-%m-%d %H:%M}",
        coins(payment.amount),
        payment.state,
        f"`{payment.wallet}`",
        f"`0x{payment.job_id.hex()}`",
        " ".join(_transaction(each, explorer) for each in payment.tx_hashes),
        foreign(payment.note),
    )


def _transaction(tx_hash: str, explorer: str | None) -> str:
    return f"[{tx_hash}]({explorer}/tx/{tx_hash})" if explorer else f"`{tx_hash}`"


def _standing(standing: Standing, coins: Coins) -> str:
    sums, totals = standing
    rows = [
        ("paid, by the ledger", coins(sums.paid)),
        ("paid, by the chain's events", coins(sums.on_chain)),
        ("in flight", f"{coins(sums.in_flight)} in {totals.open_jobs - totals.open_elsewhere:,} jobs"),
        ("jobs of other contracts, which nobody looks after", f"{totals.open_elsewhere:,}"),
        ("players in the ledger", f"{totals.players:,}"),
        ("players held", f"{totals.held:,}"),
        ("journal", f"`{totals.journal or '–'}`"),
    ]
    return table("", "", rows=rows)


def _made(head: PlanHead, figures: Figures, coins: Coins) -> str:
    return f"Of plan `{head.hash}`.\n\n{_heaps(figures.made, coins)}"


def _heaps(heaps: Iterable[Heap], coins: Coins) -> str:
    rows = [(heap.name, f"{heap.jobs:,}", f"{heap.players:,}", coins(heap.total)) for heap in heaps]
    return table("", "jobs", "players", "coins", rows=rows)


def _held(heaps: Iterable[Heap], coins: Coins) -> str:
    rows = [
        (heap.name, f"{heap.players:,}", coins(heap.total), f"{heap.oldest_utc:%Y-%m-%d}") for heap in heaps
    ]
    return table("reason", "players", "coins", "since", rows=rows)


def _course(days: Sequence[Day], coins: Coins) -> str:
    """The picture: what was not paid yet at each day's end as bars, what was paid on the day as a line.

    A stack of both would count the same coins once for each day that they wait.
    """
    bars = [
        Series("in flight at the day's end", "#2563eb", [coins.number(day.in_flight) for day in days]),
        Series("held at the day's end", "#94a3b8", [_known(day.held, coins) for day in days]),
    ]
    line = Series("paid on the day", "#16a34a", [coins.number(day.paid) for day in days])
    told = "Held is without amounts above the maximum, and nothing where there was no plan."
    return f"{picture('coins by day', [f'{day.day:%d.%m.}' for day in days], bars, line)}\n\n{told}"


def _known(units: int | None, coins: Coins) -> float | None:
    return None if units is None else coins.number(units)
