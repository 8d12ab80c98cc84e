"""A Meet, and somebody who speaks plain HTTP to it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.meet import MeetServer

SECRET = "s3cret"
ACCOUNTS = {"host-1": SECRET, "host-2": "other"}


@pytest.fixture
async def meet() -> AsyncIterator[MeetServer]:
    async with MeetServer(accounts=ACCOUNTS) as meet:
        yield meet


@pytest.fixture
async def http(meet: MeetServer) -> AsyncIterator[httpx.AsyncClient]:
    """Host 1, asking as Google's library does."""
    async with client(meet) as http:
        yield http


def client(meet: MeetServer, token: str = SECRET) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=meet.url,
        headers={"Authorization": f"Bearer {token}"},
        params={"$alt": "json;enum-encoding=int"},
    )


async def make(http: httpx.AsyncClient, access: int = 1) -> dict[str, str]:
    answer = await http.post("/v2/spaces", json={"config": {"accessType": access}})
    return dict(answer.raise_for_status().json())
