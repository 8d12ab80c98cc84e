"""The databases of the sandbox: one script each, every one safe to run again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection

from sandbox import players


@dataclass(frozen=True)
class Script:
    """A database, the role that our Block logs in with, and the prefix of the Block's variables.

    The script runs as superuser inside the database and finds the role's password in the
    environment variable ROLE_PASSWORD.

    Attributes:
        seed: adds the rows that SQL cannot make up, as superuser, where they are not there yet.
    """

    database: str
    role: str
    variables: str
    seed: Callable[[Connection], None] | None = None

    @property
    def path(self) -> Path:
        return Path(__file__).with_name(f"{self.database}.sql")


SCRIPTS = (
    Script("game", role="pop_reader", variables="DB"),
    Script("players", role="payout_reader", variables="GAME_DB", seed=players.seed),
    Script("state", role="metronome", variables="STATE_DB"),
    # Behind the Oracle stand-in; the variables are for who looks at PostgreSQL directly.
    Script("dssb", role="dssb_app", variables="DSSB_POSTGRES"),
    Script("spss", role="spss_app", variables="SPSS_POSTGRES"),
)
