"""Google Meet's Block out of plain variables, and complaints that name the variable and no secret."""

import json

import pytest
from pydantic import ValidationError

from blocks.meet import ENDPOINT, Meet
from deployments.declaration import Declaration
from deployments.meeting import OPTIONAL, VARIABLES, meet
from sandbox.meet import MeetServer

SECRET = "s3cret-Uw40"
USER = {
    "type": "authorized_user", "client_id": "client", "client_secret": SECRET, "refresh_token": SECRET,
}  # fmt: skip
DECLARED = Declaration("meet", VARIABLES, meet, OPTIONAL)


def test_a_persons_account_is_enough() -> None:
    """What is left empty takes its default: Google's own address, its usual quota."""
    block = DECLARED.build({"MEET_HOSTS": json.dumps({"host-1": USER}), "MEET_ENDPOINT": ""})
    assert isinstance(block, Meet)
    assert (block.endpoint, block.quota_factor) == (ENDPOINT, 1)
    assert block.hosts.get_secret_value() == {"host-1": USER}


def test_the_sandbox_fills_it() -> None:
    """Its two accounts, its address, its quota."""
    env = MeetServer(accounts={"host-1": "a", "host-2": "b"}, port=7, quota_factor=20).describe().env
    block = DECLARED.build(env)
    assert isinstance(block, Meet)
    assert (block.endpoint, block.quota_factor) == ("http://127.0.0.1:7", 20)
    assert set(block.hosts.get_secret_value()) == {"host-1", "host-2"}


def test_accounts_that_are_no_json() -> None:
    """Said so, with how it must look."""
    with pytest.raises(ValueError, match=r"MEET_HOSTS must be a JSON object") as caught:
        DECLARED.build({"MEET_HOSTS": f"{SECRET}"})
    assert SECRET not in str(caught.value)


WRONG = {
    "MEET_HOSTS": (json.dumps({"host-1": {**USER, "client_id": 7}}), "client_id"),
    "MEET_ENDPOINT": ("http://meet.example", "must be https://HOST"),
    "MEET_QUOTA_FACTOR": ("much", "valid integer"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_variable_is_named(name: str) -> None:
    """The variable and what is wrong with it, never a secret."""
    value, told = WRONG[name]
    env = {"MEET_HOSTS": json.dumps({"host-1": USER}), name: value}
    with pytest.raises(ValidationError) as caught:
        DECLARED.build(env)
    (line,) = DECLARED.explain(caught.value, env)
    assert line.startswith(f"{name} is wrong, for block 'meet'")
    assert told in line
    assert SECRET not in line


def test_without_accounts_it_is_missing() -> None:
    """The one variable that has no default."""
    assert DECLARED.missing({}) == ["MEET_HOSTS"]
