"""Field encryption: AES-256-GCM with rotating keys, and blind indexes for equality.

Keys are handed in by whoever opens the database, carried by its engine, and found again on every
connection: a write without them fails and never stores plain text.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.types import TypeDecorator

OPTION: Final = "trellis_cipher"
"""The engine's execution option that holds its Cipher."""

VERSION: Final = "v1"
MIN_KEY_CHARACTERS: Final = 32
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
INDEX_BYTES: Final = 16


class EncryptionError(Exception):
    """Values cannot be encrypted or read: no key, an unknown one, or a value that was moved."""


class Sealed(str):
    """An encrypted value: `v1.<key id>.<nonce and ciphertext>`; the only text that is stored."""

    __slots__ = ()

    @property
    def key_id(self) -> str:
        """Gives the id of the key that sealed it."""
        return self.split(".", 2)[1] if self.count(".") == 2 else ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value belongs. What was sealed for one place does not open at another."""

    scope: str
    record: str
    field: str

    def __bytes__(self) -> bytes:
        return "\0".join((VERSION, self.scope, self.record, self.field)).encode()


class SealedText(TypeDecorator[Sealed]):
    """A text column that takes nothing but what was sealed."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: sa.Dialect) -> str | None:
        """Raises TypeError for plain text."""
        if value is None or isinstance(value, Sealed):
            return value
        raise TypeError(f"a column of encrypted values takes only Sealed, not {type(value)}")

    def process_result_value(self, value: object, dialect: sa.Dialect) -> Sealed | None:
        """Gives the value, still sealed."""
        return None if value is None else Sealed(value)


@dataclass(frozen=True)
class Key:
    """One secret with what is derived from it; its id tells nothing about it."""

    secret: str

    def derive(self, purpose: str) -> bytes:
        """Gives a key of its own for a purpose (HKDF, RFC 5869)."""
        made = HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"trellis {purpose}".encode())
        return made.derive(self.secret.encode())

    @cached_property
    def id(self) -> str:
        """Eight hexadecimal digits."""
        return self.derive("key id").hex()[:8]

    @cached_property
    def box(self) -> AESGCM:
        """What seals and opens."""
        return AESGCM(self.derive("field encryption"))

    @cached_property
    def _index_keys(self) -> dict[str, bytes]:
        return {}

    def index(self, text: str, field: str) -> str:
        """Gives the blind index of a text in a field: the same for the same text, and no more."""
        known = self._index_keys.get(field)
        if known is None:
            known = self._index_keys[field] = self.derive(f"blind index {field}")
        return hmac.digest(known, text.encode(), "sha256")[:INDEX_BYTES].hex()


class Cipher:
    """Seals with the first of some keys and opens with any of them.

    Raises EncryptionError for no keys at all and for one shorter than 32 characters.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        short = [place for place, secret in enumerate(secrets, 1) if not is_long_enough(secret)]
        if short or not secrets:
            which = f"key {short[0]} is shorter than" if short else "there is no key; one has"
            raise EncryptionError(f"encryption keys: {which} {MIN_KEY_CHARACTERS} characters")
        self.keys = tuple(Key(secret) for secret in dict.fromkeys(secrets))
        self._by_id = {key.id: key for key in self.keys}

    def seal(self, text: str, place: Place) -> Sealed:
        """Gives a text encrypted for one place; twice the same text gives different results."""
        nonce, key = os.urandom(NONCE_BYTES), self.keys[0]
        box = key.box.encrypt(nonce, text.encode(), bytes(place))
        return Sealed(f"{VERSION}.{key.id}.{base64.urlsafe_b64encode(nonce + box).decode()}")

    def open(self, sealed: str, place: Place) -> str:
        """Gives the text. Raises EncryptionError for an unknown key and for another place."""
        version, _, rest = sealed.partition(".")
        key_id, _, packed = rest.partition(".")
        key = self._by_id.get(key_id)
        where = f"{place.scope}.{place.field} of {place.record}"
        if version != VERSION or key is None:
            raise EncryptionError(
                f"{where}: encrypted with key {key_id!r}, which is not among the "
                f"encryption keys ({', '.join(self._by_id)}); add it to TRELLIS_ENCRYPTION_KEYS"
            )
        try:
            raw = base64.urlsafe_b64decode(packed)
            return key.box.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bytes(place)).decode()
        except (InvalidTag, ValueError) as error:
            raise EncryptionError(f"{where}: the encrypted value is damaged or moved") from error

    def is_current(self, sealed: Sealed) -> bool:
        """Says whether a value was sealed with the key that seals now."""
        return sealed.key_id == self.keys[0].id

    def index(self, text: str, field: str) -> str:
        """Gives the blind index to store."""
        return self.keys[0].index(text, field)

    def indexes(self, text: str, field: str) -> list[str]:
        """Gives all blind indexes by which a text may be stored, the newest first."""
        return [key.index(text, field) for key in self.keys]


def is_long_enough(secret: str) -> bool:
    """Says whether a secret can be a key."""
    return len(secret) >= MIN_KEY_CHARACTERS


def find_cipher(connection: sa.Connection) -> Cipher | None:
    """Gives the cipher of a connection's engine, if it has one."""
    found = connection.get_execution_options().get(OPTION)
    return found if isinstance(found, Cipher) else None


def cipher_of(connection: sa.Connection) -> Cipher:
    """Gives the cipher of a connection's engine. Raises EncryptionError without one."""
    found = find_cipher(connection)
    if found is None:
        raise EncryptionError(
            "there are no encryption keys: name them in TRELLIS_ENCRYPTION_KEYS, "
            "or run `trellis init`, which makes one in the instance"
        )
    return found


def engine_options(cipher: Cipher | None) -> dict[str, Any]:
    """Gives the execution options that make an engine carry a cipher."""
    return {} if cipher is None else {OPTION: cipher}
