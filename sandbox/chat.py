"""What stands between us and the chat bot in the sandbox: a broker, set up as somebody else has done it."""

from sandbox.amqp import AmqpServer, Topology
from sandbox.state import State

USER = "metronome"
TOPOLOGY = Topology(
    "chathub_direct_main",
    {"date_maker_dev": "chathub_date_maker_dev", "tg_bot_dev": "chathub_tg_bot_dev"},
    {
        "BROKER_KEY_TO_US": "date_maker_dev",
        "BROKER_KEY_TO_BOT": "tg_bot_dev",
        "BROKER_QUEUE": "chathub_date_maker_dev",
        "BROKER_DECLARE": "true",
    },
)


def broker(state: State) -> AmqpServer:
    """Return the stand-in; messages outlive a restart of the sandbox, as the databases do."""
    return AmqpServer(
        user=USER, password=state.secret("amqp"), port=state.port("amqp"),
        home=state.home / "amqp", topology=TOPOLOGY,
    )  # fmt: skip
