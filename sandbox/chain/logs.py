"""Which logs a filter asks for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.chain import forms
from sandbox.chain.block import Block
from sandbox.chain.evm import Log
from sandbox.chain.formats import Json, log_json
from sandbox.chain.forms import INVALID_PARAMS, SERVER, RpcError
from sandbox.chain.view import View, logs_of

MOST_TOPICS = 4
_FIELDS = {"address", "topics", "fromBlock", "toBlock", "blockHash"}


@dataclass(frozen=True)
class Filter:
    """`addresses` None is any; each of `topics` is a set to choose from, None for any."""

    addresses: frozenset[str] | None
    topics: tuple[frozenset[str] | None, ...]

    def wants(self, log: Log) -> bool:
        if self.addresses is not None and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(
            wanted is None or topic in wanted for wanted, topic in zip(self.topics, log.topics, strict=False)
        )

    def among(self, blocks: Iterable[Block], *, removed: bool = False) -> Iterator[Json]:
        for block in blocks:
            for receipt, number, log in logs_of(block):
                if self.wants(log):
                    yield log_json(block, receipt, number, log, removed=removed)


def read_filter(given: object) -> Filter:
    if not isinstance(given, dict) or not given.keys() <= _FIELDS:
        raise RpcError(INVALID_PARAMS, f"invalid argument 0: an object with any of {sorted(_FIELDS)}")
    addresses, topics = given.get("address"), given.get("topics") or []
    if not isinstance(topics, list) or len(topics) > MOST_TOPICS:
        raise RpcError(INVALID_PARAMS, f"invalid argument 0: topics is a list of at most {MOST_TOPICS}")
    return Filter(
        _choice(addresses, forms.address), tuple(_choice(topic, forms.block_hash) for topic in topics)
    )


def find_logs(view: View, given: dict[str, Any]) -> list[Json]:
    """Answer eth_getLogs."""
    wanted = read_filter(given)
    if "blockHash" not in given:
        blocks = view.blocks(given.get("fromBlock") or "latest", given.get("toBlock") or "latest")
        return list(wanted.among(blocks))
    if given.keys() & {"fromBlock", "toBlock"}:
        raise RpcError(
            INVALID_PARAMS, "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other"
        )
    block = view.by_hash(forms.block_hash(given["blockHash"]))
    if block is None:
        raise RpcError(SERVER, "unknown block")
    return list(wanted.among([block]))


def _choice(given: object, read: Any) -> frozenset[str] | None:
    """One, several (any of them), or none given (any at all)."""
    if given is None or given == []:
        return None
    return frozenset(map(read, given)) if isinstance(given, list) else frozenset({read(given)})
