"""What rows of DSSB mean, whoever wrote them, and what is written into the ledger's."""

import json
from datetime import date, datetime
from typing import Any

import pytest

from flows.distribution import rows
from flows.distribution.models import Check, Numbers, Skip, Status, Theory
from tests.distribution import results

NAMES = ("Айгуль", "Болат")
NOTHING: dict[str, Any] = dict.fromkeys(
    (
        "campaign_ids", "seed", "cohort_digest", "checks", "requested_by", "approved_by", "insert_datetime",
        "planned_at", "applied_at", "completed_at", "mailed_at", "rows_read", "rows_blank", "rows_duplicate",
        "users_excluded", "users_malformed", "users", *rows.COUNTS,
    )
)  # fmt: skip
BEGUN = {
    **NOTHING, "business_date": results.DAY, "run_id": str(results.RUN_ID), "status": "planned", "count_day": 5,
}  # fmt: skip


def test_a_row_that_was_only_begun_has_no_numbers() -> None:
    """Columns without a value are zeros and empty texts."""
    day = rows.day(BEGUN)
    assert (day.status, day.numbers.distributed, day.counts, day.campaign_ids) == (
        Status.PLANNED,
        0,
        (0,) * 5,
        (),
    )
    assert rows.day({**BEGUN, "campaign_ids": "SC1,SC2"}).campaign_ids == ("SC1", "SC2")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("run_id", "manual 850101300123"), ("run_id", None), ("status", "done 850101300123"), ("status", None),
        ("checks", "850101300123x"), ("checks", '[{"iin": "850101300123"}]'), ("checks", "[1]"), ("checks", "{"),
    ],
)  # fmt: skip
def test_a_row_that_somebody_else_wrote_is_named_without_what_it_holds(
    column: str, value: str | None
) -> None:
    """Day and column, so that it can be found; the value may be anything, an IIN too."""
    with pytest.raises(rows.LedgerRowWrong) as wrong:
        rows.day({**BEGUN, column: value})
    assert f"business_date 2030-05-05: column {column} " in str(wrong.value)
    assert "850101300123" not in str(wrong.value)
    assert not wrong.value.heals


def test_the_past_is_numbers_only() -> None:
    """Whatever else is wrong with an old row is nobody's business: it is not even asked for."""
    row = {"business_date": results.DAY, "users": 7, "cohort_digest": None, **dict.fromkeys(rows.COUNTS)}
    past = rows.past_day({**row, "users_b": 7})
    assert (past.users, past.digest, past.counts) == (7, "", (0, 7, 0, 0, 0))


def test_a_skipped_day_keeps_nothing_of_an_earlier_plan() -> None:
    """Numbers are those of the run that skipped it, with who asked for it; the plan's columns are emptied."""
    found = results.skipped(Skip.NO_USERS, numbers=Numbers(9, 1, 2, 6, 0, 0), checks=results.CHECKS)
    written = rows.skipped(found, results.MOMENT, NAMES)
    assert (written["status"], written["users"], written["rows_read"], written["count_day"]) == (
        "skipped",
        0,
        9,
        5,
    )
    assert (written["requested_by"], written["approved_by"], written["mailed_at"]) == (*NAMES, None)
    assert {written[name] for name in ("campaign_ids", "seed", "insert_datetime", *rows.COUNTS)} == {None}
    assert rows.day({**BEGUN, **written}).checks == results.CHECKS
    waiting = results.skipped(Skip.NO_USERS, campaigns=(results.campaign(1, ""), results.campaign(2, "")))
    assert rows.skipped(waiting, results.MOMENT, NAMES)["campaign_ids"] == "SC00000001,SC00000002"


@pytest.mark.parametrize("letter", ["x", "ж"])
def test_all_checks_fit_whatever_they_tell(letter: str) -> None:
    """The column holds 4,000 bytes: long ones are cut, and none is dropped."""
    checks = [Check(f"a check {n}", ok=n % 2 == 0, told=letter * 900) for n in range(10)]
    written = rows.skipped(results.skipped(checks=tuple(checks)), results.MOMENT, NAMES)["checks"]
    assert len(written.encode()) <= 4000
    told = json.loads(written)
    assert [(each["name"], each["ok"]) for each in told] == [(check.name, check.ok) for check in checks]
    assert all(each["told"].startswith(letter * 40) for each in told)


def test_the_registrys_rows_are_days_and_trimmed_ids() -> None:
    """Midnights or PostgreSQL's days, ids as long as their column; what has no id or no date is set aside."""
    midnight, later = datetime(2030, 5, 1), date(2030, 5, 9)
    found = [
        ("SC1.1   ", None, midnight, later),
        ("SC1.2", "Весна", midnight, None),
        (None, "Лето", midnight, later),
        ("SC1.3", "", None, later),
    ]
    names = ("theory_id", "theory_name", "theory_start_date", "theory_end_date")
    whole, blank = rows.theories(dict(zip(names, row, strict=True)) for row in found)
    assert whole == [Theory("SC1.1", "", date(2030, 5, 1), later)]
    assert blank == ["SC1.2", "a row without an id", "SC1.3"]
