"""Google Meet's Block, made of plain variables: the host accounts are one JSON object."""

import json
from collections.abc import Mapping

from prefect.blocks.core import Block

from blocks.meet import Meet

VARIABLES = {"endpoint": "MEET_ENDPOINT", "hosts": "MEET_HOSTS", "quota_factor": "MEET_QUOTA_FACTOR"}
OPTIONAL = frozenset({"endpoint", "quota_factor"})


def meet(values: Mapping[str, str]) -> Block:
    """Return the Block; what is empty takes its default.

    Raises:
        ValueError: the accounts are no JSON.
    """
    given = {name: value for name, value in values.items() if value}
    try:
        hosts = json.loads(values["hosts"])
    except ValueError:
        raise ValueError("MEET_HOSTS must be a JSON object on one line in '...'") from None
    block: Block = Meet.model_validate({**given, "hosts": hosts})
    return block
