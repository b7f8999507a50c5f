"""Signed heads of the chain, kept in files of the instance: what was cut off is missed."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from trellis.audit.canonical import plain
from trellis.audit.sequencer import head_of, sequence
from trellis.audit.verify import Head, head_message, read_heads
from trellis.config import Settings
from trellis.db import Database

logger = logging.getLogger(__name__)

KEY_FILE = "audit_key"
FOLDER, HEADS, PUBLIC_KEY = "audit", "heads.jsonl", "public_key"


@dataclass(frozen=True, slots=True)
class Seals:
    """The signing key and the signed heads of one instance."""

    instance: Path

    @property
    def folder(self) -> Path:
        """Gives the folder of heads and public key."""
        return self.instance / FOLDER

    @property
    def heads(self) -> Path:
        """Gives the file of heads, one a line."""
        return self.folder / HEADS

    def key(self) -> Ed25519PrivateKey:
        """Gives the signing key; makes it, readable for its owner only, when there is none."""
        path = self.instance / KEY_FILE
        made = Ed25519PrivateKey.generate()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text("ascii")))
        with os.fdopen(descriptor, "w") as file:
            file.write(made.private_bytes_raw().hex())
        return made

    def public_key(self) -> str:
        """Gives the public key in hexadecimal."""
        return self.key().public_key().public_bytes_raw().hex()

    def read(self) -> list[Head]:
        """Gives all heads."""
        return read_heads(self.heads)

    def append(self, sequence_number: int, digest: str, now: datetime) -> Mapping[str, object]:
        """Signs a head and writes it to the disk for good."""
        at = str(plain(now))
        signature = self.key().sign(head_message(sequence_number, digest, at)).hex()
        head = {"sequence": sequence_number, "hash": digest, "at": at, "signature": signature}
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / PUBLIC_KEY).write_text(self.public_key() + "\n", "ascii")
        with self.heads.open("a", encoding="utf-8") as file:
            file.write(json.dumps(head) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return head


def seal(database: Database, settings: Settings) -> Mapping[str, object] | None:
    """Numbers what is committed and signs the head; None when it is signed already."""
    sequence(database)
    seals = Seals(settings.instance)
    with database.read() as connection:
        number, digest = head_of(connection)
    known = seals.read()
    if not number or (known and known[-1]["hash"] == digest):
        return None
    return seals.append(number, digest, datetime.now(UTC))


def is_signed(key: str, message: bytes, signature: str) -> bool:
    """Says whether a signature fits, by the fast library."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), message)
    except (ValueError, InvalidSignature):
        return False
    return True
