"""What people read of distribution in the UI and in the log."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.distribution import account, registry, report, rules, russian
from flows.distribution.cohort import Block, Cohort, Plan
from flows.distribution.days import LedgerDay
from flows.distribution.models import Campaign, Check, Group, Numbers, Share, Skip, Status, Theory, Wish
from tests.distribution import results

IIN = "850101300123"
SVG = "{http://www.w3.org/2000/svg}"
BAR = [f"#{colour}" for colour in ("94a3b8", "2563eb", "0d9488", "65a30d", "d97706")]


def plan(shares: Sequence[Share], checks: Sequence[Check] = results.CHECKS) -> Plan:
    """Return a plan whose users all have the same IIN: reports know only how many they are."""
    blocks = tuple(
        Block(share.campaign, group, np.full(users, IIN, dtype="S12"))
        for share in shares
        for group, users in zip(Group, share.counts, strict=True)
    )
    users = np.full(sum(map(len, blocks)), IIN, dtype="S12")
    cohort = Cohort(users, read=len(users) + 14, blank=3, duplicates=5, excluded=6, malformed=2, digest="")
    return Plan(Wish(results.DAY), "", cohort, blocks, tuple(checks))


def three() -> Plan:
    return plan(results.three().shares)


def tables(markdown: str) -> list[list[str]]:
    """Return the cells of all rows of all tables, a row of which is a line between bars."""
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def pictures(markdown: str) -> list[ET.Element]:
    found = re.findall(r"!\[[^\]]*\]\(data:image/svg\+xml;base64,([^)]+)\)", markdown)
    return [ET.fromstring(base64.b64decode(each)) for each in found]


def bars(picture: ET.Element) -> list[tuple[str, float]]:
    """Return the colour and the width of each part of a bar."""
    found = (rect for rect in picture.iter(f"{SVG}rect") if "rx" not in rect.attrib)
    return [(rect.attrib["fill"], float(rect.attrib["width"])) for rect in found]


def ledger_day(
    before: int, users: int = 150, status: Status = Status.COMPLETED, **other: object
) -> LedgerDay:
    numbers = Numbers(users, 0, 0, 0, 0, users)
    counts = results.share(1, "", users).counts
    day = results.DAY - timedelta(days=before)
    return LedgerDay(day, results.RUN_ID, status, 5, numbers=numbers, counts=counts, **other)


def test_a_preview_shows_the_split_and_that_nothing_was_written() -> None:
    """Campaigns by groups with totals, the cohort's numbers, and the checks that warn before the others."""
    text = report.preview(three())
    assert text.startswith("# Preview of 2030-05-05: 166 users over 3 campaigns\n\nNothing was written.")
    rows = tables(text)
    assert ["all", "", "166", "33", "33", "33", "33", "34", "33", "133", "", ""] in rows
    assert [r"rows in SPSS with COUNT\_DAY = 5", "180"] in rows
    assert ["duplicates", "5"] in rows
    assert text.index("WARNING") < text.index("sample ratio")


def test_the_picture_has_a_bar_for_each_campaign() -> None:
    """Five parts each, a colour for each group, as wide as the group has users."""
    (picture,) = pictures(report.preview(three()))
    found = bars(picture)
    assert [colour for colour, _ in found] == BAR * 3
    assert found[-1][1] / found[0][1] == pytest.approx(12 / 11, rel=0.01)
    assert "SC00000002 Звонок оператора" in "".join(picture.itertext())


@pytest.mark.parametrize("number", [1, 40, 100])
def test_all_campaigns_fit(number: int) -> None:
    """However many they are, the table and the picture have all of them, and the picture stays readable."""
    text = report.preview(plan(results.shares(number, 50 * number)))
    assert sum(row[0].startswith("SC") for row in tables(text)) == number
    (picture,) = pictures(text)
    assert len(bars(picture)) == 5 * number
    assert int(picture.attrib["height"]) < 1600


@pytest.mark.parametrize(
    ("reason", "campaigns", "numbers"),
    [
        (Skip.NO_CAMPAIGNS, (), None),
        (Skip.NO_USERS, (results.campaign(7, "Весна"),), Numbers(9, 0, 0, 9, 0, 0)),
    ],
)
def test_a_day_without_anything_to_do(
    reason: Skip, campaigns: tuple[Campaign, ...], numbers: Numbers | None
) -> None:
    """Preview, table and JSON all say that there is nothing, and why."""
    found = results.skipped(reason, campaigns=campaigns, numbers=numbers, checks=results.CHECKS)
    text = report.preview(found)
    assert reason in text
    assert account.NOTES[reason] in text
    assert "registry groups" in text
    assert ("Весна" in text) is bool(campaigns)
    assert not pictures(text)
    assert [row["total"] for row in report.preview_table(found)] == [0] * (len(campaigns) + 1)
    told = account.preview(found)
    assert told["preview"]["would_distribute"] is False
    assert told["preview"]["campaigns_count"] == len(campaigns)
    assert account.NOTES[reason] in told["note"]


def test_the_table_is_for_the_engine() -> None:
    """Rows of plain values, campaigns by groups, the last row for all."""
    rows = report.preview_table(three())
    assert json.loads(json.dumps(rows)) == rows
    assert [row["total"] for row in rows] == [55, 55, 56, 166]
    assert rows[0] | {"campaign": "SC00000001", "A": 11, "control": 11, "target": 44} == rows[0]


def test_the_preview_has_the_old_service_s_shape() -> None:
    """The names that scripts know, plain values only, also as JSON in the artifact."""
    told = account.preview(three(), ["2f1c", "9ab0"])
    assert told.keys() == {"success", "preview", "note"}
    assert told["preview"].keys() == {
        "active_campaigns", "campaigns_count", "available_users", "users_sample", "distribution_plan",
        "would_distribute",
    }  # fmt: skip
    assert told["success"] is told["preview"]["would_distribute"] is True
    assert (told["preview"]["campaigns_count"], told["preview"]["available_users"]) == (3, 166)
    assert told["preview"]["users_sample"] == ["2f1c", "9ab0"]
    assert told["preview"]["active_campaigns"][0] == {
        "id": "SC00000001", "name": "Мягкое напоминание", "start": "2030-05-01", "end": "2030-05-31",
    }  # fmt: skip
    _, _, block = report.preview(three(), told).partition("```json\n")
    assert json.loads(block.removesuffix("```")) == told


def test_a_preview_of_a_day_that_is_written_says_so() -> None:
    """It shows the split, and that no run would write it; a day that is only planned or skipped is no obstacle."""
    for status, is_written in {
        Status.PLANNED: False, Status.SKIPPED: False, Status.APPLIED: True, Status.COMPLETED: True,
    }.items():  # fmt: skip
        told = account.preview(three(), known=ledger_day(0, status=status))
        assert told["preview"]["would_distribute"] is not is_written
        assert (f"The day is {status} already, with COUNT_DAY = 5" in told["note"]) is is_written
        assert told["note"] in report.preview(three(), told)
    told = account.preview(results.skipped(), known=ledger_day(0))
    assert "The day is completed already" in report.preview(results.skipped(), told)


def test_days_that_nobody_knows_are_a_dash() -> None:
    """A campaign that the registry has lost began on no day, and not on the first of year 1."""
    lost = Share(Campaign("SC1", "", date.min, date.min), (1, 1, 1, 1, 1))
    result = results.result((lost,))
    (row,) = (row for row in tables(report.result(result)) if row[0] == "SC1")
    assert row[-2:] == ["–", "–"]
    assert account.campaigns([lost])[0]["start"] is None
    assert "0001" not in report.result(result) + account.as_json(account.completed(result))


def test_a_result_tells_what_was_written() -> None:
    """Each table's rows against what was expected, the split, who asked, and what happened before."""
    text = report.result(results.three(requested_by="A. Serikov", approved_by="B|C", was_resumed=True))
    assert text.startswith("# Distribution on 2030-05-05: 166 users over 3 campaigns\n")
    rows = tables(text)
    assert ["SPSS", r"spss.sc\_theory\_users", "133", "133", "ok"] in rows
    assert any(
        "A. Serikov" in cell and r"B\|C" in cell and "not authenticated" in cell for _, cell, *_ in rows
    )
    assert "finished what an earlier one left" in text
    assert len(pictures(text)) == 1
    assert "by hand" not in report.result(results.three())


def test_status_shows_the_days_that_are_missing() -> None:
    """Fourteen days, latest first, whether the ledger has them or not; older ones are left out."""
    days = [ledger_day(0, status=Status.APPLIED), ledger_day(1, mailed_at=results.MOMENT), ledger_day(40)]
    text = report.status(days, results.DAY, [datetime(2030, 5, 6, 9)])
    assert "Today, 2030-05-05: applied, 150 users." in text
    assert "Next runs: 2030-05-06 09:00 (Asia/Almaty)." in text
    _, _, *rows = tables(text)
    assert [row[0] for row in rows] == [str(date(2030, 5, 5) - timedelta(days=each)) for each in range(14)]
    assert rows[1][1:8] == ["completed", "150", "30", "30", "30", "30", "30"]
    assert "05-05 09:00" in rows[1]
    assert set(rows[2][1:]) == {"–"}
    (picture,) = pictures(text)
    assert len(bars(picture)) == 14 * 5


def test_status_of_an_empty_ledger() -> None:
    """Nothing known is said, and there is nothing to draw."""
    text = report.status([], results.DAY)
    assert "Today, 2030-05-05: nothing in the ledger." in text
    assert not pictures(text)
    assert len(tables(text)) == 16


@given(st.text(st.characters(codec="utf-8"), max_size=40) | st.just(f"a|b`c\n# d <b> {IIN}"))
def test_a_name_is_text(name: str) -> None:
    """Whatever a campaign is called, it is one cell of one row, and its picture stays well-formed."""
    text = report.preview(plan([results.share(1, name, 7)]))
    (row,) = (row for row in tables(text) if row[0] == "SC00000001")
    assert len(row) == 12
    assert not re.search(r"(?<!\\)[<`]", row[1])
    assert len(bars(*pictures(text))) == 5


def test_no_iin_is_shown() -> None:
    """Twelve digits are in no report, table, JSON, sample or line of the log, wherever they come from."""
    odd = [Check("odd", ok=False, told=f"iin {IIN}")]
    found = plan([results.share(1, f"x{IIN}", 7)], odd)
    told = account.preview(found, [IIN])
    result = results.result(found.shares, checks=tuple(odd), requested_by=IIN)
    texts = [
        report.preview(found, told), str(report.preview_table(found)), str(told), report.result(result),
        report.status([ledger_day(0, requested_by=IIN)], results.DAY),
        report.failed(results.trouble(error=f"ORA-00001: x{IIN}")),
        *("".join(picture.itertext()) for picture in pictures(report.preview(found))),
    ]  # fmt: skip
    assert not [text for text in texts if re.search(r"\d{12}", re.sub(r"base64,[^)]*", "", text))]


def test_the_log_has_the_lines_that_people_search_for() -> None:
    """Word for word, each with the process's name."""
    skip, trouble = account.skipped(results.skipped()), results.trouble()
    lines = {
        "🚀 STARTING DAILY USER DISTRIBUTION PROCESS": report.STARTED,
        "✅ Process completed successfully!": report.ended(account.completed(results.three())),
        "⏭️ Process skipped: no_active_campaigns": report.ended(skip),
        "❌ Process failed: mirroring: spss-db: nobody answers": report.failed(trouble),
    }
    for beginning, line in lines.items():
        assert line.startswith(beginning)
        assert "DAILY USER DISTRIBUTION" in line
    assert "166 users" in report.ended(account.ledger_day(ledger_day(0, 166)))


def test_every_check_has_russian_words() -> None:
    """What the rules may warn of is told in the mail's language."""
    rows = [
        Theory("SC1.1", "", results.DAY, results.DAY),
        Theory("SC1.2", "", results.DAY, results.DAY + timedelta(days=1)),
        Theory("SC1.9", "", results.DAY, results.DAY),
    ]
    _, oddities = registry.active(rows, results.DAY, ["SC2.1"])
    found = three()
    found.cohort.too_long = 1
    checks = (
        *oddities,
        *rules.oddities(found.cohort),
        *rules.checks(results.DAY, found.cohort, found.blocks, []),
    )
    assert len(checks) == 11
    assert {check.name for check in checks} == set(russian.CHECKS)


def test_pandas_is_loaded_only_for_a_table() -> None:
    """It takes a second: a run that has nothing to show does not wait for it."""
    seen = "import sys; import flows.distribution.report; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", seen], check=False).returncode == 0
