"""What people read before anything is paid: who would get how much, who is held and why, what it costs. Pure."""

from collections.abc import Sequence

from flows.payout.findings import Estimate
from flows.payout.markdown import Coins, ether, foreign, table
from flows.payout.models import Hold, Pay, PlanHead


def plan(head: PlanHead, estimate: Estimate, pays: Sequence[Pay], holds: Sequence[Hold], coins: Coins) -> str:
    """Return the plan with its hash to approve it by; `pays` and `holds` are examples."""
    kinds = [(reason, f"{players:,}", coins(sum_)) for reason, (players, sum_) in head.held.items()]
    some = [(str(hold.user_id), hold.reason, coins(hold.amount)) for hold in holds]
    most = [(str(pay.user_id), f"`{pay.wallet}`", coins(pay.amount)) for pay in pays]
    return f"""\
# Payout plan: {coins(head.total)} coins to {head.n:,} players in {head.batches:,} jobs

Nothing is sent by a dry run. To pay exactly this plan, and nothing else:

`prefect deployment run 'payout/hourly' -p approved_plan={head.hash}`

{_costs(head, estimate, coins)}

## Held

{table("reason", "players", "coins", rows=kinds)}

{table("player", "reason", "coins", rows=some)}

## Who gets most

{table("player", "wallet", "coins", rows=most)}
"""


def _costs(head: PlanHead, estimate: Estimate, coins: Coins) -> str:
    rows = [
        ("players read", f"{head.users:,}"),
        ("of these with a job in flight", f"{head.waiting:,}"),
        ("to be paid", f"{head.n:,}"),
        ("held", f"{sum(players for players, _ in head.held.values()):,}"),
        ("gas of the submissions", _gas(estimate)),
        ("fee, at most, in the chain's own coin", ether(estimate.fee_wei)),
        ("treasury before", coins(estimate.budget)),
        ("treasury afterwards", coins(estimate.budget - head.total) + _short(head, estimate)),
        ("the operator has for gas, in that coin", ether(estimate.gas_balance_wei)),
        ("made", f"{head.made_utc:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    return table("", "", rows=rows)


def _gas(estimate: Estimate) -> str:
    return (
        f"{estimate.gas:,}" if estimate.gas is not None else f"would be refused: {foreign(estimate.refusal)}"
    )


def _short(head: PlanHead, estimate: Estimate) -> str:
    if estimate.paused:
        return " **the contract is paused**"
    return " **too little**" if estimate.budget < head.total else ""
