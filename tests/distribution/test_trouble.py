"""Each way to fail: the right mail, the right state, nothing lost, told once, and a remedy that works."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

import pytest
from prefect.client.schemas.objects import State
from prefect_sqlalchemy import AsyncSqlAlchemyConnector

from deployments.surroundings import REPOSITORY, free_port
from flows.common import duty, failures
from flows.distribution import permission
from flows.distribution.flow import distribution
from flows.distribution.models import Stage
from tests.distribution.bank import (
    MIRROR,
    REGISTRY,
    RUN,
    SOURCE,
    TARGET,
    USERS,
    Bank,
    by_both,
    daily,
    garbled,
    keyed,
    renamed,
    revoked,
    today,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the engine's client leaves its sockets
    pytest.mark.usefixtures("hurried"),
]

SENT = "✅ SoftCollection: Ежедневная дистрибуция завершена - 167 пользователей распределено"
FAILED = "❌ SoftCollection: Ошибка ежедневной дистрибуции - "
CRITICAL = "🚨 SoftCollection: Критическая ошибка ежедневной дистрибуции"
WRONG_PASSWORD = "wrong-password-that-nobody-may-see"
NOTHING, ALL_BUT_SPSS = (0, 0, 0), (33, 134, 0)


@dataclass(frozen=True)
class Case:
    """Something wrong, by variables of a Block or by statements, and how it must be told.

    Attributes:
        kinds: the exceptions, by backend or for both.
        wrong: database, statement, and the one that undoes it.
    """

    stage: Stage
    block: str
    kinds: str | dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    wrong: tuple[str, str, str] | None = None
    counts: tuple[int, int, int] = NOTHING

    def kind(self, backend: str) -> str:
        return self.kinds if isinstance(self.kinds, str) else self.kinds[backend]


# Oracle does not say "not allowed" to somebody who may not even know of a table.
MAY_NOT_KNOW = {"postgresql": "PermissionMissing", "oracle": "TableMissing"}
CASES = {
    "wrong password": Case(
        Stage.INITIALIZATION, "dssb-db", "DatabaseAccessDenied", {"ORACLE_PASSWORD": WRONG_PASSWORD}
    ),
    "wrong SID": Case(Stage.USERS, "spss-db", "DatabaseAccessDenied", {"SPSS_ORACLE_SID": "NOWHERE"}),
    "no registry": Case(Stage.CAMPAIGNS, "dssb-db", "TableMissing", wrong=renamed(REGISTRY, "dssb")),
    "source not readable": Case(
        Stage.USERS, "spss-db", MAY_NOT_KNOW, wrong=revoked("select", SOURCE, "spss")
    ),
    "target not writable": Case(
        Stage.INSERTING, "dssb-db", "PermissionMissing", wrong=revoked("insert", TARGET, "dssb")
    ),
    "mirror not writable": Case(
        Stage.MIRRORING,
        "spss-db",
        "PermissionMissing",
        wrong=revoked("insert", MIRROR, "spss"),
        counts=ALL_BUT_SPSS,
    ),
}


@by_both
@pytest.mark.parametrize("case", CASES)
async def test_what_a_person_must_mend_is_told_at_once_and_costs_nothing(bank: Bank, case: str) -> None:
    """One mail with the stage, one line with block and remedy, a heading in the runbook; mended, the day is done."""
    wanted = CASES[case]
    with ExitStack() as undone:
        if wanted.wrong:
            undone.enter_context(bank.without(*wanted.wrong))
        await bank.fill(**wanted.variables)
        state = await daily()
    check_told(bank, str(state.message), wanted.kind(bank.backend), wanted)
    assert bank.counts == wanted.counts
    assert "completed" not in {day["status"] for day in bank.days}
    await bank.fill()
    assert (await daily()).is_completed()
    assert (sum(bank.counts[:2]), bank.mirror == bank.target) == (USERS, True)
    assert bank.subjects[1:] == [SENT]


def check_told(bank: Bank, message: str, kind: str, wanted: Case) -> None:
    assert f"{kind}: {wanted.block}: " in message
    assert bank.subjects == [f"{FAILED}{wanted.stage}"]
    (letter,) = bank.letters
    for part in ("plain", "html"):
        text = letter.get_body((part,)).get_content()
        assert wanted.block in text
        assert f"docs/runbook.md#{kind.lower()}" in text
        assert WRONG_PASSWORD not in text
    assert f"\n### {kind}\n" in (REPOSITORY / "docs" / "runbook.md").read_text("utf-8")


@by_both
async def test_a_key_that_is_there_already_stops_the_day(bank: Bank) -> None:
    """A key of DSSB's that we do not know of: nothing of the day is written, in neither database."""
    with bank.without(*keyed(max(bank.source))):
        state = await daily()
    assert "DuplicateKey: dssb-db" in str(state.message)
    assert bank.subjects == [f"{FAILED}inserting_users"]
    assert bank.counts == NOTHING
    assert (await daily()).is_completed()
    assert sum(bank.counts[:2]) == USERS


async def test_no_block_no_day(bank: Bank) -> None:
    """The line names the Block and the command that makes it."""
    await AsyncSqlAlchemyConnector.adelete("spss-db")
    state = await daily()
    assert "BlockMissing: Block 'spss-db' is not there" in str(state.message)
    assert bank.subjects == [f"{FAILED}getting_spss_users"]
    await bank.fill()


async def test_the_same_trouble_is_told_once_an_hour(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the guard tries; another trouble is told at once."""
    await bank.fill(SPSS_ORACLE_SID="NOWHERE")
    for _ in range(3):
        assert (await daily()).is_failed()
    assert len(bank.subjects) == 1
    await bank.fill(ORACLE_PORT=str(free_port()))
    assert (await daily()).is_failed()
    assert bank.subjects == [f"{FAILED}getting_spss_users", f"{FAILED}initialization"]
    monkeypatch.setattr(failures, "LATELY", timedelta(0))
    assert (await daily()).is_failed()
    assert len(bank.subjects) == 3


async def test_what_was_not_mailed_is_not_taken_for_told(bank: Bank) -> None:
    """A preview mails nothing, and a mail server that is down takes nothing: the next run with that trouble does."""
    await bank.fill(SPSS_ORACLE_SID="NOWHERE")
    assert (await distribution(dry_run=True, return_state=True)).is_failed()
    bank.ask("POST", "mail/refuse", {})
    assert (await daily()).is_failed()
    assert bank.subjects == []
    bank.ask("DELETE", "mail/refuse")
    for _ in range(2):
        assert (await daily()).is_failed()
    assert bank.subjects == [f"{FAILED}getting_spss_users"]


async def by_hand(business_date: date | None = None, **parameters: Any) -> State[Any]:
    """Run the flow as two people do who name the day."""
    state: State[Any] = await distribution(
        business_date or today(), requested_by="A", approved_by="B", return_state=True, **parameters
    )
    return state


async def test_only_todays_trouble_mends_itself(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard minds today's duty, from its hour on: the mail promises a new run for that, and for no other day."""
    await bank.fill(SPSS_ORACLE_SID="NOWHERE")
    monkeypatch.setattr(failures, "LATELY", timedelta(0))
    promises = []
    for opens, day in ((time.min, today()), (time.max, today()), (time.min, today() - timedelta(days=1))):
        monkeypatch.setattr(permission, "OPENS", opens)
        assert (await by_hand(day)).is_failed()
        text = bank.letters[-1].get_body(("plain",)).get_content()
        promises.append("Автоматического повтора не будет." not in text)
    assert promises == [True, False, False]


async def test_a_day_that_another_count_day_took_is_told(bank: Bank) -> None:
    """Somebody's run by hand before nine: the scheduled one says whose users were not distributed, and writes nothing."""
    bank.set_users(["000000000001", "000000000002"], count_day=6)
    assert (await by_hand(count_day=6)).is_completed()
    state = await daily()
    assert "OtherCountDay: " in str(state.message)
    assert bank.subjects[1:] == [f"{FAILED}initialization"]
    letter = bank.letters[1].get_body(("plain",)).get_content()
    assert "COUNT_DAY = 5" in letter
    assert "Автоматического повтора не будет." in letter
    assert (await duty.read("distribution", today())).finished
    assert sum(bank.counts[:2]) == 2
    preview = await distribution(dry_run=True)
    assert "completed already, with COUNT_DAY = 6" in preview["note"]


@by_both
async def test_a_registry_row_without_a_date_is_told_and_ignored(bank: Bank) -> None:
    """One group's last day is missing, and all days of another campaign: the day is done, mailed and warned of."""
    bank.rows(
        f"update {REGISTRY} set theory_end_date = null where theory_id = 'SC00000002.3'; "
        f"update {REGISTRY} set theory_end_date = null, theory_start_date = null where theory_id = 'SC00000004.1'"
    )
    assert (await daily()).is_completed()
    assert bank.subjects == [SENT]
    assert "SC00000002.3, SC00000004.1" in bank.letters[0].get_body(("plain",)).get_content()


def ledger_row(bank: Bank, before: int, status: str) -> None:
    """Write a day into the ledger as a person does who knows no better."""
    bank.rows(
        f"insert into {RUN} (business_date, kind, run_id, status, count_day, users, mailed_at) "
        f"values ('{today() - timedelta(days=before)}', 'daily', 'manual', '{status}', 5, 9, now())"
    )


async def test_a_row_by_hand_of_a_day_that_is_over_is_no_obstacle(bank: Bank) -> None:
    """The quality checks look back on its numbers, and nobody minds its run's id."""
    ledger_row(bank, 40, "completed")
    assert (await daily()).is_completed()
    assert bank.subjects == [SENT]


async def test_a_row_by_hand_of_a_day_that_is_open_does_not_stop_todays(bank: Bank) -> None:
    """Today is done and told; then the run fails with the day and the column that are wrong."""
    ledger_row(bank, 1, "applied")
    state = await daily()
    assert (
        f"LedgerRowWrong: sc_distribution_run, business_date {today() - timedelta(days=1)}: column run_id"
        in str(state.message)
    )
    assert [subject.partition(" - ")[0] for subject in bank.subjects] == [
        SENT.partition(" - ")[0], FAILED.partition(" - ")[0],
    ]  # fmt: skip
    assert bank.days[1]["status"] == "completed"


async def test_a_day_that_is_skipped_keeps_no_number_of_a_plan(bank: Bank) -> None:
    """A run had planned 167 users and could not write them; then the campaigns were over."""
    with bank.without(*revoked("insert", TARGET, "dssb")):
        assert (await daily()).is_failed()
    assert (bank.days[0]["status"], bank.days[0]["users"]) == ("planned", USERS)
    bank.set_campaigns()
    await by_hand()
    (day,) = bank.days
    assert (day["status"], day["users"], day["users_b"], day["campaign_ids"]) == ("skipped", 0, None, None)
    assert (day["requested_by"], day["approved_by"]) == ("A", "B")


async def test_what_nobody_foresaw_is_critical(bank: Bank) -> None:
    """A ledger whose numbers are texts: another subject, and of the unknown text nothing that identifies."""
    somebody = max(bank.source)
    with bank.without(*garbled(somebody)):
        state = await daily()
    assert state.is_failed()
    assert "Unexpected: ValueError" in str(state.message)
    assert bank.subjects == [CRITICAL]
    assert somebody not in str(state.message) + bank.letters[0].as_string()
    assert bank.counts == NOTHING


async def test_trouble_that_cannot_be_mailed_is_told_by_the_run(bank: Bank) -> None:
    """A mail server that is down does not hide why the run failed."""
    bank.ask("POST", "mail/refuse", {})
    await bank.fill(SPSS_ORACLE_SID="NOWHERE")
    state = await daily()
    assert "DatabaseAccessDenied: spss-db" in str(state.message)
    assert bank.subjects == []
