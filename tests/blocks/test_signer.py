"""Keys: opened by who may, refused with a reason, and shown to nobody."""

import copy
import pickle
from collections.abc import Callable

import pytest
from eth_account import Account
from pydantic import SecretStr, ValidationError

from blocks.jobs_problem import KeyLocked
from blocks.signer import KeystoreKey, LocalSigner, RawKey
from sandbox.chain.accounts import OPERATOR
from tests.blocks.conftest import PASSPHRASE, keystore

VARIABLE = "JOBS_TEST_PASSPHRASE"
BLOCK = "jobs-contract"
FIELDS = {
    "type": 2, "chainId": 31337, "nonce": 0, "gas": 21_000, "maxFeePerGas": 2, "maxPriorityFeePerGas": 1,
    "to": b"\xa1" * 20, "value": 0, "data": b"",
}  # fmt: skip


@pytest.fixture(scope="module")
def sealed() -> SecretStr:
    return SecretStr(keystore())


async def test_a_keystore_opens_with_its_passphrase(
    sealed: SecretStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The passphrase comes from the worker's environment, the key from the Block; together they sign."""
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    signer = await KeystoreKey(keystore=sealed, passphrase_variable=VARIABLE).unlock(BLOCK)
    assert signer.address.lower() == OPERATOR.address
    signed = signer.sign(FIELDS)
    assert Account.recover_transaction(signed.raw) == signer.address
    assert signed.tx_hash.startswith("0x")
    assert len(signed.tx_hash) == 66


@pytest.mark.parametrize(
    ("passphrase", "told"),
    [(None, f"the environment variable {VARIABLE} is not set"), ("wrong-3Jd8", "does not open the keystore")],
)
async def test_a_keystore_that_stays_shut(
    sealed: SecretStr, monkeypatch: pytest.MonkeyPatch, passphrase: str | None, told: str
) -> None:
    """No passphrase, or a wrong one: said so, and neither is quoted."""
    if passphrase:
        monkeypatch.setenv(VARIABLE, passphrase)
    with pytest.raises(KeyLocked, match=f"{BLOCK}: .*{told}") as caught:
        await KeystoreKey(keystore=sealed, passphrase_variable=VARIABLE).unlock(BLOCK)
    assert not caught.value.heals
    assert str(passphrase) not in str(caught.value)


async def test_a_keystore_that_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the form of one, and nothing in it."""
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    hollow = KeystoreKey(keystore=SecretStr('{"version": 3, "crypto": {}}'), passphrase_variable=VARIABLE)
    with pytest.raises(KeyLocked, match="does not open"):
        await hollow.unlock(BLOCK)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "crypto": {}}', OPERATOR.key])
def test_what_is_no_keystore(text: str) -> None:
    """A key pasted into the wrong field is not shown by the complaint."""
    with pytest.raises(ValidationError, match="Keystore V3") as caught:
        KeystoreKey.model_validate({"keystore": text, "passphrase_variable": VARIABLE})
    assert OPERATOR.key[-8:] not in str(caught.value)


@pytest.mark.parametrize("places", [{}, {"passphrase_variable": VARIABLE, "passphrase_block": "secret"}])
def test_a_passphrase_has_one_place(sealed: SecretStr, places: dict[str, str]) -> None:
    """Not none, and not two that may differ."""
    with pytest.raises(ValidationError, match="either passphrase_block or passphrase_variable"):
        KeystoreKey(keystore=sealed, **places)


async def test_a_raw_key_signs() -> None:
    """Whatever its letters' case."""
    for key in (OPERATOR.key, "0x" + OPERATOR.key[2:].upper()):
        signer = await RawKey(key=SecretStr(key)).unlock(BLOCK)
        assert signer.address.lower() == OPERATOR.address


@pytest.mark.parametrize(
    "key", ["", OPERATOR.key[2:], OPERATOR.key[:-1], OPERATOR.key + "0", "0x" + "g" * 64]
)
def test_what_is_no_key(key: str) -> None:
    """It is not shown, for it may be most of one."""
    with pytest.raises(ValidationError, match="0x and 64 hex digits") as caught:
        RawKey.model_validate({"key": key})
    assert not key or key[-8:] not in str(caught.value)


@pytest.mark.parametrize("number", ["0" * 64, "f" * 64])
async def test_a_number_off_the_curve(number: str) -> None:
    """Sixty-four digits are not yet a key."""
    with pytest.raises(KeyLocked, match="no private key"):
        await RawKey(key=SecretStr("0x" + number)).unlock(BLOCK)


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_signer_is_not_copied(way: Callable[[object], object]) -> None:
    """Neither into another process nor into a stored result."""
    with pytest.raises(TypeError, match="must not leave"):
        way(LocalSigner(OPERATOR.key))


def test_a_signer_shows_its_address_only() -> None:
    """In a log, a debugger's list, a failed assertion."""
    signer = LocalSigner(OPERATOR.key)
    assert repr(signer) == str(signer) == f"LocalSigner({signer.address})"
    assert not hasattr(signer, "__dict__")
