"""One host account at Google Meet: the client library over REST, in threads of its own.

The library's asynchronous client blocks the loop over REST, and its gRPC is not for a server of our own.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

from google.api_core.exceptions import GoogleAPICallError
from google.apps.meet_v2 import (
    ConferenceRecordsServiceClient,
    CreateSpaceRequest,
    EndActiveConferenceRequest,
    Space,
    SpaceConfig,
    SpacesServiceClient,
    UpdateSpaceRequest,
)
from google.auth.exceptions import GoogleAuthError
from google.protobuf.json_format import ParseError  # type: ignore[import-untyped, unused-ignore]
from requests.exceptions import RequestException

from blocks.meet_answers import explain, status
from blocks.meet_host import Host
from blocks.meet_login import credentials
from blocks.meet_problem import MeetUnreachable

THREADS = 10  # as many connections as the library keeps to one server
PAGE = 100  # what conferenceRecords.list gives at most
_CLIENT = "google.apps.meet_v2.services"
# They tell whole requests at DEBUG: a service account's signed assertion, and links that open rooms.
for _name in (
    "google.auth.transport.requests",
    *(
        f"{_CLIENT}.{service}.{part}"
        for service in ("spaces_service", "conference_records_service")
        for part in ("client", "transports.rest")
    ),
):
    logging.getLogger(_name).addFilter(lambda line: line.levelno > logging.DEBUG)

T = TypeVar("T")


class Page(NamedTuple):
    """What one request of a list gives; `next_token` is empty on the last page."""

    items: Sequence[Any]
    next_token: str


class Account:
    """Every method is one request, without retries; what goes wrong is a `MeetProblem`.

    Args:
        block: the Block's name, for what goes wrong.
    """

    def __init__(self, block: str, name: str, host: Host, endpoint: str, timeout_s: float) -> None:
        self._block, self._host = block, name
        self._once: dict[str, Any] = {"retry": None, "timeout": timeout_s}
        options: dict[str, Any] = {
            "transport": "rest",
            "credentials": credentials(block, name, host),
            "client_options": {"api_endpoint": endpoint},
        }
        self._spaces = SpacesServiceClient(**options)
        self._records = ConferenceRecordsServiceClient(**options)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"meet-{name}")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._spaces.transport.close()  # type: ignore[no-untyped-call]
        self._records.transport.close()  # type: ignore[no-untyped-call]

    async def create(self, *, is_open: bool) -> Space:
        request = CreateSpaceRequest(space=Space(config=_access(is_open=is_open)))
        space = await self._ask(lambda: self._spaces.create_space(request, **self._once))
        if not space.name or not space.meeting_uri:
            raise self._stranger()
        return space

    async def set_access(self, space: str, *, is_open: bool) -> None:
        """Let everybody in who has the link, or nobody any more; those inside stay."""
        request = UpdateSpaceRequest(
            space=Space(name=space, config=_access(is_open=is_open)),
            update_mask={"paths": ["config.access_type"]},
        )
        await self._ask(lambda: self._spaces.update_space(request, **self._once))

    async def end(self, space: str) -> None:
        """Send everybody out; nobody inside is as good."""
        request = EndActiveConferenceRequest(name=space)
        await self._ask(lambda: self._end(request))

    async def records(self, space: str, token: str) -> Page:
        """List a space's conferences, of the last 30 days."""
        request = {"page_size": PAGE, "page_token": token, "filter": f'space.name = "{space}"'}
        page = await self._ask(lambda: self._records.list_conference_records(request, **self._once))
        return Page(page.conference_records, page.next_page_token)

    async def participants(self, record: str, token: str) -> Page:
        request = {"parent": record, "page_size": PAGE, "page_token": token}
        page = await self._ask(lambda: self._records.list_participants(request, **self._once))
        return Page(page.participants, page.next_page_token)

    async def sessions(self, participant: str, token: str) -> Page:
        request = {"parent": participant, "page_size": PAGE, "page_token": token}
        page = await self._ask(lambda: self._records.list_participant_sessions(request, **self._once))
        return Page(page.participant_sessions, page.next_page_token)

    async def greet(self) -> None:
        """Ask for one conference of the account's: that takes the scope that everything else takes, too."""
        await self._ask(lambda: self._records.list_conference_records({"page_size": 1}, **self._once))

    def _end(self, request: EndActiveConferenceRequest) -> None:
        try:
            self._spaces.end_active_conference(request, **self._once)
        except GoogleAPICallError as error:
            if (error.code, status(error)) != (HTTPStatus.BAD_REQUEST, "FAILED_PRECONDITION"):
                raise

    async def _ask(self, request: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, request)
        except (GoogleAPICallError, GoogleAuthError, RequestException) as error:
            raise explain(self._block, self._host, error) from None  # its text may quote what we sent
        except (ParseError, AttributeError):  # the library's own, over JSON that is not as it expects
            raise self._stranger() from None

    def _stranger(self) -> MeetUnreachable:
        return MeetUnreachable(block=self._block, host=self._host, reason="what answers there is not Meet")


def _access(*, is_open: bool) -> SpaceConfig:
    kinds = SpaceConfig.AccessType
    return SpaceConfig(access_type=kinds.OPEN if is_open else kinds.RESTRICTED)
