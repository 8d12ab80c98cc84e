"""Whatever goes down, and whenever: nothing is lost, nobody is assigned twice, and the next run finishes what is open."""

import asyncio
import json
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from prefect import runtime

from deployments.surroundings import free_port
from flows.common import duty
from flows.common.clock import Clock
from flows.distribution import russian
from tests.distribution.bank import (
    CAMPAIGNS,
    CONTROL,
    FENCE,
    MIRROR,
    SOURCE,
    TARGET,
    USERS,
    Bank,
    by_both,
    daily,
    padded,
    revoked,
    today,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the engine's client leaves its sockets
    pytest.mark.usefixtures("hurried"),
]

SENT = "✅ SoftCollection: Ежедневная дистрибуция завершена - 167 пользователей распределено"
FAILED = "❌ SoftCollection: Ошибка ежедневной дистрибуции - "
DONE = (33, 134, 134)
YESTERDAY = timedelta(days=1)
TIMEOUT_S = 40


def check_done(bank: Bank, users: int = USERS) -> None:
    """Both databases have everybody exactly once, and the ledger says so."""
    control, target, mirror = bank.control, bank.target, bank.mirror
    written = Counter(row["iin"] for row in control + target)
    assert (len(written), set(written.values())) == (users, {1})
    assert Counter(map(str, mirror)) == Counter(map(str, target))
    assert {day["status"] for day in bank.days} == {"completed"}


# ── SPSS ─────────────────────────────────────────────────────────────────────────────────────────


@by_both
async def test_spss_down_before_anything_is_written(bank: Bank) -> None:
    """The run fails where it asks for the users, nothing is written; the next run does the whole day."""
    bank.is_down("SPSS")
    state = await daily()
    assert "DatabaseUnreachable: spss-db" in str(state.message)
    assert (bank.counts, bank.days) == ((0, 0, 0), [])
    assert bank.subjects == [f"{FAILED}getting_spss_users"]
    bank.mend()
    assert (await daily()).is_completed()
    check_done(bank)
    assert bank.subjects[1:] == [SENT]


@by_both
async def test_spss_down_between_both_commits_is_a_failure_that_the_next_run_finishes(bank: Bank) -> None:
    """DSSB has everything, SPSS nothing: the next run copies it from DSSB, whatever the source holds by then."""
    bank.fault("SPSS", "drop_before", on="commit", times=None)
    state = await daily()
    assert "DatabaseUnreachable: spss-db" in str(state.message)
    assert (bank.counts, bank.days[0]["status"]) == ((33, 134, 0), "applied")
    assert bank.subjects == [f"{FAILED}mirroring"]
    assert not (await duty.read("distribution", today())).finished
    bank.mend()
    bank.set_users(["000000000009"])
    assert (await daily()).is_completed()
    check_done(bank)
    assert bank.subjects[1:] == [SENT]
    assert "Этот запуск закончил день" in bank.letters[1].get_body(("plain",)).get_content()
    assert told_s(bank) == (bank.days[0]["completed_at"] - bank.days[0]["planned_at"]).total_seconds() > 0
    assert (await duty.read("distribution", today())).finished


def told_s(bank: Bank) -> float:
    """Return the duration that the last mail tells."""
    (attachment,) = bank.letters[-1].iter_attachments()
    return float(json.loads(attachment.get_content())["took_s"])


async def test_spss_down_after_it_is_committed_is_noticed_and_nothing_is_written_twice(bank: Bank) -> None:
    """It cannot be counted, so the day is not called completed; the next run counts it."""
    bank.fault("SPSS", "drop_before", matching="count(*) AS users", nth=2, times=None)
    state = await daily()
    assert "DatabaseUnreachable: spss-db" in str(state.message)
    assert (bank.counts, bank.days[0]["status"]) == (DONE, "applied")
    assert bank.subjects == [f"{FAILED}reconciling"]
    bank.mend()
    assert (await daily()).is_completed()
    check_done(bank)


async def test_a_group_that_is_mirrored_in_part_gets_the_rest(bank: Bank) -> None:
    """Somebody deleted rows of the mirror while the day was open: only those are written again."""
    bank.fault("SPSS", "drop_before", matching="count(*) AS users", nth=2, times=None)
    await daily()
    bank.mend()
    bank.rows(f"delete from {MIRROR} where iin < '7'", "spss")
    assert 0 < len(bank.mirror) < DONE[2]
    assert (await daily()).is_completed()
    check_done(bank)


@by_both
async def test_a_mirror_that_pads_its_texts_is_not_filled_twice(bank: Bank) -> None:
    """CHAR columns and short IINs, cut off after SPSS's commit: what is there is recognised."""
    bank.set_users(str(user) for user in range(1, 41))
    with bank.without(*padded(MIRROR, "spss")):
        bank.fault("SPSS", "drop_before", matching="count(*) AS users", nth=2, times=None)
        assert (await daily()).is_failed()
        bank.mend()
        assert (await daily()).is_completed()
        assert bank.counts == (6, 34, 34)


@by_both
async def test_padding_does_not_travel_from_dssb_to_spss(bank: Bank) -> None:
    """The target's owner declared CHAR columns: the mirror gets the texts as they were meant."""
    bank.set_users(str(user) for user in range(1, 41))
    with bank.without(*padded(TARGET, "dssb")), bank.without(*padded(CONTROL, "dssb")):
        await cut_off_spss(bank)
        assert (await daily()).is_completed()
    check_done(bank, users=40)


@by_both
async def test_rows_that_somebody_changed_meanwhile_are_mirrored_as_they_are(bank: Bank) -> None:
    """Another TAB, none at all, another last day for some of a group's users: everybody once, each with his own."""
    await cut_off_spss(bank)
    first, second, third, *_ = (row["iin"] for row in bank.target if row["theory_id"] == "SC00000002.3")
    bank.rows(
        f"update {TARGET} set tab1 = 'it''s \\ 100%' where iin = '{first}'; "
        f"update {TARGET} set tab1 = null where iin = '{second}'; "
        f"update {TARGET} set date_end = '2040-01-01' where iin = '{third}'"
    )
    assert (await daily()).is_completed()
    check_done(bank)


async def test_a_mirror_that_would_hold_too_many_is_left_alone(bank: Bank) -> None:
    """A stranger in one of the day's groups: told at once, by every attempt, and no attempt adds a row."""
    await cut_off_spss(bank)
    moment = bank.days[0]["insert_datetime"]
    bank.rows(
        f"insert into {MIRROR} (iin, theory_id, insert_datetime) values ('0', 'SC00000001.2', '{moment}')",
        "spss",
    )
    for _ in range(2):
        state = await daily()
        assert f"NotReconciled: SPSS {MIRROR} has 1 rows of the day, yet 134 of its 134" in str(state.message)
        assert bank.counts == (33, 134, 1)
    assert bank.subjects[1:] == [f"{FAILED}mirroring"]
    bank.rows(f"truncate {MIRROR}", "spss")
    assert (await daily()).is_completed()
    check_done(bank)


async def cut_off_spss(bank: Bank) -> None:
    """Leave the day applied: DSSB has everything, SPSS nothing."""
    bank.fault("SPSS", "drop_before", on="commit", times=None)
    assert (await daily()).is_failed()
    bank.mend()


# ── DSSB ─────────────────────────────────────────────────────────────────────────────────────────


async def test_dssb_down_from_the_beginning(bank: Bank) -> None:
    """Nothing is begun, SPSS is not asked; the next run does the whole day."""
    bank.is_down("DSSB")
    state = await daily()
    assert "DatabaseUnreachable: dssb-db" in str(state.message)
    assert (bank.counts, bank.days, bank.log) == ((0, 0, 0), [], [])
    assert bank.subjects == [f"{FAILED}initialization"]
    bank.mend()
    assert (await daily()).is_completed()
    check_done(bank)


@pytest.mark.parametrize(
    ("backend", "moment"),
    [
        ("postgresql", {"matching": '"sc_local_target"('}),
        ("oracle", {"matching": "insert into dssb_app.sc_local_target"}),
        ("oracle", {"on": "commit", "nth": 2}),
    ],
    indirect=["backend"],
    ids=str,
)
async def test_dssb_down_while_it_is_written_leaves_neither_database_changed(
    bank: Bank, moment: dict[str, Any]
) -> None:
    """SPSS has its rows ready and gives them up; the next run plans anew and writes all of it."""
    bank.fault("DSSB", "drop_before", times=None, **moment)
    state = await daily()
    assert "DatabaseUnreachable: dssb-db" in str(state.message)
    assert (bank.counts, bank.days[0]["status"]) == ((0, 0, 0), "planned")
    assert bank.subjects == [f"{FAILED}inserting_users"]
    bank.mend()
    assert (await daily()).is_completed()
    check_done(bank)


async def test_dssb_down_while_it_is_counted_is_not_blamed_on_spss(bank: Bank) -> None:
    """The mail must not send anybody to the wrong database."""
    bank.fault("DSSB", "drop_before", matching="count(*) AS users", times=None)
    state = await daily()
    assert "DatabaseUnreachable: dssb-db" in str(state.message)
    assert bank.subjects == [f"{FAILED}reconciling"]


@by_both
async def test_lost_answers_of_commits_do_no_harm(bank: Bank) -> None:
    """Each commit of either database is done and its answer lost: the run looks, sees it, and completes."""
    for nth in (1, 3, 4, 6):  # a commit that is tried again counts, too
        bank.fault("DSSB", "drop_after", on="commit", nth=nth)
    bank.fault("SPSS", "drop_after", on="commit")
    assert (await daily()).is_completed()
    check_done(bank)
    assert bank.subjects == [SENT]


# ── Mail and state ───────────────────────────────────────────────────────────────────────────────


async def test_a_mail_server_that_is_down_costs_the_mail_only(bank: Bank) -> None:
    """The data is committed; the next run sends the mail, as the same message, and changes nothing else."""
    bank.ask("POST", "mail/refuse", {})
    state = await daily()
    assert "MailNotSent" in str(state.message)
    check_done(bank)
    assert (bank.subjects, bank.days[0]["mailed_at"]) == ([], None)
    before = (bank.control, bank.target, bank.mirror)
    bank.mend()
    assert (await daily()).is_completed()
    assert (bank.control, bank.target, bank.mirror) == before
    (letter,) = bank.letters
    assert letter["Subject"] == SENT
    assert str(bank.days[0]["run_id"]) in letter["Message-ID"]
    await daily()
    assert len(bank.letters) == 1


@pytest.mark.parametrize("reason", ["no_users", "no_campaigns"])
async def test_a_skip_that_could_not_be_mailed_is_told_the_next_day(bank: Bank, reason: str) -> None:
    """The same mail as it would have been, once, with the campaigns that wait; today is done as ever."""
    yesterday, users = today() - YESTERDAY, bank.source
    if reason == "no_users":
        bank.set_users([None])
    else:
        bank.set_campaigns()
    bank.ask("POST", "mail/refuse", {})
    assert "MailNotSent" in str((await daily(business_date=yesterday)).message)
    assert [(day["status"], day["mailed_at"]) for day in bank.days] == [("skipped", None)]
    bank.mend()
    bank.set_users(users)
    bank.set_campaigns(*CAMPAIGNS, start=-3)
    for _ in range(2):
        assert (await daily()).is_completed()
    told = {"no_users": "Нет пользователей с COUNT_DAY = 5", "no_campaigns": "Нет активных кампаний"}[reason]
    assert bank.subjects == [f"⏭️ SoftCollection: Ежедневная дистрибуция пропущена - {told}", SENT]
    letter = bank.letters[0]
    text = letter.get_body(("plain",)).get_content()
    assert (russian.day(yesterday) in text, str(bank.days[0]["run_id"]) in letter["Message-ID"]) == (
        True,
        True,
    )
    assert ("SC00000002" in text) is (reason == "no_users")


async def test_todays_skip_that_could_not_be_mailed_is_tried_anew(bank: Bank) -> None:
    """Campaigns have come meanwhile: the day is distributed, and no mail says that it was skipped."""
    bank.set_campaigns()
    bank.ask("POST", "mail/refuse", {})
    assert (await daily()).is_failed()
    bank.mend()
    bank.set_campaigns(*CAMPAIGNS)
    assert (await daily()).is_completed()
    assert bank.subjects == [SENT]


async def test_without_the_state_nothing_is_begun(bank: Bank) -> None:
    """Whoever cannot hold the duty must not act."""
    await bank.fill(STATE_DB_PORT=str(free_port()))
    state = await daily()
    assert "DatabaseUnreachable: state-db" in str(state.message)
    assert (bank.counts, bank.log) == ((0, 0, 0), [])
    assert bank.subjects == [f"{FAILED}initialization"]
    await bank.fill()
    assert (await daily()).is_completed()
    check_done(bank)


# ── Other days ───────────────────────────────────────────────────────────────────────────────────


async def test_a_schedule_that_comes_a_day_late_takes_nothing_of_today(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker was away from one morning to the next night: told, and today is left to today's own run."""
    due = Clock().utc() - timedelta(hours=30)
    monkeypatch.setattr(runtime.flow_run, "scheduled_start_time", due, raising=False)
    state = await daily()
    assert "DayMissed: the run of " in str(state.message)
    assert (bank.counts, bank.days, bank.log) == ((0, 0, 0), [], [])
    assert bank.subjects == [f"{FAILED}initialization"]
    monkeypatch.undo()
    assert (await daily()).is_completed()
    check_done(bank)


async def leave_open(bank: Bank, day: date, *users: str) -> None:
    """Run a day up to DSSB's commit, and be cut off from SPSS."""
    bank.set_users(users)
    bank.fault("SPSS", "drop_before", on="commit", times=None)
    assert (await daily(business_date=day)).is_failed()
    bank.mend()


async def test_a_day_that_was_left_open_is_finished_by_the_next_days_run(bank: Bank) -> None:
    """Each day gets its own users, its own mail, its own INSERT_DATETIME."""
    yesterday = today() - YESTERDAY
    await leave_open(bank, yesterday, "000000000001", "000000000002", "000000000003")
    bank.set_users(["000000000004", "000000000005"])
    assert (await daily()).is_completed()
    check_done(bank, users=5)
    assert [day["business_date"] for day in bank.days] == [yesterday, today()]
    told = [subject.partition(" - ")[2] for subject in bank.subjects[1:]]
    assert told == ["3 пользователей распределено", "2 пользователей распределено"]


async def test_a_day_that_cannot_be_finished_does_not_stop_todays(bank: Bank) -> None:
    """Somebody wrote into its mirror: today is done and told, and the run fails with the other day's trouble."""
    yesterday = today() - YESTERDAY
    await leave_open(bank, yesterday, "000000000001", "000000000002", "000000000003")
    moment = bank.days[0]["insert_datetime"]
    bank.rows(
        f"insert into {MIRROR} (iin, theory_id, insert_datetime) values ('0', 'OTHER.2', '{moment}')", "spss"
    )
    bank.set_users(["000000000004", "000000000005"])
    state = await daily()
    assert "NotReconciled" in str(state.message)
    assert [day["status"] for day in bank.days] == ["applied", "completed"]
    told = [subject.partition(" - ")[2] for subject in bank.subjects[1:]]
    assert told == ["2 пользователей распределено", "reconciling"]
    # A person must mend it: the guard has nothing to start again until the next cron.
    assert (await duty.read("distribution", today())).finished


async def test_the_mail_about_another_days_trouble_names_that_day_and_its_stage(bank: Bank) -> None:
    """Yesterday cannot be mirrored, today has no campaign: the mail must not say that campaigns were the trouble."""
    yesterday = today() - YESTERDAY
    await leave_open(bank, yesterday, "000000000001", "000000000002", "000000000003")
    bank.set_campaigns()
    with bank.without(*revoked("insert", MIRROR, "spss")):
        state = await daily()
    assert "PermissionMissing: spss-db" in str(state.message)
    assert bank.subjects[2:] == [f"{FAILED}mirroring"]
    assert russian.day(yesterday) in bank.letters[2].get_body(("plain",)).get_content()
    assert bank.subjects[1].startswith("⏭️")


# ── Two at once ──────────────────────────────────────────────────────────────────────────────────


async def test_of_two_runs_at_once_one_wins(bank: Bank) -> None:
    """The duty's lock decides: the other ends Cancelled, says why, and sends no mail."""
    with bank.locked(SOURCE, "spss"):
        first = asyncio.create_task(daily())
        await until_somebody_waits(bank, "spss")
        second = await daily()
    assert second.is_cancelled()
    assert "Another run of distribution holds its lock" in str(second.message)
    assert (await first).is_completed()
    check_done(bank)
    assert bank.subjects == [SENT]


@by_both
async def test_the_fence_holds_where_the_duty_is_lost(bank: Bank) -> None:
    """The first run's session in state-db dies while it waits for SPSS: the second gets the duty, but not the fence."""
    with bank.locked(SOURCE, "spss"):
        first = asyncio.create_task(daily())
        await until_somebody_waits(bank, "spss")
        bank.rows("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'", "state")
        async with asyncio.timeout(TIMEOUT_S):  # without the fence it would wait for SPSS, too
            second = await daily()
        assert second.is_cancelled()
        assert "Another run of distribution" in str(second.message)
        assert not (await duty.read("distribution", today())).held
    assert (await first).is_completed()
    check_done(bank)
    assert bank.subjects == [SENT]


async def until_somebody_waits(bank: Bank, database: str) -> None:
    waiting = f"select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = '{database}'"
    async with asyncio.timeout(TIMEOUT_S):
        while not bank.rows(waiting, database):
            await Clock().sleep(0.1)


async def test_the_first_run_writes_the_fences_row(bank: Bank) -> None:
    """Whoever sets the tables up creates them, and no more."""
    bank.rows(f"delete from {FENCE}")
    assert (await daily()).is_completed()
    assert bank.rows(f"select * from {FENCE}") == [{"kind": "daily"}]
