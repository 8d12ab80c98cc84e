"""Each way to fail: the right mail, the right state, nothing lost, told once, and a remedy that works."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from prefect_sqlalchemy import AsyncSqlAlchemyConnector

from deployments.surroundings import REPOSITORY, free_port
from flows.common import failures
from flows.distribution.models import Stage
from tests.distribution.bank import (
    CONTROL,
    MIRROR,
    REGISTRY,
    RUN,
    SOURCE,
    TARGET,
    USERS,
    Bank,
    by_both,
    daily,
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
    """An old row of somebody's for every place he could get: nothing of the day is written, in neither database."""
    bank.rows(
        f"insert into {TARGET} (iin, theory_id, date_end, insert_datetime) "
        f"select '{max(bank.source)}', theory_id, '2020-01-31', '2020-01-01' from {REGISTRY}; "
        f"insert into {CONTROL} (iin, theory_id, date_end, insert_datetime) "
        f"select '{max(bank.source)}', theory_id, '2020-01-31', '2020-01-01' from {REGISTRY}"
    )
    state = await daily()
    assert "DuplicateKey: dssb-db" in str(state.message)
    assert bank.subjects == [f"{FAILED}inserting_users"]
    assert ({row["date_end"].year for row in bank.control}, bank.target, bank.mirror) == ({2020}, [], [])
    bank.rows(
        f"delete from {TARGET} where theory_id like '%.1'; truncate {CONTROL}; delete from {TARGET} where tab1 is null"
    )
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


async def test_what_nobody_foresaw_is_critical(bank: Bank) -> None:
    """A word in the ledger that we never wrote: another subject, and of the unknown text nothing that identifies."""
    somebody = max(bank.source)
    bank.rows(
        f"insert into {RUN} (business_date, kind, run_id, status, count_day) "
        f"values ('{today()}', 'daily', 'a run', '{somebody}', 5)"
    )
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
