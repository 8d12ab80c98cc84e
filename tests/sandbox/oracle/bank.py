"""The bank's two databases, as the tests build them."""

from pathlib import Path
from typing import Any

from sandbox.oracle import Login, OracleServer

TABLES = Path(__file__).with_name("databases.sql")
PASSWORD = "p'w:@/1"
SERVICES = {"DSSB": "dssb.local", "SPSS": "spss.local"}
BEHIND = {"DSSB": "bank_dssb", "SPSS": "bank_spss"}
USERS = {
    "DSSB_APP": Login(PASSWORD, "bank_app", "r0le"),
    "READER": Login("look", "bank_reader", "r0le"),
}
CLEAN = "; ".join(
    f"delete from {table}"
    for table in (
        "dssb_app.sc_local_target", "dssb_app.sc_local_control", "dssb_app.sc_details", "dssb_app.sc_runs",
        "dssb_app.everything", "spss.sc_theory_users", "spss_user_dracrm.sc_1_120",
    )
)  # fmt: skip
ROLES = "create role bank_app login password 'r0le'; create role bank_reader login password 'r0le'"


def arguments(oracle: OracleServer, **other: Any) -> dict[str, Any]:
    """Return what the driver needs to connect: as DSSB_APP to DSSB, or as it is told."""
    where = {} if "service_name" in other else {"sid": "DSSB"}
    login = {"user": "dssb_app", "password": PASSWORD}
    return {"host": "127.0.0.1", "port": oracle.port, **login, **where, **other}
