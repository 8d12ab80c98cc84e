"""What is sent to Oracle is Oracle's SQL: every statement, read by a grammar that nobody here wrote.

tests/distribution/oracle.sql is the record of what the grammar has accepted. Where there is no Node.js, the
comparison with the record still holds: `RECORD=1 make test` writes it anew.
"""

import inspect
import json
import os
import re
import shutil
import subprocess
from datetime import date, datetime
from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import Executable, insert
from sqlalchemy.dialects import oracle

from flows.common.sql import statements as named_statements
from flows.distribution import statements, tables
from flows.distribution.models import Status
from flows.ops import bank

HERE = Path(__file__).parent
RECORD = HERE / "oracle.sql"
GRAMMAR = HERE.parent / "sql"
DSSB = tables.dssb("DSSB_APP")
SPSS = tables.spss("SPSS_USER_DRACRM.SC_1_120", "SPSS.SC_theory_users")
DAY, MOMENT = date(2030, 1, 31), datetime(2030, 1, 31, 9, 0, 1)
CAMPAIGNS = ["SC00000001", "SC00000002"]
ALIKE = {"theory_id": "SC00000001.2", "date_start": MOMENT, "date_end": MOMENT, "tab1": "call", "tab2": None}

BUILT: dict[str, Executable] = {
    "theories": statements.theories(DSSB, DAY),
    "theories_named": statements.theories_named(DSSB, CAMPAIGNS),
    "users": statements.users(SPSS, 5),
    "assigned": statements.assigned(DSSB.control, CAMPAIGNS, DAY),
    "assigned in these campaigns": statements.assigned(DSSB.control, CAMPAIGNS, None),
    "tabs": statements.tabs(DSSB.target, CAMPAIGNS),
    "counts": statements.counts(SPSS.mirror, MOMENT),
    "any_row": statements.any_row(DSSB.target, MOMENT),
    "outbox": statements.outbox(DSSB.target, MOMENT),
    "members": statements.members(SPSS.mirror, MOMENT, {"theory_id": "SC00000001.2"}),
    "members who are alike": statements.members(DSSB.target, MOMENT, ALIKE),
    "fence": statements.fence(DSSB),
    "day": statements.day(DSSB, DAY),
    "days": statements.days(DSSB, DAY, DAY),
    "past": statements.past(DSSB, DAY, DAY),
    "open_days": statements.open_days(DSSB, DAY),
    "begin": statements.begin(DSSB, {"business_date": DAY, "run_id": "x", "status": "planned"}),
    "advance": statements.advance(DSSB, DAY, [Status.PLANNED, Status.SKIPPED], {"mailed_at": MOMENT}),
    "apply": statements.apply(DSSB, DAY, "x", MOMENT),
    "insert control": insert(DSSB.control),
    "insert target": insert(DSSB.target),
    "insert mirror": insert(SPSS.mirror),
    "doctor: read": bank.reading(bank.a_table("dssb_app.sc_distribution_run", bank.RUN)),
    "doctor: append": bank.appending(bank.a_table("spss.sc_theory_users", bank.ASSIGNMENT)),
}

FOREIGN = {
    "a function of MySQL": "select iin from t where date(insert_datetime) = :d",
    "limit": "select iin from t limit 5",
    "an alias with as": "select iin from t as x",
    "several rows of values": "insert into t (iin) values (:a), (:b)",
    "on conflict": "insert into t (iin) values (:a) on conflict do nothing",
}


def compiled() -> dict[str, str]:
    """Every statement as SQLAlchemy writes it for Oracle."""
    options = {"render_postcompile": True}
    return {
        name: str(statement.compile(dialect=oracle.dialect(), compile_kwargs=options))
        for name, statement in BUILT.items()
    }


def by_hand() -> dict[str, str]:
    """What people run themselves: the tables' script, the auditor's statement, the verification queries."""
    script = (resources.files("flows.distribution") / "schema.sql").read_text("utf-8")
    bare = re.sub(r"--.*", "", script)
    parts = {
        f"schema.sql {place}": part.strip() for place, part in enumerate(bare.split(";")) if part.strip()
    }
    queries = {
        f"queries.sql {name}": str(each) for name, each in named_statements("flows.distribution").items()
    }
    return parts | queries


@pytest.fixture(scope="module")
def complaints() -> dict[str, list[str]]:
    """What the grammar says of everything, by name; asked once, since it takes 20 s to get going."""
    if not (GRAMMAR / "node_modules").is_dir() or shutil.which("node") is None:
        pytest.skip("no PL/SQL grammar here: `npm ci` in tests/sql (needs Node.js)")
    written = json.dumps(compiled() | by_hand() | FOREIGN)
    asked = ["node", GRAMMAR / "grammar.mjs"]
    done = subprocess.run(asked, input=written, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def recorded() -> str:
    return "".join(
        f"-- {name}\n{re.sub(' +$', '', text, flags=re.MULTILINE)}\n\n" for name, text in compiled().items()
    )


def test_every_builder_of_statements_is_looked_at():
    """A statement that is added without being checked would be the one that Oracle refuses."""
    builders = {
        name
        for name, each in inspect.getmembers(statements, inspect.isfunction)
        if each.__module__ == statements.__name__ and name != "midnight" and not name.startswith("_")
    }
    assert builders == {name for name in BUILT if " " not in name}


def test_what_is_sent_is_what_the_grammar_has_accepted():
    """A change of any statement shows in the record, and so in the review."""
    if os.environ.get("RECORD"):
        RECORD.write_text(recorded(), "utf-8")
    assert recorded() == RECORD.read_text("utf-8")


def test_oracles_grammar_accepts_every_statement(complaints):
    """Also those that people run by hand."""
    ours = compiled() | by_hand()
    assert {name: complaints[name] for name in ours if complaints[name]} == {}


@pytest.mark.parametrize("foreign", FOREIGN)
def test_the_grammar_is_not_lenient(complaints, foreign):
    """What only other databases understand is refused: the check can fail."""
    assert complaints[foreign]
