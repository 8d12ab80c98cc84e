"""What survives a restart: durable exchanges, queues, bindings, and the persistent messages in them.

Written before a confirm is sent. Not synced to the disk: a process's end loses nothing, a machine's may.
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pamqp.header import ContentHeader

from sandbox.amqp.message import Message

TABLES = """
pragma journal_mode = wal;
pragma synchronous = off;
create table if not exists exchange (name text primary key);
create table if not exists queue (name text primary key, arguments text not null);
create table if not exists binding (exchange text, routing_key text, queue text,
    primary key (exchange, routing_key, queue));
create table if not exists message (number integer primary key, queue text not null, exchange text not null,
    routing_key text not null, header blob not null, body blob not null, delivered integer not null default 0);
"""


class Journal:
    """Without a folder it remembers nothing beyond its own life."""

    def __init__(self, folder: Path | None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(
            ":memory:" if folder is None else folder / "broker.db", isolation_level=None
        )
        self._base.executescript(TABLES)

    def close(self) -> None:
        self._base.close()

    def exchanges(self) -> list[str]:
        return [name for (name,) in self._base.execute("select name from exchange")]

    def queues(self) -> list[tuple[str, dict[str, object]]]:
        rows = self._base.execute("select name, arguments from queue")
        return [(name, json.loads(arguments)) for name, arguments in rows]

    def bindings(self) -> list[tuple[str, str, str]]:
        """Return exchange, routing key, queue."""
        return list(self._base.execute("select exchange, routing_key, queue from binding"))

    def messages(self) -> Iterator[tuple[str, Message]]:
        """Yield each message with its queue's name, in the order of their arrival."""
        rows = self._base.execute(
            "select queue, number, exchange, routing_key, header, body, delivered from message order by number"
        )
        for queue, number, exchange, routing_key, written, body, delivered in rows:
            header = ContentHeader()
            header.unmarshal(written)
            yield queue, Message(number, exchange, routing_key, header.properties, body, bool(delivered))

    def add_exchange(self, name: str) -> None:
        self._base.execute("insert or ignore into exchange values (?)", (name,))

    def add_queue(self, name: str, arguments: dict[str, object]) -> None:
        self._base.execute("insert or ignore into queue values (?, ?)", (name, json.dumps(arguments)))

    def add_binding(self, exchange: str, routing_key: str, queue: str) -> None:
        self._base.execute("insert or ignore into binding values (?, ?, ?)", (exchange, routing_key, queue))

    def remove_queue(self, name: str) -> None:
        for table, column in (("message", "queue"), ("binding", "queue"), ("queue", "name")):
            self._base.execute(f"delete from {table} where {column} = ?", (name,))

    def put(self, queue: str, message: Message) -> None:
        self._base.execute(
            "insert into message values (?, ?, ?, ?, ?, ?, 0)",
            (
                message.number,
                queue,
                message.exchange,
                message.routing_key,
                message.header.marshal(),
                message.body,
            ),
        )

    def deliver(self, message: Message) -> None:
        self._base.execute("update message set delivered = 1 where number = ?", (message.number,))

    def remove(self, message: Message) -> None:
        self._base.execute("delete from message where number = ?", (message.number,))
