"""Signatures of packages: who vouches for exactly these files (Ed25519, RFC 8032)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from metadata.json_text import mapping, read_json, text
from metadata.problems import Problem

SIGNATURE: Final = "signature.json"
ALGORITHM: Final = "ed25519"
KEY_BYTES: Final = 32


class Trust(StrEnum):
    """How far the files of a package can be trusted."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    UNSIGNED = "unsigned"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a package's signature says. `key` is the public key, "" without a readable one.

    `problems` is what differs from what was signed: paths are files.
    """

    trust: Trust
    key: str = ""
    problems: tuple[Problem, ...] = ()


def make_key() -> str:
    """Makes a new private key, as text to be kept secret."""
    return encoded(Ed25519PrivateKey.generate().private_bytes_raw())


def public_key(private: str) -> str:
    """Gives the public key of a private one. Raises ValueError for what is no key."""
    return encoded(private_key(private).public_key().public_bytes_raw())


def private_key(written: str) -> Ed25519PrivateKey:
    """Reads a private key. Raises ValueError for what is none."""
    return Ed25519PrivateKey.from_private_bytes(decoded(written))


def sign(files: Mapping[str, bytes], private: str) -> bytes:
    """Gives the content of `signature.json` for a package's files. Raises ValueError: no key."""
    digests = digests_of(files)
    signed = private_key(private).sign(message(digests))
    document = {
        "algorithm": ALGORITHM,
        "key": public_key(private),
        "files": digests,
        "signature": encoded(signed),
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def read_signature(files: Mapping[str, bytes], trusted: Collection[str]) -> Signature:
    """Says whether a package's files are the ones somebody signed, and whether we know who."""
    if SIGNATURE not in files:
        return Signature(Trust.UNSIGNED)
    document, problems = read_json(files[SIGNATURE])
    body = mapping(document)
    key, written = text(body.get("key")) or "", text(body.get("signature")) or ""
    digests = {name: str(one) for name, one in mapping(body.get("files")).items()}
    if problems or body.get("algorithm") != ALGORITHM or not verifies(key, written, digests):
        return Signature(Trust.BROKEN, "", (Problem(SIGNATURE, "signature_broken"),))
    differing = tuple(differences(digests, digests_of(files)))
    if differing:
        return Signature(Trust.BROKEN, key, differing)
    return Signature(Trust.TRUSTED if key in trusted else Trust.UNKNOWN, key)


def differences(signed: Mapping[str, str], found: Mapping[str, str]) -> list[Problem]:
    """Gives the files that are not as they were signed."""
    codes = {name: "signature_file_missing" for name in signed.keys() - found.keys()}
    codes |= {name: "signature_file_added" for name in found.keys() - signed.keys()}
    both = signed.keys() & found.keys()
    codes |= {name: "signature_file_changed" for name in both if signed[name] != found[name]}
    return [Problem(name, codes[name]) for name in sorted(codes)]


def digests_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Gives the digest of each file but the signature itself, in the order of paths."""
    return {
        name: f"sha256:{sha256(files[name]).hexdigest()}"
        for name in sorted(files)
        if name != SIGNATURE
    }


def message(digests: Mapping[str, str]) -> bytes:
    """Gives the bytes that are signed."""
    return json.dumps(digests, sort_keys=True, separators=(",", ":")).encode()


def verifies(key: str, written: str, digests: Mapping[str, str]) -> bool:
    """Says whether a signature was made with a key over these digests."""
    try:
        made = Ed25519PublicKey.from_public_bytes(decoded(key))
        made.verify(base64.b64decode(written, validate=True), message(digests))
    except (ValueError, InvalidSignature):
        return False
    return True


def encoded(raw: bytes) -> str:
    """Writes bytes as text."""
    return base64.b64encode(raw).decode()


def decoded(written: str) -> bytes:
    """Reads a key. Raises ValueError when it has not the right form or length."""
    try:
        raw = base64.b64decode(written.strip(), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if len(raw) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes")
    return raw
