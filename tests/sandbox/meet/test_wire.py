"""What Meet refuses, and in which form; what it counts."""

from typing import Any

import httpx
import pytest

from sandbox.chain.faults import Fault
from sandbox.meet import MeetServer
from tests.sandbox.meet.conftest import client, make

INTS = {"$alt": "json;enum-encoding=int"}
UNKNOWN: list[tuple[str, str, dict[str, Any], Any]] = [
    ("GET", "/v2/spaces/x/members", INTS, None),
    ("DELETE", "/v2/spaces/x", INTS, None),
    ("POST", "/v2/spaces", {}, {}),
    ("POST", "/v2/spaces", INTS | {"prettyPrint": "1"}, {}),
    ("POST", "/v2/spaces", INTS, {"config": {"moderation": 1}}),
    ("POST", "/v2/spaces", INTS, {"config": {"accessType": 9}}),
    ("PATCH", "/v2/spaces/x", INTS | {"updateMask": "*"}, {"config": {}}),
    ("GET", "/v2/conferenceRecords", INTS | {"filter": "end_time IS NULL"}, None),
]


@pytest.mark.parametrize(("verb", "path", "query", "body"), UNKNOWN)
async def test_what_our_client_does_not_send_is_refused_loudly(
    http: httpx.AsyncClient, verb: str, path: str, query: dict[str, Any], body: Any
) -> None:
    """A 501 in Google's form, never an answer that only looks like one."""
    http.params = httpx.QueryParams()
    answer = await http.request(verb, path, params=query, json=body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (501, "UNIMPLEMENTED")


async def test_the_quota_is_counted_for_each_account(meet: MeetServer, http: httpx.AsyncClient) -> None:
    """The eleventh room of a minute is a 429 as Google writes it; another account has its own ten."""
    for _ in range(10):
        await make(http)
    refused = await http.post("/v2/spaces", json={})
    error = refused.json()["error"]
    assert (refused.status_code, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
    async with client(meet, "other") as other:
        await make(other)


async def test_the_quota_can_be_raised(http: httpx.AsyncClient) -> None:
    """As Google does on request, and the demo for its hurry."""
    await http.post("/sandbox/quota", json={"factor": 3})
    for _ in range(30):
        await make(http)
    assert (await http.post("/v2/spaces", json={})).status_code == 429


@pytest.mark.parametrize(("token", "status"), [("wrong", 401), ("other", 403)])
async def test_who_may_not_is_refused(
    meet: MeetServer, http: httpx.AsyncClient, token: str, status: int
) -> None:
    """Nobody's token is a 401, another account's room a 403."""
    room = await make(http)
    async with client(meet, token) as stranger:
        answer = await stranger.get(f"/v2/{room['name']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)


async def test_a_revoked_account_comes_back(http: httpx.AsyncClient) -> None:
    """By the switch it is refused, and by the other let in again."""
    await http.post("/sandbox/revoke", json={"account": "host-1"})
    assert (await http.get("/v2/conferenceRecords")).status_code == 401
    await http.delete("/sandbox/revoke")
    assert (await http.get("/v2/conferenceRecords")).json() == {"conferenceRecords": []}


@pytest.mark.parametrize(("kind", "made"), [("lost_answer", 1), ("down", 0)])
async def test_a_cut_line(meet: MeetServer, http: httpx.AsyncClient, kind: Any, made: int) -> None:
    """Done and not told, or not done at all: the client cannot know which."""
    await http.post("/sandbox/fault", json={"kind": kind, "requests": 1, "methods": ["spaces.create"]})
    with pytest.raises(httpx.RemoteProtocolError):
        await http.post("/v2/spaces", json={})
    assert len(meet.rooms.spaces) == made
    assert meet.journal.by_status == {0: 1}


async def test_a_fault_can_be_taken_back(meet: MeetServer, http: httpx.AsyncClient) -> None:
    """And says how long to wait, where it was told to."""
    meet.fault(Fault(kind="http", status=429, retry_after_s=7))
    refused = await http.post("/v2/spaces", json={})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    await http.delete("/sandbox/fault")
    await make(http)


async def test_every_request_is_in_the_journal(meet: MeetServer, http: httpx.AsyncClient) -> None:
    """With account, method, the space's name and status, for tests to compare their own books with."""
    room = await make(http)
    await http.get(f"/v2/{room['name']}")
    async with httpx.AsyncClient(base_url=meet.url) as tester:
        seen = (await tester.get("/sandbox/requests", params={"after": 1})).json()
    assert [(each["account"], each["method"], each["status"]) for each in seen] == [
        ("host-1", "spaces.get", 200)
    ]
    assert room["name"].endswith(seen[0]["name"])


async def test_a_mistake_is_answered_with_its_remedy(http: httpx.AsyncClient) -> None:
    """Field, problem and remedy, as everywhere in the sandbox."""
    answer = await http.post("/sandbox/join", json={"code": "", "person": "ann"})
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "code"


async def test_another_host_name_is_not_served(meet: MeetServer) -> None:
    """A page of somebody else's in a browser cannot speak to it."""
    async with httpx.AsyncClient() as anybody:
        answer = await anybody.get(f"{meet.url}/sandbox/counters", headers={"Host": "evil.example"})
    assert answer.status_code == 400
