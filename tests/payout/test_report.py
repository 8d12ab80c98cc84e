"""The reports as an operator reads them: every figure is where it is looked for, and nobody else's words do anything."""

import re
from base64 import b64decode
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.payout import preview, report
from flows.payout.alarms import JobsUnanswered
from flows.payout.findings import (
    Day,
    Difference,
    Estimate,
    Figures,
    Heap,
    Payment,
    Standing,
    Story,
    Sums,
    Totals,
)
from flows.payout.markdown import Coins, ether, foreign, table
from flows.payout.models import Hold, Pay, PlanHead, Reason, Slot

MOMENT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
COINS = Coins(2)
HEAD = PlanHead(
    Slot.PREVIEW, "ab" * 32, MOMENT, users=1005, waiting=3, n=1000, total=123_450, batches=2,
    held={Reason.NO_WALLET: (1, 700), Reason.BAD_BALANCE: (1, 0)},
)  # fmt: skip
ESTIMATE = Estimate(
    gas=1_200_000, fee_wei=3 * 10**15, refusal=None, budget=200_000, gas_balance_wei=10**18, paused=False
)
FIGURES = Figures(
    made=[Heap("paid", 2, 1000, 123_450), Heap("free", 1, 5, 10)],
    open=[Heap("submitted", 1, 7, 70, MOMENT)],
    held=[Heap("no wallet", 0, 12, 99, MOMENT)],
    course=[
        Day(date(2026, 11, 8) + timedelta(days=number), number, 1, 2 if number else None)
        for number in range(14)
    ],
)
STANDING = Standing(
    Sums(paid=1000, in_flight=70, on_chain=1000),
    Totals(players=9, paid=1000, in_flight=70, open_jobs=1, open_elsewhere=0, on_chain=1000, held=12, journal="cd" * 32),
)  # fmt: skip
HOSTILE = "![x](http://evil.example/p.png) [pay](javascript:alert(1)) | <img src=x> `a` **b**\n# c\r\n| d |"


def plan(estimate: Estimate = ESTIMATE) -> str:
    pays = [Pay(7, "0x" + "12" * 20, 5000)]
    holds = [Hold(8, Reason.NO_WALLET, 700), Hold(9, Reason.BAD_BALANCE, None)]
    return preview.plan(HEAD, estimate, pays, holds, COINS)


def story(note: str | None = None, explorer: str | None = None) -> str:
    payment = Payment(
        b"\x01" * 32, "released", 1, "0x" + "12" * 20, 500, MOMENT, MOMENT, note, ["0xaa", "0xbb"], []
    )
    told = Story(
        7, paid=0, in_flight=0, held_for="no wallet", held_amount=1, held_utc=MOMENT, payments=[payment]
    )
    return report.story(told, COINS, explorer)


def rows(markdown: str) -> list[list[str]]:
    """The tables' cells, as a reader of Markdown cuts them."""
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")] for line in lines]


# ── Figures ──────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_says_what_an_approver_must_know() -> None:
    """How much to how many, what it costs, what is left, who is held and why, and the command that approves it."""
    told = plan()
    assert told.startswith("# Payout plan: 1,234.5 coins to 1,000 players in 2 jobs\n")
    assert f"`prefect deployment run 'payout/hourly' -p approved_plan={'ab' * 32}`" in told
    facts = dict(row for row in rows(told) if len(row) == 2)
    assert facts == {
        "": "", "players read": "1,005", "of these with a job in flight": "3", "to be paid": "1,000", "held": "2",
        "gas of the submissions": "1,200,000", "fee, at most, in the chain's own coin": "0.003000",
        "treasury before": "2,000", "treasury afterwards": "765.5",
        "the operator has for gas, in that coin": "1.000000", "made": "2026-11-21 09:30:00 UTC",
    }  # fmt: skip
    assert ["no wallet", "1", "7"] in rows(told)
    assert ["9", "bad balance", "–"] in rows(told)
    assert ["7", f"`0x{'12' * 20}`", "50"] in rows(told)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"budget": 123_449}, "| treasury afterwards | -0.01 **too little** |"),
        ({"budget": 123_450}, "| treasury afterwards | 0 |"),
        ({"paused": True}, "**the contract is paused**"),
        (
            {"gas": None, "fee_wei": None, "refusal": "over | maxPerDay"},
            r"would be refused: over \| maxPerDay |",
        ),
    ],
    ids=str,
)
def test_a_plan_says_what_would_keep_it_from_being_paid(change: dict, told: str) -> None:
    """Before it is approved, and not when it fails."""
    assert told in plan(Estimate(**{**vars(ESTIMATE), **change}))


def test_a_run_says_what_it_paid_and_how_the_ledger_stands() -> None:
    """First how much to how many; then its jobs, what is open, ledger beside chain, who is held, two weeks' picture."""
    told = report.run(HEAD, FIGURES, STANDING, COINS, [])
    assert told.startswith("# Payout: 1,234.5 coins to 1,000 players\n")
    assert ["free", "1", "5", "0.1"] in rows(told)
    assert ["submitted", "1", "7", "0.7"] in rows(told)
    assert ["paid, by the ledger", "10"] in rows(told)
    assert ["paid, by the chain's events", "10"] in rows(told)
    assert ["in flight", "0.7 in 1 jobs"] in rows(told)
    assert ["no wallet", "12", "0.99", "2026-11-21"] in rows(told)
    assert "![coins by day](data:image/svg+xml;base64," in told


def test_the_picture_stacks_only_what_is_not_paid_yet() -> None:
    """In flight and held are two parts of one sum at the day's end; what was paid has a line of its own."""
    told = report.run(HEAD, FIGURES, STANDING, COINS, [])
    (encoded,) = re.findall(r"base64,([^)]+)\)", told)
    picture = b64decode(encoded).decode()
    blue, grey = (
        [float(height) for height in re.findall(rf'height="([\d.]+)" fill="{colour}"', picture)]
        for colour in ("#2563eb", "#94a3b8")
    )
    assert grey[0] == 0
    assert {round(held / flying) for flying, held in zip(blue[1:], grey[1:], strict=True)} == {2}
    assert picture.count("<circle") == 14
    assert re.findall(r'y="20">([^<]+)', picture) == [
        "in flight at the day's end".replace("'", "&#x27;"), "held at the day's end".replace("'", "&#x27;"), "paid on the day",
    ]  # fmt: skip
    assert "Held is without amounts above the maximum" in told


def test_a_run_tells_every_trouble() -> None:
    """The state's message has room for one of them."""
    silent = JobsUnanswered(jobs=2, patience_s=60, first="0x12", players=9)
    told = report.run(HEAD, FIGURES, STANDING, COINS, [silent, ValueError("second")])
    assert "- **The worker has left 2 job" in told
    assert "- **second**" in told


def test_a_reconciliation_counts_what_it_does_not_list() -> None:
    """Twenty of a kind are shown, all are counted."""
    found = [Difference("accounts", f"user {number}", "differs", 1000) for number in range(20)]
    told = report.reconciliation([*found, Difference("jobs", "job 0x12", "differs", 1)], STANDING, COINS)
    assert told.startswith("# Payout reconciled: 1,001 differences\n")
    assert ["accounts", "user 3", "differs"] in rows(told)
    assert report.reconciliation([], STANDING, COINS).rstrip().endswith("None.")


def test_a_story_leads_to_the_transactions() -> None:
    """With a link where the chain has an explorer, else as they are."""
    assert "| `0xaa` `0xbb` |" in story()
    assert "[0xbb](https://scan.example/tx/0xbb)" in story(explorer="https://scan.example")
    assert "held: no wallet, since 2026-11-21 09:30 UTC" in story()


# ── Somebody else's words ────────────────────────────────────────────────────────────────────────


def test_a_workers_reason_stays_in_its_cell() -> None:
    """It makes no column, no row, no link, no picture and no markup of its own."""
    assert [len(row) for row in rows(story(HOSTILE))] == [7, 7]
    for told in (
        story(HOSTILE),
        report.run(HEAD, FIGURES, STANDING, COINS, [ValueError(HOSTILE)]),
        report.reconciliation([Difference("quarantined", "job", HOSTILE, 1)], STANDING, COINS),
        plan(Estimate(**{**vars(ESTIMATE), "gas": None, "refusal": HOSTILE})),
    ):
        for live in ("![x]", "[pay]", " <img", " | d", "\n# c", "**b**", "`a`", "://"):
            assert live not in told


@given(st.text())
def test_no_text_leaves_its_line(text: str) -> None:
    """Each sign that Markdown knows is behind a backslash, and every letter is still there."""
    written = foreign(text)
    assert len(written.splitlines()) <= 1
    plain = written.replace("\\\\", "\0")
    assert all(plain[at - 1] == "\\" for at, sign in enumerate(plain) if sign in "`*[]()<>|!&#")
    assert "".join(written.replace("\\", "").split()) == "".join(text.replace("\\", "").split())


# ── Amounts ──────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(-(10**40), 10**40), st.integers(0, 36))
def test_no_unit_is_lost_in_writing(units: int, decimals: int) -> None:
    """What is read is exactly what it is, with any number of decimal places."""
    whole, _, fraction = Coins(decimals)(units).replace(",", "").partition(".")
    assert int(whole + fraction.ljust(decimals, "0")) == units
    assert not fraction.endswith("0")
    assert Coins(decimals).number(units) == float(Decimal(units) / 10**decimals)


def test_what_nobody_knows_is_a_dash() -> None:
    """And not nought."""
    assert (COINS(None), ether(None), COINS(0), ether(0)) == ("–", "–", "0", "0.000000")


def test_an_empty_table_says_so() -> None:
    """A heading without rows looks like a mistake."""
    assert table("a", "b", rows=[]) == "None."
