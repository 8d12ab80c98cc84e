"""The whole flow against real databases, by both drivers: what is written where, and what people read of it."""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State
from prefect.exceptions import ParameterTypeError

from flows.common import duty
from flows.distribution import permission
from flows.distribution.flow import distribution, status
from flows.distribution.models import Group
from tests.distribution.bank import CAMPAIGNS, CONTROL, RUN, TARGET, USERS, Bank, by_both, daily, today

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

SENT = "✅ SoftCollection: Ежедневная дистрибуция завершена - 167 пользователей распределено"
WRITES = re.compile(
    r"\b(insert|update|delete|merge|truncate|alter|create|drop|lock|commit|from stdin)\b", re.IGNORECASE
)


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What the flow logs."""
    lines: list[str] = []
    ear = logging.Handler()
    ear.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("prefect.flow_runs")
    logger.addHandler(ear)
    yield lines
    logger.removeHandler(ear)


async def artifact(key: str) -> str:
    found = await Artifact.aget(key)
    assert found is not None
    return str(found.data)


def iins(rows: list[dict[str, Any]]) -> list[str]:
    return [row["iin"] for row in rows]


# ── Preview ──────────────────────────────────────────────────────────────────────────────────────


@by_both
async def test_a_preview_shows_the_split_and_touches_nothing(bank: Bank) -> None:
    """The databases' own logs hold no statement that writes, locks or commits; no row, no mail, no duty."""
    preview = await distribution(dry_run=True, sample=3)
    written = [sql for _, sql in bank.log if WRITES.search(sql)]
    assert (written, {database for database, _ in bank.log}) == ([], {"dssb", "spss"})
    assert (bank.counts, bank.days, bank.subjects) == ((0, 0, 0), [], [])
    assert (await duty.read("distribution", today())).taken_up == 0
    check_preview(preview)
    page, table = (
        await artifact("distribution-preview"),
        json.loads(await artifact("distribution-preview-table")),
    )
    assert "167 users over 3 campaigns" in page
    assert "data:image/svg+xml;base64," in page
    assert [row["total"] for row in table] == [55, 56, 56, USERS]
    assert not [iin for iin in bank.source if iin in page + str(table) + str(preview)]


def check_preview(preview: Any) -> None:
    """It has the shape that the old service's users know."""
    assert set(preview) == {"success", "preview", "note"}
    inside = preview["preview"]
    assert set(inside) == {
        "active_campaigns", "campaigns_count", "available_users", "users_sample", "distribution_plan",
        "would_distribute",
    }  # fmt: skip
    assert (preview["success"], inside["would_distribute"]) == (True, True)
    assert (inside["campaigns_count"], inside["available_users"]) == (3, USERS)
    assert [campaign["id"] for campaign in inside["active_campaigns"]] == list(CAMPAIGNS)
    assert [share["groups"] for share in inside["distribution_plan"]] == [
        {"A": 11, "B": 11, "C": 11, "D": 11, "E": 11},
        {"A": 11, "B": 11, "C": 11, "D": 11, "E": 12},
        {"A": 11, "B": 11, "C": 11, "D": 11, "E": 12},
    ]
    assert all(re.fullmatch(r"[a-z2-7]{12}", token) for token in inside["users_sample"])
    assert len(inside["users_sample"]) == 3


@pytest.mark.parametrize(
    ("remainder", "groups"),
    [
        ("last", [[0, 0, 0, 0, 1], [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]]),
        ("all_to_last", [[0, 0, 0, 0, 2], [0, 0, 0, 0, 2], [0, 0, 0, 0, 4]]),
    ],
)
async def test_who_gets_the_rest_is_the_operators_choice(
    bank: Bank, remainder: str, groups: list[Any]
) -> None:
    """Those that are left over go to the last ones, or all to the very last."""
    bank.set_users(f"8501013001{n:02}" for n in range(sum(map(sum, groups))))
    preview = await distribution(dry_run=True, remainder=remainder)
    plan = preview["preview"]["distribution_plan"]
    assert [list(share["groups"].values()) for share in plan] == groups


async def test_rotation_gives_the_rest_to_others_on_another_day(bank: Bank) -> None:
    """Over five days the one user that is left over is not always in the same group."""
    bank.set_users(["850101300100"])
    bank.set_campaigns("SC1", start=-30, end=30)
    lucky = set()
    for back in range(5):
        day = today() - timedelta(days=back)
        preview = await distribution(business_date=day, dry_run=True, remainder="rotate")
        (share,) = preview["preview"]["distribution_plan"]
        lucky |= {group for group, users in share["groups"].items() if users}
    assert len(lucky) > 1


# ── A real day ───────────────────────────────────────────────────────────────────────────────────


@by_both
async def test_a_day_is_written_once_and_told_once(bank: Bank, said: list[str]) -> None:
    """Everybody once, A never in SPSS, the campaigns' people told with the whole result; and a second run does nothing."""
    state = await daily()
    assert state.is_completed()
    check_everybody_once(bank)
    check_columns(bank)
    check_letter(bank, (await state.aresult())["insert_datetime"])
    assert [line for line in said if "DAILY USER DISTRIBUTION" in line] == [
        "🚀 STARTING DAILY USER DISTRIBUTION PROCESS",
        f"✅ Process completed successfully! (DAILY USER DISTRIBUTION of {today()}: 167 users)",
    ]
    (day,) = bank.days
    assert (day["status"], day["users"], day["rows_read"], day["rows_blank"]) == ("completed", USERS, 186, 3)
    assert (await duty.read("distribution", today())).finished

    before = (bank.control, bank.target, bank.mirror, bank.days)
    bank.forget_log()
    again = await daily()
    assert (await again.aresult())["users"] == USERS
    assert (bank.control, bank.target, bank.mirror, bank.days) == before
    assert bank.subjects == [SENT]
    assert not [sql for _, sql in bank.log if WRITES.search(sql) and "FOR UPDATE NOWAIT" not in sql]


def check_everybody_once(bank: Bank) -> None:
    control, target, mirror = bank.control, bank.target, bank.mirror
    written = Counter(iins(control) + iins(target))
    assert set(written) == bank.source
    assert set(written.values()) == {1}
    assert len([iin for iin in written if iin.startswith("0")]) > 0  # as text, not as a number
    assert mirror == target
    assert Counter(row["theory_id"] for row in control) == {f"{base}.1": 11 for base in CAMPAIGNS}
    assert Counter(row["theory_id"] for row in target) == {
        f"{base}.{group:d}": 11 + (group is Group.E and base != CAMPAIGNS[0])
        for base in CAMPAIGNS
        for group in Group
        if not group.is_control
    }


def check_columns(bank: Bank) -> None:
    """Dates are the campaign's, the first one's last day being today; TABs are those of the group's rows before."""
    rows = bank.control + bank.target
    assert len({row["insert_datetime"] for row in rows}) == 1
    days = {"SC00000001": (-20, 0), "SC00000002": (-10, 20), "SC00000003": (0, 30)}
    for row in rows:
        base, _, group = row["theory_id"].partition(".")
        dates = [datetime.combine(today() + timedelta(days=distance), time()) for distance in days[base]]
        assert [row["date_start"], row["date_end"]] == dates
        tabs = [row[f"tab{n}"] for n in range(1, 6)]
        is_heir = base == "SC00000002" and group != "1"
        assert tabs == (["call", f"tone {group}"] if is_heir else [None] * 2) + [None] * 3


def check_letter(bank: Bank, insert_datetime: datetime) -> None:
    (letter,) = bank.letters
    assert letter["Subject"] == SENT
    assert str(bank.days[0]["run_id"]) in letter["Message-ID"]
    (attachment,) = letter.iter_attachments()
    told = json.loads(attachment.get_content())
    assert (told["users"], told["business_date"], told["status"]) == (USERS, str(today()), "completed")
    assert told["insert_datetime"] == insert_datetime.isoformat()
    assert [(table["rows"], table["ok"]) for table in told["tables"]] == [
        (33, True),
        (134, True),
        (134, True),
    ]
    for kind in ("plain", "html"):
        assert "Скидка за оплату в срок" in letter.get_body((kind,)).get_content()


async def test_users_whose_assignment_runs_still_are_left_out(bank: Bank) -> None:
    """Until its last day included, whether they are in the control or in a target group; unless it is not wished."""
    bank.set_users(["000000000001", "000000000002", "000000000003"])
    ends = {"000000000001": today(), "000000000002": today() - timedelta(days=1)}
    for iin, end in ends.items():
        bank.rows(f"insert into {TARGET} (iin, theory_id, date_end) values ('{iin}', 'OLD.2', '{end}')")
    wanted = {True: 2, False: 3}
    for exclude_active, users in wanted.items():
        preview = await distribution(dry_run=True, exclude_active=exclude_active)
        assert preview["preview"]["available_users"] == users
    await daily()
    written = iins(bank.control) + iins(bank.target)
    assert sorted(written) == ["000000000002", "000000000003"]
    assert bank.days[0]["users_excluded"] == 1


@by_both
async def test_users_who_were_in_a_campaign_of_today_are_left_out(bank: Bank) -> None:
    """It was over for them and goes on now: their key is taken, so no wish can distribute them again."""
    bank.set_users(["000000000001", "000000000002", "000000000003"])
    for iin, table, theory in (
        ("000000000001", TARGET, "SC00000001.3"),
        ("000000000002", CONTROL, "SC00000003.1"),
    ):
        bank.rows(
            f"insert into {table} (iin, theory_id, date_end) values ('{iin}', '{theory}', '2020-01-31')"
        )
    state = await daily(exclude_active=False)
    assert state.is_completed()
    assert (bank.days[0]["users"], bank.days[0]["users_excluded"]) == (1, 2)
    assert [row["iin"] for row in bank.target + bank.control if row["insert_datetime"]] == ["000000000003"]


@pytest.mark.parametrize(("users", "sizes"), [(2, (0, 1, 1)), (9, (3, 3, 3))])
async def test_too_few_users_are_distributed_and_warned_of(
    bank: Bank, users: int, sizes: tuple[int, ...]
) -> None:
    """Fewer than campaigns, or than groups in each: everybody gets a place, the mail warns of empty groups."""
    bank.set_users(f"0{n:011}" for n in range(users))
    state = await by_hand()
    assert state.is_completed()
    written = Counter(row["theory_id"].partition(".")[0] for row in bank.control + bank.target)
    assert tuple(written[base] for base in CAMPAIGNS) == sizes
    told = await state.aresult()
    (warning,) = (check for check in told["checks"] if check["name"] == "control group")
    assert not warning["ok"]
    assert (told["requested_by"], told["approved_by"]) == ("Айгуль", "Болат")
    letter = bank.letters[0].get_body(("plain",)).get_content().replace("\u00a0", " ")
    assert "Айгуль" in letter
    assert "по 3 кампаниям" in letter


async def by_hand(**parameters: Any) -> State[Any]:
    """Run the flow as a person does, with two names."""
    names = {"business_date": today(), "requested_by": "Айгуль", "approved_by": "Болат"}
    state: State[Any] = await distribution(**{**names, **parameters}, return_state=True)
    return state


# ── Nothing to do ────────────────────────────────────────────────────────────────────────────────


@by_both
async def test_without_campaigns_spss_is_not_asked(bank: Bank, said: list[str]) -> None:
    """Told and written down as skipped; SPSS's own log has no session; when a campaign appears, the day is done."""
    bank.set_campaigns("SC00000009", start=1, end=9)
    state = await daily()
    assert state.is_completed()
    assert (await state.aresult())["reason"] == "no_active_campaigns"
    assert {database for database, _ in bank.log} == {"dssb"}
    assert bank.subjects == ["⏭️ SoftCollection: Ежедневная дистрибуция пропущена - Нет активных кампаний"]
    assert [day["status"] for day in bank.days] == ["skipped"]
    assert any(
        line.startswith("⏭️ Process skipped: no_active_campaigns (DAILY USER DISTRIBUTION") for line in said
    )

    bank.set_campaigns("SC00000009", end=0)
    await daily()
    assert (sum(bank.counts[:2]), bank.days[0]["status"], bank.subjects[1:]) == (USERS, "completed", [SENT])


async def test_without_users_the_day_is_skipped(bank: Bank, said: list[str]) -> None:
    """Rows without an IIN are nobody; the preview says the same, and that it would do nothing."""
    bank.set_users([None, " ", ""])
    preview = await distribution(dry_run=True)
    assert (preview["preview"]["would_distribute"], preview["preview"]["campaigns_count"]) == (False, 3)
    assert (await daily()).is_completed()
    assert bank.subjects == [
        "⏭️ SoftCollection: Ежедневная дистрибуция пропущена - Нет пользователей с COUNT_DAY = 5"
    ]
    assert (bank.counts, bank.days[0]["status"]) == ((0, 0, 0), "skipped")
    assert any(line.startswith("⏭️ Process skipped: no_users") for line in said)


# ── What is refused ──────────────────────────────────────────────────────────────────────────────


async def test_a_day_that_has_not_come_is_refused(bank: Bank) -> None:
    """Its users are not known yet; nothing is asked of the databases."""
    state = await daily(business_date=today() + timedelta(days=1))
    assert state.is_failed()
    assert "DateInFuture" in str(state.message)
    assert bank.log == []


async def test_a_run_by_hand_does_not_take_the_night_for_today(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the day's hour it says what to wait for, unless the day is named; a preview is free."""
    monkeypatch.setattr(permission, "OPENS", time.max)
    state = await by_hand(business_date=None)
    assert "DateInFuture" in str(state.message)
    assert bank.log == []
    assert (await distribution(dry_run=True))["success"]
    assert (await by_hand()).is_completed()


@pytest.mark.parametrize(
    "names", [{}, {"requested_by": "Айгуль"}, {"requested_by": "Айгуль", "approved_by": " айгуль"}], ids=str
)
async def test_a_real_run_by_hand_needs_two_people(bank: Bank, names: dict[str, str]) -> None:
    """One name twice is one person."""
    state = await distribution(**names, return_state=True)
    assert state.is_failed()
    assert "ApprovalMissing" in str(state.message)
    assert bank.log == []


async def test_a_name_is_something_that_a_database_keeps(bank: Bank) -> None:
    """The form refuses a NUL, before anything is asked."""
    with pytest.raises(ParameterTypeError):
        await distribution(requested_by="A\0", approved_by="B")
    assert bank.log == []


async def test_the_status_shows_the_days_and_writes_nothing(bank: Bank, prefect: PrefectClient) -> None:
    """The ledger's word for two weeks, as a page."""
    bank.rows(
        f"insert into {RUN} (business_date, kind, run_id, status, count_day, users, users_b) "
        f"values ('{today()}', 'daily', '{'0' * 8}-0000-0000-0000-{'0' * 12}', 'applied', 5, 7, 7)"
    )
    bank.forget_log()
    told = await status()
    assert [(day["status"], day["users"]) for day in told["days"]] == [("applied", 7)]
    assert not [sql for _, sql in bank.log if WRITES.search(sql)]
    assert f"Today, {today()}: applied, 7 users." in await artifact("distribution-status")
