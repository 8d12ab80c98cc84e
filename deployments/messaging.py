"""The broker's Block, made of plain variables; what is empty takes the Block's default."""

from blocks.broker import Broker
from deployments.declaration import from_given

VARIABLES = {
    "host": "BROKER_HOST",
    "port": "BROKER_PORT",
    "vhost": "BROKER_VHOST",
    "user": "BROKER_USER",
    "password": "BROKER_PASSWORD",
    "tls": "BROKER_TLS",
    "ca_file": "BROKER_CA_FILE",
    "exchange": "BROKER_EXCHANGE",
    "key_to_us": "BROKER_KEY_TO_US",
    "key_to_bot": "BROKER_KEY_TO_BOT",
    "queue": "BROKER_QUEUE",
    "dead_letter_exchange": "BROKER_DEAD_LETTER_EXCHANGE",
    "dead_letter_queue": "BROKER_DEAD_LETTER_QUEUE",
    "declare": "BROKER_DECLARE",
    "prefetch": "BROKER_PREFETCH",
}
OPTIONAL = frozenset(VARIABLES) - {"host", "user", "password"}

broker = from_given(Broker)
