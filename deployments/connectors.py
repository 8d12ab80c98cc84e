"""The databases' Blocks: prefect-sqlalchemy's connectors, made from components.

Components, not a URL: only they keep the password masked.
"""

from collections.abc import Mapping

from prefect.blocks.core import Block
from prefect_sqlalchemy import AsyncDriver, AsyncSqlAlchemyConnector, ConnectionComponents

CONNECT_TIMEOUT_S = 10
BULK_TIMEOUT_S = 1800


def postgresql(values: Mapping[str, str], command_timeout_s: int = 60) -> Block:
    """Return a connector to PostgreSQL."""
    components = {**values, "driver": AsyncDriver.POSTGRESQL_ASYNCPG}
    connector: Block = AsyncSqlAlchemyConnector(
        connection_info=ConnectionComponents.model_validate(components),
        connect_args={
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": command_timeout_s,
            "server_settings": {"application_name": "metronome"},
        },
    )
    return connector


def oracle(values: Mapping[str, str]) -> Block:
    """Return a connector to Oracle, or to a PostgreSQL with the same tables.

    Raises:
        ValueError: it has no address, or a dialect that nobody knows.
    """
    where = {name: values[name] for name in ("username", "password", "host", "port")}
    if values["dialect"] == "postgresql":
        return postgresql({**where, "database": values["database"]}, BULK_TIMEOUT_S)
    if values["dialect"] not in {"", "oracle"} or not (values["database"] or values["service_name"]):
        raise ValueError("needs a SID or a SERVICE_NAME; DIALECT is oracle (or empty) or postgresql")
    if values["service_name"]:
        where["query"] = {"service_name": values["service_name"]}  # type: ignore[assignment]
    else:
        where["database"] = values["database"]
    components = {**where, "driver": AsyncDriver.ORACLE_ORACLEDB_ASYNC}
    connector: Block = AsyncSqlAlchemyConnector(
        connection_info=ConnectionComponents.model_validate(components),
        connect_args={"tcp_connect_timeout": CONNECT_TIMEOUT_S, "program": "metronome"},
    )
    return connector
