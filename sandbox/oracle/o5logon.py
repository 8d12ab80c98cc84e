"""O5LOGON, the password check of version 11: it proves that both sides know the password.

Each side makes up half of a key and encrypts it by a hash of the password; the client sends the password itself
encrypted by both halves together.
Source  python-oracledb 26.1, impl/thin/messages/auth.pyx, `_generate_verifier`
"""

import hashlib
import secrets
from functools import cached_property

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

VERIFIER_TYPE = 0x1B25
HALF_BYTES, SALT_BYTES, BLOCK_BYTES = 48, 10, 16
USED = slice(16, 40)  # of each half
KEY_BYTES = 24


class Challenge:
    """One login's secrets. An unknown user gets one too, so that nothing is learned from it."""

    def __init__(self, password: str | None) -> None:
        self._password = (password or secrets.token_hex()).encode()
        self.salt = secrets.token_bytes(SALT_BYTES)
        self._half = secrets.token_bytes(HALF_BYTES)
        self._key = b""

    @cached_property
    def _hash(self) -> bytes:
        return hashlib.sha1(self._password + self.salt).digest() + bytes(4)

    @property
    def half(self) -> bytes:
        """Ours, encrypted."""
        return encrypt(self._hash, self._half)

    def accepts(self, half: bytes, password: bytes) -> bool:
        """Whether the client's half and password, both encrypted, come from somebody who knows the password."""
        theirs = decrypt(self._hash, half)
        mixed = bytes(a ^ b for a, b in zip(self._half[USED], theirs[USED], strict=True))
        self._key = (hashlib.md5(mixed[:16]).digest() + hashlib.md5(mixed[16:]).digest())[:KEY_BYTES]
        padded = decrypt(self._key, password)[BLOCK_BYTES:]
        return secrets.compare_digest(padded[: -padded[-1]], self._password)

    @property
    def proof(self) -> bytes:
        """Shows the client, once accepted, that we know the password too."""
        padding = bytes([BLOCK_BYTES]) * BLOCK_BYTES
        return encrypt(self._key, secrets.token_bytes(BLOCK_BYTES) + b"SERVER_TO_CLIENT" + padding)


def encrypt(key: bytes, data: bytes) -> bytes:
    encryptor = _cipher(key).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def decrypt(key: bytes, data: bytes) -> bytes:
    decryptor = _cipher(key).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def _cipher(key: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(key), modes.CBC(bytes(BLOCK_BYTES)))
