"""One day on a real Oracle, for who has one: ORACLE_TEST_DSN=user/password@host:port/service make test ARGS="-k live".

The user needs a schema of its own, with the right to create tables; they are removed afterwards. Without the
variable the test is not collected (tests/distribution/conftest.py), and the summary says so.
"""

import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import oracledb
import pytest

from blocks.distribution_settings import DistributionSettings
from deployments import blocks
from flows.common.sql import script
from flows.distribution.flow import distribution
from sandbox import World
from tests.distribution.bank import today

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

ASSIGNMENT = (
    "(iin varchar2(12), theory_id varchar2(50), date_start date, date_end date, insert_datetime date, "
    "tab1 varchar2(255), tab2 varchar2(255), tab3 varchar2(255), tab4 varchar2(255), tab5 varchar2(255)"
)
TABLES = {
    "softcollection_theories": "(theory_id varchar2(50) primary key, theory_name varchar2(255), "
    "theory_start_date date, theory_end_date date)",
    "sc_local_control": f"{ASSIGNMENT}, primary key (iin, theory_id))",
    "sc_local_target": f"{ASSIGNMENT}, primary key (iin, theory_id))",
    "sc_theory_users": f"{ASSIGNMENT})",
    "sc_1_120": "(iin varchar2(12), count_day number)",
}
OURS = ("sc_distribution_run", "sc_distribution_fence")
USERS = 1_000


def address() -> dict[str, str]:
    found = re.fullmatch(r"([^/]+)/(.+)@([^:/@]+):(\d+)/(\S+)", os.environ["ORACLE_TEST_DSN"])
    assert found, "ORACLE_TEST_DSN is user/password@host:port/service"
    return dict(zip(("USER", "PASSWORD", "HOST", "PORT", "SERVICE_NAME"), found.groups(), strict=True))


@pytest.fixture
def oracle() -> Iterator[oracledb.Connection]:
    """A session with the bank's tables, three campaigns and a thousand users."""
    where = address()
    with oracledb.connect(
        user=where["USER"], password=where["PASSWORD"], host=where["HOST"], port=int(where["PORT"]),
        service_name=where["SERVICE_NAME"],
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        for name, columns in TABLES.items():
            cursor.execute(f"create table {name} {columns}")
        for statement in filter(str.strip, re.sub(r"--.*", "", script("flows.distribution")).split(";")):
            cursor.execute(statement)
        today = datetime.now(ZoneInfo("Asia/Almaty")).replace(
            hour=0, minute=0, second=0, microsecond=0, tzinfo=None
        )
        theories = [
            (f"SC0000000{base}.{group}", "live", today, today + timedelta(days=9))
            for base in (1, 2, 3)
            for group in range(1, 6)
        ]
        cursor.executemany("insert into softcollection_theories values (:1, :2, :3, :4)", theories)
        cursor.executemany("insert into sc_1_120 values (:1, 5)", [(f"{n:012d}",) for n in range(USERS)])
        connection.commit()
        try:
            yield connection
        finally:
            for name in (*TABLES, *OURS):
                cursor.execute(f"drop table {name}")


async def test_a_live_day(prefect: object, world: World, oracle: oracledb.Connection) -> None:
    """Everybody once, A not in the mirror, and the second run does nothing."""
    where = address()
    changed = {
        f"{prefix}{name}": value for prefix in ("ORACLE_", "SPSS_ORACLE_") for name, value in where.items()
    }
    built = blocks.build(world.env | changed)
    schema = where["USER"]
    settings = DistributionSettings(
        salt="a salt for the live test",
        dssb_schema=schema,
        source=f"{schema}.SC_1_120",
        mirror=f"{schema}.SC_theory_users",
    )
    for name, block in {**built, "distribution-settings": settings}.items():
        if name in {"dssb-db", "spss-db", "distribution-settings"}:
            await block.save(name, overwrite=True)
    names = {"business_date": today(), "requested_by": "the test", "approved_by": "who set ORACLE_TEST_DSN"}
    assert (await distribution(**names))["users"] == USERS
    assert (await distribution(**names))["status"] == "completed"
    with oracle.cursor() as cursor:
        rows = {name: cursor.execute(f"select count(*) from {name}").fetchone()[0] for name in TABLES}
        everybody = "select iin from sc_local_control union select iin from sc_local_target"
        assert cursor.execute(f"select count(*) from ({everybody})").fetchone() == (USERS,)
    assert rows["sc_local_control"] + rows["sc_local_target"] == USERS
    assert rows["sc_theory_users"] == rows["sc_local_target"]
